"""What a register's rows say of outlets (where, how to reach, when) and of their sale, read out of a table. Pure."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from banyan.craft.place import twd97_to_wgs84
from banyan.service.supplies.joining import Announced, Fact, Point
from banyan.service.supplies.looks import CODE, UNREAD, whole
from banyan.service.supplies.model import Window
from banyan.service.supplies.notes import NO_END, clock_minute
from banyan.service.supplies.reading import Cell, Table
from banyan.service.supplies.sources import Source

TEXT_CHARACTERS = 400
NOTHING = ("-", "－", "—", "無", "n/a")
"""What registers write where they have nothing to say."""
_FACT_TEXTS = ("name", "address", "phone", "county", "town", "hours", "note")
T = TypeVar("T", Fact, Announced)


class Told(msgspec.Struct, frozen=True):
    """Facts and announcements by code. `malformed`: rows without a code."""

    facts: dict[str, Fact]
    announced: dict[str, Announced]
    malformed: int


def told_by(table: Table, source: Source, before: Told) -> Told:
    """What the rows say. The last row keeps what was known when the file may be cut off in it (the file ends in a
    column we read, or in an empty cell): half a coordinate is another place."""
    says_place, says_sale = source.role in ("stock", "places", "hours"), source.role in ("stock", "notices")
    texts = {field: _texts(table.column(column)) for field, column in source.columns.items()}
    codes = texts["code"]
    good = {code: row for row, code in enumerate(codes) if CODE.fullmatch(code)}
    facts = _facts(good, texts, table, source) if says_place else {}
    said = _announced(good, texts, table, source) if says_sale else {}
    is_cut = bool(codes) and table.cells[table.last][-1] in (None, "")
    if is_cut or (codes and source.role != "stock" and table.last in source.wanted):
        _keep(facts, before.facts, codes[-1])
        _keep(said, before.announced, codes[-1])
    return Told(facts, said, sum(1 for code in codes if not CODE.fullmatch(code)))


def _keep(told: dict[str, T], before: Mapping[str, T], code: str) -> None:
    if code in told and code in before:
        told[code] = before[code]


def _texts(cells: Sequence[Cell]) -> list[str]:
    """Cells as texts; empty where absent, where a cell says that there is nothing, and where its bytes are damaged."""
    known = {cell: _text(cell) for cell in set(cells)}
    return [known[cell] for cell in cells]


def _text(cell: Cell) -> str:
    written = "" if cell is None else str(cell).strip()[:TEXT_CHARACTERS]
    return "" if "\ufffd" in written or written.casefold() in NOTHING else written


def _facts(good: Mapping[str, int], texts: Mapping[str, list[str]], table: Table, source: Source) -> dict[str, Fact]:
    fields = [(field, texts[field]) for field in _FACT_TEXTS if field in texts]
    points = [_numbers(table, source, field) for field in ("lon", "lat")]
    facts = {}
    for code, row in good.items():
        point = _point(points[0][row], points[1][row]) if all(points) else None
        lon, lat = point or (None, None)
        facts[code] = Fact(code, lon=lon, lat=lat, **{field: column[row] for field, column in fields})
    return facts


def _announced(
    good: Mapping[str, int], texts: Mapping[str, list[str]], table: Table, source: Source
) -> dict[str, Announced]:
    """Of the codes that say anything."""
    words = [_labelled(texts["brand"], source.columns["brand"])] if "brand" in texts else []
    words += [texts["text"]] if "text" in texts else []
    bounds = [texts.get(field) for field in ("sale_start", "sale_end", "plate_start", "plate_end")]
    reserved = [table.column(column) for column in source.items.values()] if source.role == "notices" else []
    if not (words or reserved or any(bounds)):
        return {}
    said = {}
    for code, row in good.items():
        sale_start, sale_end, plate_start, plate_end = (column[row] if column else "" for column in bounds)
        one = Announced(
            code=code,
            sale=_window(sale_start, sale_end),
            plate=_window(plate_start, plate_end),
            text="；".join(filter(None, (column[row] for column in words))),
            reserved=tuple(whole(cells[row]) for cells in reserved),
        )
        if one != Announced(code):
            said[code] = one
    return said


def _labelled(cells: Sequence[str], column: str) -> list[str]:
    """Cells with their column's name: a brand alone reads as if the outlet had announced it."""
    return [f"{column}：{cell}" if cell else "" for cell in cells]


def _window(start: str, end: str) -> Window | None:
    begins, ends = clock_minute(start), clock_minute(end)
    ends = NO_END if ends is None else ends
    return None if begins is None or ends <= begins else Window(begins, ends)


def _numbers(table: Table, source: Source, field: str) -> list[float]:
    """A column's numbers; empty when the source has no such column."""
    column = source.columns.get(field)
    return [] if column is None else [_float(cell) for cell in table.column(column)]


def _float(cell: Cell) -> float:
    """NaN for what is no number."""
    if isinstance(cell, bool) or cell is None:
        return math.nan
    try:
        return float(unicodedata.normalize("NFKC", cell).strip()) if isinstance(cell, str) else float(cell)
    except ValueError:
        return math.nan


def _point(x: float, y: float) -> Point | None:
    """WGS84 degrees; metres of TWD97 (TGOS gives both) are converted. None for what is neither, and for 0, 0."""
    if not (math.isfinite(x) and math.isfinite(y)) or (x == 0 and y == 0):
        return None
    if 50_000 < x < 500_000 and 2_000_000 < y < 3_500_000:
        lon, lat = twd97_to_wgs84(np.array([x]), np.array([y]))
        return float(lon[0]), float(lat[0])
    return (x, y) if -180 <= x <= 180 and -90 <= y <= 90 else None


def changed(before: Mapping[str, T], now: Mapping[str, T]) -> set[str]:
    """Codes of which something else is said than before, or nothing any more."""
    return {code for code in before.keys() | now.keys() if before.get(code) != now.get(code)}


def promised(announced: Announced | None, item: int) -> int:
    """What is held back of the item by place in its source; 0 when the register dropped it, UNREAD when unclear."""
    if announced is None or not announced.reserved:
        return 0
    return announced.reserved[item] if announced.reserved[item] != UNREAD else UNREAD
