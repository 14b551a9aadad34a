"""Counts over a version's Parquet, by DuckDB: how many cells match each pattern, and which rows show it.

Bounded: QUALITY_ROWS rows evenly spread, QUALITY_COLUMNS columns, QUALITY_TIME_S in all, own memory limit, two
threads. Each text column is grouped first, so a million repeats of one value cost one match. Identifiers enter the SQL
only through `quoted`; patterns and paths are parameters or literals of ours.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import duckdb
import msgspec

from banyan.limits import (
    QUALITY_CANDIDATES,
    QUALITY_COLUMNS,
    QUALITY_EXAMPLES,
    QUALITY_LOUD_ROWS,
    QUALITY_MEMORY_BYTES,
    QUALITY_ROWS,
    QUALITY_TIME_S,
)
from banyan.service.opendata.model import Column
from banyan.service.opendata.quality.patterns import ANY, EXCEPT, FOOTER, SHAPES
from banyan.service.opendata.quality.personal import CANDIDATE
from banyan.service.opendata.tables.columns import literal, quoted

_CELL = 120
"""Characters of a cell shown as evidence."""


class Hit(msgspec.Struct, frozen=True):
    """A cell that matched: the row's number in the source and the start of its text."""

    row: int
    text: str


class ColumnScan(msgspec.Struct, frozen=True):
    """One text column: cells that are not empty, how many match each pattern, and the first that do."""

    column: str
    filled: int
    counts: dict[str, int]
    hits: dict[str, tuple[Hit, ...]]
    candidates: tuple[Hit, ...] = ()
    """Cells that may hold a person's number, at most QUALITY_CANDIDATES."""


class Scan(msgspec.Struct, frozen=True):
    """What was seen of one table. `scanned` rows of `rows`; `is_whole` when time sufficed for all columns."""

    rows: int
    scanned: int
    is_whole: bool
    columns: tuple[ColumnScan, ...]
    duplicate_rows: int
    duplicate_keys: int
    duplicate_examples: tuple[str, ...]
    footer: tuple[Hit, ...]


class _OutOfTime(Exception):
    """The scan's time is used up; what was counted so far stands."""


