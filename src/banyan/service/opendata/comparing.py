"""Compares two Parquet versions of a table row by row. Runs in the reading process (worker.py), on DuckDB.

Cells are compared as text, what did not fit a column's type included. With a key, rows are matched by it; without
one, a row is the same when all its common cells are. A column that says one time for the whole file (來源資料時間 of
the 2020 mask list) is the version's as-of, not a change of each of its rows, and is not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import msgspec

from banyan.limits import DELTA_BYTES, DELTA_KEYS, INGEST_MEMORY_BYTES
from banyan.service.opendata.model import Column
from banyan.service.opendata.tables.columns import literal, quoted

Key = tuple[str | None, ...]


class Side(msgspec.Struct, frozen=True):
    """One version: its file and its columns."""

    parquet: Path
    columns: tuple[Column, ...]


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keys of the rows that differ, up to DELTA_KEYS of each kind; `rows` are the new cells of the added and changed
    ones when all of them fit DELTA_BYTES. `is_whole` is false when something was left out."""

    key: tuple[str, ...] = ()
    added: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    gone: tuple[Key, ...] = ()
    fields: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    is_whole: bool = True


class Comparison(msgspec.Struct, frozen=True):
    """Counts of rows, and which they are."""

    added: int
    changed: int
    gone: int
    same: int
    delta: Delta = Delta()


def compare_files(old: Side, new: Side, *, key: Sequence[str], renamed: Sequence[tuple[str, str]]) -> Comparison:
    """Compare. `key` are names of the new version; without one, or when a version lacks it, whole rows are matched."""
    former = {after: before for before, after in renamed}
    before = {column.name: column for column in old.columns}
    common = [
        (before[former.get(column.name, column.name)], column)
        for column in new.columns
        if former.get(column.name, column.name) in before
    ]
    common = [pair for pair in common if pair[1].name in key or not all(map(_stamps_file, pair))]
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = ?", [f"{INGEST_MEMORY_BYTES >> 20}MiB"])
        connection.execute("SET preserve_insertion_order = false")
        keyed = bool(key) and set(key) <= {column.name for _, column in common}
        if keyed:
            return _by_key(connection, (old, new), common, key)
        return _by_row(connection, (old, new), common)


def _stamps_file(column: Column) -> bool:
    return column.type == "datetime" and column.distinct == 1 and not column.nulls


def _text(column: Column) -> str:
    cell = f"CAST({quoted(column.name)} AS VARCHAR)"
    return f"COALESCE({cell}, {quoted(column.raw)})" if column.raw else cell


def _by_key(
    connection: duckdb.DuckDBPyConnection,
    sides: tuple[Side, Side],
    common: Sequence[tuple[Column, Column]],
    key: Sequence[str],
) -> Comparison:
    keys = [pair for name in key for pair in common if pair[1].name == name]
    cells = [pair for pair in common if pair[1].name not in key]
    for name, side, at in (("old", sides[0], 0), ("new", sides[1], 1)):
        columns = [f"{_text(pair[at])} AS k{n}" for n, pair in enumerate(keys)]
        columns += [f"{_text(pair[at])} AS c{n}" for n, pair in enumerate(cells)]
        over = ", ".join(_text(pair[at]) for pair in keys)
        connection.execute(
            f"CREATE TEMP VIEW {name}_rows AS SELECT {', '.join(columns)}, _id,"
            f" row_number() OVER (PARTITION BY {over} ORDER BY _id) AS turn"
            f" FROM read_parquet({literal(str(side.parquet))})"
        )
    on = " AND ".join(
        [*(f"o.k{n} IS NOT DISTINCT FROM n.k{n}" for n in range(len(keys))), "o.turn IS NOT DISTINCT FROM n.turn"]
    )
    differs = " OR ".join(f"o.c{n} IS DISTINCT FROM n.c{n}" for n in range(len(cells))) or "FALSE"
    picked = ", ".join(f"COALESCE(n.k{n}, o.k{n}) AS k{n}" for n in range(len(keys)))
    connection.execute(
        f"CREATE TEMP TABLE delta AS SELECT {picked}, COALESCE(n._id, o._id) AS place,"
        f" CASE WHEN o._id IS NULL THEN 'added' WHEN n._id IS NULL THEN 'gone' ELSE 'changed' END AS kind"
        f" FROM old_rows o FULL OUTER JOIN new_rows n ON {on}"
        f" WHERE o._id IS NULL OR n._id IS NULL OR {differs}"
    )
    counts = {
        str(kind): int(count) for kind, count in _all(connection, "SELECT kind, count(*) FROM delta GROUP BY kind")
    }
    total = int(_all(connection, "SELECT count(*) FROM new_rows")[0][0])
    added, changed, gone = (counts.get(kind, 0) for kind in ("added", "changed", "gone"))
    return Comparison(
        added, changed, gone, total - added - changed, _delta(connection, sides[1], tuple(key), (added, changed, gone))
    )


