"""Tell the map what is left: each durable change of the engine goes on the feed, and supplies takes it from there.

One writer: changes that come while an event is being written go out together in the next one, so a rush costs no more
commits than the disk can do, and nothing waits for a clock. An event holds states, not differences: the newest holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event as FeedEvent
from banyan.kernel.events import feed, timers
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.storage import Drawer, Tx
from banyan.limits_rationing import COUNTER_CONFIRM_S, COUNTER_TOLD
from banyan.service.rationing.counter import tallies
from banyan.service.rationing.counter.plates import holds_of, load_holds
from banyan.service.rationing.counter.tallies import Place, tally_of
from banyan.service.rationing.engine.days import day_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Event, Stock
from banyan.service.rationing.preorder.rounds import is_pool
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import shelf_of

TOPIC: Final = "stock.counted"
"""Followed by `supplies`: {"at", "stocks": [{"outlet", "item", "count", "reserved"}]}; `count` is all that is there,
`reserved` what of it is promised."""


class Counted(msgspec.Struct, frozen=True):
    outlet: str
    item: str
    count: int
    reserved: int


class Told(msgspec.Struct, frozen=True):
    """The event's data; `at` in epoch seconds."""

    at: float
    stocks: tuple[Counted, ...]


CONFIRM: Final = "confirm-counts"
Held = Callable[[Place], int]
"""How many of an item queue numbers hold at an outlet: of what the engine calls leased, they are promised."""


def counted(place: Place, stock: Stock, held: int) -> Counted:
    """As the map shows it: leases of devices are sold at the same counter, those of queue numbers are not for sale."""
    promised = stock.reserved + min(held, stock.leased)
    return Counted(*place, stock.available + stock.reserved + stock.leased, promised)


class Teller:
    """The engine's ear and the feed's pen of one drawer."""

    def __init__(self, db: Drawer, clock: Clock, held: Held) -> None:
        self._db, self._clock, self._held = db, clock, held
        self._news: dict[Place, Stock] = {}
        self._writing: asyncio.Task[None] | None = None
        self.written = 0
        """Commits so far."""
        self.trouble: Problem | None = None

    def hear(self, events: Sequence[Event]) -> None:
        """Take what changed; on the event loop."""
        self.tell({(one.outlet, one.item): one.stock for one in events if one.item})

    def tell(self, stocks: Mapping[Place, Stock]) -> None:
        self._news |= {place: stock for place, stock in stocks.items() if not is_pool(place[0])}
        if self._news and self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def settled(self) -> None:
        """Until all that was heard is on the feed, or could not be."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        try:
            while self._news:
                part = dict(list(self._news.items())[:COUNTER_TOLD])
                await self._commit(part)
                self.trouble = None
                self._news = {place: stock for place, stock in self._news.items() if part.get(place) is not stock}
        except Problem as problem:  # a full disk: the next change tries again, with this one
            self.trouble = problem
        finally:
            self._writing = None

    async def _commit(self, stocks: Mapping[Place, Stock]) -> None:
        now = self._clock()
        rows = tuple(counted(place, stock, self._held(place)) for place, stock in stocks.items())
        data = msgspec.Raw(msgspec.json.encode(Told(now, rows)))
        event = FeedEvent(topic=TOPIC, subject=rows[0].outlet if len(rows) == 1 else "", data=data, at=now)
        day = day_of(now)

        def job(tx: Tx) -> None:
            for place, stock in stocks.items():
                tallies.put(tx, place, day, tally_of(stock))
            feed.append(tx, event)

        await self._db.sql.write(job)
        self.written += 1


_tellers: WeakKeyDictionary[object, tuple[Teller, Callable[[], None]]] = WeakKeyDictionary()


def teller_of(db: Drawer) -> Teller:
    """The drawer's, once the service has started."""
    return _tellers[db.sql][0]


@SERVICE.start
async def begin_telling(ctx: Context) -> None:
    """Hear the engine, and tell what was not told before the last end."""
    engine = engine_of(ctx.db)
    teller = Teller(ctx.db, shelf_of(ctx.db).clock, await load_holds(ctx.db))
    _tellers[ctx.db.sql] = teller, engine.listen(teller.hear)
    stocks = await engine.stocks()
    teller.tell(await ctx.db.sql.read(lambda tx: tallies.behind(tx, stocks)))
    await _again_at(ctx)


@SERVICE.timer(CONFIRM)
async def confirm(ctx: Context, event: FeedEvent) -> None:
    """What did not change is as true as what did. Not where a device sells without a network: what it sold since is
    not known here, and the map may doubt it."""
    stocks, holds = await engine_of(ctx.db).stocks(), holds_of(ctx.db)
    teller = teller_of(ctx.db)
    teller.tell({place: stock for place, stock in stocks.items() if stock.leased <= holds(place)})
    await teller.settled()
    await _again_at(ctx)


async def _again_at(ctx: Context) -> None:
    at = EpochS(ctx.now + COUNTER_CONFIRM_S)
    await ctx.db.sql.write(lambda tx: timers.set(tx, CONFIRM, "", at))


@SERVICE.stop
async def end_telling(ctx: Context) -> None:
    known = _tellers.pop(ctx.db.sql, None)
    if known is not None:
        teller, stop = known
        await teller.settled()
        stop()
        if teller.trouble is not None:
            ctx.log("rationing.not_told", {"problem": teller.trouble.kind})


__all__ = ["TOPIC", "Counted", "Teller", "Told", "counted", "teller_of"]
