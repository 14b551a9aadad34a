"""The board: every outlet's stock as columns in memory; the whole read path. One event loop owns it.

Row j of every array is the outlet `places[j]`; a row is never used for another outlet. It is made of the journal's
events alone (`keeping.py`), so the same events give the same board, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np

from banyan.craft.place.grid import Found, Grid, Holding
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_supplies import SUPPLIES_FRAGMENTS, SUPPLIES_SHARED
from banyan.service.supplies.columns import NOT_LISTED, UNKNOWN, Array, Bools, Columns, Floats, Ints, Rows
from banyan.service.supplies.hours import slots_of
from banyan.service.supplies.model import (
    BoardEvent,
    Item,
    ItemsSet,
    Notice,
    NoticesChanged,
    Place,
    PlacesChanged,
    ReservedSet,
    Shown,
    Status,
    Stocked,
    StockTick,
)

_SHARED: Final = ("county", "town", "town_code", "hours")
"""Texts that many outlets have in common: kept once, half of the memory of a million outlets."""
_set: Final = msgspec.structs.force_setattr
_encode: Final = msgspec.json.Encoder().encode


class Change(msgspec.Struct, frozen=True):
    """What an event did: the board's number after it, and the rows whose answers differ now."""

    seq: int
    rows: tuple[int, ...]
    as_of: EpochS = EpochS(0)


class State(msgspec.Struct, frozen=True):
    """All that a board is, at one number: nothing in it changes when the board goes on."""

    seq: int
    items: tuple[Item, ...]
    as_of: tuple[EpochS, ...]
    places: tuple[Place, ...]
    notices: tuple[Notice | None, ...]
    columns: dict[str, Array]


