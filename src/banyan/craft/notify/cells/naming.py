"""Base station controllers, their cells, and how a controller's words for a cell lead back to its id. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from banyan.craft.notify.cells.model import Broadcast
from banyan.wire.cbsp import Cause, Cell

WHOLE = "*"
"""A BSC that failed as a whole, where a cell's id would stand."""


class Bsc(msgspec.Struct, frozen=True, kw_only=True):
    """One base station controller. `host` is where it connects from, or with `port` where the centre connects to.

    `cells` are what it has (`mcc-mnc-area-cell`); None: not known, so it is asked for all that no other one has.
    `has_no_end`: it takes 0 broadcasts for "until killed", as TS 23.041 s9.3.9 says; osmo-bsc 1.9 sends it once and
    forgets it, so such a one is asked for the most that can be said.
    """

    name: str
    host: str
    port: int | None = None
    cells: frozenset[str] | None = None
    has_no_end: bool = True


class Names:
    """The ids (`mcc-mnc-area-cell`) that a BSC may mean when it names a cell by less."""

    def __init__(self, asked: Iterable[str]) -> None:
        self._all = tuple(asked)
        self._by_place: dict[tuple[int, int], str] = {}
        self._by_area: dict[int, list[str]] = {}
        self._by_cell: dict[int, list[str]] = {}
        for text in self._all:
            one = Cell.of(text)
            self._by_place[one.area, one.cell] = text
            self._by_area.setdefault(one.area, []).append(text)
            self._by_cell.setdefault(one.cell, []).append(text)

    def of(self, cell: Cell) -> list[str]:
        """The ids of a cell, an area, or everything; its own words when it is none that was asked."""
        if cell.plmn and cell.cell >= 0:
            return [str(cell)]
        if cell.area < 0 and cell.cell < 0:
            return list(self._all) or [WHOLE]
        if cell.cell < 0:
            found = self._by_area.get(cell.area, [])
        elif cell.area < 0:
            found = self._by_cell.get(cell.cell, [])
        else:
            place = self._by_place.get((cell.area, cell.cell))
            found = [] if place is None else [place]
        return found or [str(cell)]

    def of_all(self, cells: Iterable[Cell]) -> set[str]:
        return {name for cell in cells for name in self.of(cell)}


def share(broadcast: Broadcast, bsc: Bsc, others: Iterable[Bsc]) -> tuple[str, ...] | None:
    """The cells of a broadcast that this BSC is asked for: None all that it has, empty none."""
    if broadcast.cells is None:
        return None
    if bsc.cells is not None:
        return tuple(cell for cell in broadcast.cells if cell in bsc.cells)
    known = [one.cells for one in others if one.cells is not None and one.name != bsc.name]
    return tuple(cell for cell in broadcast.cells if not any(cell in cells for cells in known))


def cause_text(cause: int) -> str:
    """`cell-not-valid`; a number that the standard does not have as it is."""
    try:
        return Cause(cause).name.lower().replace("_", "-")
    except ValueError:
        return f"cause-{cause}"
