"""A simulated base station controller on the loopback: speaks CBSP to a centre and lets its phones be looked at.

It is a peer, not a stand-in: everything that its phones show came through the centre's own TCP connection as octets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from banyan.craft.notify.cells.desk import Timers
from banyan.craft.notify.cells.link import Gone, Link
from banyan.craft.notify.cells.model import Shown
from banyan.craft.notify.cells.tower import Tower
from banyan.kernel.events.clock import Clock
from banyan.wire.cbsp import Cbsp


class Simulator:
    """`host` is the loopback address that it connects from: how the centre knows it. `mute` answers nothing."""

    def __init__(
        self,
        cells: Iterable[str],
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        timers: Timers | None = None,
        most: int = 15,
    ) -> None:
        self.tower = Tower(cells, most=most)
        self.host = host
        self.heard: list[Cbsp] = []
        self.is_mute = False
        self._clock = clock
        self._timers = timers or Timers()
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None
        self._has_started = False

    def cells(self) -> tuple[str, ...]:
        return self.tower.cells

    def shown(self, cell: str) -> tuple[Shown, ...]:
        """What a phone in `cell` shows; nothing for a cell of somebody else."""
        return self.tower.shown(cell, self._clock())

    def start(self, port: int, to: str = "127.0.0.1") -> None:
        """Connect to the centre, and again whenever the connection ends."""
        self._task = asyncio.create_task(self._stay(to, port))

    async def listen(self) -> int:
        """Let the centre connect; the port."""
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Hang up; what is on the air stays there, as it would."""
        if self._server is not None:
            self._server.close()
        self.hang_up()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def hang_up(self) -> None:
        """End the connection."""
        if self._link is not None:
            self._link.close()

    def say(self, message: Cbsp) -> None:
        """Tell the centre something it did not ask for. Raises Gone."""
        if self._link is None:
            raise Gone("no centre is connected")
        self._link.send(message)

    async def _stay(self, host: str, port: int) -> None:
        while True:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._timers.answer_s):
                    reader, writer = await asyncio.open_connection(host, port, local_addr=(self.host, 0))
                await self._serve(reader, writer)
            await asyncio.sleep(self._timers.retry_s)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(
            reader, writer, self._hear, answer_s=self._timers.answer_s, answers_keep_alive=lambda: not self.is_mute
        )
        self._link = link
        if not self._has_started:
            self._has_started = True
            link.send(self.tower.introduce())
        try:
            await link.read()
            await link.closed()
        except asyncio.CancelledError:  # a server's own task must not end cancelled
            link.close()
            if self._task is asyncio.current_task():
                raise
        finally:
            if self._link is link:
                self._link = None

    def _hear(self, message: Cbsp) -> None:
        self.heard.append(message)
        del self.heard[:-1_000]
        answer = None if self.is_mute else self.tower.answer(message, self._clock())
        if answer is not None:
            self.say(answer)
