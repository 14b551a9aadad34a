"""A warning that reached some channels and failed on others, then a cancel: what was on the air is killed, what failed
is told, and nothing of the warning goes out afterwards, whatever comes back to life.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.craft.notify.cells.test_centre import FAST
from tests.service.alerts.world import Wire, World, in_a_world

from banyan.craft.cells.model import CellTable, cell_table
from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.naming import Bsc
from banyan.craft.notify.cells.simulator import Simulator
from banyan.craft.notify.memory import MemoryNotifier
from banyan.craft.notify.model import State
from banyan.service.alerts import keeping
from banyan.service.alerts.model import Area, Language
from banyan.service.alerts.outlets import Outlets, Told
from banyan.service.alerts.sending import Cells, Sms, campaign_of
from banyan.service.alerts.shelf import lend, shelf_of

NORTH, SOUTH = ("466-92-1-1", "466-92-1-2"), ("466-92-2-1",)
NUMBERS = tuple(f"+88691200000{one}" for one in range(6))


def table() -> CellTable:
    """Three cells in Hualien, of two controllers."""
    return cell_table((*NORTH, *SOUTH), [121.60, 121.55, 121.58], [23.98, 23.90, 23.95])


class Six:
    """Six telephones wherever it is."""

    def count(self, areas: tuple[Area, ...]) -> int:
        return len(NUMBERS)

    def of(self, areas: tuple[Area, ...]) -> Iterable[tuple[str, Language]]:
        return ((one, "zh-Hant") for one in NUMBERS)


class Air(msgspec.Struct):
    """A centre with two controllers, of which the southern one is not there yet, an SMS outbox, and a dead chat."""

    centre: Centre
    port: int
    north: Simulator
    south: Simulator
    notifier: MemoryNotifier
    chat: Wire

    def headlines(self, cell: str) -> list[str]:
        base = self.north if cell in NORTH else self.south
        return [shown.text for shown in base.shown(cell)]


@asynccontextmanager
async def on_air(world: World, folder: Path) -> AsyncIterator[Air]:
    def clock() -> float:
        return world.now[0]

    bscs = [Bsc(name="north", host="127.0.0.2", cells=frozenset(NORTH)),
            Bsc(name="south", host="127.0.0.3", cells=frozenset(SOUTH))]  # fmt: skip
    centre = Centre(folder, bscs, clock=clock, timers=FAST)
    north = Simulator(NORTH, clock=clock, host="127.0.0.2", timers=FAST)
    south = Simulator(SOUTH, clock=clock, host="127.0.0.3", timers=FAST)
    try:
        port = await centre.start(port=0)
        north.start(port)
        await centre.met("north")
        notifier, chat, places = MemoryNotifier(clock), Wire(), table()
        chat.fails = 1_000
        people = {"cells": Cells(centre, lambda: places), "sms": Sms(notifier, Six()), "chat": chat}
        db = world.node.drawers["alerts"]
        lend(db, msgspec.structs.replace(shelf_of(db), people=Outlets(people, is_for_people=True)))
        yield Air(centre, port, north, south, notifier, chat)
    finally:
        await north.stop()
        await south.stop()
        await centre.close()


async def until(world: World, id: str, number: int, channel: str, *states: str) -> keeping.Result:
    """Turns until a channel stands so; the clock runs, or nothing would be tried again."""
    async with asyncio.timeout(20):
        while True:
            await world.turn()
            found = await world.node.drawers["alerts"].sql.read(lambda tx: keeping.results_of(tx, id))
            mine = next((one for one in found if (one.version, one.channel) == (number, channel)), None)
            if mine is not None and mine.state in states:
                return mine
            world.now[0] += 1
            await asyncio.sleep(0.01)


def test_a_cancel_of_a_half_reached_warning_kills_tells_and_lets_nothing_follow(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with on_air(world, tmp_path / "air") as air:
            id = await world.released()
            while not all(air.headlines(cell) for cell in NORTH):
                await asyncio.sleep(0.01)
            first = campaign_of(id, 1)
            for one in NUMBERS[:2]:
                air.notifier.deliver(first, one)
            while (half := await until(world, id, 1, "sms", "waiting")).reached < 2:
                world.now[0] += 1
            assert (half.reached, half.total) == (2, 6)
            assert (await world.results(id))[1, "chat"] == "failed"
            assert (await world.results(id))[1, "cells"] == "waiting"  # the southern controller is asked on and on

            await world.cancelled(id)
            async with asyncio.timeout(20):
                while not all("解除" in text or "CANCELLED" in text for text in air.headlines(NORTH[0])):
                    await world.turn()
                    await asyncio.sleep(0.01)
            assert air.headlines(NORTH[0]), "the cancel's own words are on the air"
            stopped = await air.notifier.progress(first)
            assert stopped is not None
            assert (stopped.delivered, stopped.stopped, stopped.left, stopped.is_stopped) == (2, 4, 0, True)

            air.chat.fails = 0  # what was dead comes back to life
            air.south.start(air.port)
            await air.centre.met("south")
            chat = await until(world, id, 2, "chat", "sent")
            cells = await until(world, id, 2, "cells", "sent")
            assert (cells.reached, cells.total, chat.state) == (3, 3, "sent")
            assert air.chat.keys == ["2 Cancel"]
            told = air.headlines(SOUTH[0])
            assert told
            assert all("解除" in text or "CANCELLED" in text for text in told), "it never had the warning"
            second = campaign_of(id, 2)
            assert {one.to for one in air.notifier.sent(second)} == set(NUMBERS)
            for one in NUMBERS:
                air.notifier.deliver(second, one, State.DELIVERED if one != NUMBERS[5] else State.FAILED)
            last = await until(world, id, 2, "sms", "partly")
            assert (last.reached, last.total, last.note) == (5, 6, "numbers_failed")

            world.now[0] += 7_200
            for _ in range(5):
                await world.turn()
            assert air.chat.keys == ["2 Cancel"]
            assert [one.campaign for one in await air.notifier.campaigns()] == [second, first]
            results = await world.results(id)
            assert results[1, "sms"] == results[1, "cells"] == "partly"
            assert results[1, "chat"] in ("skipped", "partly")

    in_a_world(story)


@pytest.mark.parametrize("dead", ["chat", "sms", "cells"])
def test_a_cancel_that_fails_on_a_channel_is_told_and_tried_until_it_is_said(dead: str) -> None:
    async def story(world: World) -> None:
        id = await world.released()
        world.people[dead].fails = 3  # type: ignore[index]
        await world.cancelled(id)
        results = await world.results(id)
        assert results[2, dead] == "failed"
        assert {results[2, other] for other in ("chat", "sms", "cells") if other != dead} == {"sent"}
        found = await until(world, id, 2, dead, "sent")
        assert found.state == "sent"
        assert all(wire.keys == ["1 Alert", "2 Cancel"] for wire in world.people.values())

    in_a_world(story)


def test_a_cancel_follows_a_channel_that_never_said_it_was_done() -> None:
    """It took the warning and was still at it: some had it, so the cancel goes there, and the warning is not asked of
    again."""

    async def story(world: World) -> None:
        world.people["cells"].answers = [Told("waiting", 1, 3)]
        id = await world.released()
        await world.cancelled(id)
        world.now[0] += 3_600
        await world.turn()
        assert world.people["cells"].keys == ["1 Alert", "2 Cancel"]
        assert (await world.results(id))[1, "cells"] == "partly"
        assert (await world.results(id))[2, "cells"] == "sent"

    in_a_world(story)
