"""Tables of groups: how many persons each has, where no group is small and none can be had by subtraction.

Groups are divided one column after another (county, then sex, then age): every total above a shown group is shown too.
A part with fewer than `k` persons (k-anonymity; Sweeney 2002), or with fewer than `l` kinds of a sensitive value
(l-diversity; Machanavajjhala 2007), is hidden. What its siblings leave of the whole would give it away, so the smallest
sibling that is not small is hidden with it: the rest is then two groups or more and `k` persons or more. A hidden group
is not divided further. Which one is hidden may not tell sizes: between equals a secret decides, always alike.

What a reader can work out of one table is the sum of each set of hidden siblings, and no more, also when they know the
rule. Two tables of the same persons divided in another order may tell more together: give out one
(docs/decisions/0096).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb
import msgspec

from banyan.errors import Invalid, Limit
from banyan.kernel.storage.statements import load_statements
from banyan.limits_mydata import PRIVACY_CELLS, PRIVACY_LEAST_K, PRIVACY_LEVELS

SQL: Final = load_statements("banyan.craft.privacy", "cells.sql", is_portable=False)
_VIEW: Final = "banyan_people"


class Cell(msgspec.Struct, frozen=True):
    """A group by its values in the order of the columns (None: no value), fewer of them for a total; its persons."""

    path: tuple[str | None, ...]
    persons: int


class Table(msgspec.Struct, frozen=True):
    """The groups that pass, totals first; `hidden` parts of them do not, which is for who made the table."""

    cells: tuple[Cell, ...]
    hidden: int


def safe_table(
    people: duckdb.DuckDBPyRelation,
    connection: duckdb.DuckDBPyConnection,
    *,
    person: str,
    columns: Sequence[str],
    k: int,
    secret: bytes,
    sensitive: str = "",
    kinds: int = 1,
) -> Table:
    """The table of `people` (a relation of `connection`, a row a person named by the column `person`) by `columns`.

    `secret` is the data set's own and stays the same. `sensitive` with `kinds` is the option of l-diversity.
    Raises Invalid for a `k` that hides nothing, columns that are
    not there or persons with several rows (group them first), Limit for a table of too many groups.
    """
    _check(people, person, columns, k, sensitive=sensitive, kinds=kinds)
    path = duckdb.FunctionExpression("list_value", *(duckdb.ColumnExpression(name).cast("varchar") for name in columns))
    kind = duckdb.ColumnExpression(sensitive).cast("varchar") if sensitive else duckdb.ConstantExpression("")
    named = duckdb.ColumnExpression(person).cast("varchar")
    view = people.select(path.alias("path"), kind.alias("kind"), named.alias("person"))
    view.create_view(_VIEW, replace=True)
    try:
        return _divided(connection, len(columns), {"k": k, "l": kinds}, secret.hex())
    finally:
        connection.execute(SQL["end"].text)


def _divided(connection: duckdb.DuckDBPyConnection, levels: int, least: dict[str, int], secret: str) -> Table:
    rows, persons = _row(connection, "people")
    if rows != persons:
        raise Invalid.at(
            "person", f"one row a person: {rows - persons} rows are of somebody who has another, or nobody"
        )
    connection.execute(SQL["begin"].text)
    connection.execute(SQL["whole"].text, least)
    hidden = 0
    for level in range(1, levels + 1):
        connection.execute(SQL["divide"].text, {**least, "level": level, "secret": secret})
        hidden += _row(connection, "hidden", level=level)[0]
    found = connection.execute(SQL["shown"].text, {"most": PRIVACY_CELLS + 1}).fetchall()
    if len(found) > PRIVACY_CELLS:
        raise Limit(f"more than {PRIVACY_CELLS} groups", remedy="divide by fewer columns", kind="too-many-groups")
    return Table(tuple(Cell(tuple(path), count) for path, count in found), hidden)


def _row(connection: duckdb.DuckDBPyConnection, name: str, **values: int) -> tuple[int, ...]:
    rows: list[tuple[int, ...]] = connection.execute(SQL[name].text, values).fetchall()
    return rows[0]


def _check(
    people: duckdb.DuckDBPyRelation, person: str, columns: Sequence[str], k: int, *, sensitive: str, kinds: int
) -> None:
    if k < PRIVACY_LEAST_K:
        raise Invalid.at("k", f"at least {PRIVACY_LEAST_K}: a hidden group of fewer than 2 is known to be of 1")
    if not 1 <= len(columns) <= PRIVACY_LEVELS or len(set(columns)) != len(columns):
        raise Invalid.at("columns", f"1 to {PRIVACY_LEVELS} different ones")
    if kinds < 1 or (kinds > 1 and not sensitive):
        raise Invalid.at("kinds", "at least 1; more than 1 of a column named in `sensitive`")
    for name in (person, *columns, *((sensitive,) if sensitive else ())):
        if name not in people.columns:
            raise Invalid.at("columns", f"{name} is none of {', '.join(people.columns)}")
