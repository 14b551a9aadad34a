"""The cell broadcast centre: brings every base station controller (BSC) to where the journal says it shall be.

It takes connections from BSCs and makes some itself. Each connected BSC has a worker that asks it for what is missing,
the most urgent first, and again after a pause for what may pass. A BSC that was never met is cleared first; one that
comes back is asked what it still has; cells that restarted get everything again. Source: TS 48.049 s7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path

from banyan.craft.notify.cells import standing
from banyan.craft.notify.cells.desk import Desk, Timers
from banyan.craft.notify.cells.keeper import Keeper
from banyan.craft.notify.cells.model import Broadcast, CellCount, Status
from banyan.craft.notify.cells.naming import Bsc
from banyan.craft.notify.cells.state import Key, Killing, Written
from banyan.errors import Invalid, Limit, NotFound
from banyan.kernel.events.clock import Clock
from banyan.limits_alerts import CBC_BSCS, CBC_ON_AIR
from banyan.wire.cbsp import PORT


class Centre:
    """A CellBroadcaster over CBSP. `bscs` are known; others are refused, unless `is_open` (a demonstration's)."""

    def __init__(
        self, folder: Path, bscs: Sequence[Bsc], *, clock: Clock, timers: Timers | None = None, is_open: bool = False
    ) -> None:
        if len(bscs) > CBC_BSCS or len({one.name for one in bscs}) < len(bscs):
            raise Invalid.at("bscs", f"at most {CBC_BSCS} base station controllers, each with a name of its own")
        self._keeper = Keeper(folder)
        self._clock = clock
        self._timers = timers = timers or Timers()
        self._is_open = is_open
        self._desks = {one.name: Desk(one, self._keeper, self.bscs, clock, timers) for one in bscs}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._arrived = asyncio.Condition()

    def bscs(self) -> list[Bsc]:
        """All that are known now, those included that introduced themselves."""
        return [desk.bsc for desk in self._desks.values()]

    async def start(self, host: str = "127.0.0.1", port: int = PORT) -> int:
        """Listen for BSCs and connect to those that have a port; the port that is listened on."""
        self._server = await asyncio.start_server(self._accept, host, port)
        for desk in self._desks.values():
            if desk.bsc.port is not None:
                self._own(self._connect(desk))
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    async def close(self) -> None:
        """Hang up everywhere; what is on the air stays there."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        await self._keeper.close()

    async def write_replace(self, broadcast: Broadcast) -> Status:
        async with self._writing:
            now = self._clock()
            air = self._keeper.air
            standing.check(broadcast, air, now=now)
            record = air.records.get((broadcast.message_id, broadcast.serial))
            if record is None or record.broadcast != broadcast:
                if sum(one.is_wanted(now) for one in air.records.values()) >= CBC_ON_AIR:
                    raise Limit(f"{CBC_ON_AIR} broadcasts are on the air.", remedy="Kill one that is no longer needed.")
                await self._keeper.keep(Written(broadcast, int(now)), now=now)
        self._wake()
        return await self.status(broadcast.message_id, broadcast.serial)

    async def kill(self, message_id: int, serial: int) -> Status:
        async with self._writing:
            record = self._keeper.air.records.get((message_id, serial))
            if record is None:
                raise _unknown(message_id, serial)
            if record.killing_at is None:
                now = self._clock()
                await self._keeper.keep(Killing(record.key, int(now)), now=now)
        self._wake()
        return await self.status(message_id, serial)

    async def status(self, message_id: int, serial: int, *, ask: bool = False) -> Status:
        record = self._keeper.air.records.get((message_id, serial))
        if record is None:
            raise _unknown(message_id, serial)
        counts: list[CellCount] = []
        if ask:
            for found in await asyncio.gather(*(desk.counts(record) for desk in self._desks.values())):
                counts += found
        return standing.status(record, self._keeper.air, self.bscs(), now=self._clock(), counts=counts)

    def on_air(self) -> tuple[Status, ...]:
        now, bscs, air = self._clock(), self.bscs(), self._keeper.air
        wanted = [one for one in air.records.values() if one.is_wanted(now)]
        return tuple(standing.status(one, air, bscs, now=now) for one in wanted)

    def connected(self) -> tuple[str, ...]:
        """The names of BSCs that are there now."""
        return tuple(name for name, desk in self._desks.items() if desk.is_connected)

    async def settled(self, message_id: int, serial: int) -> Status:
        """Wait until every connected BSC is as it shall be for this message, failures that are tried again included."""
        key: Key = (message_id, serial)
        for desk in list(self._desks.values()):
            await desk.settled(key)
        return await self.status(message_id, serial)

    async def met(self, name: str) -> None:
        """Wait until the BSC `name` is there and cleared or asked."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: name in self._desks)
        await self._desks[name].met()

    def _wake(self) -> None:
        for desk in self._desks.values():
            desk.wake()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("peername")[0]
        desk = next((one for one in self._desks.values() if one.bsc.host == host and one.bsc.port is None), None)
        if desk is None and self._is_open and len(self._desks) < CBC_BSCS:
            bsc = Bsc(name=host, host=host)
            desk = self._desks[host] = Desk(bsc, self._keeper, self.bscs, self._clock, self._timers)
            async with self._arrived:
                self._arrived.notify_all()
        if desk is None:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None, "the server calls it in a task"
        self._tasks.add(task)
        try:
            await desk.serve(reader, writer)
        except asyncio.CancelledError:  # the centre closes: the stream's own task must not end cancelled
            return
        finally:
            self._tasks.discard(task)

    async def _connect(self, desk: Desk) -> None:
        pause = self._timers.retry_s
        while True:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._timers.answer_s):
                    reader, writer = await asyncio.open_connection(desk.bsc.host, desk.bsc.port)
                pause = self._timers.retry_s
                await desk.serve(reader, writer)
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._timers.retry_most_s)

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _unknown(message_id: int, serial: int) -> NotFound:
    return NotFound(f"No broadcast has message identifier {message_id} and serial number {serial}.")
