"""Runs what services declared to happen without a caller: on an event of their own or another's feed, and when a timer
is due.

At least once: an event is behind the durable cursor only after its handlers returned, a timer is done only after its
handler returned. One attendant a service; it is awaited by the node, which owns it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue import Service
from banyan.kernel.catalogue.operation import Handler
from banyan.kernel.events import Event, feed, timers
from banyan.kernel.exchange.gate import Gate, Log
from banyan.kernel.identity.caller import SYSTEM
from banyan.kernel.storage import Drawer, Store
from banyan.limits import HANDLER_TRIES, HANDLER_WAIT_S, TIMER_LEASE_S, TIMER_LOOK_S

CURSOR: Final = "attendant"


class _Followed(msgspec.Struct, frozen=True):
    """A feed, how far this service has come in it (kept in its own drawer), and what it runs on its events."""

    store: Store
    cursor: str
    handlers: tuple[Handler, ...]


class Attendant:
    """The handlers of one service at work. `jitter` gives random numbers in 0..1."""

    def __init__(self, service: Service, drawer: Drawer, gate: Gate, *, log: Log, jitter: Callable[[], float]) -> None:
        self._service, self._drawer, self._gate = service, drawer, gate
        self._log, self._jitter = log, jitter
        self._timers = {handler.topic: handler for handler in service.on_timer}
        self._feeds = _feeds(service, drawer, gate.drawers)

    async def run(self) -> None:
        """Work until cancelled."""
        woken = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake(_topic: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)

        stores = {id(store): store for store in (self._drawer.sql, *(one.store for one in self._feeds))}
        stops = [store.listen(wake) for store in stores.values()]
        try:
            while True:
                woken.clear()
                busy = await self._due()
                for followed in self._feeds:
                    busy |= await self._events(followed)
                if not busy:
                    await _either(woken, await self._until_next())
        finally:
            for stop in stops:
                stop()

    async def _events(self, followed: _Followed) -> bool:
        """Hand a feed's new events to their handlers; True when there were any."""
        own = self._drawer.sql
        after = await own.read(lambda tx: feed.cursor(tx, followed.cursor))
        events = await feed.read(followed.store, after)
        for event in events:
            handlers = [handler for handler in followed.handlers if handler.topic == event.topic]
            for handler in handlers:
                await self._with_patience(handler, event)
            if handlers or event is events[-1]:
                await own.write(partial(feed.move_cursor, follower=followed.cursor, seq=event.seq))
        return bool(events)

    async def _with_patience(self, handler: Handler, event: Event) -> None:
        """Try a few times with growing waits; then say so in the log and go on, so that one event stops no other."""
        for attempt in range(HANDLER_TRIES):
            if attempt:
                await asyncio.sleep(HANDLER_WAIT_S * 2**attempt)
            if await self._handled(handler, event):
                return
        self._log("handler.gave_up", {"service": self._service.name, "topic": event.topic, "seq": event.seq})

    async def _handled(self, handler: Handler, event: Event) -> bool:
        """Run one handler; False when it failed. The worker loop may catch anything: it records it (STYLE rule 7)."""
        try:
            await handler.run(self._gate.context(self._service.name, SYSTEM), event)
        except Problem as problem:
            self._failed(event, problem.kind)
            return False
        except Exception as error:
            self._failed(event, type(error).__name__)
            return False
        return True

    def _failed(self, event: Event, kind: str) -> None:
        self._log("handler.failed", {"service": self._service.name, "topic": event.topic, "kind": kind})

    async def _due(self) -> bool:
        """Run the timers that are due, side by side; True when there were any."""
        if not self._timers:
            return False
        claimed = await timers.claim(self._drawer.sql, now=self._gate.clock(), lease_s=TIMER_LEASE_S)
        await asyncio.gather(*(self._timer(timer) for timer in claimed))
        return bool(claimed)

    async def _timer(self, timer: timers.Timer) -> None:
        handler = self._timers.get(timer.name)
        event = Event(topic=timer.name, subject=timer.key, data=msgspec.Raw(timer.body or b"null"), at=timer.at)
        store = self._drawer.sql
        if handler is not None and not await self._handled(handler, event):
            now, jitter = self._gate.clock(), self._jitter()
            await store.write(lambda tx: timers.failed(tx, timer, now=now, jitter=jitter))
            return
        await store.write(lambda tx: timers.done(tx, timer))

    async def _until_next(self) -> float:
        """Seconds until the next timer, at most TIMER_LOOK_S: a clock that is set forward is noticed."""
        due = await self._drawer.sql.read(timers.next_at) if self._timers else None
        return TIMER_LOOK_S if due is None else min(TIMER_LOOK_S, max(0.0, due - self._gate.clock()))


def _feeds(service: Service, drawer: Drawer, drawers: Mapping[str, Drawer]) -> list[_Followed]:
    """The feeds a service's handlers follow. One of a service that does not run here is left out: nothing comes."""
    names = sorted({handler.of for handler in service.on_event})
    return [
        _Followed(
            store=drawers[name].sql if name else drawer.sql,
            cursor=f"{CURSOR}:{name}" if name else CURSOR,
            handlers=tuple(handler for handler in service.on_event if handler.of == name),
        )
        for name in names
        if not name or name in drawers
    ]


async def _either(event: asyncio.Event, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        return
