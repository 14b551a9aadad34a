"""Queue numbers: of nobody, with goods that nobody else can have, called in order, given back when nobody comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.make import NOW
from tests.service.rationing.counter.test_telling import WITH_MAP, at, shown, with_map
from tests.service.rationing.counter.world import (
    ADULT,
    ANONYMOUS,
    HERE,
    LEE,
    STRANGER,
    WANG,
    World,
    in_a_world,
)

from banyan.channel.talk.engine import Talk
from banyan.channel.talk.state import State
from banyan.errors import Conflict, Denied, Limit, NotFound
from banyan.kernel.catalogue.dialogue import Utterance
from banyan.kernel.exchange.attendant import Attendant
from banyan.limits_rationing import COUNTER_CALLED_S, COUNTER_PLATE_S


async def opened(world: World, *, qty: int = 100, **said: Any) -> None:
    await world.act("deliver", item=ADULT, qty=qty)
    await world.call("announce", **{"outlet": HERE, "plates": 5, **said})


async def take(world: World) -> Any:
    return await world.call("take_number", ANONYMOUS, outlet=HERE, item=ADULT)


async def due(world: World) -> None:
    """Let what is due run, as the service's attendant does."""
    service = world.node.catalogue.services["rationing"]
    attendant = Attendant(service, world.db, world.node.gate, log=lambda *_: None, jitter=lambda: 0.5)
    await attendant._due()


def test_a_numbers_goods_are_promised_on_the_map_and_to_nobody_else() -> None:
    async def story(world: World) -> None:
        async def queue() -> None:
            await opened(world, qty=20)
            await shown(world, 20)
            first, second = await take(world), await take(world)
            assert (first.number, second.number, second.ahead, first.qty) == (1, 2, 1, 9)
            await shown(world, 2)
            assert at(world) == (2, 18), "promised, never available"
            refused = await world.sell(LEE)
            assert (refused.code, refused.left) == ("no_stock", 2)
            with pytest.raises(Limit):
                await take(world)
            assert at(world) == (2, 18)
            for plate, code in ((1, second.code), (1, ""), (9, first.code)):
                with pytest.raises(Conflict):
                    await world.sell(LEE, plate=plate, plate_code=code)
            sold = await world.sell(LEE, plate=1, plate_code=first.code.lower())
            assert (sold.result, sold.qty) == ("sold", 9)
            with pytest.raises(Conflict):
                await world.sell(WANG, plate=1, plate_code=first.code)
            assert (await world.call("queue", ANONYMOUS, outlet=HERE, number=1)).state == "served"
            await world.told()
            stock = await world.engine.stock(HERE, ADULT)
            assert (stock.available, stock.leased, stock.sold) == (2, 9, 9)

        await with_map(world, queue)

    in_a_world(story, settings=WITH_MAP)


def test_a_sale_by_number_sent_again_is_one_sale() -> None:
    async def story(world: World) -> None:
        await opened(world)
        ticket = await take(world)
        asked = {"plate": ticket.number, "plate_code": ticket.code, "counter": 77}
        assert await world.sell(LEE, **asked) == await world.sell(LEE, **asked)
        assert (await world.engine.stock(HERE, ADULT)).sold == 9

    in_a_world(story)


def test_a_refused_buyer_does_not_lose_the_number() -> None:
    async def story(world: World) -> None:
        await opened(world)
        assert (await world.sell(LEE)).result == "sold"
        ticket = await take(world)
        by_number = {"plate": ticket.number, "plate_code": ticket.code}
        assert (await world.sell(LEE, **by_number)).code == "quota_reached"
        assert (await world.sell(WANG, **by_number)).result == "sold"

    in_a_world(story)


def test_numbers_are_called_in_their_order_by_the_outlets_own() -> None:
    async def story(world: World) -> None:
        await opened(world)
        for _ in range(3):
            await take(world)
        with pytest.raises(Denied):
            await world.call("call_number", STRANGER, outlet=HERE)
        called = [(await world.call("call_number", outlet=HERE)).serving for _ in range(4)]
        assert called == [1, 2, 3, 3]
        view = await world.call("queue", ANONYMOUS, outlet=HERE, number=3)
        assert (view.serving, view.waiting, view.state) == (3, 0, "called")

    in_a_world(story)


def test_who_does_not_come_gives_the_goods_back() -> None:
    async def story(world: World) -> None:
        await opened(world)
        called, waiting = await take(world), await take(world)
        await world.call("call_number", outlet=HERE)
        world.now[0] += COUNTER_CALLED_S + 1
        await due(world)
        states = [(await world.call("queue", ANONYMOUS, outlet=HERE, number=n)).state for n in (1, 2)]
        assert states == ["missed", "waiting"]
        assert (await world.engine.stock(HERE, ADULT)).leased == waiting.qty
        with pytest.raises(Conflict):
            await world.sell(WANG, plate=1, plate_code=called.code)

    async def later(world: World) -> None:
        world.now[0] += COUNTER_PLATE_S
        await due(world)
        stock = await world.engine.stock(HERE, ADULT)
        assert (stock.leased, stock.available) == (0, 100)

    in_a_world(story, later)


def test_only_so_many_and_only_in_their_hours() -> None:
    async def story(world: World) -> None:
        with pytest.raises(Conflict) as none:
            await take(world)
        assert none.value.kind == "gives-none"
        await opened(world, qty=1_000, plates=3)
        given = await asyncio.gather(*(take(world) for _ in range(5)), return_exceptions=True)
        numbers = sorted(one.number for one in given if not isinstance(one, BaseException))
        assert numbers == [1, 2, 3]
        assert all(isinstance(one, Limit) for one in given if isinstance(one, BaseException))
        await world.call("announce", outlet=HERE, plates=9, plate_from="08:00", plate_until="09:00")
        with pytest.raises(Conflict) as closed:
            await take(world)
        assert closed.value.kind == "not-now"
        with pytest.raises(NotFound):
            await world.call("take_number", ANONYMOUS, outlet="0000000000", item=ADULT)

    in_a_world(story, at=NOW)


def test_a_dialogue_takes_a_number_without_an_account() -> None:
    """As the chat and LINE do: the operation's own questions, in the words people use."""

    async def story(world: World) -> None:
        await opened(world)
        talk = Talk([world.node.catalogue.operations[name] for name in ("rationing.take_number", "rationing.queue")])
        state = State()

        async def call(operation: str, request: Any, *, purpose: str = "") -> Any:
            return await world.node.gate.call(operation, request, caller=ANONYMOUS)

        said: list[str] = []
        for words in ("抽號碼牌", HERE, "成人口罩", "確定"):
            turn = await talk.turn(Utterance(words), state, call)
            state = turn.state
            said.append(turn.status)
        assert said[-1] in ("done", "answered"), said
        assert (await world.engine.stock(HERE, ADULT)).leased == 9

    in_a_world(story)
