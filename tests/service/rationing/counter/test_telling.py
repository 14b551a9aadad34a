"""From a sale to the map: so many commits and no clock; what is promised is never shown as available."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from tests.make import NOW
from tests.service.rationing.counter.world import ADULT, HERE, ONLY, WANG, World, in_a_world

from banyan.kernel.events import feed
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.identity.caller import SYSTEM
from banyan.limits_rationing import COUNTER_CONFIRM_S
from banyan.service.rationing.counter.telling import TOPIC, Told, end_telling, teller_of
from banyan.service.rationing.engine.model import Lease
from banyan.service.rationing.preorder.rounds import POOL
from banyan.service.supplies.keeping import kept_of

WITH_MAP = msgspec.structs.replace(ONLY, services=(*ONLY.services, "banyan.service.supplies.parts:SERVICE"))


async def with_map(world: World, story: Callable[[], Awaitable[None]]) -> None:
    """The story while supplies' attendant works, as in a node that serves."""
    node = world.node
    await node.gate.call("supplies.save_item", {"id": ADULT, "title": "成人口罩", "title_en": "Adult"}, caller=SYSTEM)
    supplies = node.catalogue.services["supplies"]
    attendant = Attendant(supplies, node.drawers["supplies"], node.gate, log=lambda *_: None, jitter=lambda: 0.5)
    task = asyncio.create_task(attendant.run())
    try:
        async with asyncio.timeout(60):
            await story()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def shown(world: World, available: int) -> None:
    """Until the map shows so many: woken by its own commits, never by a clock."""
    kept = kept_of(world.node.drawers["supplies"])
    changed = asyncio.Event()
    kept.listeners.append(lambda *_: changed.set())
    while available != at(world)[0]:
        changed.clear()
        await changed.wait()


def at(world: World) -> tuple[int, int]:
    """What the map shows of this outlet: available, reserved."""
    board = kept_of(world.node.drawers["supplies"]).board
    row, item = board.row_of.get(HERE), board.item_of[ADULT]
    return (-1, 0) if row is None else (int(board.available(item)[row]), int(board.reserved(item)[row]))


def test_a_sale_is_on_the_map_after_three_commits() -> None:
    """The engine's, the feed's, the board's: each wakes the next."""

    async def story(world: World) -> None:
        async def sale() -> None:
            await world.act("deliver", item=ADULT, qty=100)
            await shown(world, 100)
            kept = kept_of(world.node.drawers["supplies"])
            before = (await world.engine.last_seq(), teller_of(world.db).written, kept.board.seq)
            assert (await world.sell()).result == "sold"
            await shown(world, 91)
            after = (await world.engine.last_seq(), teller_of(world.db).written, kept.board.seq)
            assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1]
            answer: Any = await world.node.gate.call("supplies.outlet", {"code": HERE}, caller=SYSTEM)
            assert answer.as_of[ADULT] == "2026-11-23T13:00:00Z"

        await with_map(world, sale)

    in_a_world(story, settings=WITH_MAP)


def test_a_rush_is_told_in_fewer_commits_than_it_has_sales() -> None:
    async def story(world: World) -> None:
        teller = teller_of(world.db)
        sent = [world.act("deliver", item=ADULT, qty=1) for _ in range(60)]
        await asyncio.gather(*sent)
        await teller.settled()
        assert teller.written < 60, "what comes while one is written goes out together"
        events = [one for one in await feed.read(world.db.sql, 0) if one.topic == TOPIC]
        assert len(events) == teller.written
        last = msgspec.json.decode(events[-1].data)
        assert last["stocks"] == [{"outlet": HERE, "item": ADULT, "count": 60, "reserved": 0}]

    in_a_world(story)


def test_a_rounds_goods_are_no_place_on_the_map() -> None:
    """They were its first place of all: 3,600 masks to be had now at `preorder.next`."""

    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=100)
        stocks = await world.engine.stocks()
        teller = teller_of(world.db)
        teller.tell({(f"{POOL}next", ADULT): stocks[HERE, ADULT]} | stocks)
        await teller.settled()
        told = [row["outlet"] for one in await feed.read(world.db.sql, 0) if one.topic == TOPIC
                for row in msgspec.json.decode(one.data)["stocks"]]  # fmt: skip
        assert set(told) == {HERE}

    in_a_world(story)


def test_the_feed_names_nobody() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=100)
        await world.sell()
        await world.told()
        text = b"".join(bytes(one.data) + one.subject.encode() for one in await feed.read(world.db.sql, 0))
        person = world.node.lawful.conscience.subject(WANG)
        assert not any(mark in text for mark in (WANG.encode(), person, person.hex().encode()))

    in_a_world(story)


def test_a_restart_tells_what_a_crash_left_untold() -> None:
    async def untold(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=30)
        await world.told()
        await end_telling(world.node.gate.context("rationing", SYSTEM))  # what follows never reaches the feed
        await world.act("deliver", item=ADULT, qty=12)
        assert (await counts(world))[-1] == 30

    async def later(world: World) -> None:
        await world.told()
        assert (await counts(world))[-1] == 42

    async def counts(world: World) -> list[int]:
        events = [one for one in await feed.read(world.db.sql, 0) if one.topic == TOPIC]
        return [msgspec.json.decode(one.data)["stocks"][0]["count"] for one in events]

    in_a_world(untold, later)


def test_a_count_that_did_not_change_stays_as_true_as_one_that_did() -> None:
    """But not where a device sells without a network: nobody knows here what it sold."""

    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=30)
        await world.told()
        world.now[0] += COUNTER_CONFIRM_S
        await due(world)
        assert [told.at - NOW for told in await events(world)] == [0, COUNTER_CONFIRM_S]
        lease = Lease(key=bytes(16), outlet=HERE, item=ADULT, qty=5, until=EpochS(world.now[0] + 9_999))
        await world.engine.do(lease)
        await world.told()
        world.now[0] += COUNTER_CONFIRM_S
        await due(world)
        assert [told.at - NOW for told in await events(world)] == [0, COUNTER_CONFIRM_S, COUNTER_CONFIRM_S]

    async def due(world: World) -> None:
        service = world.node.catalogue.services["rationing"]
        await Attendant(service, world.db, world.node.gate, log=lambda *_: None, jitter=lambda: 0.5)._due()

    async def events(world: World) -> list[Told]:
        found = [one for one in await feed.read(world.db.sql, 0) if one.topic == TOPIC]
        return [msgspec.json.decode(one.data, type=Told) for one in found]

    in_a_world(story)
