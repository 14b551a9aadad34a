"""The demonstration's phones: what goes out by CBSP is what they show, and an exercise shows on sinks alone."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tests.service.alerts.values import CONTENT
from tests.service.alerts.world import World, in_a_world

from banyan.demo.alerts import Network, open_network, operator_cells
from banyan.service.alerts import cellular, keeping
from banyan.service.alerts.actual import Actual, Drill, admit
from banyan.service.alerts.outlets import Outlets, Setting, Told

SETTING = Setting({"zh-Hant": "中心", "en": "Centre"}, "", 7)


def test_phones_show_exactly_what_was_released_and_nothing_of_an_exercise() -> None:
    async def story(world: World) -> None:
        table = operator_cells()
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            clock = world.node.gate.clock
            people = await open_network(stack, folder / "people", table, clock)
            sinks = await open_network(stack, folder / "sinks", table, clock)
            for one in (people, sinks):
                await one.centre.met("demo")
            id = await world.released()
            told = await said(world, id, people, is_for_people=True)
            cells = cellular_cells(people)
            assert told == Told("sent", len(cells), len(cells))
            drill = await world.released(status="Exercise", contact="119")
            await said(world, drill, sinks, is_for_people=False)
            shown = [one for one in people.seen(is_people=True) if one.channel == "cells"]
            assert {(one.klass, one.text) for one in shown} == {
                ("emergency", "花蓮縣淹水警戒。請移往高處。（中心）"),
                ("emergency", "Flood warning: Hualien County. Move to higher ground. (Centre)"),
            }
            assert all(one.count == len(cells) for one in shown)
            apart = [one for one in sinks.seen(is_people=False) if one.channel == "cells"]
            assert {one.klass for one in apart} == {"exercise"}
            assert all(one.text.startswith(("【演習】", "[EXERCISE]")) for one in apart)
            await world.cancelled(id)
            await said(world, id, people, is_for_people=True, number=2)
            texts = {one.text for one in people.seen(is_people=True) if one.channel == "cells"}
            assert texts == {"【解除】警戒解除。（中心）", "[CANCELLED] It is over. (Centre)"}

    in_a_world(story)


async def said(world: World, id: str, network: Network, *, is_for_people: bool, number: int = 1) -> Told:
    """Send one message on the air and wait until its base station has answered."""
    alert = await world.ctx.db.sql.read(lambda tx: keeping.alert_of(tx, id))
    assert alert is not None
    admitted = admit(alert, number)
    assert isinstance(admitted, Actual | Drill)
    outlets = Outlets(network.transports(), is_for_people=is_for_people)
    await outlets.send("cells", admitted, SETTING)
    content = alert.chain[number - 1].content
    for lang in content.words:
        await network.centre.settled(cellular.message_id(content, lang), cellular.serial(SETTING.code, number))
    return await outlets.send("cells", admitted, SETTING)  # the same again: it is known, and tells how it stands


def cellular_cells(network: Network) -> tuple[str, ...]:
    from banyan.service.alerts.sending import cells_of

    return cells_of(network.table, CONTENT.areas)