def scan(parquet: Path, columns: Sequence[Column], *, key: Sequence[str] = (), time_s: float = QUALITY_TIME_S) -> Scan:
    """Look through a table. Blocking: call it in a thread. Raises nothing for odd data."""
    rows, doubles, keys, whole = 0, 0, 0, True
    examples: tuple[str, ...] = ()
    footer: tuple[Hit, ...] = ()
    found: list[ColumnScan] = []
    source = f"read_parquet({literal(str(parquet))})"
    with _connection(time_s) as run:
        try:
            rows = int(run(f"SELECT count(*) FROM {source}")[0][0])
            table = _sample(source, rows)
            footer = _footer(run, source, columns)
            keys, examples = _duplicate_keys(run, table, key)
            doubles = _duplicate_rows(run, table, columns)
            for name, shown in _text_columns(columns):
                found.append(_column(run, table, name, shown))
        except _OutOfTime:
            whole = False
    whole = whole and len(columns) <= QUALITY_COLUMNS
    return Scan(rows, rows // _step(rows), whole, tuple(found), doubles, keys, examples, footer)


def suspects(parquet: Path, columns: Sequence[Column], *, time_s: float) -> Scan:
    """Only what must be said before publication: cells that may hold a person's number or a formula. Quick: one pass
    over QUALITY_LOUD_ROWS rows, evenly spread; a column of such cells cannot hide between them. Blocking."""
    rows, whole = 0, True
    found: list[ColumnScan] = []
    source = f"read_parquet({literal(str(parquet))})"
    with _connection(time_s) as run:
        try:
            rows = int(run(f"SELECT count(*) FROM {source}")[0][0])
            table = _sample(source, rows, QUALITY_LOUD_ROWS)
            for name, shown in _text_columns(columns):
                found.append(_suspects(run, table, name, shown))
        except _OutOfTime:
            whole = False
    return Scan(rows, rows // _step(rows, QUALITY_LOUD_ROWS), whole, tuple(found), 0, 0, (), ())


def _suspects(run: _Run, table: str, name: str, shown: str) -> ColumnScan:
    found: list[tuple[Hit, ...]] = []
    for pattern in (CANDIDATE, ANY["formula"]):
        test = f"regexp_matches({quoted(name)}, {literal(pattern)})"
        rows = run(f"SELECT _id, {quoted(name)} FROM {table} WHERE {test} LIMIT {QUALITY_CANDIDATES}")
        found.append(tuple(sorted((Hit(at, text[:4_000]) for at, text in rows), key=lambda hit: hit.row)))
    people, formulas = found
    shown_hits = tuple(Hit(hit.row, hit.text[:_CELL]) for hit in formulas[:QUALITY_EXAMPLES])
    counts = {"formula": len(formulas)} if formulas else {}
    return ColumnScan(shown, 0, counts, {"formula": shown_hits} if formulas else {}, people)


def _step(rows: int, most: int = QUALITY_ROWS) -> int:
    return max(1, -(-rows // most))


def _sample(source: str, rows: int, most: int = QUALITY_ROWS) -> str:
    """The whole table, or every n-th row of a large one."""
    step = _step(rows, most)
    return f"(SELECT * FROM {source} WHERE _id % {step} = 0)" if step > 1 else source


def _text_columns(columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """(name in the file, name shown): text columns, and the raw text of cells that did not fit."""
    for column in columns[:QUALITY_COLUMNS]:
        if column.type in ("text", "json") and column.role != "geometry":
            yield column.name, column.name
        if column.raw:
            yield column.raw, column.name


def _column(run: _Run, table: str, name: str, shown: str) -> ColumnScan:
    """Group the column's values once; then count shapes over all groups, and faults over the few that show any."""
    cell = quoted(name)
    kept = f"SELECT {cell} AS c, count(*) AS n, min(_id) AS i FROM {table} WHERE {cell} <> '' GROUP BY 1"
    run(f"CREATE OR REPLACE TEMP TABLE cells AS {kept}")
    filled = int(run("SELECT coalesce(sum(n), 0) FROM cells")[0][0])
    every = "|".join(f"({pattern})" for pattern in ANY.values())
    odd = f"(SELECT * FROM cells WHERE regexp_matches(c, {literal(every)}))"
    found = {**_counted(run, odd, ANY), **_counted(run, "cells", SHAPES)}
    test = f"regexp_matches(c, {literal(CANDIDATE)})"
    people = run(f"SELECT i, c FROM cells WHERE {test} ORDER BY i LIMIT {QUALITY_CANDIDATES}")
    return ColumnScan(
        shown,
        filled,
        {code: count for code, (count, _) in found.items()},
        {code: hits for code, (_, hits) in found.items()},
        tuple(Hit(at, text[:4_000]) for at, text in people),
    )


def _counted(run: _Run, cells: str, patterns: Mapping[str, str]) -> dict[str, tuple[int, tuple[Hit, ...]]]:
    """Cells that match each pattern, and the first rows that do; patterns without a match are left out."""
    parts = []
    for code, pattern in patterns.items():
        test = f"regexp_matches(c, {literal(pattern)})"
        test += f" AND NOT regexp_matches(c, {literal(EXCEPT[code])})" if code in EXCEPT else ""
        parts.append(f"coalesce(sum(n) FILTER (WHERE {test}), 0)")
        parts.append(f"arg_min({{'i': i, 'c': left(c, {_CELL})}}, i, {QUALITY_EXAMPLES}) FILTER (WHERE {test})")
    (row,) = run(f"SELECT {', '.join(parts)} FROM {cells}")
    found = {}
    for code, count, first in zip(patterns, row[::2], row[1::2], strict=True):
        if count:
            found[code] = (int(count), tuple(Hit(one["i"], one["c"]) for one in first))
    return found


def _duplicate_rows(run: _Run, table: str, columns: Sequence[Column]) -> int:
    """Rows equal to another in every published column."""
    names = ", ".join(quoted(column.name) for column in columns[:QUALITY_COLUMNS])
    return int(run(f"SELECT count(*) - count(DISTINCT hash({names})) FROM {table}")[0][0]) if names else 0


def _duplicate_keys(run: _Run, table: str, key: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Rows beyond the first of each key, and the keys seen most."""
    if not key:
        return 0, ()
    names = ", ".join(quoted(name) for name in key)
    groups = f"SELECT {names}, count(*) AS n FROM {table} GROUP BY ALL HAVING count(*) > 1"
    count = int(run(f"SELECT coalesce(sum(n - 1), 0) FROM ({groups})")[0][0])
    most = run(f"SELECT * FROM ({groups}) ORDER BY n DESC, 1 LIMIT {QUALITY_EXAMPLES}") if count else []
    return count, tuple(" / ".join(str(part) for part in row[:-1])[:_CELL] + f" ×{row[-1]}" for row in most)


def _footer(run: _Run, source: str, columns: Sequence[Column]) -> tuple[Hit, ...]:
    """Totals and notes among the last rows: a footer word in the first columns, most others empty."""
    names = [quoted(column.name) for column in columns[:QUALITY_COLUMNS]]
    if len(names) < 2:
        return ()
    first = f"coalesce({', '.join(f'CAST({name} AS VARCHAR)' for name in names[:3])})"
    empty = " + ".join(f"CASE WHEN {name} IS NULL THEN 1 ELSE 0 END" for name in names)
    last = f"SELECT _id, {first} AS c, {empty} AS e FROM {source} ORDER BY _id DESC LIMIT 10"
    test = f"regexp_matches(c, {literal(FOOTER)})"
    found = run(f"SELECT _id, c FROM ({last}) WHERE {test} AND e * 2 >= {len(names)} ORDER BY 1")
    return tuple(Hit(at, text[:_CELL]) for at, text in found)


class _Run:
    """Runs one statement; interrupts it when the scan's time is used up."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, until: float) -> None:
        self._connection, self._until = connection, until

    def __call__(self, sql: str) -> list[tuple]:  # type: ignore[type-arg]  # rows of data-dependent columns
        left = self._until - monotonic()
        if left <= 0:
            raise _OutOfTime
        timer = threading.Timer(left, self._connection.interrupt)
        timer.start()
        try:
            return self._connection.execute(sql).fetchall()
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise _OutOfTime from error
        finally:
            timer.cancel()


@contextmanager
def _connection(time_s: float) -> Iterator[_Run]:
    limits: Mapping[str, str | int] = {"memory_limit": f"{QUALITY_MEMORY_BYTES >> 20}MiB", "threads": 2}
    connection = duckdb.connect(config=dict(limits))
    try:
        connection.execute("SET temp_directory = ''")
        yield _Run(connection, monotonic() + time_s)
    finally:
        connection.close()
