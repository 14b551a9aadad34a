"""The gateway's monitor: notes every call in well under a microsecond, and works it out behind.

Records in X-Road's schema go to the store beside the message log, counters to Prometheus and OpenTelemetry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.messages.counters import Counters, prometheus
from banyan.kernel.exchange.messages.health import HealthBook
from banyan.kernel.exchange.messages.index import SQL
from banyan.kernel.exchange.messages.operation import Noted, concerns, decode, encode, noted, operation_of
from banyan.kernel.exchange.messages.telemetry import Telemetry
from banyan.kernel.exchange.road.edges.seams import Health, Records, Value
from banyan.kernel.exchange.road.model import Timing
from banyan.kernel.storage.store import Row, SqlValue, Store, Tx
from banyan.limits_road import (
    MONITOR_KEPT_S,
    MONITOR_PERIOD_S,
    MONITOR_RECORDS,
    MONITOR_WAITING,
    TELEMETRY_EVERY_S,
)
from banyan.wire.xroad.identifiers import ClientId

_BATCHES = 64
"""Drains read at once: a minute's."""
Tell = Callable[[str, dict[str, object]], None]
Gauges = Callable[[], Iterable[tuple[str, str, float]]]


class Observer:
    """`Monitor` of the road, `Operations` of its edges. `gauges`: further figures for Prometheus."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        telemetry: Telemetry | None = None,
        gauges: Gauges = tuple,
        most: int = MONITOR_RECORDS,
    ) -> None:
        self._store, self._clock, self._telemetry, self._gauges, self._most = store, clock, telemetry, gauges, most
        self._waiting: deque[Timing] = deque(maxlen=MONITOR_WAITING)
        self._since = int(clock() * 1_000)
        self._book = HealthBook()
        self._through: int | None = None
        self._turn = asyncio.Lock()
        self.counters = Counters()
        self.lost = 0
        """Calls that came faster than they could be worked out."""

    def note(self, timing: Timing) -> None:
        """`Monitor.note`: never waits, never fails the call."""
        if len(self._waiting) == MONITOR_WAITING:
            self.lost += 1
        self._waiting.append(timing)

    async def settle(self) -> None:
        """Work out what was noted."""
        async with self._turn:
            if not self._waiting:
                return
            some = [self._waiting.popleft() for _ in range(len(self._waiting))]
            now = self._clock()
            for timing in some:
                self._count(timing, now)
            if self._through is None:
                row = await self._store.read(lambda tx: tx.row(SQL["operations_through"]))
                self._through = _int(row[0]) if row is not None and row[0] is not None else 0
            self._through += len(some)
            values: dict[str, SqlValue] = {
                "noted": int(now),
                "through": self._through,
                "calls": encode(tuple(map(noted, some))),
            }
            await self._store.write(lambda tx: tx.run(SQL["add_operations"], **values))

    async def prune(self) -> None:
        """Forget the oldest calls."""
        before, through = int(self._clock()) - MONITOR_KEPT_S, (self._through or 0) - self._most
        await self._store.write(lambda tx: tx.run(SQL["drop_operations"], through=through, before=before))

    async def metrics(self) -> str:
        """The text for Prometheus, as of now."""
        await self.settle()
        own = [("banyan_monitor_lost", "Calls noted faster than they could be worked out.", float(self.lost))]
        return prometheus(self.counters, [*own, *self._gauges()])

    async def export(self) -> bool:
        """Send to the collector; True when there is none or it took everything."""
        await self.settle()
        return self._telemetry is None or await self._telemetry.export(self.counters)

    async def records(self, first: int, last: int, client: ClientId | None, most: int) -> Records:
        """`Operations.records`: whole seconds, so that a collector asks again from the next one."""
        await self.settle()
        found: list[tuple[int, Noted]] = []
        after = 0
        while len(found) <= most or found[0][0] == found[-1][0]:
            span: dict[str, SqlValue] = {"first": first, "last": last, "after": after, "limit": _BATCHES}
            rows = await self._store.read_long(partial(_between, span=span))
            if not rows:
                return Records(_told(found))
            after = _int(rows[-1][0])
            found += [one for row in rows for one in _read(row) if client is None or concerns(one[1], client)]
        cut = found[most][0]
        if cut == found[0][0]:  # one second alone has more: it goes out whole
            return Records(_told([one for one in found if one[0] == cut]), cut + 1)
        return Records(_told([one for one in found[:most] if one[0] < cut]), cut)

    async def health(self, client: ClientId | None) -> Health:
        """`Operations.health`, over the last MONITOR_PERIOD_S. `client`: only what it provides."""
        await self.settle()
        return Health(self._since, MONITOR_PERIOD_S, self._book.told(client, self._clock()))

    def _count(self, timing: Timing, now: float) -> None:
        self.counters.add(timing)
        if self._telemetry is not None:
            self._telemetry.add(timing)
        if timing.role == "provider":
            self._book.add(timing, now)


async def keep_observing(observer: Observer, *, tell: Tell, every_s: float = TELEMETRY_EVERY_S) -> None:
    """Work out, export and prune until cancelled; then once more."""
    try:
        while True:
            await asyncio.sleep(every_s)
            try:
                if not await observer.export():
                    tell("monitor.export_failed", {})
                await observer.prune()
            except (Problem, OSError) as problem:
                tell("monitor.failed", {"kind": type(problem).__name__})
    finally:
        await asyncio.shield(observer.settle())


def _between(tx: Tx, span: dict[str, SqlValue]) -> list[Row]:
    return tx.rows(SQL["operations_between"], **span)


def _read(row: Row) -> list[tuple[int, Noted]]:
    """The calls of a drain, each with its second."""
    assert isinstance(row[2], bytes), "calls are bytes"
    second = _int(row[1])
    return [(second, one) for one in decode(row[2])]


def _told(found: Sequence[tuple[int, Noted]]) -> list[Mapping[str, Value]]:
    return [operation_of(one, second) for second, one in found]


def _int(value: SqlValue) -> int:
    assert isinstance(value, int), "a number"
    return value
