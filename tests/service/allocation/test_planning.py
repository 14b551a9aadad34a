"""Plans follow from their inputs, to the byte, and every outlet has a reason that is true."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from tests.service.allocation.world import DAY, DEMAND, ITEM, OUTLETS, PROPOSER, World, in_a_world

from banyan.errors import Conflict, NotFound
from banyan.service.allocation import records
from banyan.service.allocation.model import METHODS, Inputs, Plan
from banyan.service.allocation.planning import encoded, plan_of


def test_the_same_inputs_give_the_same_bytes() -> None:
    """Out of the published files alone, with every method."""

    async def story(world: World) -> None:
        for method in METHODS:
            id = await world.proposed(method=method)
            await world.by(PROPOSER, "plan", id=id)
            body = await world.by(PROPOSER, "file_inputs_json", id=id)
            document = await world.by(PROPOSER, "file_plan_json", id=id)
            inputs = msgspec.json.decode(body, type=Inputs)
            assert encoded(inputs)[0] == body
            assert encoded(plan_of(inputs, method))[0] == document
            assert msgspec.json.decode(document, type=Plan).inputs == sha256(body).hexdigest()

    in_a_world(story)


def test_a_proposal_twice_is_one_draft() -> None:
    async def story(world: World) -> None:
        first, again = await world.proposed(), await world.proposed()
        assert first == again
        assert len((await world.by(PROPOSER, "plan", id=first)).history) == 1
        assert await world.proposed(supply=31) != first

    in_a_world(story)


def test_demand_is_seen_past_the_sell_out() -> None:
    """Outlets of 240 and more a day sold 200 at most; the estimate comes near what they would have sold."""

    async def story(world: World) -> None:
        id = await world.proposed()
        rows = (await world.by(PROPOSER, "rows", id=id)).rows
        for row, wanted in zip(rows, DEMAND, strict=True):
            assert row.expected == pytest.approx(wanted, rel=0.15, abs=12), row
            assert row.error > 0

    in_a_world(story)


def test_floors_come_first_and_say_whose() -> None:
    async def story(world: World) -> None:
        id = await world.proposed(supply=7)
        rows = (await world.by(PROPOSER, "rows", id=id)).rows
        only, rural, largest = rows[0], rows[13], rows[11]
        assert (only.boxes, only.reason["zh-Hant"]) == (2, "2 箱：金門縣烏坵鄉唯一地點的最低量")
        assert only.reason["en"] == "2 boxes: floor of the only outlet in 金門縣烏坵鄉"
        assert (rural.boxes, rural.why) == (1, "floor_rural")
        assert (largest.boxes, largest.why) == (1, "share")
        assert {row.why for row in rows if not row.boxes} == {"none_left", "stocked"}
        assert (rows[12].boxes, rows[12].why) == (0, "stocked")
        assert sum(row.boxes for row in rows) == 7

    in_a_world(story)


def test_an_officers_floor_and_room_hold() -> None:
    async def story(world: World) -> None:
        first, last = OUTLETS[1].code, OUTLETS[11].code
        await world.by(PROPOSER, "save_limits", item=ITEM, code=first, floor=3)
        await world.by(PROPOSER, "save_limits", item=ITEM, code=last, room=1)
        rows = {row.code: row for row in (await world.by(PROPOSER, "rows", id=await world.proposed())).rows}
        assert (rows[first].boxes, rows[first].why) == (3, "floor_set")
        assert (rows[last].boxes, rows[last].why) == (1, "room")

    in_a_world(story)


def test_the_methods_stand_side_by_side() -> None:
    """Equal fill and gain sell more than the same for all, and equal fill leaves nobody behind."""

    async def story(world: World) -> None:
        found = await world.by(PROPOSER, "compare", item=ITEM, day=DAY, supply=40, methods=METHODS)
        fill, gain, solved, flat = found
        assert [one.method for one in found] == list(METHODS)
        assert flat.sold < fill.sold <= gain.sold
        assert fill.least >= max(gain.least, solved.least)
        assert fill.gini < flat.gini
        assert solved.served < fill.served  # some lack too little for a stop
        assert await world.by(PROPOSER, "drafts") == ()

    in_a_world(story)


def test_what_lies_unsold_is_offered_to_those_near() -> None:
    async def story(world: World) -> None:
        moves = await world.by(PROPOSER, "moves", id=await world.proposed())
        assert {one.give for one in moves} == {OUTLETS[12].code}
        assert [one.metres for one in moves] == sorted(one.metres for one in moves)
        assert "有 2000，夠賣 3 天" in moves[0].reason["zh-Hant"]
        assert sum(one.boxes for one in moves) <= (2000 - 480) // 50 + 1

    in_a_world(story)


def test_without_sales_nothing_is_guessed() -> None:
    async def story(world: World) -> None:
        with pytest.raises(Conflict):
            await world.proposed()
        with pytest.raises(NotFound):
            await world.proposed(item="water")

    in_a_world(story, days=())


def test_documents_are_read_again_after_being_pushed_out_of_memory() -> None:
    async def story(world: World) -> None:
        ids = [await world.proposed(supply=20 + more) for more in range(6)]
        db = world.node.drawers["allocation"]
        for id in ids:
            kept = await db.sql.read(lambda tx, id=id: records.plan_by(tx, id))
            assert kept is not None
            assert (await records.document(db, kept.inputs, Inputs)).supply == kept.supply

    in_a_world(story)
