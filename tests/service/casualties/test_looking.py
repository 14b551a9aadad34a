"""Each look at a person is hers to read; protected persons are nobody to all but herself and the staff by number."""

from __future__ import annotations

import pytest
from tests.service.casualties.world import (
    CENTRE,
    LEE,
    MACKAY,
    STRANGER,
    SYSTEM,
    TAIWAN,
    WANG,
    WHY,
    WORKER,
    World,
    in_a_world,
)

from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS
from banyan.service.casualties.expiring import expire
from banyan.service.casualties.looking import SQL
from banyan.service.casualties.service import SERVICE

MING = {"name": "王曉明", "sex": "男", "born": "79/3/12", "number": WANG, "ward": "7A-12", "phone": "02-2543-3535"}


def test_she_and_who_acts_for_her_see_where_she_is_and_who_looked() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        await world.seen("王曉明", "6789")
        world.now[0] += 60
        likely = await world.call("find", WORKER, name="王曉明")
        await world.call("chain", WORKER, id=likely[0].id, reason=WHY)
        for caller in (world.citizen(WANG), world.guardian(WANG)):
            own = await world.call("mine", caller)
            assert (own.hospital, own.ward, own.phone) == ("馬偕", "7A-12", "02-2543-3535")
            assert [(one.agency, one.reason) for one in own.looks] == [(WORKER.agency, WHY), ("", "")]
        for caller in (world.citizen(LEE), world.guardian(LEE)):
            with pytest.raises(NotFound):
                await world.call("mine", caller)
        for caller in (WORKER, MACKAY, SYSTEM):
            with pytest.raises(Denied):
                await world.call("mine", caller)

    in_a_world(story)


def test_a_protected_person_is_nobody_and_sees_who_tried() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        with pytest.raises(NotFound):  # another hospital's patient
            await world.call("protect", TAIWAN, person=WANG, is_protected=True, reason=WHY)
        with pytest.raises(Denied):
            await world.call("protect", STRANGER, person=WANG, is_protected=True, reason=WHY)
        await world.call("protect", MACKAY, person=WANG, is_protected=True, reason="保護令")
        with pytest.raises(NotFound):
            await world.seen("王曉明", "6789")
        with pytest.raises(NotFound):
            await world.call("mine", world.guardian(WANG))
        own = await world.call("mine", world.citizen(WANG))
        assert [one.agency for one in own.looks] == [""]
        with pytest.raises(Denied):  # to show her again is the staff's
            await world.call("protect", MACKAY, person=WANG, is_protected=False, reason=WHY)
        world.now[0] += 60
        await world.call("protect", CENTRE, person=WANG, is_protected=False, reason="保護令撤銷")
        assert (await world.seen("王曉明", "6789")).hospital == "馬偕"
        kinds = [(one.kind, one.reason) for one in await world.call("decisions", CENTRE)]
        assert kinds == [("show", "保護令撤銷"), ("protect", "保護令")]

    in_a_world(story)


def test_somebody_without_a_number_is_protected_by_the_registers_id() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {"name": "林美玉", "born": "1985-05-05"})
        likely = await world.call("find", WORKER, name="林美玉")
        await world.call("protect", WORKER, id=likely[0].id, is_protected=True, reason=WHY)
        assert await world.call("find", WORKER, name="林美玉") == ()
        with pytest.raises(NotFound):
            await world.call("chain", WORKER, id=likely[0].id, reason=WHY)
        with pytest.raises(NotFound):
            await world.seen("林美玉", "1985-05-05")

    in_a_world(story)


def test_a_death_is_in_no_chain() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {**MING, "status": "死亡"})
        likely = await world.call("find", WORKER, name="王曉明")
        seen = await world.call("chain", WORKER, id=likely[0].id, reason=WHY)
        own = await world.call("mine", world.guardian(WANG))
        assert {one.condition for one in (*seen.steps, *own.steps)} == {"contact"}

    in_a_world(story)


def test_looks_end_with_the_record_and_those_at_nobody_with_the_hour() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        await world.seen("王曉明", "6789")
        with pytest.raises(NotFound):
            await world.seen("王曉明", "0000")
        sql = world.node.drawers["casualties"].sql
        ctx = world.node.gate.context(SERVICE.name, SYSTEM)
        looks = lambda who: sql.read(lambda tx: len(tx.rows(SQL["looks"], patient=who, limit=9)))  # noqa: E731
        likely = await world.call("find", WORKER, name="王曉明")
        assert (await looks(likely[0].id), await looks("")) == (1, 1)
        await expire(ctx, Event("expire", "all", b"", EpochS(world.now[0])))
        assert (await looks(likely[0].id), await looks("")) == (1, 0)
        world.now[0] += 41 * 86_400
        ctx = world.node.gate.context(SERVICE.name, SYSTEM)
        await expire(ctx, Event("expire", "all", b"", EpochS(world.now[0])))
        assert await looks(likely[0].id) == 0

    in_a_world(story)


def test_a_drill_says_so_and_ends_at_once() -> None:
    async def story(world: World) -> None:
        begun = {"title_zh": "八仙演習", "title_en": "Drill", "is_drill": True}
        found = await world.call("begin", SYSTEM, **begun)
        assert (found.is_drill, found.title["en"]) == (True, "Drill")
        await world.report(MACKAY, MING)
        with pytest.raises(Conflict):
            await world.call("begin", SYSTEM, **{**begun, "is_drill": False})
        assert (await world.call("end_drill", SYSTEM)).records == 1
        with pytest.raises(NotFound):
            await world.seen("王曉明", "6789")
        after = await world.call("incident")
        assert (after.is_drill, after.living, after.ended) == (False, 0, 1)
        with pytest.raises(Conflict):
            await world.call("end_drill", SYSTEM)
        with pytest.raises(Denied):
            await world.call("begin", WORKER, **begun)

    in_a_world(story)