def _delta(
    connection: duckdb.DuckDBPyConnection, new: Side, key: tuple[str, ...], counts: tuple[int, int, int]
) -> Delta:
    names = ", ".join(f"k{n}" for n in range(len(key)))
    kinds: dict[str, tuple[Key, ...]] = {}
    for kind in ("added", "changed", "gone"):
        found = _all(connection, f"SELECT {names} FROM delta WHERE kind = ? ORDER BY place LIMIT {DELTA_KEYS}", kind)
        kinds[kind] = tuple(tuple(row) for row in found)
    is_whole = max(counts) <= DELTA_KEYS
    rows: tuple[tuple[str | None, ...], ...] = ()
    if is_whole:
        cells = ", ".join(_text(column) for column in new.columns)
        found = _all(
            connection,
            f"SELECT {cells} FROM read_parquet({literal(str(new.parquet))})"
            " WHERE _id IN (SELECT place FROM delta WHERE kind <> 'gone') ORDER BY _id",
        )
        rows = tuple(tuple(row) for row in found)
    delta = Delta(key=key, **kinds, fields=tuple(column.name for column in new.columns), rows=rows, is_whole=is_whole)
    return _fitted(delta)


def _fitted(delta: Delta) -> Delta:
    """The delta within DELTA_BYTES: first without rows, then without keys."""
    for smaller in (delta, msgspec.structs.replace(delta, rows=(), fields=(), is_whole=False)):
        if len(msgspec.json.encode(smaller)) <= DELTA_BYTES:
            return smaller
    return Delta(key=delta.key, is_whole=False)


def _by_row(
    connection: duckdb.DuckDBPyConnection, sides: tuple[Side, Side], common: Sequence[tuple[Column, Column]]
) -> Comparison:
    for name, side, at in (("old", sides[0], 0), ("new", sides[1], 1)):
        cells = ", ".join(f"COALESCE(length({_text(pair[at])}) || ':' || {_text(pair[at])}, '-')" for pair in common)
        print_of_row = f"md5_number(concat({cells}))" if common else "0"
        connection.execute(
            f"CREATE TEMP VIEW {name}_rows AS SELECT {print_of_row} AS print, count(*) AS rows"
            f" FROM read_parquet({literal(str(side.parquet))}) GROUP BY print"
        )
    ((added, gone, same),) = _all(
        connection,
        "SELECT coalesce(sum(greatest(coalesce(n.rows, 0) - coalesce(o.rows, 0), 0)), 0),"
        " coalesce(sum(greatest(coalesce(o.rows, 0) - coalesce(n.rows, 0), 0)), 0),"
        " coalesce(sum(least(coalesce(o.rows, 0), coalesce(n.rows, 0))), 0)"
        " FROM old_rows o FULL OUTER JOIN new_rows n ON o.print = n.print",
    )
    return Comparison(int(added), 0, int(gone), int(same), Delta(is_whole=not (added or gone)))


def _all(connection: duckdb.DuckDBPyConnection, text: str, *values: str) -> list[tuple[str, ...]]:
    return connection.execute(text, list(values)).fetchall()