class Board:
    """Columns, the index over them, and the encoded answers, made when first asked for."""

    def __init__(self, state: State | None = None) -> None:
        """Empty, or as `state` says. Raises ValueError when its parts do not fit together."""
        self.seq = state.seq if state else 0
        self.placed = self.seq
        """The number of the newest event that changed places."""
        self.items: list[Item] = list(state.items) if state else []
        self.places: list[Place] = []
        self.notices: list[Notice | None] = list(state.notices) if state else []
        self.as_of: list[EpochS] = list(state.as_of) if state else []
        """By item: the time of the newest look at it."""
        self.item_of = {item.id: place for place, item in enumerate(self.items)}
        self._shared: dict[str, str] = {}
        self._columns = Columns(state.columns if state else None)
        self.places += map(self._sharing, state.places if state else ())
        self.row_of = {place.code: row for row, place in enumerate(self.places)}
        self._grid: Grid | None = None
        self._holding: dict[int, Holding] = {}
        self._towns: dict[str, list[int]] | None = None
        self._fragments: list[bytes | None] = [None] * len(self.places)
        self._encoded = 0
        if not len(self.row_of) == len(self.notices) == self.size or len(self.item_of) != self._columns.items:
            raise ValueError("places, notices, items and columns are of different lengths")

    def state(self) -> State:
        """Copies of the arrays and lists; places, notices and items never change themselves. 2 ms at 6,700 rows."""
        lists = tuple(self.items), tuple(map(_moment, self.as_of)), tuple(self.places), tuple(self.notices)
        return State(self.seq, *lists, self._columns.used())

    # Reading

    @property
    def size(self) -> int:
        """Rows, gone outlets included."""
        return self._columns.size

    def available(self, item: int) -> Ints:
        """By row: what one can get of the item; NOT_LISTED when the outlet is off the list."""
        return self._columns.available[item, : self.size]

    def count(self, item: int) -> Ints:
        """By row: what the outlet last reported, promised ones included; UNKNOWN when it never did."""
        return self._columns.count[item, : self.size]

    def reserved(self, item: int) -> Ints:
        return self._columns.reserved[item, : self.size]

    def changed(self, item: int) -> Floats:
        """By row: when the number last changed, epoch seconds; 0 never."""
        return self._columns.changed[item, : self.size]

    def lon(self) -> Floats:
        return self._columns.lon[: self.size]

    def lat(self) -> Floats:
        return self._columns.lat[: self.size]

    def slots(self) -> Ints:
        """By row: service hours as 21 bits (`hours.py`); -1 unknown."""
        return self._columns.slots[: self.size]

    def is_gone(self) -> Bools:
        """By row: no register has the outlet any more."""
        return self._columns.is_gone[: self.size]

    def own_as_of(self, item: int) -> Floats:
        """By row: a time of the row's own (when it was last listed, when it is not now); 0 where the item's holds."""
        return self._columns.row_as_of[item, : self.size]

    def row_as_of(self, item: int, row: int) -> EpochS:
        """When the row was last seen on the list; 0 when it never was."""
        own = float(self._columns.row_as_of[item, row])
        return EpochS(own) if own > 0 or self._columns.available[item, row] == NOT_LISTED else self.as_of[item]

    def nearest(
        self,
        lon: float,
        lat: float,
        item: int,
        *,
        k: int,
        least: int = 1,
        radius_m: float = np.inf,
        slot: int = -1,
    ) -> Found:
        """The k nearest rows with `least` or more of the item, exactly, nearest first, and their metres. `slot` 0..20:
        only those whose service hours have it open. Outlets without a point are not found."""
        holding = self._holding.get(item) or self._held(item)
        return holding.nearest(lon, lat, k, least=least, radius_m=radius_m, bit=slot)

    def _held(self, item: int) -> Holding:
        """The index with the item's column, until either is another."""
        if self._grid is None:
            self._grid = Grid(self.lon(), self.lat())
        self._holding[item] = made = self._grid.holding(self._columns.available[item], self._columns.slots)
        return made

    def in_town(self, code: str) -> list[int]:
        """The rows of a town (8 digits) or a county (5 digits), gone ones left out."""
        return [row for row in self._by_town().get(code, ()) if not self._columns.is_gone[row]]

    def _by_town(self) -> dict[str, list[int]]:
        if self._towns is None:
            self._towns = {}
            for row, place in enumerate(self.places):
                if place.town_code:
                    self._towns.setdefault(place.town_code, []).append(row)
                    self._towns.setdefault(place.town_code[:5], []).append(row)
        return self._towns

    def shown(self, row: int) -> Shown:
        """The outlet with everything it has."""
        place, notice, counted = self.places[row], self.notices[row], self._columns.count.item
        return Shown(
            code=place.code,
            name=place.name,
            address=place.address,
            phone=place.phone,
            county=place.county,
            town=place.town,
            town_code=place.town_code,
            lon=place.lon,
            lat=place.lat,
            located=place.located,
            stocks=tuple(self.stocked(row, item) for item in range(len(self.items)) if counted(item, row) >= 0),
            hours=place.hours,
            hours_note=place.hours_note,
            sale=notice.sale if notice else None,
            plate=notice.plate if notice else None,
            notice=notice.text if notice else "",
        )

    def stocked(self, row: int, item: int) -> Stocked:
        columns = self._columns
        count, available = columns.count.item(item, row), columns.available.item(item, row)
        changed = columns.changed.item(item, row)
        return Stocked(
            item=self.items[item].id,
            status=self.status(row, item),
            count=count if count >= 0 else None,
            reserved=columns.reserved.item(item, row),
            available=available if available >= 0 else None,
            changed=_said(changed) if changed > 0 else "",
        )

    def status(self, row: int, item: int) -> Status:
        count, available = self._columns.count.item(item, row), self._columns.available.item(item, row)
        if count == UNKNOWN:
            return "unknown"
        if available == NOT_LISTED:
            return "not_listed"
        if available == 0:
            return "reserved" if count > 0 else "sold_out"
        return "few" if available < self.items[item].few else "in_stock"

    def fragment(self, row: int) -> bytes:
        """`shown(row)` as JSON, encoded once after each change of the row."""
        known = self._fragments[row]
        if known is None:
            if self._encoded >= SUPPLIES_FRAGMENTS:
                self._fragments, self._encoded = [None] * self.size, 0
            self._encoded += 1
            known = self._fragments[row] = _encode(self.shown(row))
        return known

    # Changing

    def apply(self, seq: int, event: BoardEvent) -> Change:
        """Take one event of the journal. Events are true: what could not be is refused before it is written
        (`checking.py`)."""
        assert seq == self.seq + 1, f"event {seq} does not follow {self.seq}"
        self.seq = seq
        as_of = EpochS(0)
        match event:
            case ItemsSet():
                rows = self._set_items(event.items)
            case PlacesChanged():
                rows = self._change_places(event)
            case NoticesChanged():
                rows = self._change_notices(event)
            case StockTick():
                rows, as_of = self._tick(event), event.as_of
            case ReservedSet():
                rows = self._reserve(event)
        changed = tuple(rows.tolist())
        fragments = self._fragments
        for row in changed:
            fragments[row] = None
        return Change(seq, changed, as_of)

    def _set_items(self, items: Sequence[Item]) -> Rows:
        known = {item.id for item in items}
        old = self.item_of
        self.items = [*items, *(item for item in self.items if item.id not in known)]
        self.item_of = {item.id: place for place, item in enumerate(self.items)}
        order = [old.get(item.id, -1) for item in self.items]
        self._columns.arrange(order)
        self._holding = {}
        self.as_of = [self.as_of[place] if place >= 0 else EpochS(0) for place in order]
        return np.arange(self.size)

    def _change_places(self, event: PlacesChanged) -> Rows:
        rows = self._rows(place.code for place in event.upsert)
        columns, were = self._columns, [self.places[row].town_code for row in rows.tolist()]
        for row, place in zip(rows.tolist(), event.upsert, strict=True):
            self.places[row] = self._sharing(place)
        gone = self._known_rows(event.gone)
        touched = np.concatenate((rows, gone))
        before = columns.lon[touched], columns.lat[touched]
        columns.lon[rows] = [np.nan if place.lon is None else place.lon for place in event.upsert]
        columns.lat[rows] = [np.nan if place.lat is None else place.lat for place in event.upsert]
        columns.slots[rows] = [slots_of(place.hours) for place in event.upsert]
        columns.is_gone[rows] = False
        columns.lon[gone] = columns.lat[gone] = np.nan
        columns.is_gone[gone] = True
        after = columns.lon[touched], columns.lat[touched]
        self.placed = self.seq
        if not all(map(_is_same, before, after)):
            self._grid, self._holding = None, {}
        if were != [place.town_code for place in event.upsert]:
            self._towns = None
        return touched

    def _change_notices(self, event: NoticesChanged) -> Rows:
        rows, gone = self._rows(notice.code for notice in event.upsert), self._known_rows(event.gone)
        for row, notice in zip(rows.tolist(), event.upsert, strict=True):
            self.notices[row] = notice
        for row in gone.tolist():
            self.notices[row] = None
        return np.concatenate((rows, gone))

    def _tick(self, event: StockTick) -> Rows:
        rows, gone, columns = self._rows(event.codes), self._known_rows(event.gone), self._columns
        own = event.as_of if event.is_own else np.array(event.row_as_of) if event.row_as_of else 0.0
        for place, name in enumerate(event.items):
            item = self.item_of[name]
            counts = np.array(event.counts[place], np.int32)
            columns.changed[item, rows[columns.count[item, rows] != counts]] = event.as_of
            columns.count[item, rows] = counts
            if event.reserved:
                columns.reserved[item, rows] = event.reserved[place]
            columns.row_as_of[item, rows] = own
            columns.refresh(item, rows)
            columns.row_as_of[item, gone] = self.as_of[item]
            columns.available[item, gone] = NOT_LISTED
            self.as_of[item] = self.as_of[item] if event.is_own else event.as_of
        return np.concatenate((rows, gone))

    def _reserve(self, event: ReservedSet) -> Rows:
        rows, columns = self._rows(event.codes), self._columns
        for place, name in enumerate(event.items):
            item = self.item_of[name]
            columns.reserved[item, rows] = event.reserved[place]
            columns.refresh(item, rows[columns.available[item, rows] != NOT_LISTED])
        return rows

    def _rows(self, codes: Iterable[str]) -> Rows:
        """The rows of codes; new ones for outlets that only a stock list names so far."""
        found = tuple(codes)
        try:
            return self._known(found)
        except KeyError:
            new = [code for code in dict.fromkeys(found) if code not in self.row_of]
        self.row_of.update(zip(new, range(self.size, self.size + len(new)), strict=True))
        self.places += [Place(code=code, name=code) for code in new]
        self.notices += [None] * len(new)
        self._fragments += [None] * len(new)
        self._columns.add(len(new))
        self._holding = {}  # the columns may lie elsewhere now
        return self._known(found)

    def _known_rows(self, codes: Iterable[str]) -> Rows:
        """The rows of those codes that have one."""
        return self._known([code for code in codes if code in self.row_of])

    def _known(self, codes: Sequence[str]) -> Rows:
        return np.fromiter(map(self.row_of.__getitem__, codes), np.int64, len(codes))

    def _sharing(self, place: Place) -> Place:
        """The same place, its common texts kept once."""
        for name in _SHARED:
            text = getattr(place, name)
            if len(self._shared) >= SUPPLIES_SHARED:
                self._shared = {}
            known = self._shared.setdefault(text, text)
            if known is not text:
                _set(place, name, known)
        return place


def _moment(at: EpochS) -> EpochS:
    """A whole number of seconds is a float too, once it was written and read."""
    return EpochS(float(at))


def _is_same(before: Floats, after: Floats) -> bool:
    return np.array_equal(before, after, equal_nan=True)


@lru_cache(maxsize=4_096)
def _said(at: float) -> str:
    """Many outlets change at one look, so a time is written once."""
    return iso(EpochS(at))
