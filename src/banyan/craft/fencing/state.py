"""All that a fence knows of its phones, as columns; and judging one slot of them. Pure: no clock, no disk.

What a slot's fixes were is held apart until the slot is over, so that it does not matter in which order they came.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.cells.covering import Plane
from banyan.craft.cells.model import NO_CELL, CellTable, Fixes
from banyan.craft.fencing import kernel
from banyan.craft.fencing.compiling import loops
from banyan.craft.fencing.model import EVENTS, NO_PHONE, Alarm, AlarmKind, Fed
from banyan.craft.fencing.outages import Outages
from banyan.craft.fencing.rule import HOME_CELLS, Rule
from banyan.limits_fence import FIX_AHEAD_S

Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
_COLUMNS: Final[tuple[tuple[str, Any, int], ...]] = (
    ("watched", np.uint8, 0), ("since", np.int64, 0), ("trained_until", np.int64, 0), ("last_at", np.int64, 0),
    ("last_cell", np.int32, 0), ("count", np.int64, 0), ("score", np.float64, 0), ("level", np.uint8, 0),
    ("low", np.uint8, 0), ("silent", np.uint8, 0), ("known", np.int64, 0), ("total", np.int64, 0),
    ("home_cells", np.int32, HOME_CELLS), ("home_counts", np.uint16, HOME_CELLS),
)  # fmt: skip
_LEAST_ROWS: Final = 1_024
Event = tuple[int, int, frozenset[int]]
"""Since, until, cells."""


class Dump(msgspec.Struct, frozen=True):
    """A snapshot: columns as bytes, in the order of `_COLUMNS`."""

    rows: int
    columns: tuple[bytes, ...]
    first_slot: int
    opened: tuple[bytes, bytes]
    outages: bytes
    events: tuple[tuple[int, int, int, tuple[int, ...]], ...]
    entered: tuple[tuple[int, int], ...]
    number: int
    alarms: tuple[Alarm, ...]
    late: int
    ahead: int


class State:
    """Rows of phones, the open slots, and the alarms not yet told."""

    def __init__(self, table: CellTable, rule: Rule) -> None:
        self.table, self.rule = table, rule
        self.numbers = kernel.parameters(rule)
        self._sites = np.append(table.site, np.int32(-1)).astype(np.int32)  # NO_CELL finds the last entry
        self.rows = 0
        self.slots = 1 + -(-(rule.grace_s + rule.slot_s + FIX_AHEAD_S) // rule.slot_s)
        self.first_slot = -1
        self.cols: dict[str, Any] = {name: np.zeros((0, wide) if wide else 0, kind) for name, kind, wide in _COLUMNS}
        self.open_at = np.zeros((self.slots, 0), np.int64)
        self.open_cell = np.zeros((self.slots, 0), np.int32)
        lon, lat = table.site_points()
        plane = Plane(float(lon.mean()) if len(lon) else 0.0, float(lat.mean()) if len(lat) else 0.0)
        self.outages = Outages(rule, *plane.metres(lon, lat))
        self.events: dict[int, Event] = {}
        self.entered: set[tuple[int, int]] = set()
        self.number = 0
        self.alarms: list[Alarm] = []
        self.late = self.ahead = 0

    # Phones.

    def is_watched(self, phone: int) -> bool:
        return 0 <= phone < self.rows and bool(self.cols["watched"][phone])

    def enrol(self, phone: int, watched_for: int, at: int) -> None:
        if self.is_watched(phone):
            return
        self._room(phone + 1)
        self._wipe(np.array([phone]))
        self.cols["watched"][phone] = watched_for
        self.cols["since"][phone] = at
        self.cols["last_cell"][phone] = NO_CELL

    def leave(self, phones: Longs) -> int:
        known = phones[(phones >= 0) & (phones < self.rows)]
        gone = int(np.count_nonzero(self.cols["watched"][known]))
        self._wipe(known)
        wiped = set(known.tolist())
        self.alarms = [_wiped(one) if one.phone in wiped else one for one in self.alarms]
        self.entered = {one for one in self.entered if one[1] not in wiped}
        return gone

    def _wipe(self, rows: Longs) -> None:
        for column in self.cols.values():
            column[rows] = 0
        self.open_at[:, rows] = 0
        self.open_cell[:, rows] = 0

    def _room(self, rows: int) -> None:
        """Room for so many rows: at least twice as many as before."""
        self.rows = max(self.rows, rows)
        if rows <= len(self.cols["watched"]):
            return
        room = max(_LEAST_ROWS, 2 * rows)
        for name, column in self.cols.items():
            grown = np.zeros((room, *column.shape[1:]), column.dtype)
            grown[: len(column)] = column
            self.cols[name] = grown
        for name in ("open_at", "open_cell"):
            old = getattr(self, name)
            wider = np.zeros((self.slots, room), old.dtype)
            wider[:, : old.shape[1]] = old
            setattr(self, name, wider)

    # Fixes.

    def begin(self, now: int) -> None:
        """The first moment that is known: slots before it are over."""
        if self.first_slot < 0:
            self.first_slot = (now - self.rule.grace_s) // self.rule.slot_s

    def feed(self, batch: Fixes, now: int) -> Fed:
        self.begin(now)
        last = (self.first_slot + self.slots) * self.rule.slot_s - 1
        bounds = np.array([self.first_slot, self.rule.slot_s, min(now + FIX_AHEAD_S, last), len(self.table)], np.int64)
        result = np.zeros(5, np.int64)
        rows = self.cols["watched"], self.cols["since"]
        opened = self.open_at, self.open_cell
        loops.scatter((batch.phone, batch.at, batch.cell), bounds, rows, opened, result)
        taken, again, late, ahead, unknown = result.tolist()
        self.late += late
        self.ahead += ahead
        return Fed(taken, again, late, ahead, unknown)

    def due(self, now: int) -> int:
        """How many slots are over by the clock."""
        return self.complete(now - self.rule.grace_s)

    def complete(self, until: int) -> int:
        """How many slots are over when all up to `until` was sent."""
        return max(0, until // self.rule.slot_s - self.first_slot) if self.first_slot >= 0 else 0

    def ahead_of_room(self, until: int) -> int:
        """How many slots are to be closed before those up to `until` have room: none of one that goes on from where
        the last batch ended."""
        return max(0, self.complete(until) - self.slots)

    def close(self) -> list[Alarm]:
        """Judge the first open slot; its alarms, by phone."""
        slot, rule = self.first_slot, self.rule
        at_row, cell_row = self.open_at[0, : self.rows], self.open_cell[0, : self.rows]
        rows = np.flatnonzero(at_row > 0)
        at, cell = at_row[rows].copy(), cell_row[rows].copy()
        found: list[tuple[int, int, AlarmKind, int, int, float, int]] = []
        end = (slot + 1) * rule.slot_s
        dark, lit = self.outages.close(slot, self._sights(rows, cell, slot))
        found += [(NO_PHONE, 0, "outage", end, NO_CELL, 0.0, site) for site in dark]
        found += [(NO_PHONE, 1, "restored", end, NO_CELL, 0.0, site) for site in lit]
        in_outage = self.in_outage()
        excused = in_outage[rows] & self.outages.near(self.table.site[cell]) if rows.size else in_outage[rows]
        found += self._judged(rows, at, cell, excused)
        found += self._entered(rows, at, cell)
        found += self._fell_silent(end, in_outage)
        self.open_at[:-1], self.open_cell[:-1] = self.open_at[1:].copy(), self.open_cell[1:].copy()
        self.open_at[-1] = self.open_cell[-1] = 0
        self.first_slot += 1
        return [self._alarm(slot, *one) for one in sorted(found)]

    def in_outage(self) -> Bools:
        """Of each row: whether a mast out of order excuses its silence and its jumps."""
        if not self.outages.is_any:
            return np.zeros(self.rows, np.bool_)
        return self.outages.excuses(
            self.site_of(self.cols["last_cell"][: self.rows]),
            self.site_of(self.cols["home_cells"][: self.rows]),
            self.cols["home_counts"][: self.rows],
        )

    def site_of(self, cells: Ints) -> Ints:
        """Sites of cells, -1 of NO_CELL."""
        found: Ints = self._sites[cells]
        return found

    def _sights(self, rows: Longs, cell: Ints, slot: int) -> tuple[Ints, Ints, Bools]:
        """For outages: the site that each phone heard in the slot before was at, the site of each fix now, and which of
        the former are gone: no fix, or served by a cell of another mast that is none of its home."""
        cols, slot_s = self.cols, self.rule.slot_s
        last = cols["last_at"][: self.rows]
        heard = np.flatnonzero((last // slot_s == slot - 1) & (last > 0) & (cols["watched"][: self.rows] > 0))
        before = self.site_of(cols["last_cell"][heard])
        now = np.full(self.rows, NO_CELL, np.int32)
        now[rows] = cell
        served = now[heard]
        gone = served < 0
        moved = np.flatnonzero(~gone & (self.site_of(served) != before))
        homes, counts = cols["home_cells"][heard[moved]], cols["home_counts"][heard[moved]]
        gone[moved] = ~((homes == served[moved, None]) & (counts > 0)).any(axis=1)
        return before, self.site_of(cell), gone

    def _judged(self, rows: Longs, at: Longs, cell: Ints, excused: Bools) -> list[Any]:
        cols = self.cols
        heard = rows[cols["silent"][rows] > 0]
        told: list[Any] = []
        if heard.size:
            places = np.searchsorted(rows, heard)
            told = [(int(rows[one]), 0, "heard", int(at[one]), int(cell[one]), 0.0, 0) for one in places]
        cols["silent"][rows] = 0
        cols["last_at"][rows], cols["last_cell"][rows] = at, cell
        cols["count"][rows] += 1
        homes = tuple(
            cols[name] for name in ("watched", "trained_until", "known", "total", "home_cells", "home_counts")
        )
        added = np.empty(len(rows))
        loops.weigh((rows, at, cell, np.ascontiguousarray(excused)), self.table.site, self.numbers, homes, added)
        pairs = np.empty((2 * len(rows) + 1, 2), np.int64)
        state = cols["score"], cols["level"], cols["low"]
        count = loops.move(rows, added, self.numbers, state, pairs)
        for place, kind in pairs[:count].tolist():
            row = int(rows[place])
            score = float(cols["score"][row])
            told.append((row, 1 + kind, kernel.TOLD[kind], int(at[place]), int(cell[place]), score, 0))
        return told

    def _entered(self, rows: Longs, at: Longs, cell: Ints) -> list[Any]:
        told: list[Any] = []
        for event, (since, until, cells) in sorted(self.events.items()):
            inside = np.isin(cell, np.fromiter(cells, np.int32, len(cells)))
            inside &= (at >= since) & (at < until) & (self.cols["watched"][rows] & EVENTS > 0)
            for place in np.flatnonzero(inside):
                row = int(rows[place])
                if (event, row) not in self.entered:
                    self.entered.add((event, row))
                    told.append((row, 5, "entered", int(at[place]), int(cell[place]), 0.0, event))
        return told

    def _fell_silent(self, end: int, in_outage: Bools) -> list[Any]:
        cols = self.cols
        heard = np.maximum(cols["last_at"][: self.rows], cols["since"][: self.rows])
        quiet = (cols["watched"][: self.rows] > 0) & (cols["silent"][: self.rows] == 0)
        rows = np.flatnonzero(quiet & (end - heard >= self.rule.silent_s) & ~in_outage)
        cols["silent"][rows] = 1
        cells, scores = cols["last_cell"][rows].tolist(), cols["score"][rows].tolist()
        told = zip(rows.tolist(), cells, scores, strict=True)
        return [(row, 6, "silent", end, cell, score, 0) for row, cell, score in told]

    def _alarm(self, slot: int, phone: int, _: int, kind: AlarmKind, /, *rest: Any) -> Alarm:
        at, cell, score, extra = rest
        self.number += 1
        site = extra if phone == NO_PHONE else (int(self.table.site[cell]) if cell >= 0 else -1)
        event = extra if kind == "entered" else 0
        ident = f"{slot}-{kind}-{site if phone == NO_PHONE else phone}" + (f"-{event}" if event else "")
        alarm = Alarm(self.number, ident, kind, phone, at, cell, site, score, event)
        self.alarms.append(alarm)
        return alarm

    # Snapshots.

    def dump(self) -> Dump:
        columns = tuple(self.cols[name][: self.rows].tobytes() for name, _, _ in _COLUMNS)
        opened = self.open_at[:, : self.rows].tobytes(), self.open_cell[:, : self.rows].tobytes()
        events = tuple((one, since, until, tuple(sorted(cells))) for one, (since, until, cells) in self.events.items())
        return Dump(
            self.rows, columns, self.first_slot, opened, self.outages.dump(), events, tuple(sorted(self.entered)),
            self.number, tuple(self.alarms), self.late, self.ahead,
        )  # fmt: skip

    def load(self, dump: Dump) -> None:
        self._room(dump.rows)
        for (name, kind, wide), column in zip(_COLUMNS, dump.columns, strict=True):
            values = np.frombuffer(column, kind)
            self.cols[name][: dump.rows] = values.reshape(-1, wide) if wide else values
        self.open_at[:, : dump.rows] = np.frombuffer(dump.opened[0], np.int64).reshape(self.slots, dump.rows)
        self.open_cell[:, : dump.rows] = np.frombuffer(dump.opened[1], np.int32).reshape(self.slots, dump.rows)
        self.first_slot = dump.first_slot
        self.outages.load(dump.outages)
        self.events = {one: (since, until, frozenset(cells)) for one, since, until, cells in dump.events}
        self.entered = set(dump.entered)
        self.number, self.alarms = dump.number, list(dump.alarms)
        self.late, self.ahead = dump.late, dump.ahead

    def hash(self) -> str:
        """Of all but the counts of what came late, ahead or again: they tell of batches, not of phones."""
        dump = msgspec.structs.replace(self.dump(), late=0, ahead=0)
        return hashlib.sha256(msgspec.msgpack.encode(dump)).hexdigest()


def _wiped(alarm: Alarm) -> Alarm:
    """Its number stays, so that cursors go on."""
    return Alarm(alarm.number, f"{alarm.number}-wiped", "wiped", NO_PHONE, alarm.at, NO_CELL, -1, 0.0)
