"""One base station controller's desk at the centre: its connection, and the worker that brings it where it shall be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from banyan.craft.notify.cells.keeper import Keeper
from banyan.craft.notify.cells.link import Gone, Link
from banyan.craft.notify.cells.model import CellCount
from banyan.craft.notify.cells.naming import WHOLE, Bsc, Names, cause_text, share
from banyan.craft.notify.cells.plan import Step, counts, queried, query, steps, verdict
from banyan.craft.notify.cells.state import Broken, Event, Key, Lost, Met, Record
from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.limits_alerts import CBC_ANSWER_S, CBC_AT_ONCE, CBC_AUDIT_S, CBC_BSC_CELLS, CBC_KEEP_ALIVE_S, CBC_RETRY_S
from banyan.wire import cbsp
from banyan.wire.cbsp import Cbsp, Kind


class Timers(msgspec.Struct, frozen=True):
    """Seconds: between keep-alives, for an answer, before the first and the longest pause of a retry, and between
    two looks at what a BSC still has (a base station that restarts is not always told of)."""

    keep_alive_s: float = CBC_KEEP_ALIVE_S
    answer_s: float = CBC_ANSWER_S
    retry_s: float = CBC_RETRY_S[0]
    retry_most_s: float = CBC_RETRY_S[1]
    audit_s: float = CBC_AUDIT_S


class _Pause(msgspec.Struct):
    """Until when one message rests, and which cells are tried again then."""

    until: float
    again: tuple[str, ...] = ()


class Desk:
    """`others` are all BSCs, for sharing cells among them."""

    def __init__(
        self, bsc: Bsc, keeper: Keeper, others: Callable[[], Sequence[Bsc]], clock: Clock, timers: Timers
    ) -> None:
        self.bsc = bsc
        self._keeper = keeper
        self._others = others
        self._clock = clock
        self._timers = timers
        self._link: Link | None = None
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._busy: set[Key] = set()
        self._pauses: dict[Key, _Pause] = {}
        self._lengths_s: dict[Key, float] = {}
        self._is_hearing = False
        self._told: asyncio.Queue[Cbsp] = asyncio.Queue(CBC_AT_ONCE * 4)
        self._is_met = False

    @property
    def is_connected(self) -> bool:
        return self._link is not None

    def wake(self) -> None:
        self._wake.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection's life. A newer one ends an older: a BSC that crashed does not hang up."""
        if self._link is not None:
            self._link.close()
        link = Link(reader, writer, self._tell, answer_s=self._timers.answer_s)
        self._link, self._is_met = link, False
        self._pauses.clear()
        self._lengths_s.clear()
        work = (link.keep_alive(self._timers.keep_alive_s), self._listen(), self._work(link), self._audit(link))
        tasks = [asyncio.create_task(_guarded(link, one)) for one in work]
        try:
            await link.read()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            link.close()
            if self._link is link:
                self._link = None
            await self._note()
            await link.closed()

    async def counts(self, record: Record) -> list[CellCount]:
        """How often it has sent a message, cell by cell; nothing when it is not there or does not answer."""
        step, link = query(record, self.bsc), self._link
        if step is None or link is None:
            return []
        with suppress(Gone, OSError):
            return counts(step, await link.ask(step.request), self.bsc)
        return []

    async def settled(self, key: Key) -> None:
        """Wait until nothing is being asked for this message, or the BSC is not there."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._link is None or self._is_settled(key))

    async def met(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._link is not None and self._is_met)

    def _is_settled(self, key: Key) -> bool:
        record = self._keeper.air.records.get(key)
        if record is None or key in self._busy or not self._is_met or self._is_hearing or not self._told.empty():
            return record is None
        return key in self._pauses or not self._steps(record)

    def _steps(self, record: Record) -> list[Step]:
        wanted = share(record.broadcast, self.bsc, self._others())
        return steps(self._keeper.air, record, self.bsc, wanted, now=self._clock())

    def _tell(self, message: Cbsp) -> None:
        with suppress(asyncio.QueueFull):  # a flood of restarts: the first few already ask for everything anew
            self._told.put_nowait(message)

    async def _listen(self) -> None:
        while True:
            message = await self._told.get()
            self._is_hearing = True
            try:
                await self._hear(message)
            finally:
                self._is_hearing = False
            self.wake()
            await self._note()

    async def _hear(self, message: Cbsp) -> None:
        names = Names(self.bsc.cells or ())
        if message.kind is Kind.RESTART and message.cells is not None:
            self._learn(message)
            if message.recovery is cbsp.Recovery.LOST and message.broadcast_type is cbsp.BroadcastType.CBS:
                is_all = message.cells.by is cbsp.Discriminator.ALL
                cells = names.of_all(message.cells.cells)
                self._pauses.clear()
                await self._keep(
                    Lost(
                        self.bsc.name, None if is_all or cells >= (self.bsc.cells or {WHOLE}) else tuple(sorted(cells))
                    )
                )
        elif message.kind is Kind.FAILURE:
            failed = {name: cause_text(one.cause) for one in message.failures for name in names.of(one.cell)}
            await self._keep(Broken(self.bsc.name, tuple(failed.items())))

    def _learn(self, message: Cbsp) -> None:
        """A BSC whose cells are not configured may name them all when it starts."""
        cells = message.cells.cells if message.cells is not None else ()
        if self.bsc.cells is None and cells and all(one.plmn and one.cell >= 0 for one in cells):
            self.bsc = msgspec.structs.replace(self.bsc, cells=frozenset(map(str, cells[:CBC_BSC_CELLS])))

    async def _work(self, link: Link) -> None:
        await self._meet(link)
        self._is_met = True
        room = asyncio.Semaphore(CBC_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                due_s = await self._resume()
                for record in self._todo():
                    self._busy.add(record.key)
                    group.create_task(self._bring(link, record, room))
                await self._note()
                with suppress(TimeoutError):
                    async with asyncio.timeout(due_s):
                        await self._wake.wait()

    async def _meet(self, link: Link) -> None:
        """A BSC that was never met may send what somebody else gave it; one that was is asked what it still has."""
        if self.bsc.name not in self._keeper.air.met:
            await link.ask(Cbsp(kind=Kind.RESET, cells=cbsp.ALL))
            await self._keep(Met(self.bsc.name))
            return
        await self._ask_all(link)

    async def _audit(self, link: Link) -> None:
        """Ask again and again what it still has, and let it have what it lost."""
        while True:
            await asyncio.sleep(self._timers.audit_s)
            await self._ask_all(link)
            self.wake()

    async def _ask_all(self, link: Link) -> None:
        for record in list(self._keeper.air.records.values()):
            is_asked = record.is_wanted(self._clock()) and record.key not in self._busy
            step = query(record, self.bsc) if is_asked else None
            if step is not None:
                await self._keep(*queried(step, await link.ask(step.request), self.bsc))

    def _todo(self) -> list[Record]:
        due = [
            one
            for one in self._keeper.air.records.values()
            if one.key not in self._busy and one.key not in self._pauses
        ]
        found = [one for one in due if self._steps(one)]
        return sorted(found, key=lambda one: (one.killing_at is None, _urgency(one)))

    async def _bring(self, link: Link, record: Record, room: asyncio.Semaphore) -> None:
        """All steps of one message, one after another: their answers have the same name."""
        try:
            async with room:
                found = self._steps(record)
                for step in found:
                    heard = verdict(step, await link.ask(step.request), self.bsc)
                    await self._keep(*heard.events)
                    if heard.again:
                        self._rest(record.key, heard.again)
                        break
                else:
                    self._lengths_s.pop(record.key, None)
        except (Gone, OSError, Problem):
            self._rest(record.key, ())
        finally:
            self._busy.discard(record.key)
            self.wake()

    def _rest(self, key: Key, again: tuple[str, ...]) -> None:
        length_s = min(self._lengths_s.get(key, self._timers.retry_s), self._timers.retry_most_s)
        self._lengths_s[key] = 2 * length_s
        self._pauses[key] = _Pause(asyncio.get_running_loop().time() + length_s, again)

    async def _resume(self) -> float | None:
        """Let what has rested be tried again; the seconds until the next."""
        now = asyncio.get_running_loop().time()
        for key, pause in list(self._pauses.items()):
            if pause.until > now or key not in self._keeper.air.records:
                continue
            if pause.again:
                await self._keep(Lost(self.bsc.name, None if WHOLE in pause.again else pause.again, key))
            del self._pauses[key]
        return min((one.until - now for one in self._pauses.values()), default=None)

    async def _keep(self, *events: Event) -> None:
        if events:
            await self._keeper.keep(*events, now=self._clock())

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _guarded(link: Link, work: Awaitable[None]) -> None:
    """Work that ends its connection when it cannot go on (no answer, a full disk): the BSC comes back, and all is
    looked at anew."""
    try:
        await work
    except* (Gone, OSError, Problem):
        link.close()


def _urgency(record: Record) -> tuple[int, int]:
    """Warnings first, background last; among equals the older."""
    order = {cbsp.Category.HIGH: 0, cbsp.Category.NORMAL: 1, cbsp.Category.BACKGROUND: 2}
    is_etws = record.broadcast.warning_type is not None
    return (-1 if is_etws else order[cbsp.Category(record.broadcast.category)]), record.at
