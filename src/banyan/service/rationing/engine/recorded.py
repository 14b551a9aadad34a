"""The engine over SQL records: PostgreSQL, where a service has outgrown one machine, and SQLite for the same tests.

Commands that wait beside one another are one transaction. Its first statement takes the row of the clock, so that
several nodes decide in one order; time and numbers are that row's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

import msgspec

from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore, Tx
from banyan.limits_rationing import RATION_GROUP
from banyan.service.rationing.engine import rules
from banyan.service.rationing.engine.days import day_of
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
    State,
    Stock,
)
from banyan.service.rationing.engine.recording import record
from banyan.service.rationing.engine.rulebook import RuleBook
from banyan.service.rationing.engine.turn import SQL, Turn, as_hold, book_of, history, receipt, whole

_Done = tuple[Answer | None, int, list[Event]]
"""The answer, how many expired before it, and what to tell."""


class RecordedEngine:
    """See `Engine` for what the methods promise. `book`: the editions that new records begin with. Listeners hear of
    what this node did."""

    def __init__(self, store: SchemaStore, clock: Clock, *, book: RuleBook) -> None:
        self._store = store
        self._clock = clock
        self._listeners: list[Listener] = []
        self._law = Law(book)
        package = "banyan.service.rationing.engine"
        migrate(store, package, load_steps(package), at=clock())
        store.migrate(lambda tx: _begin_book(tx, book))

    async def do(self, command: Command) -> Answer:
        answer = await self._write(command)
        assert answer is not None, "a command has an answer"
        return answer

    async def do_each(self, commands: Sequence[Command]) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(commands), RATION_GROUP):
            answers += await asyncio.gather(*(self.do(one) for one in commands[start : start + RATION_GROUP]))
        return answers

    async def entitlement(self, buyer: Buyer, item: str, at: EpochS | None = None) -> Entitlement:
        def job(tx: Tx) -> Entitlement:
            row = tx.row(SQL["turn"])
            assert row is not None, "the migration made the row"
            moment = at if at is not None else EpochS(max(self._clock(), whole(row[0]) / 1000))
            return rules.entitlement(self._law_of(tx), history(tx, buyer.person), buyer, item, moment)

        return await self._store.read(job)

    async def stock(self, outlet: str, item: str) -> Stock:
        row = await self._store.read(lambda tx: tx.row(SQL["stock"], outlet=outlet, item=item))
        return Stock() if row is None else Stock(*map(whole, row))

    async def stocks(self) -> dict[tuple[str, str], Stock]:
        rows = await self._store.read_long(lambda tx: tx.rows(SQL["stocks"]))
        return {(str(outlet), str(item)): Stock(*map(whole, units)) for outlet, item, *units in rows}

    async def held(self, ref: bytes) -> Held | None:
        row = await self._store.read(lambda tx: tx.row(SQL["hold"], key=ref))
        if row is None:
            return None
        hold = as_hold(row)
        state = msgspec.convert(hold.state, State)
        until = EpochS(hold.until_ms / 1000)
        return Held(state, hold.outlet, hold.item, hold.qty, hold.kept, until, hold.is_lease)

    async def receipt(self, key: bytes) -> Receipt | None:
        row = await self._store.read(lambda tx: tx.row(SQL["command"], key=key))
        return None if row is None else receipt(key, row)

    async def spent(self, item: str, least: int) -> Iterable[bytes]:
        def job(tx: Tx) -> list[bytes]:
            rulings = self._law_of(tx).on(day_of(self._clock())).rulings.get(item)
            if not rulings:
                return []
            widest = min(rulings, key=lambda one: one.since)
            units: dict[bytes, int] = {}
            for person, what, qty in tx.rows(SQL["bought_since"], day=widest.since):
                assert isinstance(person, bytes)
                if what in widest.counts:
                    units[person] = units.get(person, 0) + int(str(qty))
            return [person for person, bought in units.items() if bought >= least]

        return await self._store.read_long(job)

    async def tick(self) -> int:
        due = await self._store.read(lambda tx: tx.row(SQL["due"], at=int(self._clock() * 1000)))
        if due is None:
            return 0
        _, expired, events = await self._store.write_each(self._turn, None)
        self._tell(events)
        return expired

    async def rules(self) -> RuleBook:
        return await self._store.read(book_of)

    async def state_hash(self) -> bytes:
        names = ("turn", "editions", "stocks", "all_commands", "all_purchases", "all_holds")
        rows = await self._store.read_long(lambda tx: [tx.rows(SQL[name]) for name in names])
        return sha256(msgspec.msgpack.encode(rows)).digest()

    async def last_seq(self) -> int:
        row = await self._store.read(lambda tx: tx.row(SQL["turn"]))
        return 0 if row is None else whole(row[1])

    def listen(self, callback: Listener) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    async def close(self) -> None:
        """The store is this engine's own."""
        await self._store.close()

    async def _write(self, command: Command) -> Answer | None:
        answer, _, events = await self._store.write_each(self._turn, command)
        self._tell(events)
        return answer

    def _turn(self, tx: Tx, commands: Sequence[Command | None]) -> list[_Done]:
        turn = Turn(tx, int(self._clock() * 1000), self._law_of(tx))
        done: list[_Done] = []
        for command in commands:
            expired = turn.expire() if not done else 0
            answer = None if command is None else record(turn, command)
            done.append((answer, expired, turn.events))
            turn.events = []
        turn.end()
        return done

    def _law_of(self, tx: Tx) -> Law:
        """Compiled once for as long as the book stays the same."""
        book = book_of(tx)
        if book != self._law.book:
            self._law = Law(book)
        return self._law

    def _tell(self, events: list[Event]) -> None:
        for listener in self._listeners if events else ():
            listener(events)


def _begin_book(tx: Tx, book: RuleBook) -> None:
    row = tx.row(SQL["turn"])
    if row is not None and not whole(row[1]) and not tx.rows(SQL["editions"]):
        for edition in book.edition:
            body = msgspec.json.encode(edition).decode()
            tx.run(SQL["put_edition"], since=edition.since.isoformat(), body=body)
