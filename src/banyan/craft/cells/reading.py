"""Reading cell tables: OpenCelliD's 14 columns with or without a header or an index, and operators' site lists.

Source: OpenCelliD "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal". A site
list is a CSV with a header that has `lon` and `lat`, or one column of `Point (lon lat)` (WKT); beside it any of `cell`
(mcc-mnc-area-cell, or a number with `mcc`, `net`, `area`), `site`, `azimuth`, `range`, `radio`. A site without cells
gets three sectors: 0, 120, 240 degrees.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from banyan.craft.cells.model import RADIOS, CellId, CellTable, cell_table, parse_cell_id
from banyan.errors import Invalid, Limit
from banyan.limits_fence import CELL_FAULTS, CELL_FILE_BYTES, CELL_LINE, CELL_ROWS

OPENCELLID: Final = (
    "radio", "mcc", "net", "area", "cell", "unit", "lon", "lat", "range", "samples", "changeable", "created",
    "updated", "averageSignal",
)  # fmt: skip
DEFAULT_RANGE_M: Final = 1_000.0
"""Of a site in a list that names none: the reach of an urban macro cell."""
SECTORS: Final = (0.0, 120.0, 240.0)
_POINT: Final = re.compile(r"\s*point\s*\(\s*([-+.\d]{1,24})\s+([-+.\d]{1,24})\s*\)\s*", re.IGNORECASE)
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "lon": ("lon", "longitude", "lng", "x", "經度"), "lat": ("lat", "latitude", "y", "緯度"),
    "radio": ("radio", "technology"), "mcc": ("mcc",), "net": ("net", "mnc"), "area": ("area", "lac", "tac"),
    "cell": ("cell", "cid", "cellid", "eci", "nci"), "range": ("range", "range_m", "radius"),
    "site": ("site", "site_num", "site_id", "mast"), "azimuth": ("azimuth", "direction"),
}  # fmt: skip
Keep = Callable[[Mapping[str, str]], bool]


class BadRow(msgspec.Struct, frozen=True):
    """One row that was left out: its line, counted from 1, its column, and the fix."""

    line: int
    field: str
    fix: str


class Read(msgspec.Struct, frozen=True, eq=False):
    """What a file gave. `again` rows named a cell that was there already; `bad` is at most CELL_FAULTS long."""

    table: CellTable
    bad: tuple[BadRow, ...]
    bad_rows: int
    again: int


class _Columns(msgspec.Struct):
    """Growing columns."""

    ids: list[str] = []
    lon: list[float] = []
    lat: list[float] = []
    azimuth: list[float] = []
    range_m: list[float] = []
    radio: list[int] = []
    site: list[int] = []


class _Wrong(Exception):
    """A row cannot be used: the column and the fix."""


def read_cells(text: bytes, *, keep: Keep = lambda row: True) -> Read:
    """A table from a file, whatever its kind. `keep` looks at each row by its own column names and says whether it is
    wanted (one operator's, say). Bad rows are named and left out.

    Raises Limit for a file too large, Invalid for one that has no columns of cells or no good row.
    """
    if len(text) > CELL_FILE_BYTES:
        raise Limit(f"A file of cells is at most {CELL_FILE_BYTES} bytes (CELL_FILE_BYTES).", remedy="Send it by area.")
    lines = csv.reader(io.StringIO(text.decode("utf-8-sig", errors="replace"), newline=""))
    first = next(lines, [])
    header = _header(first)
    if header is None:
        raise Invalid(
            "The file is no list of cells: no columns `lon` and `lat`, no `Point (lon lat)`, not OpenCelliD's 14.",
            remedy="Write a header line with lon, lat and any of cell, mcc, net, area, site, azimuth, range, radio.",
        )
    names, own_names, is_data = header
    made, known, sites = _Columns(), set[str](), dict[str, int]()
    bad: list[BadRow] = []
    bad_rows = again = 0
    for line, row in _rows(first if is_data else None, lines):
        if len(made.ids) >= CELL_ROWS:
            raise Limit(f"A table is at most {CELL_ROWS} cells (CELL_ROWS).", remedy="Send it by area.")
        if own_names and not keep(dict(zip(own_names, row, strict=False))):
            continue
        try:
            again += _take(made, known, sites, _fields(names, row), line)
        except _Wrong as wrong:
            bad_rows += 1
            if len(bad) < CELL_FAULTS:
                field, fix = wrong.args
                bad.append(BadRow(line, field, fix))
    if not made.ids:
        said = f" Line {bad[0].line}, {bad[0].field}: {bad[0].fix}." if bad else ""
        raise Invalid(f"No row of the file is a cell.{said}", remedy="Check that it is the file you meant.")
    return Read(_table(made, has_sites=bool(sites)), tuple(bad), bad_rows, again)


def _rows(first: list[str] | None, lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    if first is not None:
        yield 1, first
    line = 1
    while True:
        line += 1
        try:
            row = next(lines)
        except StopIteration:
            return
        except csv.Error:  # a field without end
            row = [""]
        if row:
            yield line, row


def _header(first: Sequence[str]) -> tuple[dict[str, int], list[str], bool] | None:
    """Where each column is, the file's own names, and whether the first line is data already."""
    own = [one.strip() for one in first]
    lower = [one.lower() for one in own]
    names = {name: lower.index(alias) for name, aliases in _NAMES.items() for alias in aliases[::-1] if alias in lower}
    if "lon" in names and "lat" in names:
        return names, own, False
    for point in ("geom", "geometry", "wkt", "the_geom", "point"):
        if point in lower:
            return {**names, "point": lower.index(point)}, own, False
    for shift in (0, 1):  # with an index before
        if len(first) == len(OPENCELLID) + shift and first[shift].strip().upper() in RADIOS:
            return {name: place + shift for place, name in enumerate(OPENCELLID)}, [], True
    return None


def _fields(names: Mapping[str, int], row: Sequence[str]) -> dict[str, str]:
    if sum(map(len, row)) > CELL_LINE:
        raise _Wrong("row", f"a row has at most {CELL_LINE} characters")
    return {name: row[place].strip() for name, place in names.items() if place < len(row)}


def _take(made: _Columns, known: set[str], sites: dict[str, int], row: dict[str, str], line: int) -> int:
    """Put one row's cells in; how many were there already."""
    lon, lat = _place(row)
    range_m = _number(row, "range", DEFAULT_RANGE_M, 0.0, 1e7)
    azimuth = _number(row, "azimuth", math.nan, -360.0, 720.0)
    radio = row.get("radio", "").upper() or "LTE"
    if radio not in RADIOS:
        raise _Wrong("radio", f"write one of {', '.join(RADIOS)}")
    ident = _ident(row)
    if ident:
        cells = [(ident, azimuth)]
    else:  # a mast alone: three sectors, numbered by its line
        cells = [(f"999-99-0-{3 * line + place}", turn) for place, turn in enumerate(SECTORS)]
    again = 0
    for one, turn in cells:
        if one in known:
            again += 1
            continue
        known.add(one)
        made.ids.append(one)
        made.lon.append(lon)
        made.lat.append(lat)
        made.azimuth.append(turn)
        made.range_m.append(range_m)
        made.radio.append(RADIOS.index(radio))
        if row.get("site"):
            made.site.append(sites.setdefault(row["site"], len(sites)))
    return again


def _place(row: Mapping[str, str]) -> tuple[float, float]:
    if "point" in row:
        match = _POINT.fullmatch(row["point"])
        if match is None:
            raise _Wrong("point", "write Point (longitude latitude)")
        row = {"lon": match[1], "lat": match[2]}
    lon, lat = _number(row, "lon", math.nan, -180, 180), _number(row, "lat", math.nan, -90, 90)
    if math.isnan(lon) or math.isnan(lat):
        raise _Wrong("lon" if math.isnan(lon) else "lat", "write degrees")
    return lon, lat


def _ident(row: Mapping[str, str]) -> str:
    cell = row.get("cell", "")
    try:
        if "-" in cell:
            return str(parse_cell_id(cell))
        if not cell or not row.get("mcc"):
            return ""
        mcc, net = row["mcc"], row.get("net", "")
        area, number = _whole(row, "area"), _whole(row, "cell")
        made = CellId(mcc.zfill(3), net.zfill(2), area, number)
        return str(parse_cell_id(str(made)))
    except Invalid as error:
        raise _Wrong("cell", error.fields[0].fix) from error


def _whole(row: Mapping[str, str], name: str) -> int:
    text = row.get(name, "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise _Wrong(name, "write a whole number")
    return int(text)


def _number(row: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = row.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise _Wrong(name, "write a number") from None
    if not least <= value <= most:
        raise _Wrong(name, f"write a number from {least:g} to {most:g}")
    return value


def _table(made: _Columns, *, has_sites: bool) -> CellTable:
    whole = has_sites and len(made.site) == len(made.ids)
    return cell_table(
        made.ids, made.lon, made.lat, site=made.site if whole else None, azimuth=made.azimuth, range_m=made.range_m,
        radio=made.radio,
    )  # fmt: skip
