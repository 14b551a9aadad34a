"""A server's port: its connections, and the sweep that ends late ones, instead of a timer for each message."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.road.bundle import Bundle, Entry
from banyan.kernel.exchange.road.connection import Connection, Handler, Quick
from banyan.kernel.exchange.road.spool import Spooling
from banyan.limits_road import (
    ROAD_CONNECTIONS,
    ROAD_HANDSHAKE_S,
    ROAD_SWEEP_S,
)

Report = Callable[[str, BaseException], None]
_TURNS: Final = 100


class Listener:
    """One port. `handler` is asked for each request."""

    def __init__(self, handler: Handler, spooling: Spooling, clock: Clock, report: Report) -> None:
        self.handler = handler
        self.spooling = spooling
        self.report = report
        self.connections: set[Connection] = set()
        """Strands of bundles among them."""
        self.bundles: set[Bundle] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.quick: Quick | None = None
        self.taken: set[Connection] = set()
        """Those whose request runs without a task."""
        self._idle: asyncio.Future[None] | None = None
        self.most = ROAD_CONNECTIONS
        """Of connections, and of bundles."""
        self._is_stopping = False
        self.loop = asyncio.get_running_loop()
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._date = (0, b"")

    async def start(self, host: str, port: int, context: ssl.SSLContext | None = None) -> int:
        """The port it listens at."""
        handshake_s = ROAD_HANDSHAKE_S if context is not None else None
        self._server = await self.loop.create_server(
            lambda: Entry(self._bundle, lambda: Connection(self)) if context is not None else Connection(self),
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=handshake_s,
            backlog=1024,
        )
        self._sweep()
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self, grace_s: float = 5.0) -> None:
        """Take no new request; those that run may end for so long."""
        if self._server is not None:
            self._server.close()
        self.quick, self._is_stopping = None, True
        for one in tuple(self.connections):
            one.finish()
        if self.taken:
            self._idle = self.loop.create_future()
            await asyncio.wait([self._idle], timeout=grace_s)
        for one in tuple(self.taken):
            one.forsaken()
        if self.tasks:
            await asyncio.wait(tuple(self.tasks), timeout=grace_s)
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()  # one that was cancelled before it began has not left
        for one in tuple(self.connections):
            one.abort()
        for _ in range(_TURNS):  # of the loop, until their ends have been told
            if not self.connections:
                break
            await asyncio.sleep(0)
        for bundle in tuple(self.bundles):
            bundle.close()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def sweep(self, now: float) -> None:
        """End what is late at `now`, by the loop's clock."""
        for one in tuple(self.connections):
            if now >= one.deadline:
                one.late()
        for bundle in tuple(self.bundles):
            if now >= bundle.deadline:
                bundle.close()

    def left(self, connection: Connection) -> None:
        self.taken.discard(connection)
        if self._idle is not None and not self.taken and not self._idle.done():
            self._idle.set_result(None)

    def _bundle(self) -> Bundle | None:
        if len(self.bundles) >= self.most:
            return None
        bundle = Bundle(accept=self._strand, ended=self.bundles.discard)
        self.bundles.add(bundle)
        return bundle

    def _strand(self) -> Connection | None:
        return None if self._is_stopping or len(self.connections) >= self.most else Connection(self)

    def date(self) -> bytes:
        now = int(self._clock())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True).encode("ascii"))
        return self._date[1]

    def _sweep(self) -> None:
        self.sweep(self.loop.time())
        self._sweeper = self.loop.call_later(ROAD_SWEEP_S, self._sweep)
