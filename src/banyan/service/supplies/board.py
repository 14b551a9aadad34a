"""The board: every outlet's stock as columns in memory; the whole read path. One event loop owns it.

Row j of every array is the outlet `places[j]`; a row is never used for another outlet. It is made of the journal's
events alone (`keeping.py`), so the same events give the same board, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.place.grid import Grid
from banyan.kernel.events.clock import EpochS, iso
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

NOT_LISTED: Final = -1
"""In `available`: off the list now, or never on it. Less than any wanted amount, so one comparison leaves it out."""
UNKNOWN: Final = -1
"""In `count`: the outlet was never listed with this item."""
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
_GROW: Final = 1.5
Number = TypeVar("Number", bound=np.generic)
_encode: Final = msgspec.json.Encoder().encode


class Change(msgspec.Struct, frozen=True):
    """What an event did: the board's number after it, and the rows whose answers differ now."""

    seq: int
    rows: tuple[int, ...]
    as_of: EpochS = EpochS(0)


class Board:
    """Columns, the index over them, and the encoded answers, made when first asked for."""

    def __init__(self) -> None:
        self.seq = 0
        self.items: list[Item] = []
        self.places: list[Place] = []
        self.notices: list[Notice | None] = []
        self.row_of: dict[str, int] = {}
        self.item_of: dict[str, int] = {}
        self.as_of: list[EpochS] = []
        """By item: the time of the newest look at it."""
        self._size = 0
        self._lon: Floats = np.empty(0)
        self._lat: Floats = np.empty(0)
        self._slots: Ints = np.empty(0, np.int32)
        self._is_gone: npt.NDArray[np.bool_] = np.empty(0, np.bool_)
        self._count: Ints = np.empty((0, 0), np.int32)
        self._reserved: Ints = np.empty((0, 0), np.int32)
        self._available: Ints = np.empty((0, 0), np.int32)
        self._row_as_of: Floats = np.empty((0, 0))
        self._changed: Floats = np.empty((0, 0))
        self._grid: Grid | None = None
        self._towns: dict[str, list[int]] | None = None
        self._fragments: list[bytes | None] = []

    # Reading

    @property
    def size(self) -> int:
        """Rows, gone outlets included."""
        return self._size

    def available(self, item: int) -> Ints:
        """By row: what one can get of the item; NOT_LISTED when the outlet is off the list."""
        return self._available[item, : self._size]

    def count(self, item: int) -> Ints:
        """By row: what the outlet last reported, promised ones included; UNKNOWN when it never did."""
        return self._count[item, : self._size]

    def reserved(self, item: int) -> Ints:
        return self._reserved[item, : self._size]

    def changed(self, item: int) -> Floats:
        """By row: when the number last changed, epoch seconds; 0 never."""
        return self._changed[item, : self._size]

    def lon(self) -> Floats:
        return self._lon[: self._size]

    def lat(self) -> Floats:
        return self._lat[: self._size]

    def slots(self) -> Ints:
        """By row: service hours as 21 bits (`hours.py`); -1 unknown."""
        return self._slots[: self._size]

    def is_gone(self) -> npt.NDArray[np.bool_]:
        """By row: no register has the outlet any more."""
        return self._is_gone[: self._size]

    def own_as_of(self, item: int) -> Floats:
        """By row: a time of the row's own (when it was last listed, when it is not now); 0 where the item's holds."""
        return self._row_as_of[item, : self._size]

    def row_as_of(self, item: int, row: int) -> EpochS:
        """When the row was last seen on the list; 0 when it never was."""
        own = float(self._row_as_of[item, row])
        return EpochS(own) if own > 0 or self._available[item, row] == NOT_LISTED else self.as_of[item]

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
    ) -> list[tuple[int, float]]:
        """The k nearest rows with `least` or more of the item, exactly, nearest first, with metres. `slot` 0..20: only
        those whose service hours have it open. Outlets without a point are not found."""
        if self._grid is None:
            self._grid = Grid(self.lon(), self.lat())
        return self._grid.nearest(
            (lon, lat), k, values=self.available(item), least=least, radius_m=radius_m, bits=self.slots(), bit=slot
        )

    def in_town(self, code: str) -> list[int]:
        """The rows of a town (8 digits) or a county (5 digits), gone ones left out."""
        return [row for row in self._by_town().get(code, ()) if not self._is_gone[row]]

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
        place, notice = self.places[row], self.notices[row]
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
            stocks=tuple(self.stocked(row, item) for item in range(len(self.items)) if self._count[item, row] >= 0),
            hours=place.hours,
            hours_note=place.hours_note,
            sale=notice.sale if notice else None,
            plate=notice.plate if notice else None,
            notice=notice.text if notice else "",
        )

    def stocked(self, row: int, item: int) -> Stocked:
        count, available = int(self._count[item, row]), int(self._available[item, row])
        changed = float(self._changed[item, row])
        return Stocked(
            item=self.items[item].id,
            status=self.status(row, item),
            count=count if count >= 0 else None,
            reserved=int(self._reserved[item, row]),
            available=available if available >= 0 else None,
            changed=iso(EpochS(changed)) if changed > 0 else "",
        )

    def status(self, row: int, item: int) -> Status:
        count, available = int(self._count[item, row]), int(self._available[item, row])
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
            known = self._fragments[row] = _encode(self.shown(row))
        return known

    # Changing

    def apply(self, seq: int, event: BoardEvent) -> Change:
        """Take one event of the journal. Events are true: what could not be is refused before it is written."""
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
        for row in rows:
            self._fragments[row] = None
        return Change(seq, tuple(rows), as_of)

    def _set_items(self, items: Sequence[Item]) -> Sequence[int]:
        known = {item.id for item in items}
        old = self.item_of
        self.items = [*items, *(item for item in self.items if item.id not in known)]
        self.item_of = {item.id: place for place, item in enumerate(self.items)}
        order = [old.get(item.id, -1) for item in self.items]
        self._count = _in_order(self._count, order, UNKNOWN)
        self._reserved = _in_order(self._reserved, order, 0)
        self._available = _in_order(self._available, order, NOT_LISTED)
        self._row_as_of = _in_order(self._row_as_of, order, 0)
        self._changed = _in_order(self._changed, order, 0)
        self.as_of = [self.as_of[place] if place >= 0 else EpochS(0) for place in order]
        return range(self._size)

    def _change_places(self, event: PlacesChanged) -> list[int]:
        rows = [self._row(place.code) for place in event.upsert]
        for row, place in zip(rows, event.upsert, strict=True):
            self.places[row] = place
            self._lon[row] = np.nan if place.lon is None else place.lon
            self._lat[row] = np.nan if place.lat is None else place.lat
            self._slots[row] = slots_of(place.hours)
            self._is_gone[row] = False
        gone = [self.row_of[code] for code in event.gone if code in self.row_of]
        self._lon[gone] = self._lat[gone] = np.nan
        self._is_gone[gone] = True
        self._grid = self._towns = None
        return [*rows, *gone]

    def _change_notices(self, event: NoticesChanged) -> list[int]:
        rows = [self._row(notice.code) for notice in event.upsert]
        for row, notice in zip(rows, event.upsert, strict=True):
            self.notices[row] = notice
        gone = [self.row_of[code] for code in event.gone if code in self.row_of]
        for row in gone:
            self.notices[row] = None
        return [*rows, *gone]

    def _tick(self, event: StockTick) -> list[int]:
        rows = np.array([self._row(code) for code in event.codes], np.int64)
        gone = np.array([self.row_of[code] for code in event.gone if code in self.row_of], np.int64)
        for place, name in enumerate(event.items):
            item = self.item_of[name]
            counts = np.array(event.counts[place], np.int32)
            is_changed = self._count[item, rows] != counts
            self._changed[item, rows[is_changed]] = event.as_of
            self._count[item, rows] = counts
            if event.reserved:
                self._reserved[item, rows] = np.array(event.reserved[place], np.int32)
            self._row_as_of[item, rows] = np.array(event.row_as_of) if event.row_as_of else 0.0
            self._row_as_of[item, gone] = self.as_of[item]
            self._refresh(item, rows, is_listed=True)
            self._refresh(item, gone, is_listed=False)
            self.as_of[item] = event.as_of
        return [int(row) for row in np.concatenate((rows, gone))]

    def _reserve(self, event: ReservedSet) -> list[int]:
        rows = np.array([self._row(code) for code in event.codes], np.int64)
        for place, name in enumerate(event.items):
            item = self.item_of[name]
            self._reserved[item, rows] = np.array(event.reserved[place], np.int32)
            listed = rows[self._available[item, rows] != NOT_LISTED]
            self._refresh(item, listed, is_listed=True)
        return [int(row) for row in rows]

    def _refresh(self, item: int, rows: npt.NDArray[np.int64], *, is_listed: bool) -> None:
        """`available` of rows whose count, reserve or listing changed."""
        left = np.maximum(self._count[item, rows] - self._reserved[item, rows], 0)
        self._available[item, rows] = left if is_listed else NOT_LISTED

    def _row(self, code: str) -> int:
        """The row of a code; a new one for an outlet that only a stock list names so far."""
        known = self.row_of.get(code)
        if known is not None:
            return known
        row = self._size
        if row == len(self._lon):
            self._grow(max(1_024, int(row * _GROW)))
        self._size = row + 1
        self.row_of[code] = row
        self.places.append(Place(code=code, name=code))
        self.notices.append(None)
        self._fragments.append(None)
        return row

    def _grow(self, room: int) -> None:
        self._lon, self._lat = _wider(self._lon, room, np.nan), _wider(self._lat, room, np.nan)
        self._slots, self._is_gone = _wider(self._slots, room, -1), _wider(self._is_gone, room, False)
        self._count, self._reserved = _wider(self._count, room, UNKNOWN), _wider(self._reserved, room, 0)
        self._available = _wider(self._available, room, NOT_LISTED)
        self._row_as_of, self._changed = _wider(self._row_as_of, room, 0), _wider(self._changed, room, 0)


def _wider(columns: npt.NDArray[Number], room: int, empty: float) -> npt.NDArray[Number]:
    """Columns with room for more rows (the last axis), the new ones empty."""
    wider = np.full((*columns.shape[:-1], room), empty, columns.dtype)
    wider[..., : columns.shape[-1]] = columns
    return wider


def _in_order(columns: npt.NDArray[Number], order: Sequence[int], empty: float) -> npt.NDArray[Number]:
    """The columns of items in another order; an empty one for each -1."""
    ordered = np.full((len(order), columns.shape[-1]), empty, columns.dtype)
    for place, old in enumerate(order):
        if old >= 0:
            ordered[place] = columns[old]
    return ordered
