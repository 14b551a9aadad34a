"""The SQL sandbox's first wall: one SELECT, made of allowed parts only, over named registers only.

The text is parsed (PostgreSQL's dialect, CKAN's), every node of the tree is checked against a list of what is allowed,
tables are replaced by their readers, and DuckDB gets what we write from the tree, never the caller's text.
Source: CKAN 2.12 `datastore_search_sql`; CVE-2026-42031 and -42032 show what a deny-list costs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from banyan.limits import SQL_BYTES, SQL_JOINS, SQL_NODES, SQL_ROWS_ASKED
from banyan.service.opendata.tables.columns import literal, quoted
from banyan.service.opendata.tables.refusals import bad_sql, forbidden, unknown_table

_SHAPES = """
    Select Union Except Intersect Subquery With CTE From Join Where Group Having Order Ordered Limit Offset Distinct
    Table TableAlias Alias Column Identifier Literal Star Null Boolean Paren Tuple Var DataType DataTypeParam Interval
    Add Sub Mul Div Mod Neg DPipe And Or Not EQ NEQ GT GTE LT LTE Is In Between Like ILike SimilarTo Any
    NullSafeEQ NullSafeNEQ Filter Window WindowSpec WithinGroup Rollup Cube GroupingSets Escape
"""
_FUNCTIONS = """
    Count Sum Avg Min Max Stddev StddevPop StddevSamp Variance VariancePop Corr Median Mode PercentileCont
    PercentileDisc LogicalAnd LogicalOr ApproxDistinct GroupConcat
    Abs Ceil Floor Round Trunc Sign Sqrt Pow Ln Log Exp Greatest Least Sin Cos Tan Asin Acos Atan Atan2
    Pi Radians Degrees Lower Upper Trim Length Substring Left Right StrPosition Replace Concat ConcatWs SplitPart
    Reverse StartsWith Coalesce Nullif Case If Cast TryCast Extract TimestampTrunc DateTrunc CurrentDate
    CurrentTimestamp TimeToStr StrToDate Exists RegexpLike RegexpILike RegexpReplace MD5
    RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue
"""
_ALLOWED = frozenset((_SHAPES + _FUNCTIONS).split())
_NAMED = frozenset({"age", "every", "make_date", "regexp_matches", "now", "isfinite"})
_SYSTEM = re.compile(r"^(pg_|duckdb_|sqlite_|information_schema|pragma_|temp$|system$|main$)", re.IGNORECASE)
_CTE_NAME = re.compile(r"^[^\W\d]\w{0,62}$")
_NUMBERED = re.compile(r"^\d{1,7}$")
_TYPES = frozenset(
    {"TEXT", "VARCHAR", "CHAR", "INT", "BIGINT", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN"}
    | {"DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL"}
)


def parse(sql: str) -> exp.Query:
    """The one SELECT of a text, every part of it allowed. Raises Invalid (409) or Denied (403) with CKAN's words."""
    if len(sql.encode("utf-8", "replace")) > SQL_BYTES or "\x00" in sql:
        raise bad_sql("size", "Query is too long")
    try:
        statements = [statement for statement in sqlglot.parse(sql, read="postgres") if statement is not None]
    except RecursionError:
        raise bad_sql("size", "Query is too complex") from None
    except (SqlglotError, ValueError) as error:
        raise _syntax(sql, str(error)) from None
    if len(statements) != 1:
        key, fix = ("not_one", "Query is not a single statement") if statements else ("syntax", "Missing value")
        raise bad_sql(key, fix, **({} if statements else {"detail": "-"}))
    return _checked(sql, statements[0])


def tables_of(query: exp.Query) -> tuple[str, ...]:
    """The registers a query reads, each once, in the order they stand."""
    own = _own_names(query)
    names = [table.name for table in query.find_all(exp.Table) if table.name not in own]
    return tuple(dict.fromkeys(names))


def rewritten(query: exp.Query, sources: Mapping[str, tuple[str, tuple[str, ...]]]) -> str:
    """DuckDB's text of the query, each register replaced by a reader of its file: name -> (path, columns).

    At most SQL_ROWS_ASKED rows are asked for. Raises NotFound (404) for a register that `sources` lacks.
    """
    own = _own_names(query)
    for table in list(query.find_all(exp.Table)):
        if table.name not in own:
            table.replace(_reader(table, sources))
    _name_columns(query)
    return f"SELECT * FROM ({query.sql(dialect='duckdb', comments=False)}) AS blah LIMIT {SQL_ROWS_ASKED}"


def _name_columns(query: exp.Query) -> None:
    """Give unnamed columns the names PostgreSQL gives them (`count(*)` is `count`), where no two are alike."""
    first = query
    while isinstance(first, exp.SetOperation):
        first = first.left
    if not isinstance(first, exp.Select):
        return
    named = {column.alias_or_name for column in first.expressions}
    for column in list(first.expressions):
        name = _own_name(column)
        if name and name not in named:
            named.add(name)
            column.replace(exp.alias_(column.copy(), name, quoted=True))


