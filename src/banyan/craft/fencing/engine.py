"""The fence on a journal: every batch is on disk before it counts, and judging is a pure function of the journal.

Each frame holds the moment it was taken at, so that a replay closes the same slots with the same fixes, and makes the
same alarms with the same numbers: killed at any moment, none is lost and none comes twice for who keeps a cursor.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from banyan.craft.cells.model import CellTable, Fixes, Ints
from banyan.craft.fencing import frames
from banyan.craft.fencing.compiling import warm
from banyan.craft.fencing.model import (
    EVENTS,
    HOME,
    Alarm,
    Counts,
    Fed,
    Listener,
    Phase,
    PhoneState,
    Share,
)
from banyan.craft.fencing.rule import PUBLISHED, Rule
from banyan.craft.fencing.state import Dump, State
from banyan.errors import Conflict, Invalid, Limit
from banyan.kernel.events.clock import Clock
from banyan.kernel.storage import Journal
from banyan.limits_fence import (
    FENCE_ALARMS,
    FENCE_EVENTS,
    FENCE_SNAPSHOT_FIXES,
    FENCE_SNAPSHOT_FRAMES,
    FIX_AHEAD_S,
    FIX_PHONES,
    FIX_ROWS,
)

_ALL: Final = HOME | EVENTS


class Engine:
    """See `FenceEngine` for what the methods promise. The journal is its owner's to close. Compiling the kernel begins
    with the first engine of the process; `table` and `rule` are the same for the journal's whole life, or refused."""

    def __init__(self, journal: Journal, table: CellTable, clock: Clock, *, rule: Rule = PUBLISHED) -> None:
        self._journal, self._clock, self._rule = journal, clock, rule
        self._turn = asyncio.Lock()
        self._gate = threading.Lock()
        self._listeners: list[Listener] = []
        self._since = [0, 0]  # frames and fixes since the last snapshot
        self._state = State(table, rule)
        self._print = frames.fingerprint(table, rule)
        warm()
        self._read()

    @property
    def rule(self) -> Rule:
        return self._rule

    async def enrol(self, phone: int, *, watched_for: int = HOME, at: int | None = None) -> None:
        if not 0 <= phone < FIX_PHONES:
            raise Invalid.at("phone", f"a phone's number is 0 to {FIX_PHONES - 1}")
        if not 0 < watched_for <= _ALL:
            raise Invalid.at("watched_for", "write 1 (home), 2 (events) or 3 (both)")
        now = self._now()
        await self._do(frames.Enrol(now, phone, watched_for, now if at is None else at))

    async def leave(self, phones: Sequence[int]) -> int:
        gone: int = await self._do(frames.Leave(self._now(), np.array(list(phones), np.int64).tobytes()))
        return gone

    async def open_event(self, event: int, cells: Ints, since: int, until: int) -> None:
        if not since < until:
            raise Invalid.at("until", "an event ends after it begins")
        if len(self._state.events) >= FENCE_EVENTS and event not in self._state.events:
            raise Limit(f"At most {FENCE_EVENTS} events are watched at a time.", remedy="Close one that is over.")
        await self._do(frames.OpenEvent(self._now(), event, np.asarray(cells, np.int32).tobytes(), since, until))

    async def close_event(self, event: int) -> None:
        await self._do(frames.CloseEvent(self._now(), event))

    async def feed(self, batch: Fixes, *, complete_until: int | None = None) -> Fed:
        """Raises Limit above FIX_ROWS fixes, Invalid when `complete_until` lies in the future."""
        if len(batch) > FIX_ROWS:
            raise Limit(f"One batch is at most {FIX_ROWS} fixes (FIX_ROWS).", remedy="Send it in parts.")
        now = self._now()
        complete = 0 if complete_until is None else complete_until
        if complete > now + self._rule.slot_s + FIX_AHEAD_S:
            raise Invalid.at("complete_until", "it is in the future; write the moment up to which all fixes were sent")
        self._room()
        fed: Fed = await self._do(frames.feed(now, complete, batch))
        return fed

    async def tick(self) -> int:
        now = self._now()
        due = self._state.due(now)
        if due:
            self._room()
            await self._do(frames.Tick(now))
        return due

    def alarms(self, after: int = 0, *, limit: int = 1_000) -> list[Alarm]:
        with self._gate:
            return [one for one in self._state.alarms if one.number > after][:limit]

    async def told(self, upto: int) -> None:
        if self._state.alarms and self._state.alarms[0].number <= upto:
            await self._do(frames.Told(self._now(), upto))

    def state_of(self, phone: int) -> PhoneState:
        with self._gate:
            state = self._state
            if not state.is_watched(phone):
                return PhoneState(phone, "none", 0, 0, 0.0, False, False, 0, -1, 0, 0, ())
            one = {name: column[phone] for name, column in state.cols.items()}
            in_outage = bool(state.in_outage()[phone])
            now = self._now()
        total = max(int(one["total"]), 1)
        seen = zip(one["home_cells"].tolist(), one["home_counts"].tolist(), strict=True)
        home = sorted((Share(cell, count / total) for cell, count in seen if count), key=lambda share: -share.share)
        trained = int(one["trained_until"])
        phase: Phase = "watched" if 0 < trained <= max(now, int(one["last_at"])) else "training"
        return PhoneState(
            phone, phase, int(one["watched"]), int(one["level"]), float(one["score"]), bool(one["silent"]), in_outage,
            int(one["last_at"]), int(one["last_cell"]), trained, int(one["count"]), tuple(home),
        )  # fmt: skip

    def counts(self) -> Counts:
        with self._gate:
            state, now = self._state, self._now()
            cols = {name: state.cols[name][: state.rows] for name in ("watched", "trained_until", "level", "silent")}
            watched = cols["watched"] > 0
            trained = watched & (cols["trained_until"] > 0) & (cols["trained_until"] <= now)
            level = cols["level"]

            def count(which: Any) -> int:
                return int(np.count_nonzero(which))

            return Counts(
                count(watched), count(watched & ~trained), count(trained & (level == 0)), count(watched & (level == 1)),
                count(watched & (level == 2)), count(watched & (cols["silent"] > 0)),
                count(watched & state.in_outage()), len(state.outages.dark), state.late, state.ahead,
            )  # fmt: skip

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def state_hash(self) -> str:
        with self._gate:
            return self._state.hash()

    async def forget(self) -> None:
        """After phones left: begin a new segment, write two snapshots without them, and let go of all of the journal
        before it. A phone's fixes and the frame of its leaving are in no file afterwards."""
        self._journal.roll()
        for _ in range(2):
            await self._do(frames.Tick(self._now()))
            await self._save()

    async def close(self) -> None:
        """Wait for what is being written."""
        async with self._turn:
            pass

    def _now(self) -> int:
        return int(self._clock())

    def _room(self) -> None:
        if len(self._state.alarms) >= FENCE_ALARMS:
            raise Limit(
                f"{FENCE_ALARMS} alarms wait to be acted upon (FENCE_ALARMS).",
                remedy="Let the fence's service run, then send again.",
                status=429,
                kind="alarms-waiting",
            )

    async def _do(self, frame: frames.Frame) -> Any:
        """On disk first, then in memory; one after another, in the journal's order."""
        async with self._turn:
            if not self._journal.last_seq:
                await self._journal.append(frames.encode(frames.Begin(frame.now, self._print)))
            await self._journal.append(frames.encode(frame))
            result, alarms = await asyncio.to_thread(self._applied, frame)
            self._since[0] += 1
            self._since[1] += len(frame.phone) // 4 if isinstance(frame, frames.Feed) else 0
        if self._since[0] >= FENCE_SNAPSHOT_FRAMES or self._since[1] >= FENCE_SNAPSHOT_FIXES:
            await self._save()
        if alarms:
            for listener in list(self._listeners):
                listener(alarms)
        return result

    async def _save(self) -> None:
        async with self._turn:
            self._since = [0, 0]
            with self._gate:
                dump = self._state.dump()
            seq = self._journal.last_seq

            def save() -> None:
                self._journal.snapshot(seq, msgspec.msgpack.encode((self._print, dump)))
                self._journal.prune()

            await asyncio.to_thread(save)

    def _applied(self, frame: frames.Frame) -> tuple[Any, list[Alarm]]:
        with self._gate:
            return frames.apply(self._state, frame)

    def _read(self) -> None:
        """The state, from the newest snapshot and the frames after it."""
        seq = 0
        found = self._journal.latest_snapshot()
        if found is not None:
            seq, (known, dump) = found[0], msgspec.msgpack.decode(found[1], type=tuple[bytes, Dump])
            self._check(known)
            self._state.load(dump)
        for _, payload in self._journal.replay(seq):
            frame = frames.decode(payload)
            if isinstance(frame, frames.Begin):
                self._check(frame.print)
            else:
                frames.apply(self._state, frame)

    def _check(self, known: bytes) -> None:
        if known != self._print:
            raise Conflict(
                "The fence's journal was written with another table of cells or another rule.",
                remedy="Give it the same, or begin a new journal: people are then trained anew.",
                kind="fence-changed",
            )
