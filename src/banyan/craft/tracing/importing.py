"""Operators' deliveries: CSV, NDJSON or Parquet with the columns `number`, `at`, `lon`, `lat`, read whole and checked.

`number` is E.164 (with or without the plus), `at` epoch seconds or RFC 3339, positions WGS84 degrees. Bad rows are
named by their place, never by what they say, and the others are taken.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from banyan.craft.tracing.model import Fixes, Longs, fixes
from banyan.errors import UNREADABLE, Invalid, Limit
from banyan.limits_tracing import LAKE_BATCH_ROWS, LAKE_FAULTS, LAKE_FILE_BYTES, LAKE_LINE

NAMES: Final = ("number", "at", "lon", "lat")
KINDS: Final = (".csv", ".ndjson", ".parquet")


class Delivery(msgspec.Struct, frozen=True, eq=False):
    """`pings.phone` is the place in `numbers` (E.164 digits as integers). `faults` are the rows that were left out,
    counted from 1, and why."""

    pings: Fixes
    numbers: Longs
    faults: tuple[tuple[int, str], ...]


def read_delivery(path: Path) -> Delivery:
    """Raises Invalid for a file of another kind, Limit for one that is too long."""
    if path.suffix not in KINDS:
        raise Invalid.at("file", f"a name that ends in {', '.join(KINDS)}")
    if path.stat().st_size > LAKE_FILE_BYTES:
        raise Limit(
            "the delivery is too long", remedy=f"at most {LAKE_FILE_BYTES >> 20} MiB a file: deliver by the hour"
        )
    if path.suffix == ".parquet":
        return _of_columns(path)
    content = path.read_bytes()
    return delivery_of(_csv(content) if path.suffix == ".csv" else _ndjson(content))


def delivery_of(rows: Iterable[Mapping[str, Any]]) -> Delivery:
    """From rows of any origin."""
    number: list[int] = []
    at: list[int] = []
    lon: list[float] = []
    lat: list[float] = []
    faults: list[tuple[int, str]] = []
    for place, row in enumerate(rows, 1):
        if place > LAKE_BATCH_ROWS:
            raise Limit("too many rows", remedy=f"at most {LAKE_BATCH_ROWS:,} a delivery; Parquet is read faster")
        try:
            who, when = _number(row.get("number")), _at(row.get("at"))
            east, north = _degrees(row.get("lon"), 180, "lon"), _degrees(row.get("lat"), 89, "lat")
        except ValueError as error:
            faults.append((place, str(error)))
            if len(faults) > LAKE_FAULTS:
                first, why = faults[0]
                raise Invalid.at("rows", f"more than {LAKE_FAULTS} bad ones, the first at {first}: {why}") from None
            continue
        number.append(who)
        at.append(when)
        lon.append(east)
        lat.append(north)
    numbers, places = np.unique(np.array(number, np.int64), return_inverse=True)
    return Delivery(fixes(places, at, lon, lat), numbers, tuple(faults))


def _of_columns(path: Path) -> Delivery:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=list(NAMES))
        number, at, lon, lat = (table.column(name).to_numpy() for name in NAMES)
        number, at = number.astype(np.int64), at.astype(np.int64)
        lon, lat = lon.astype(np.float64), lat.astype(np.float64)
    except (pa.ArrowException, KeyError, ValueError, TypeError, OSError):
        raise Invalid.at("file", f"Parquet with the number columns {', '.join(NAMES)}") from None
    if len(number) > LAKE_BATCH_ROWS * 20:
        raise Limit("too many rows", remedy=f"at most {LAKE_BATCH_ROWS * 20:,} a file")
    is_good = (number > 999_999) & (number < 10**15) & (np.abs(lon) <= 180) & (np.abs(lat) <= 89)
    bad = np.flatnonzero(~is_good)
    if len(bad) > LAKE_FAULTS:
        raise Invalid.at("rows", f"{len(bad):,} bad ones, the first at {bad[0] + 1}")
    numbers, places = np.unique(number[is_good], return_inverse=True)
    faults = tuple((int(place) + 1, "a number or a position that cannot be") for place in bad)
    return Delivery(fixes(places, at[is_good], lon[is_good], lat[is_good]), numbers, faults)


def _csv(content: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid.at("file", "UTF-8") from None
    rows = csv.DictReader(io.StringIO(text))
    if not set(NAMES) <= set(rows.fieldnames or ()):
        raise Invalid.at("file", f"a head line with the columns {', '.join(NAMES)}")
    try:
        yield from rows
    except csv.Error:
        raise Invalid.at("file", f"comma-separated values; a line broke off after row {rows.line_num}") from None


def _ndjson(content: bytes) -> Iterator[Mapping[str, Any]]:
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line) if len(line) <= LAKE_LINE else None
        except UNREADABLE:
            row = None
        yield row if isinstance(row, dict) else {}


def _number(value: object) -> int:
    text = str(value or "").removeprefix("+")
    if not (text.isascii() and text.isdigit() and 7 <= len(text) <= 15 and text[0] != "0"):
        raise ValueError("number: E.164, 7 to 15 digits")
    return int(text)


def _at(value: object) -> int:
    text = str(value if value is not None else "")
    if text.isascii() and text.isdigit() and len(text) <= 11:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("at: epoch seconds, or RFC 3339 with its offset")
    return int(moment.timestamp())


def _degrees(value: object, most: int, name: str) -> float:
    try:
        found = float(str(value))
    except ValueError:
        found = float("nan")
    if not abs(found) <= most:
        raise ValueError(f"{name}: WGS84 degrees within ±{most}")
    return found
