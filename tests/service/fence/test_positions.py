"""Positions to ladder, with the real engine: the drill's persona walks off, and a killed taker repeats nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.make import NOW
from tests.service.fence.world import HEALTH, STRANGER, SYSTEM, WANG, World, a_world, in_a_world, officer, phone_of

from banyan.demo import fence as drill
from banyan.errors import Denied, Unavailable
from banyan.fenced import Positions, lend_fence
from banyan.kernel.events.clock import EpochS
from banyan.service.fence import records
from banyan.service.fence.positions import drain, slots_of

COUNT = 24


class Killed(Exception):
    """The process ends here."""


def test_one_walks_off_and_is_asked_once_though_the_taker_was_killed(tmp_path: Path) -> None:
    from banyan.craft.fencing.engine import Engine

    async def story() -> None:
        now = [float(NOW)]
        async with a_world(tmp_path, now) as world:
            node = world.node
            db = node.drawers["fence"]
            cells = drill.table()
            clock = drill.ReplayClock(lambda: EpochS(now[0]))
            engine = Engine(db.journal("positions"), cells, clock)
            assert await drill.seed_law_of_fence(node.gate)
            cases = await drill.seed_people(node.gate, COUNT)
            await drill.replay(engine, drill.world_of(cells, COUNT), await slots_of(db, cases), clock)
            positions = Positions(engine, cells, "engine")
            lend_fence(node.drawers, node.lawful, node.scopes, _named, notifier=world.sms, positions=positions)
            told = engine.told

            async def killed(upto: int) -> None:
                raise Killed  # between the commit and the engine's word of it

            engine.told = killed  # type: ignore[method-assign]
            with pytest.raises(Killed):
                await drain(world.context())
            engine.told = told  # type: ignore[method-assign]
            before = await db.sql.read(records.open_alarms)
            assert await drain(world.context()) == 0
            assert await db.sql.read(records.open_alarms) == before
            assert [one.kind for one in before if one.held == cases[0]] == ["left"]

    asyncio.run(story())


async def _named(id: str) -> str:
    return id


def test_only_an_operator_sends_fixes_and_sees_nobody() -> None:
    async def story(world: World) -> None:
        fix = {"fixes": [{"phone": phone_of(WANG), "at": int(NOW), "cell": "466-99-1-1"}]}
        for by in (HEALTH, STRANGER):
            with pytest.raises(Denied):
                await world.call("fixes", by, **fix)
        operator = officer("TW/COM/TEL")
        await world.call("assign", SYSTEM, agency="TW/COM/TEL", desk="operator", area="*")
        with pytest.raises(Unavailable):  # this node has no engine
            await world.call("fixes", operator, **fix)
        for operation in ("worklist", "enrolments", "call_list"):
            with pytest.raises(Denied):
                await world.call(operation, operator)

    in_a_world(story)


def test_the_drills_police_see_taipei_only(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_world(tmp_path, [float(NOW)]) as world:
            assert await drill.seed_law_of_fence(world.node.gate)
            cases = await drill.seed_people(world.node.gate, COUNT)
            db = world.node.drawers["fence"]
            held = [one for case in cases if (one := await db.sql.read(lambda tx, id=case: records.held_by_id(tx, id)))]  # type: ignore[misc]
            places = {one.village[:5]: one.id for one in held}
            assert len(places) > 1, "else it shows nothing"
            police, health = officer(drill.POLICE), officer(drill.HEALTH)
            for case in places.values():
                await world.signal(case, sign="strong")
            for by, seen in ((health, set(places)), (police, {"63000"})):
                assert {one.village[:5] for one in await world.work(by)} == seen
            await world.call("open_case", police, case=places.pop("63000"), reason="派員查訪")
            with pytest.raises(Denied):
                await world.call("open_case", police, case=places.popitem()[1], reason="派員查訪")

    asyncio.run(story())
