"""Fixes as operators send them: one JSON batch, lines of JSON, or a Parquet file to be replayed; each bad row named.

A fix is `{"phone": "...", "at": 1800000000, "cell": "466-92-11001-2451"}`: `at` in seconds since 1970 or RFC 3339;
instead of or beside `cell` a position as `lon` and `lat` in degrees. `phone` is the name that the operator and the
fence agreed on for this person under this order; `slot_of` turns it into her number. Whoever is not watched is counted
and dropped here, before anything is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from banyan.craft.cells.model import MICRO, NO_CELL, CellTable, Fixes, fixes
from banyan.errors import UNREADABLE, Invalid, Limit
from banyan.limits_fence import FIX_BATCH_BYTES, FIX_FAULTS, FIX_ROWS

SlotOf = Callable[[str], int]
"""The number of a phone by the operator's name for it; below 0: nobody who is watched."""
LATEST_S: Final = 1 << 32
"""The year 2106: the journal keeps 32 bits."""


class BadFix(msgspec.Struct, frozen=True):
    """One fix that was left out: its place in the batch, from 1, its field, and the fix. Never its values."""

    row: int
    field: str
    fix: str


class Decoded(msgspec.Struct, frozen=True, eq=False):
    """`unwatched` rows were of phones that nobody watches; `bad` is at most FIX_FAULTS long of `bad_rows`."""

    fixes: Fixes
    bad: tuple[BadFix, ...]
    bad_rows: int
    unwatched: int


class _Row(msgspec.Struct):
    phone: str
    at: int | float | str
    cell: str = ""
    lon: float | None = None
    lat: float | None = None


class _Batch(msgspec.Struct):
    fixes: list[msgspec.Raw]


class _Wrong(Exception):
    """A row cannot be used: the field and the fix."""


_row: Final = msgspec.json.Decoder(_Row)


def decode_batch(body: bytes, table: CellTable, slot_of: SlotOf) -> Decoded:
    """`{"fixes": [...]}`. Raises Limit above FIX_BATCH_BYTES or FIX_ROWS, Invalid for what is no such object."""
    _bound(body)
    try:
        raws = msgspec.json.decode(body, type=_Batch).fixes
    except UNREADABLE as error:
        raise Invalid("The batch is no JSON object with a list `fixes`.", remedy="See the documentation.") from error
    return _gather(map(bytes, raws), table, slot_of)


def decode_lines(body: bytes, table: CellTable, slot_of: SlotOf) -> Decoded:
    """One JSON object a line (NDJSON); empty lines count for nothing. Raises Limit."""
    _bound(body)
    return _gather((line for line in body.split(b"\n") if line.strip()), table, slot_of)


def replay_lines(path: Path, table: CellTable, slot_of: SlotOf, *, rows: int = 50_000) -> Iterator[Decoded]:
    """A file of lines, batch by batch."""
    held: list[bytes] = []
    with path.open("rb") as file:
        while line := file.readline(FIX_BATCH_BYTES):
            if line.strip():
                held.append(line)
            if len(held) == rows:
                yield _gather(held, table, slot_of)
                held = []
    if held:
        yield _gather(held, table, slot_of)


def replay_parquet(path: Path, table: CellTable, slot_of: SlotOf, *, rows: int = 100_000) -> Iterator[Decoded]:
    """A Parquet file with columns phone, at (seconds or a timestamp) and cell and/or lon, lat, in the file's order.

    Raises Invalid when it is none, or lacks a column. Read by DuckDB: Arrow's own library is not needed at run time.
    """
    import duckdb

    with duckdb.connect() as engine:
        engine.execute("SET enable_progress_bar = false; SET threads = 1")
        try:
            known = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        except duckdb.Error as error:
            raise Invalid.at("file", "it is no Parquet file that can be read") from error
        kinds = {str(name): str(kind) for name, kind, *_ in known}
        chosen = _columns(kinds)
        cursor = engine.execute(f"SELECT {chosen} FROM read_parquet(?)", [str(path)])
        while found := cursor.fetchmany(rows):
            yield decode_columns(found, table, slot_of)


def decode_columns(rows: Iterable[tuple[Any, ...]], table: CellTable, slot_of: SlotOf) -> Decoded:
    """Rows of phone, at, cell, lon, lat as columns of a file hold them. Raises Limit."""
    return _joined(((_given(row), "") for row in rows), table, slot_of)


