"""The engine on the journal: one thread decides, one flush makes all durable that came meanwhile.

A command is decided at once in memory, and answered when its frame is on disk; while one frame is written the next one
gathers. When a frame cannot be written the state is made again from the log, so that nothing stands that is not in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import msgspec

from banyan.errors import Limit, Unavailable
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.storage import Journal
from banyan.limits_rationing import RATION_GROUP, RATION_SLICE, RATION_SNAPSHOT, RATION_WAITING
from banyan.service.rationing.engine import rules
from banyan.service.rationing.engine.days import day_of
from banyan.service.rationing.engine.deciding import decide, put_book, replay
from banyan.service.rationing.engine.desk import Desk, Move
from banyan.service.rationing.engine.holds import STATES
from banyan.service.rationing.engine.law import Law
from banyan.service.rationing.engine.model import (
    Answer,
    Buyer,
    Command,
    Entitlement,
    Event,
    Held,
    Listener,
    Receipt,
    Refusal,
    Stock,
)
from banyan.service.rationing.engine.records import NAMES
from banyan.service.rationing.engine.rulebook import RuleBook
from banyan.service.rationing.engine.state import Dump, State

_Waiter = asyncio.Future[None]


class JournalEngine:
    """See `Engine` for what the methods promise. `book`: the editions that a new log begins with."""

    def __init__(self, journal: Journal, clock: Clock, *, book: RuleBook, every: int = RATION_SNAPSHOT) -> None:
        self._journal = journal
        self._clock = clock
        self._book = book
        self._every = every
        self._listeners: list[Listener] = []
        self._waiters: list[_Waiter] = []
        self._writing: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._trouble: Exception | None = None
        self._gathered = 0
        self._is_open = self._is_called = False
        self._desk = Desk(State())
        self._saved = 0
        self._read()

    @property
    def state(self) -> State:
        """For benches and the shop's own look; it may be a frame ahead of the disk."""
        return self._desk.state

    async def do(self, command: Command) -> Answer:
        answer = self._take(command)
        if type(answer) is Receipt:
            await self._durable()
        return answer

    async def do_each(self, commands: Sequence[Command]) -> list[Answer]:
        answers: list[Answer] = []
        waiter: _Waiter | None = None
        for start in range(0, len(commands), RATION_GROUP):
            if waiter is not None and self._gathered > RATION_WAITING // 4:
                await waiter  # the disk is behind: a long list waits, so that it is never refused in its middle
            elif waiter is not None:
                await asyncio.sleep(0)  # the frame goes to the disk while the next is decided, and others have a turn
            answers += [self._take(one) for one in commands[start : start + RATION_GROUP]]
            waiter = self._durable()
        if waiter is not None:
            await waiter
        return answers

    async def entitlement(self, buyer: Buyer, item: str, at: EpochS | None = None) -> Entitlement:
        moment = at if at is not None else EpochS(max(self._clock(), self.state.at_ms / 1000))
        return rules.entitlement(self.state.law, self._desk.history(buyer.person), buyer, item, moment)

    async def stock(self, outlet: str, item: str) -> Stock:
        return self.state.stock(outlet, item)

    async def stocks(self) -> dict[tuple[str, str], Stock]:
        shelves = self.state.shelves
        return {names: shelves.stock(row) for names, row in shelves.rows.items()}

    async def held(self, ref: bytes) -> Held | None:
        place = self._desk.held(ref)
        if place < 0:
            return None
        holds = self.state.holds
        outlet, item = self.state.shelves.name(holds.row[place])
        state = STATES[holds.state[place]]
        until = EpochS(holds.until_ms[place] / 1000)
        return Held(state, outlet, item, holds.qty[place], holds.left[place], until, holds.is_lease(place))

    async def receipt(self, key: bytes) -> Receipt | None:
        number = self.state.keys.get(key) if len(key) == 16 else 0
        if not number:
            return None
        await self._durable()
        return self._desk.receipt(number, key)

    async def spent(self, item: str, least: int) -> Iterable[bytes]:
        state, desk = self.state, self._desk
        today = state.law.on(day_of(self._clock()))
        rulings = today.rulings.get(item)
        if not rulings:
            return []
        widest = min(rulings, key=lambda one: one.since)
        mask, found = desk.mask(widest), []
        for count, (person, number) in enumerate(list(state.histories.persons)):
            if not count % RATION_SLICE:
                await asyncio.sleep(0)
            units = state.histories.used(number, widest.since, mask)
            if units < 0:
                sold = state.histories.purchases(number)
                units = sum(qty for day, what, qty in sold if day > widest.since and mask >> what & 1)
            if units >= least:
                found.append(person)
        return found

    async def tick(self) -> int:
        due = self.state.holds.next_due_ms()
        if due is None or due > self._clock() * 1000:
            return 0
        before = self.state.keys.last
        self._begin()
        expired = self.state.keys.last - before
        await self._durable()
        return expired

    async def rules(self) -> RuleBook:
        return self.state.law.book

    async def state_hash(self) -> bytes:
        await self._durable()
        return self.state.hash()

    async def last_seq(self) -> int:
        await self._durable()
        return self.state.keys.last

    def listen(self, callback: Listener) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    async def close(self) -> None:
        """Wait for what is being written. The journal is its owner's to close."""
        await self._durable()
        if self._saving is not None:
            await self._saving

    def _take(self, command: Command) -> Answer:
        if not self._is_open:
            self._begin()
        if self._gathered >= RATION_WAITING:
            raise Limit(
                f"{RATION_WAITING} sales wait for the disk (RATION_WAITING).",
                remedy="Try again in a moment with the same key.",
                status=429,
                kind="write-queue-full",
                retry_after_s=1,
            )
        answer = decide(self._desk, command)
        if type(answer) is not Refusal:
            self._gathered += 1
        return answer

    def _begin(self) -> None:
        if self._trouble is not None:
            raise Unavailable(
                "The log of rationing cannot be written.", remedy="Check the disk, then restart.", kind="storage-failed"
            ) from self._trouble
        if not self._is_open:
            self._desk.begin(int(self._clock() * 1000))
            if not self.state.keys.last:
                put_book(self._desk, self._book)
            self._is_open = True
            self._call()

    def _durable(self) -> _Waiter:
        """Done when all that was decided until now is on disk."""
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        if self._desk.is_empty and self._writing is None:
            waiter.set_result(None)
        else:
            self._waiters.append(waiter)
            self._call()
        return waiter

    def _call(self) -> None:
        if not self._is_called and self._writing is None:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """What one turn of the loop decided, and all that came while another frame was written, goes to the disk."""
        self._is_called = False
        desk, waiters = self._desk, self._waiters
        self._waiters = []
        self._is_open, self._gathered = False, 0
        if desk.is_empty:
            _settle(waiters)
            return
        frame, events = bytes(desk.out), self._events(desk.moves)
        desk.out.clear()
        dump = None
        if self.state.keys.last - self._saved >= self._every and self._saving is None:
            self._saved = self.state.keys.last
            dump = self.state.dump()
        self._writing = asyncio.create_task(self._write(frame, events, waiters, dump))

    async def _write(self, frame: bytes, events: list[Event], waiters: list[_Waiter], dump: Dump | None) -> None:
        try:
            seq = await self._journal.append(frame)
        except Exception as error:  # whoever waits is told; the state goes back to what the log says
            self._fail(error, waiters)
            return
        finally:
            self._writing = None
        _settle(waiters)
        if dump is not None:
            self._saving = asyncio.create_task(self._save(seq, dump))
        if not self._desk.is_empty or self._waiters:
            self._call()
        for listener in self._listeners if events else ():
            listener(events)

    async def _save(self, seq: int, dump: Dump) -> None:
        """Write the state down, off the loop, and let go of what the log says of purchases before the older snapshot.
        When it fails nothing is lost: the log has all."""

        def save() -> None:
            self._journal.snapshot(seq, msgspec.msgpack.encode(dump))
            self._journal.prune()

        try:
            await asyncio.to_thread(save)
        except (OSError, Limit):
            self._saved -= self._every
        finally:
            self._saving = None

    def _fail(self, error: Exception, waiters: list[_Waiter]) -> None:
        told = [*waiters, *self._waiters]
        self._waiters, self._is_open, self._gathered = [], False, 0
        for waiter in told:
            if not waiter.done():
                waiter.set_exception(error)
        try:
            self._read()
        except Exception as trouble:  # the worker loop: everybody is told until a restart
            self._trouble = trouble
        else:
            self._trouble = None if isinstance(error, Limit) else error

    def _read(self) -> None:
        """The state, from the newest snapshot and the frames after it."""
        state, seq = State(), 0
        found = self._journal.latest_snapshot()
        if found is not None:
            seq = found[0]
            state.load(msgspec.msgpack.decode(found[1], type=Dump))
        self._saved = state.keys.last
        for _, frame in self._journal.replay(seq):
            replay(state, frame)
        self._desk = Desk(state)
        if not state.keys.last:
            state.law = Law(self._book)  # it is told at once, and written with the first command

    def _events(self, moves: list[Move]) -> list[Event]:
        if not self._listeners:
            return []
        shelves, at = self.state.shelves, self._desk.now
        events: list[Event] = []
        for number, kind, key, row, qty, ref in moves:
            outlet, item = shelves.name(row) if row >= 0 else ("", "")
            stock = shelves.stock(row) if row >= 0 else Stock()
            events.append(Event(number, at, NAMES[kind], key, outlet, item, qty, stock, ref))
        return events


def _settle(waiters: list[_Waiter]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