def _own_name(column: exp.Expr) -> str:
    if isinstance(column, exp.Filter | exp.Window | exp.WithinGroup):
        return _own_name(column.this)
    if isinstance(column, exp.Cast):
        return "" if isinstance(column.this, exp.Column) else _own_name(column.this)
    if isinstance(column, exp.Func) and not isinstance(column, exp.Connector):
        return column.name.lower() if isinstance(column, exp.Anonymous) else column.sql_name().lower()
    return "" if isinstance(column, exp.Column | exp.Alias | exp.Star | exp.Subquery) else "?column?"


def _checked(sql: str, statement: exp.Expr) -> exp.Query:
    if not isinstance(statement, exp.Select | exp.SetOperation):
        if isinstance(statement, exp.Column | exp.Alias | exp.Literal | exp.Paren):
            raise _syntax(sql, "")
        raise bad_sql("not_select", f"Invalid query AST element: {_element(statement)}", element=_element(statement))
    nodes = list(statement.walk())
    if len(nodes) > SQL_NODES or sum(isinstance(node, exp.Join | exp.SetOperation) for node in nodes) > SQL_JOINS:
        raise bad_sql("size", "Query is too complex")
    for node in nodes:
        _check_node(node)
    return statement


def _check_node(node: exp.Expr) -> None:
    name = type(node).__name__
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in _NAMED:
            raise _function(node.name)
    elif isinstance(node, exp.Func) and name not in _ALLOWED:
        raise _function(node.sql_name().lower())
    elif name not in _ALLOWED:
        raise bad_sql("not_select", f"Invalid query AST element: {name}", element=name)
    if isinstance(node, exp.Table):
        _check_table(node)
    elif isinstance(node, exp.With) and node.args.get("recursive"):
        raise bad_sql("not_select", "Invalid query AST element: WITH RECURSIVE", element="WITH RECURSIVE")
    elif isinstance(node, exp.CTE) and not _CTE_NAME.match(node.alias):
        raise bad_sql("not_select", f"Invalid query AST element: WITH {node.alias}", element=node.alias)
    elif isinstance(node, exp.DataType) and node.this.name not in _TYPES:
        raise bad_sql("not_select", f"Invalid query AST element: {node.this.name}", element=node.this.name)
    elif isinstance(node, exp.Limit | exp.Offset):
        _check_bound(node)


def _check_table(table: exp.Table) -> None:
    if _SYSTEM.match(table.name) or (table.db and _SYSTEM.match(table.db)):
        raise forbidden("system_table", "Not authorized to access system tables")
    if table.db or table.catalog:
        raise unknown_table(".".join(part for part in (table.catalog, table.db, table.name) if part))
    if isinstance(table.this, exp.Func):
        raise _function(table.this.name or table.this.sql_name().lower())
    extra = [key for key, value in table.args.items() if value and key not in ("this", "alias", "joins")]
    if extra or not isinstance(table.this, exp.Identifier):
        raise bad_sql("not_select", f"Invalid query AST element: {' '.join(extra)}", element=" ".join(extra))


def _check_bound(node: exp.Expr) -> None:
    bound = node.expression
    if not isinstance(bound, exp.Literal) or not _NUMBERED.match(bound.name):
        raise bad_sql("not_select", "Invalid query AST element: LIMIT", element="LIMIT")


def _own_names(query: exp.Query) -> frozenset[str]:
    return frozenset(cte.alias for cte in query.find_all(exp.CTE))


def _reader(table: exp.Table, sources: Mapping[str, tuple[str, tuple[str, ...]]]) -> exp.Expr:
    found = sources.get(table.name)
    if found is None:
        raise unknown_table(table.name)
    path, columns = found
    names = ", ".join(quoted(column) for column in columns)
    select = sqlglot.parse_one(f"SELECT {names} FROM read_parquet({literal(path)})", read="duckdb")
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
    return exp.Subquery(this=select, alias=alias.copy(), joins=[join.copy() for join in table.args.get("joins") or []])


def _function(name: str) -> Exception:
    return forbidden("function", f"Not authorized to call function {name}", name=name)


def _syntax(sql: str, detail: str) -> Exception:
    word = sql.split(maxsplit=1)[0] if sql.split() else ""
    fix = f'Invalid SQL: syntax error at or near "{word}", at index 0'
    said = re.sub(r"\x1b\[[0-9;]*m", "", detail).split("\n", 1)[0][:200]
    return bad_sql("syntax", fix, detail=said or word)


def _element(statement: exp.Expr) -> str:
    if isinstance(statement, exp.Command):
        return f"{str(statement.this).title()}Stmt"
    return f"{type(statement).__name__}Stmt"