def _columns(kinds: dict[str, str]) -> str:
    """The columns as SQL: their names are ours, never the file's."""
    for needed in ("phone", "at"):
        if needed not in kinds:
            raise Invalid.at(needed, "the Parquet file has no such column")
    if "cell" not in kinds and not {"lon", "lat"} <= kinds.keys():
        raise Invalid.at("cell", "the Parquet file has neither cell nor lon and lat")
    at = 'epoch("at")' if "TIMESTAMP" in kinds["at"] else '"at"'
    cell = "CAST(cell AS VARCHAR)" if "cell" in kinds else "NULL"
    place = ("CAST(lon AS DOUBLE)", "CAST(lat AS DOUBLE)") if {"lon", "lat"} <= kinds.keys() else ("NULL", "NULL")
    return f"CAST(phone AS VARCHAR), {at}, {cell}, {place[0]}, {place[1]}"


def _given(row: tuple[Any, ...]) -> _Row | None:
    phone, at, cell, lon, lat = row
    known = isinstance(phone, str) and isinstance(at, int | float | str) and isinstance(cell, str | None)
    if not known or not all(isinstance(one, int | float | None) for one in (lon, lat)):
        return None
    return _Row(phone, at, cell or "", lon, lat)


def _bound(body: bytes) -> None:
    if len(body) > FIX_BATCH_BYTES:
        raise Limit(f"A batch is at most {FIX_BATCH_BYTES} bytes (FIX_BATCH_BYTES).", remedy="Send it in parts.")


def _gather(lines: Iterable[bytes], table: CellTable, slot_of: SlotOf) -> Decoded:
    return _joined(map(_read, lines), table, slot_of)


def _read(line: bytes) -> tuple[_Row | None, str]:
    """The row, or None and the field that is wrong."""
    try:
        return _row.decode(line), ""
    except msgspec.ValidationError as error:
        path = str(error).rpartition("$.")[2].rstrip("`") if "$." in str(error) else ""
        return None, path if path in _Row.__struct_fields__ else "row"
    except UNREADABLE:
        return None, "row"


def _joined(rows: Iterable[tuple[_Row | None, str]], table: CellTable, slot_of: SlotOf) -> Decoded:
    phone: list[int] = []
    at: list[int] = []
    cell: list[int] = []
    place: list[tuple[int, int]] = []
    bad: list[BadFix] = []
    bad_rows = unwatched = 0
    for number, (row, field) in enumerate(rows, 1):
        if number > FIX_ROWS:
            raise Limit(f"One batch is at most {FIX_ROWS} fixes (FIX_ROWS).", remedy="Send it in parts.")
        try:
            if row is None:
                raise _Wrong(field or "row", "write an object with phone, at, and cell or lon and lat")
            slot = slot_of(row.phone)
            if slot < 0:
                unwatched += 1
                continue
            moment, served, position = _moment(row.at), _cell(row, table), _position(row)
        except _Wrong as wrong:
            bad_rows += 1
            if len(bad) < FIX_FAULTS:
                bad.append(BadFix(number, *wrong.args))
            continue
        phone.append(slot)
        at.append(moment)
        cell.append(served)
        place.append(position)
    lon, lat = (np.array(place, np.int32).reshape(-1, 2)[:, axis] for axis in (0, 1))
    is_placed = bool(place) and bool((lon != _NOWHERE).all())
    made = fixes(phone, at, cell, lon=lon, lat=lat) if is_placed else fixes(phone, at, cell)
    return Decoded(made, tuple(bad), bad_rows, unwatched)


_NOWHERE: Final = -(1 << 31)


def _moment(at: int | float | str) -> int:
    if isinstance(at, str):
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            raise _Wrong("at", "write seconds since 1970, or a moment as in 2026-11-27T02:00:00+08:00") from None
        if moment.tzinfo is None:
            raise _Wrong("at", "write the offset from UTC, as in 2026-11-27T02:00:00+08:00")
        at = moment.timestamp()
    if not 0 < at < LATEST_S:  # NaN too
        raise _Wrong("at", "write seconds since 1970, not milliseconds")
    return math.floor(at)


def _cell(row: _Row, table: CellTable) -> int:
    if not row.cell:
        if row.lon is None or row.lat is None:
            raise _Wrong("cell", "write mcc-mnc-area-cell, or lon and lat")
        return NO_CELL
    found = table.cell(row.cell)
    if found == NO_CELL:
        raise _Wrong("cell", "the table has no such cell; load the operator's newest")
    return found


def _position(row: _Row) -> tuple[int, int]:
    if row.lon is None or row.lat is None:
        return _NOWHERE, _NOWHERE
    if not (-180 <= row.lon <= 180 and -90 <= row.lat <= 90):
        raise _Wrong("lon", "write degrees of longitude and latitude")
    return round(row.lon * MICRO), round(row.lat * MICRO)
