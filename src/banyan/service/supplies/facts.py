"""What a register's rows say of outlets (where, how to reach, when) and of their sale, read out of a table. Pure."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
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
T = TypeVar("T", Fact, Announced)


class Told(msgspec.Struct, frozen=True):
    """Facts and announcements by code. `malformed`: rows without a code."""

    facts: dict[str, Fact]
    announced: dict[str, Announced]
    malformed: int


def told_by(table: Table, source: Source, before: Told) -> Told:
    """What the rows say. The last row keeps what was known when the file may be cut off in it (the file ends in a
    column we read, or in an empty cell): half a coordinate is another place."""
    rows = _Rows(table, source)
    codes = [rows.text("code", row) for row in range(table.rows)]
    good = {code: row for row, code in enumerate(codes) if CODE.fullmatch(code)}
    says_place, says_sale = source.role in ("stock", "places", "hours"), source.role in ("stock", "notices")
    facts = {code: rows.fact(code, row) for code, row in good.items()} if says_place else {}
    said = {code: rows.announced(code, row) for code, row in good.items()} if says_sale else {}
    said = {code: one for code, one in said.items() if one != Announced(code)}
    is_open = bool(codes) and (table.last in source.wanted or table.cells[table.last][-1] in (None, ""))
    if is_open and (source.role != "stock" or table.cells[table.last][-1] in (None, "")):
        _keep(facts, before.facts, codes[-1])
        _keep(said, before.announced, codes[-1])
    return Told(facts, said, sum(1 for code in codes if not CODE.fullmatch(code)))


def _keep(told: dict[str, T], before: Mapping[str, T], code: str) -> None:
    if code in told and code in before:
        told[code] = before[code]


class _Rows:
    """The cells of a table by field of a source."""

    def __init__(self, table: Table, source: Source) -> None:
        self._cells = {field: table.column(column) for field, column in source.columns.items()}
        self._reserved = [table.column(column) for column in source.items.values()] if source.role == "notices" else []

    def text(self, field: str, row: int) -> str:
        """A cell as text, trimmed; empty when absent, when it says there is nothing, and when its bytes are damaged."""
        cells = self._cells.get(field)
        cell = None if cells is None else cells[row]
        if not isinstance(cell, str):
            return "" if cell is None or field == "code" else str(cell)
        written = cell.strip()[:TEXT_CHARACTERS]
        return "" if "\ufffd" in written or written.casefold() in NOTHING else written

    def fact(self, code: str, row: int) -> Fact:
        point = _point(self._number("lon", row), self._number("lat", row))
        return Fact(
            code=code,
            name=self.text("name", row),
            address=self.text("address", row),
            phone=self.text("phone", row),
            county=self.text("county", row),
            town=self.text("town", row),
            lon=point[0] if point else None,
            lat=point[1] if point else None,
            hours=self.text("hours", row).upper(),
            note=self.text("note", row),
        )

    def announced(self, code: str, row: int) -> Announced:
        words = (self.text("brand", row), self.text("text", row))
        return Announced(
            code=code,
            sale=self._window("sale_start", "sale_end", row),
            plate=self._window("plate_start", "plate_end", row),
            text="；".join(filter(None, words)),
            reserved=tuple(whole(cells[row]) for cells in self._reserved),
        )

    def _number(self, field: str, row: int) -> float:
        cells = self._cells.get(field)
        return _float(None if cells is None else cells[row])

    def _window(self, start: str, end: str, row: int) -> Window | None:
        begins, ends = clock_minute(self.text(start, row)), clock_minute(self.text(end, row))
        if begins is None or (ends is not None and ends <= begins):
            return None
        return Window(begins, NO_END if ends is None else ends)


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
    same: Callable[[str], bool] = lambda code: before.get(code) == now.get(code)  # noqa: E731
    return {code for code in before.keys() | now.keys() if not same(code)}


def promised(announced: Announced | None, item: int) -> int:
    """What is held back of the item by place in its source; 0 when the register dropped it, UNREAD when unclear."""
    if announced is None or not announced.reserved:
        return 0
    return announced.reserved[item] if announced.reserved[item] != UNREAD else UNREAD
