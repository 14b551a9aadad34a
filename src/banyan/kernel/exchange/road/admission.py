"""Admission to a gateway, as calls meet it: enter, perhaps wait, run, close the ticket. Implements `model.Admission`.

One for each role of a gateway. The decisions are in admission_desk.py; here are the event loop's futures and timers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.road.admission_desk import Asking, Desk
from banyan.kernel.exchange.road.admission_queue import CLASSES, Place
from banyan.kernel.exchange.road.admission_refusal import Overloaded
from banyan.kernel.exchange.road.model import Priority, Role
from banyan.limits_road import ADMISSION_TICK_S
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.identifiers import ClientId, ServiceId

_HELP: Final = {
    "asked": "Calls that came, since the start.",
    "let_in": "Calls that got a place, since the start.",
    "ended": "Calls that gave their place back, since the start.",
    "gone": "Calls whose client went away while they waited, since the start.",
    "quota": "Calls sent away because their grant's rate was used up, since the start.",
    "late": "Calls sent away at once because they could not run before their deadline, since the start.",
    "full": "Calls sent away because too many of their client waited, since the start.",
    "lapsed": "Calls that waited until their deadline, since the start.",
}


class FairAdmission:
    """`clock` is the one that deadlines are said by; `ticks` only runs forward. `origin` says whose gateway refuses."""

    def __init__(
        self,
        origin: Origin,
        clock: Clock,
        *,
        ticks: Callable[[], float] = time.monotonic,
        desk: Desk | None = None,
    ) -> None:
        self.desk = desk or Desk()
        self._origin = origin
        self._clock = clock
        self._ticks = ticks
        self._timer: asyncio.TimerHandle | None = None

    async def enter(
        self, client: ClientId, priority: Priority, per_minute: int, until: EpochS, *, service: ServiceId | None = None
    ) -> Leave:
        """Leave to run. Raises Overloaded: at once when it cannot run before `until`, else when it did not get to."""
        asking = Asking(client, priority, until - self._clock(), (client, service) if per_minute else None, per_minute)
        place, shed = self.desk.ask(asking, self._ticks())
        if shed is not None:
            _tell(shed)
        if not isinstance(place, Place):
            raise Overloaded(place, self._origin)
        if self._timer is None:
            self._watch()
        if place.state != "running":
            await self._turn(place, asking)
        return Leave(self, place)

    def enter_now(
        self, client: ClientId, priority: Priority, per_minute: int, until: EpochS, *, service: ServiceId | None = None
    ) -> Leave | None:
        """Leave to run, when there is a place at once; None: `enter` knows why, or waits."""
        if until <= self._clock():
            return None
        quota = (client, service) if per_minute else None
        place = self.desk.start_now(client, priority, quota, per_minute, now=self._ticks())
        if place is None:
            return None
        if self._timer is None:
            self._watch()
        return Leave(self, place)

    def leave(self, place: Place) -> None:
        for started in self.desk.end(place, self._ticks()):
            _tell(started)

    def gauges(self, role: Role) -> list[tuple[str, str, float]]:
        """(name, help, value) for Prometheus: how full it is, and what became of the calls."""
        queue, tally, head = self.desk.queue, self.desk.tally, f"banyan_admission_{role}"
        found = [
            (f"{head}_limit", "Calls that may run at once; falls when the event loop is late.", float(queue.limit)),
            (f"{head}_running", "Calls that run.", float(queue.running)),
            (f"{head}_hold_seconds", "Mean time that a call holds its place.", self.desk.pace.hold_s),
        ]
        found += [
            (f"{head}_waiting_{one}", f"Calls of {one} that wait.", float(queue.load(one).waiting)) for one in CLASSES
        ]
        for name in tally.__struct_fields__:
            found.append((f"{head}_{name}", _HELP[name], float(getattr(tally, name))))
        return found

    def close(self) -> None:
        """The gateway stops: looks at the loop no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _turn(self, place: Place, asking: Asking) -> None:
        """Wait until the place runs. Raises Overloaded: sent away, or the deadline came."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()
        place.wake = told
        timer = loop.call_later(asking.left_s, _tell, place)
        try:
            await told
        except asyncio.CancelledError:  # the client went away; the place may have come free just now
            self.leave(place)
            raise
        finally:
            timer.cancel()
        if place.state == "shed":
            raise Overloaded(self.desk.shed(asking), self._origin)
        lapsed = self.desk.lapse(place, asking, self._ticks())
        if lapsed is not None:
            raise Overloaded(lapsed, self._origin)

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(ADMISSION_TICK_S, self._look, loop, loop.time() + ADMISSION_TICK_S)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """How late this comes is how late everything does; while nothing runs, nobody looks."""
        self._timer = None
        for started in self.desk.look(loop.time() - due, self._ticks()):
            _tell(started)
        if self.desk.queue.running:
            self._watch()


class Leave:
    """Leave to run: close it when the call has ended, however it ended; twice does nothing."""

    __slots__ = ("_admission", "_place")

    def __init__(self, admission: FairAdmission, place: Place) -> None:
        self._admission = admission
        self._place = place

    def close(self) -> None:
        if self._place.state == "running":
            self._admission.leave(self._place)


def _tell(place: Place) -> None:
    """Wake whoever waits for this place: it runs, was sent away, or its deadline has come."""
    told = place.wake
    if isinstance(told, asyncio.Future) and not told.done():
        told.set_result(None)
