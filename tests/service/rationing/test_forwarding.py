"""Sales that a front system forwards: under an order, by the node's own token, once for each terminal and counter."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.rationing.counter.world import CHILD, HERE, PHARMACIST, SYSTEM, WANG, World, in_a_world

from banyan.errors import Conflict, Denied
from banyan.service.rationing.engine.model import Deliver

STOCK = Deliver(key=b"stocking" + bytes(8), outlet=HERE, item="mask-adult", qty=12)


def a_sale(counter: int, number: str = WANG, **more: Any) -> dict[str, Any]:
    sale = {"terminal": "00000000000000ff", "counter": counter, "number": number, "born": "1990-03-12", "qty": 9}
    return {**sale, "item": "mask-adult", "outlet": HERE, **more}


def test_many_sales_in_one_message_each_stand_alone_and_count_once() -> None:
    async def story(world: World) -> None:
        await world.engine.do(STOCK)
        sent = [a_sale(1), a_sale(2), a_sale(3, CHILD, qty=4), a_sale(4, "A000000000"), a_sale(5, CHILD, qty=3)]
        first = await world.call("forward", SYSTEM, sales=sent)
        assert [one.code for one in first.sales] == ["", "quota_reached", "no_stock", "bad_command", ""]
        assert first.sales[3].field == "number"
        again = await world.call("forward", SYSTEM, sales=sent)
        assert [one.seq for one in again.sales] == [one.seq for one in first.sales]
        stock = await world.engine.stock(HERE, "mask-adult")
        assert (stock.sold, stock.available) == (12, 0)

    in_a_world(story)


def test_the_counter_and_a_front_system_know_the_same_person() -> None:
    async def story(world: World) -> None:
        await world.engine.do(STOCK)
        await world.call("forward", SYSTEM, sales=[a_sale(1)])
        assert (await world.sell(WANG)).code == "quota_reached"

    in_a_world(story)


def test_nobody_else_forwards_and_nothing_is_sold_without_an_order() -> None:
    async def story(world: World) -> None:
        with pytest.raises(Denied):
            await world.call("forward", PHARMACIST, sales=[a_sale(1)])
        with pytest.raises(Conflict):
            await world.call("forward", SYSTEM, sales=[a_sale(1)])

    in_a_world(story, ordered=False)
