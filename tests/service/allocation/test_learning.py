"""A day of sales read out of the stock map's record: falls are sales, rises are none, empty shelves are not seen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import a_node
from tests.service.allocation.world import ITEM, NOW, OUTLETS, World, a_day, in_a_world
from tests.service.supplies.make import ADULT, CHILD

from banyan.errors import Invalid, NotFound
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM
from banyan.service.allocation import learning, records
from banyan.service.allocation.parts import SERVICE
from banyan.service.allocation.watching import END_S, FIRST_S, SLOT_S, Watch
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import ItemsSet, PlacesChanged, StockTick
from banyan.service.supplies.parts import SERVICE as SUPPLIES

MORNING = 8 * 3_600
LOOKS = st.lists(
    st.tuples(st.integers(0, 86_400), st.sampled_from("abc"), st.integers(0, 300) | st.none()), max_size=40
)


def test_a_shop_that_sells_out_is_not_seen_afterwards() -> None:
    watch = Watch({"a": 100, "b": 0})
    watch.look(MORNING + 900, ["a"], [40], [])
    watch.look(MORNING + 1_800, ["a"], [0], [])
    codes, sold, seen = watch.end()
    slot = (MORNING - FIRST_S) // SLOT_S
    assert codes == ["a", "b"]
    assert (sold[0][slot], sold[0][slot + 1], sum(sold[0])) == (60, 40, 100)
    assert seen[0][: slot + 2] == [100] * (slot + 1) + [0]
    assert sum(sold[1]) == sum(seen[1]) == 0


def test_a_delivery_is_no_sale_and_who_leaves_the_list_is_not_seen() -> None:
    watch = Watch({"a": 10})
    watch.look(MORNING, ["a"], [210], [])
    watch.look(MORNING + SLOT_S // 2, [], [], ["a"])
    watch.look(MORNING + SLOT_S, ["a"], [150], [])
    _, sold, seen = watch.end()
    assert sum(sold[0]) == 0
    slot = (MORNING - FIRST_S) // SLOT_S
    assert seen[0][slot - 1 : slot + 2] == [100, 50, 100]


@given(LOOKS)
def test_sales_are_falls_and_exposure_is_a_share(looks: list[tuple[int, str, int | None]]) -> None:
    stock: dict[str, int] = {"a": 100, "b": 0}
    watch, falls = Watch(stock), 0
    for second, code, count in sorted(looks, key=lambda one: one[0]):
        if count is None:
            watch.look(second, [], [], [code])
            stock.pop(code, None)
            continue
        watch.look(second, [code], [count], [])
        if FIRST_S <= second <= END_S:
            falls += max(stock.get(code, 0) - count, 0)
        stock[code] = count
    codes, sold, seen = watch.end()
    assert codes == sorted(codes)
    assert sum(map(sum, sold)) == falls
    assert all(0 <= part <= 100 for row in seen for part in row)


def test_the_map_record_of_a_day_becomes_a_day_of_sales(tmp_path: Path) -> None:
    """Through the gate: the board at six, then every look of the day."""
    start = NOW - 86_400

    def tick(at: float, rows: dict[str, int], gone: tuple[str, ...] = ()) -> StockTick:
        moment = EpochS(start + at)
        codes = tuple(rows)
        return StockTick(moment, moment, "masks", (ITEM,), codes, (tuple(rows.values()),), gone=gone)

    async def run() -> Any:
        async with a_node(tmp_path, [SUPPLIES, SERVICE], clock=lambda: NOW) as node:
            board = kept_of(node.drawers["supplies"])
            for event in (
                ItemsSet(EpochS(start), (ADULT, CHILD)),
                PlacesChanged(EpochS(start), OUTLETS),
                tick(3_600, {OUTLETS[0].code: 80, OUTLETS[1].code: 200}),
                tick(MORNING, {OUTLETS[0].code: 50}),
                tick(MORNING + 600, {OUTLETS[1].code: 0}),
                tick(MORNING + 2_000, {OUTLETS[0].code: 0}, gone=(OUTLETS[1].code,)),
            ):
                await board.commit(event)
            kept = await node.gate.call("allocation.learn_day", {"item": ITEM, "day": "2020-02-14"}, caller=SYSTEM)
            again = await node.gate.call("allocation.learn_day", {"item": ITEM, "day": "2020-02-14"}, caller=SYSTEM)
            assert kept == again
            with pytest.raises(NotFound):
                await node.gate.call("allocation.learn_day", {"item": ITEM, "day": "2020-02-10"}, caller=SYSTEM)
            return kept

    kept = asyncio.run(run())
    assert (kept.outlets, kept.sold) == (2, 280)


def test_the_night_learns_the_day_before_unless_somebody_gave_it(tmp_path: Path) -> None:
    """Of every item of the map; an item without a record is left for another night."""

    async def run() -> None:
        async with a_node(tmp_path, [SUPPLIES, SERVICE], clock=lambda: NOW) as node:
            board, drawer = kept_of(node.drawers["supplies"]), node.drawers["allocation"]
            morning = EpochS(NOW - 86_400 + MORNING)
            for event in (
                ItemsSet(EpochS(NOW - 86_400), (ADULT, CHILD)),
                PlacesChanged(EpochS(NOW - 86_400), OUTLETS),
                StockTick(morning, morning, "masks", (ITEM,), (OUTLETS[0].code,), ((90,),)),
            ):
                await board.commit(event)
            ctx = node.gate.context("allocation", SYSTEM)
            (due,) = await timers.claim(drawer.sql, now=EpochS(NOW + 60), lease_s=0.0)
            await learning.night(ctx, Event(due.name, due.key, msgspec.Raw(b"{}"), NOW))
            first = await drawer.sql.read(lambda tx: records.days_of(tx, ITEM, "2020-02-15"))
            assert list(first) == ["2020-02-14"]
            await node.gate.call("allocation.save_day", a_day("2020-02-14"), caller=SYSTEM)
            given = await drawer.sql.read(lambda tx: records.days_of(tx, ITEM, "2020-02-15"))
            await learning.night(ctx, Event(due.name, due.key, msgspec.Raw(b"{}"), NOW))
            assert await drawer.sql.read(lambda tx: records.days_of(tx, ITEM, "2020-02-15")) == given != first
            assert await timers.claim(drawer.sql, now=EpochS(NOW + 1_199), lease_s=0.0) == []
            assert len(await timers.claim(drawer.sql, now=EpochS(NOW + 1_200), lease_s=0.0)) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    "wrong",
    [{"day": "2020-02-30"}, {"codes": ("a", "a")}, {"sold": ((0,) * 31,) * 2}, {"seen": ()}],
    ids=["day", "twice", "slots", "rows"],
)
def test_a_day_that_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    async def story(world: World) -> None:
        good = {"item": ITEM, "day": "2020-02-14", "codes": ("a", "b")}
        rows = {"sold": ((0,) * 32,) * 2, "seen": ((0,) * 32,) * 2}
        with pytest.raises(Invalid):
            await world.by(SYSTEM, "save_day", **{**good, **rows, **wrong})

    in_a_world(story, days=())
