"""Writing rows into a table: a version and a few records make the Parquet of the next version, staged for publishing.

A version never changes, so one row costs a rewrite: 1M rows x 11 columns take 1 to 2.5 s, whatever the number of
records (docs/decisions/0042). Rows keep their `_id`; new ones follow the largest. What was derived from a cell (its
raw text, the row's place) goes when the cell changes. Semantics: CKAN 2.12 `datastore_upsert`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import duckdb
import msgspec

from banyan.errors import Conflict, NotFound
from banyan.limits import INGEST_MEMORY_BYTES, TABLE_THREADS
from banyan.service.opendata.model import Version
from banyan.service.opendata.tables.columns import ROW_ID, Shape, Stored, coerce, literal, quoted, shape
from banyan.service.opendata.tables.compose import From, Text
from banyan.service.opendata.tables.duck import schema
from banyan.service.opendata.tables.query import Filter, Scalar
from banyan.service.opendata.tables.records import plain_cell
from banyan.service.opendata.tables.refusals import sentence, wrong_value
from banyan.service.opendata.tables.workers import Connection

Method = Literal["insert", "upsert", "update"]
Record = Mapping[str, Scalar]
_SOURCE = "base"
_PLACED = frozenset({"lon", "lat", "x", "y", "address", "county", "town", "village", "geometry"})
"""Roles of columns that say where a row is."""


class Applied(msgspec.Struct, frozen=True):
    """The staged Parquet and what it holds compared with the version it came from."""

    parquet: Path
    rows: int
    added: int
    changed: int
    gone: int


def apply_rows(
    version: Version, parquet: Path, records: Sequence[Record], *, method: Method, key: Sequence[str], work: Path
) -> Applied:
    """Insert, upsert or update records. Fields that a record leaves out stay as they are (null in a new row).

    Blocks; call it in a thread. Raises Invalid (unknown column, wrong value, missing key field), Conflict (`insert` of
    a key that is there), NotFound (`update` of a key that is not).
    """
    with _open(work) as connection:
        base = _base(connection, parquet)
        shaped = shape(version, schema(connection, parquet))
        keys = [shaped.column(name, "key") for name in key]
        if method != "insert" and not keys:
            raise wrong_value("method", f"{method} needs a primary key")
        merged = _merged(shaped, keys, records, once=method == "insert")
        columns = [column for column in shaped.stored if column.name != ROW_ID]
        _stage(connection, columns, [_with_derived(version, record) for record in merged])
        matched = _matched(connection, base, keys, method, len(merged))
        target = work / f"{uuid.uuid4().hex}.parquet"
        _write(connection, _union(base, columns, keys), target)
        return Applied(target, version.rows + len(merged) - matched, len(merged) - matched, matched, 0)


def delete_rows(version: Version, parquet: Path, where: Filter, *, work: Path) -> Applied:
    """Leave out the rows that pass `where`. Blocks. Raises Invalid as a search does."""
    with _open(work) as connection:
        base = _base(connection, parquet)
        text = Text(shape(version, schema(connection, parquet)))
        test = text.test(where)
        target = work / f"{uuid.uuid4().hex}.parquet"
        _write(connection, f"SELECT * FROM {base.text} WHERE ({test}) IS NOT TRUE", target, text.values)
        row = connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(target))})").fetchone()
        assert row is not None, "count(*) gives a row"
        return Applied(target, int(row[0]), 0, 0, version.rows - int(row[0]))


def _open(work: Path) -> Connection:
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET memory_limit = '{INGEST_MEMORY_BYTES}B'")
    connection.execute(f"SET threads = {TABLE_THREADS}")
    connection.execute(f"SET temp_directory = {literal(str(work / 'spill'))}")
    return connection


def _base(connection: Connection, parquet: Path) -> From:
    connection.execute(f"CREATE VIEW {_SOURCE} AS SELECT * FROM read_parquet({literal(str(parquet))})")
    return From(_SOURCE, is_ordered=False)


def _merged(
    shaped: Shape, keys: Sequence[Stored], records: Sequence[Record], *, once: bool
) -> list[dict[str, str | None]]:
    """Records as texts by stored column; of several with one key, later fields win, as if written one by one."""
    found: dict[tuple[str | None, ...] | int, dict[str, str | None]] = {}
    for number, record in enumerate(records):
        cells = {}
        for name, value in record.items():
            column = shaped.column(name, "records")
            if column.name != ROW_ID:
                cells[column.name] = _text(column, value)
        identity: tuple[str | None, ...] | int = number
        if keys:
            missing = [column.name for column in keys if cells.get(column.name) is None]
            if missing:
                raise wrong_value("records", f'fields "{", ".join(missing)}" are missing but needed as key')
            identity = tuple(cells[column.name] for column in keys)
            if once and identity in found:
                raise _taken(identity)
        found[identity] = found.get(identity, {}) | cells
    return list(found.values())


def _text(column: Stored, value: Scalar) -> str | None:
    cell = coerce(column, value, "records")
    return None if cell is None else str(plain_cell(cell))


def _with_derived(version: Version, record: Mapping[str, str | None]) -> dict[str, str | None]:
    """The record with what it makes stale: raw texts are gone, the place follows `lon` and `lat` or is unknown."""
    stale: dict[str, str | None] = {
        column.raw: None for column in version.columns if column.raw and column.name in record
    }
    placed = {column.role: record[column.name] for column in version.columns if column.name in record}
    if _PLACED & placed.keys():
        stale |= dict.fromkeys(("_county", "_town", "_geometry"))
        stale |= {"_lon": placed.get("lon"), "_lat": placed.get("lat")}
    return stale | dict(record)


def _stage(connection: Connection, columns: Sequence[Stored], merged: Sequence[Mapping[str, str | None]]) -> None:
    """The records as a table: each column with its type, and `has_N`: was it given?"""
    parts, values = [], []
    for number, column in enumerate(columns):
        values += [[record.get(column.name) for record in merged], [column.name in record for record in merged]]
        at = 2 * number + 1
        parts.append(f"CAST(unnest(${at}::VARCHAR[]) AS {column.duck}) AS {quoted(column.name)}")
        parts.append(f"unnest(${at + 1}::BOOLEAN[]) AS has_{number}")
    numbers = list(range(len(merged)))
    connection.execute(
        f"CREATE TEMP TABLE delta AS SELECT {', '.join(parts)}, unnest(${len(values) + 1}::BIGINT[]) AS nth",
        [*values, numbers],
    )


def _matched(connection: Connection, base: From, keys: Sequence[Stored], method: Method, records: int) -> int:
    """How many records have a row already; refuses what the method does not allow."""
    if not keys:
        return 0
    names = ", ".join(quoted(column.name) for column in keys)
    found = connection.execute(f"SELECT {names} FROM delta SEMI JOIN {base.text} USING ({names})").fetchall()
    if method == "insert" and found:
        raise _taken(found[0])
    if method == "update" and len(found) < records:
        lost = connection.execute(f"SELECT {names} FROM delta ANTI JOIN {base.text} USING ({names})").fetchone()
        values = ", ".join(str(value) for value in lost or ())
        raise NotFound(sentence("table.no_key_row", value=values), kind="no-row")
    return len(found)


def _taken(identity: Sequence[object]) -> Conflict:
    return Conflict(sentence("table.key_taken", value=", ".join(map(str, identity))), kind="key-taken")


def _union(base: From, columns: Sequence[Stored], keys: Sequence[Stored]) -> str:
    """The rows there were, with the given fields of their record, then the new rows."""
    kept = [f"b.{ROW_ID}"]
    for number, column in enumerate(columns):
        name = quoted(column.name)
        kept.append(f"CASE WHEN d.has_{number} THEN d.{name} ELSE b.{name} END AS {name}" if keys else f"b.{name}")
    on = " AND ".join(f"b.{quoted(column.name)} = d.{quoted(column.name)}" for column in keys)
    join = f" LEFT JOIN delta AS d ON {on}" if keys else ""
    names = ", ".join(quoted(column.name) for column in columns)
    anti = f" WHERE NOT EXISTS (SELECT 1 FROM {base.text} AS b WHERE {on})" if keys else ""
    last = f"(SELECT coalesce(max({ROW_ID}), 0) FROM {base.text})"
    added = f"SELECT {last} + row_number() OVER (ORDER BY nth) AS {ROW_ID}, {names} FROM delta AS d{anti}"
    return f"SELECT {', '.join(kept)} FROM {base.text} AS b{join} UNION ALL {added}"


def _write(connection: Connection, select: str, target: Path, values: Sequence[object] = ()) -> None:
    connection.execute(
        f"COPY ({select}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)",
        list(values),
    )
