"""The day's sheet adds up; goods that come, go back and are counted; what an outlet announces."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.rationing.counter.world import ADULT, HERE, LEE, STRANGER, TERMINAL, WANG, World, in_a_world

from banyan.errors import Conflict, Denied, Invalid
from banyan.kernel.events import feed

DAY_S = 86_400


def adds_up(row: Any) -> bool:
    return row.began + row.delivered + row.corrected + row.returned + row.short - row.sold == row.ended


def test_a_day_adds_up_and_so_do_two() -> None:
    async def first(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=100)
        await world.sell()
        await world.act("give_back", item=ADULT, qty=2)
        await world.act("correct", item=ADULT, delta=-3, reason="damaged")
        (row,) = (await world.call("day_sheet", outlet=HERE)).rows
        assert (row.began, row.delivered, row.sold, row.returned, row.corrected, row.ended) == (0, 100, 9, 2, -3, 90)
        assert (row.left, row.held) == (90, 0)
        assert adds_up(row)

    async def second(world: World) -> None:
        world.now[0] += DAY_S
        await world.sell(LEE)
        sheet = await world.call("day_sheet", outlet=HERE)
        (row,) = sheet.rows
        assert (sheet.day, row.began, row.delivered, row.sold, row.ended) == ("2026-11-24", 90, 0, 9, 81)
        (before,) = (await world.call("day_sheet", outlet=HERE, day="2026-11-23")).rows
        assert (before.ended, before.left) == (row.began, None)
        assert adds_up(before)
        assert adds_up(row)
        with pytest.raises(Invalid):
            await world.call("day_sheet", outlet=HERE, day="2026-11-25")
        with pytest.raises(Denied):
            await world.call("day_sheet", STRANGER, outlet=HERE)

    in_a_world(first, second)


def test_with_the_sale_and_the_card_the_ration_comes_back_too() -> None:
    async def story(world: World) -> None:
        await world.act("deliver", item=ADULT, qty=100)
        await world.sell(counter=500)
        sale = {"card": WANG, "sale_terminal": TERMINAL, "sale_counter": 500}
        with pytest.raises(Invalid):
            await world.act("give_back", item=ADULT, qty=9, card=WANG)
        await world.act("give_back", item=ADULT, qty=9, **sale)
        assert (await world.sell()).result == "sold"
        with pytest.raises(Conflict) as more:
            await world.act("give_back", item=ADULT, qty=99)
        assert more.value.kind == "not-sold"

    in_a_world(story)


def test_goods_are_noted_once_a_counter() -> None:
    async def story(world: World) -> None:
        first = await world.act("deliver", item=ADULT, qty=10, counter=5)
        assert await world.act("deliver", item=ADULT, qty=10, counter=5) == first
        with pytest.raises(Conflict) as other:
            await world.act("deliver", item=ADULT, qty=11, counter=5)
        assert other.value.kind == "key-reused"
        with pytest.raises(Conflict):
            await world.act("correct", item=ADULT, delta=-11, reason="counted")
        with pytest.raises(Invalid):
            await world.act("correct", item=ADULT, delta=0, reason="counted")

    in_a_world(story)


def test_hours_are_whole_and_told_in_their_commit() -> None:
    async def story(world: World) -> None:
        said = {"sale_from": "09:00", "sale_until": "12:00", "plate_from": "08:30", "plate_until": "09:00"}
        await world.call("announce", outlet=HERE, plates=20, text="今日 200 份", **said)
        found = await world.call("announced", outlet=HERE)
        assert (found.sale_from, found.plates, found.text) == ("09:00", 20, "今日 200 份")
        (event,) = [one for one in await feed.read(world.db.sql, 0) if one.topic == "notice.announced"]
        assert b'"sale":[540,720],"plate":[510,540]' in bytes(event.data)
        for wrong in ({"sale_from": "09:00"}, {"sale_from": "12:00", "sale_until": "12:00"}):
            with pytest.raises(Invalid):
                await world.call("announce", outlet=HERE, **wrong)

    in_a_world(story)
