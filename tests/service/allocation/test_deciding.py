"""From a draft to shipments: two officers, reasons, a history, and no way round them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.service.allocation.world import (
    BORDER,
    DAY,
    ITEM,
    OUTLETS,
    PROPOSER,
    SECOND,
    TOKEN,
    World,
    in_a_world,
)

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.events import feed
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.kernel.ledger.entries import read_entry
from banyan.service.allocation.shelf import Shelf, lend


def test_a_plan_is_proposed_adjusted_approved_and_published() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        rows = {row.code: row for row in (await world.by(PROPOSER, "rows", id=id)).rows}
        giver, taker = OUTLETS[9].code, OUTLETS[0].code
        less, more = rows[giver].boxes - 2, rows[taker].boxes + 2
        said = {"id": id, "kind": "outbreak", "words": "島上有疫情"}
        await world.by(PROPOSER, "adjust", code=giver, boxes=less, **said)
        stands = await world.by(PROPOSER, "adjust", code=taker, boxes=more, **said)
        assert (stands.boxes, stands.left) == (30, 0)
        done = await world.by(SECOND, "approve", id=id)
        assert (done.state, done.boxes) == ("approved", 30)
        assert await world.by(SECOND, "approve", id=id) == done

        seen = await world.public("plan", id=id)
        assert [(one.act, one.code, one.after) for one in seen.history] == [
            ("proposed", "", 30),
            ("adjusted", giver, less),
            ("adjusted", taker, more),
            ("approved", "", 30),
        ]
        assert {one.words for one in seen.history} == {""}
        row = next(row for row in (await world.public("rows", id=id)).rows if row.code == taker)
        assert (row.boxes, row.why) == (more, "adjusted")
        shipped = {one.outlet: one for one in await world.public("shipments", id=id)}
        assert sum(one.boxes for one in shipped.values()) == 30
        assert shipped[taker].units == more * 50
        assert [one.id for one in await world.public("plans")] == [id]

    in_a_world(story)


def test_shipments_have_keys_that_stay_and_differ() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        with pytest.raises(Conflict):
            await world.by(PROPOSER, "shipments", id=id)
        await world.by(SECOND, "approve", id=id)
        first, again = await world.public("shipments", id=id), await world.public("shipments", id=id)
        assert first == again
        assert len({one.key for one in first}) == len(first)
        assert all(len(bytes.fromhex(one.key)) == 16 for one in first)

    in_a_world(story)


def test_the_event_tells_of_the_approval_once() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        await world.by(SECOND, "approve", id=id)
        await world.by(SECOND, "approve", id=id)
        told = await feed.read(world.node.drawers["allocation"].sql, 0, topic="plan.approved")
        assert [(one.subject, bytes(one.data)) for one in told] == [
            (id, b'{"item":"mask-adult","day":"2020-02-15","boxes":30,"units":1500}')
        ]

    in_a_world(story)


class Acts:
    """A ledger's acts: the first entry of a key stays. `between` is done before the first is written."""

    def __init__(self, between: Callable[[], Awaitable[object]]) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.between = between

    async def append_once(self, key: str, entry: bytes) -> int:
        if not self.kept:
            await self.between()
        self.kept.setdefault(key, read_entry(entry))
        return len(self.kept) - 1


def test_an_approval_that_an_adjustment_overtook_is_not_the_ledgers_last_word() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        first = next(row for row in (await world.by(PROPOSER, "rows", id=id)).rows if row.boxes)
        less = {"id": id, "code": first.code, "boxes": first.boxes - 1, "kind": "closed", "words": "停業"}
        acts = Acts(lambda: world.by(PROPOSER, "adjust", **less))
        lend(world.node.drawers["allocation"], Shelf(acts, None))  # type: ignore[arg-type]
        with pytest.raises(Conflict):
            await world.by(SECOND, "approve", id=id)
        done = await world.by(SECOND, "approve", id=id)
        assert [entry["boxes"] for entry in acts.kept.values()] == [30, done.boxes] == [30, 29]

    in_a_world(story)


def test_who_made_a_plan_does_not_approve_it() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        with pytest.raises(Denied):
            await world.by(PROPOSER, "approve", id=id)
        await world.by(SECOND, "adjust", id=id, code=OUTLETS[3].code, boxes=0, kind="closed", words="停業")
        with pytest.raises(Denied):
            await world.by(SECOND, "approve", id=id)

    in_a_world(story)


@pytest.mark.parametrize("who", [ANONYMOUS, BORDER, TOKEN], ids=["anybody", "border", "token"])
def test_only_officers_of_supplies_write(who: object) -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        acts = {
            "propose": {"item": ITEM, "day": DAY, "supply": 3},
            "compare": {"item": ITEM, "day": DAY, "supply": 3},
            "adjust": {"id": id, "code": OUTLETS[1].code, "boxes": 1, "kind": "other", "words": "x"},
            "approve": {"id": id},
            "withdraw": {"id": id},
            "drafts": {},
            "save_rules": {"item": ITEM},
            "save_limits": {"item": ITEM, "code": OUTLETS[1].code},
        }
        for act, values in acts.items():
            with pytest.raises(Denied):
                await world.by(who, act, **values)  # type: ignore[arg-type]
        assert (await world.by(PROPOSER, "plan", id=id)).state == "draft"

    in_a_world(story)


def test_a_draft_is_not_there_for_the_public() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        for act in ("plan", "rows", "fairness", "moves", "shipments", "file_plan_csv", "file_inputs_json"):
            with pytest.raises(NotFound):
                await world.public(act, id=id)
        assert (await world.client.get(f"/allocation/plans/{id}/plan.csv")).status == 404
        assert await world.public("plans") == ()

    in_a_world(story)


def test_an_adjustment_stays_within_supply_and_room() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        said = {"id": id, "kind": "other", "words": "x"}
        with pytest.raises(Conflict) as full:
            await world.by(PROPOSER, "adjust", code=OUTLETS[0].code, boxes=9, **said)
        assert full.value.kind == "no-boxes"
        with pytest.raises(Invalid):
            await world.by(PROPOSER, "adjust", code=OUTLETS[0].code, boxes=21, **said)
        with pytest.raises(NotFound):
            await world.by(PROPOSER, "adjust", code="nowhere", boxes=1, **said)
        assert len((await world.by(PROPOSER, "plan", id=id)).history) == 1

    in_a_world(story)


def test_a_day_has_one_approved_plan_and_it_stays() -> None:
    async def story(world: World) -> None:
        first, other = await world.proposed(), await world.proposed(supply=31)
        await world.by(SECOND, "approve", id=first)
        with pytest.raises(Conflict) as taken:
            await world.by(SECOND, "approve", id=other)
        assert taken.value.kind == "has-plan"
        for act, values in (
            ("withdraw", {}),
            ("adjust", {"code": OUTLETS[1].code, "boxes": 0, "kind": "other", "words": "x"}),
        ):
            with pytest.raises(Conflict) as late:
                await world.by(PROPOSER, act, id=first, **values)
            assert late.value.kind == "not-draft"

    in_a_world(story)


def test_a_withdrawn_draft_can_be_proposed_again() -> None:
    async def story(world: World) -> None:
        id = await world.proposed()
        assert (await world.by(SECOND, "withdraw", id=id)).state == "withdrawn"
        with pytest.raises(Conflict):
            await world.by(SECOND, "approve", id=id)
        assert await world.proposed() == id
        acts = [one.act for one in (await world.by(PROPOSER, "plan", id=id)).history]
        assert acts == ["proposed", "withdrawn", "proposed"]

    in_a_world(story)
