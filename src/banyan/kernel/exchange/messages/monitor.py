"""The gateway's monitor: notes every call in well under a microsecond, and works it out behind.

Records in X-Road's schema go to the store beside the message log, counters to Prometheus and OpenTelemetry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from math import sqrt

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.messages.counters import Counters, prometheus
from banyan.kernel.exchange.messages.index import SQL
from banyan.kernel.exchange.messages.operation import duration_of, is_good, operation_of
from banyan.kernel.exchange.messages.record import named
from banyan.kernel.exchange.messages.telemetry import Telemetry
from banyan.kernel.exchange.road.edges.seams import Health, Records, ServiceHealth, Spread, Value
from banyan.kernel.exchange.road.model import Timing
from banyan.kernel.storage.store import Row, SqlValue, Store, Tx
from banyan.limits_road import (
    MONITOR_KEPT_S,
    MONITOR_PAIRS,
    MONITOR_PERIOD_S,
    MONITOR_RECORDS,
    MONITOR_WAITING,
    TELEMETRY_EVERY_S,
)
from banyan.wire.xroad.identifiers import ClientId, ServiceId, parse_service

_SECOND = 10
"""Times the bound of an answer, that one second may have."""
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
        self._last: dict[str, tuple[int, int]] = {}
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
            noted = int(self._clock())
            rows = [_row(timing, noted) for timing in some]
            for timing in some:
                self._count(timing)
            await self._store.write(lambda tx: tx.run_many(SQL["add_operation"], rows))

    async def prune(self) -> None:
        """Forget the oldest records."""
        before = int(self._clock()) - MONITOR_KEPT_S

        def job(tx: Tx) -> None:
            row = tx.row(SQL["newest_operation"])
            newest = row[0] if row is not None and isinstance(row[0], int) else 0
            tx.run(SQL["drop_operations"], id=newest - self._most, before=before)

        await self._store.write(job)

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
        span: dict[str, SqlValue] = {"first": first, "last": last, "limit": most + 1}

        def job(tx: Tx) -> list[Row]:
            if client is None:
                return tx.rows(SQL["operations_between"], **span)
            return tx.rows(SQL["operations_of"], client=named(client), **span)

        rows = await self._store.read_long(job)
        if len(rows) <= most:
            return Records([_read(row) for row in rows])
        cut = _int(rows[most][0])
        kept = [row for row in rows[:most] if _int(row[0]) < cut]
        if kept:
            return Records([_read(row) for row in kept], cut)
        span |= {"first": cut, "last": cut, "limit": most * _SECOND}  # one second alone has more: it goes out whole
        return Records([_read(row) for row in await self._store.read_long(job)], cut + 1)

    async def health(self, client: ClientId | None) -> Health:
        """`Operations.health`, over the last MONITOR_PERIOD_S. `client`: only what it provides."""
        await self.settle()
        since = int(self._clock()) - MONITOR_PERIOD_S
        rows = await self._store.read_long(lambda tx: tx.rows(SQL["operation_health"], since=since))
        found: dict[str, list[Row]] = {name: [] for name in self._last}
        for row in rows:
            found.setdefault(str(row[0]), []).append(row)
        services = [self._service(name, some) for name, some in sorted(found.items())]
        mine = [one for one in services if client is None or _concerns(one.service, client)]
        return Health(self._since, MONITOR_PERIOD_S, mine)

    def _count(self, timing: Timing) -> None:
        self.counters.add(timing)
        if self._telemetry is not None:
            self._telemetry.add(timing)
        if timing.role == "provider":
            name = named(timing.service)
            if name in self._last or len(self._last) < MONITOR_PAIRS:
                good, bad = self._last.get(name, (0, 0))
                at = timing.response_out or timing.request_in
                self._last[name] = (at, bad) if is_good(timing) else (good, at)

    def _service(self, name: str, rows: list[Row]) -> ServiceHealth:
        good, bad = self._last.get(name, (0, 0))
        counts = {bool(row[1]): _int(row[2]) for row in rows}
        well = next((row for row in rows if row[1]), None)
        return ServiceHealth(
            service=parse_service(name),
            last_good=good,
            last_bad=bad,
            good=counts.get(True, 0),
            bad=counts.get(False, 0),
            duration=None if well is None else _spread(well[3:7]),
            request_size=None if well is None else _spread(well[7:11]),
            response_size=None if well is None else _spread(well[11:15]),
        )


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


def _row(timing: Timing, noted: int) -> dict[str, SqlValue]:
    return {
        "noted": noted,
        "role": timing.role,
        "client": named(timing.client),
        "provider": named(timing.service.provider),
        "service": named(timing.service),
        "succeeded": int(is_good(timing)),
        "duration": duration_of(timing),
        "request_size": timing.request_size,
        "response_size": timing.response_size,
        "record": msgspec.json.encode(operation_of(timing, noted)),
    }


def _read(row: Row) -> Mapping[str, Value]:
    assert isinstance(row[1], bytes), "a record is bytes"
    return msgspec.json.decode(row[1], type=dict[str, int | str | bool])


def _spread(values: tuple[SqlValue, ...]) -> Spread:
    least, average, most, squares = (float(value or 0) for value in values)
    return Spread(int(least), average, int(most), sqrt(max(0.0, squares - average * average)))


def _concerns(service: ServiceId, client: ClientId) -> bool:
    return client in (service.provider, service.provider.owner)


def _int(value: SqlValue) -> int:
    assert isinstance(value, int), "a number"
    return value
