"""The cell broadcast centre against simulated controllers over TCP. Names in brackets are TTCN-3 cases of Osmocom's
CBC_Tests and BSC_Tests_CBSP, which served as a checklist."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from tests.make import frozen_clock

from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.desk import Timers
from banyan.craft.notify.cells.model import Broadcast, Category, Stage
from banyan.craft.notify.cells.naming import Bsc
from banyan.craft.notify.cells.simulator import Simulator
from banyan.errors import Conflict, Invalid, NotFound
from banyan.wire import cbsp
from banyan.wire import cellbroadcast as cb
from banyan.wire.cbsp import Cbsp, Kind

NORTH = tuple(f"466-92-1-{cell}" for cell in range(1, 5))
SOUTH = tuple(f"466-92-2-{cell}" for cell in range(1, 4))
CLOCK = frozen_clock()
FAST = Timers(keep_alive_s=30, answer_s=5, retry_s=0.02, retry_most_s=0.05)


def a_broadcast(text: str = "地震警報", *, code: int = 1, update: int = 0, **more: object) -> Broadcast:
    encoded = cb.encode(text, "zh")
    base = Broadcast(
        serial=0x4000 | code << 4 | update,
        message_id=4370,
        dcs=encoded.dcs,
        pages=encoded.pages,
        category=Category.HIGH,
        period=len(encoded.pages),
    )
    return msgspec.structs.replace(base, **more)


class Net(msgspec.Struct):
    centre: Centre
    north: Simulator
    south: Simulator
    port: int

    async def settled(self, sent: Broadcast) -> object:
        return await self.centre.settled(sent.message_id, sent.serial)


BSCS = (
    Bsc(name="north", host="127.0.0.2", cells=frozenset(NORTH)),
    Bsc(name="south", host="127.0.0.3", cells=frozenset(SOUTH)),
)


@asynccontextmanager
async def a_net(folder: Path, *, timers: Timers = FAST, most: int = 15) -> AsyncIterator[Net]:
    centre = Centre(folder, BSCS, clock=CLOCK, timers=timers)
    port = await centre.start(port=0)
    north = Simulator(NORTH, clock=CLOCK, host="127.0.0.2", timers=timers, most=most)
    south = Simulator(SOUTH, clock=CLOCK, host="127.0.0.3", timers=timers, most=most)
    north.start(port)
    south.start(port)
    try:
        await centre.met("north")
        await centre.met("south")
        yield Net(centre, north, south, port)
    finally:
        await north.stop()
        await south.stop()
        await centre.close()


def in_net(test: Callable[[Net], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        async def whole() -> None:
            async with a_net(tmp_path) as net, asyncio.timeout(20):
                await test(net)

        asyncio.run(whole())

    run.__doc__ = test.__doc__
    run.__name__ = test.__name__
    return run


def kinds(simulator: Simulator) -> list[Kind]:
    return [one.kind for one in simulator.heard]


@in_net
async def test_a_controller_that_is_new_is_cleared_first(net: Net) -> None:
    """[TC_rx_restart, TC_cbsp_reset_bss]"""
    assert kinds(net.north) == [Kind.RESET]


@in_net
async def test_every_phone_shows_it(net: Net) -> None:
    """[TC_ecbe_create_delete_bss, TC_cbsp_write_bss]"""
    sent = a_broadcast()
    status = await net.centre.write_replace(sent)
    assert status.stage is Stage.SENDING
    status = await net.centre.settled(sent.message_id, sent.serial)
    assert status.stage is Stage.ON_AIR
    assert sorted(status.is_every_cell_of) == ["north", "south"]
    for simulator in (net.north, net.south):
        for cell in simulator.cells():
            (shown,) = simulator.shown(cell)
            assert (shown.text, shown.title_key, shown.language) == ("地震警報", "presidential", "zh")
    again = await net.centre.write_replace(sent)
    assert again.stage is Stage.ON_AIR
    assert kinds(net.north).count(Kind.WRITE_REPLACE) == 1


@in_net
async def test_each_controller_gets_its_own_cells(net: Net) -> None:
    """[TC_cbsp_write_bts_cgi, TC_cbsp_write_unknown_bts]"""
    sent = a_broadcast(cells=(NORTH[1], SOUTH[0], "466-92-9-9"))
    await net.centre.write_replace(sent)
    status = await net.centre.settled(sent.message_id, sent.serial)
    assert status.stage is Stage.PARTLY
    assert status.acknowledged == (NORTH[1], SOUTH[0])
    assert status.unreachable == ("466-92-9-9",)
    assert [bool(net.north.shown(cell)) for cell in NORTH] == [False, True, False, False]
    assert [bool(net.south.shown(cell)) for cell in SOUTH] == [True, False, False]


@in_net
async def test_killed_it_is_gone(net: Net) -> None:
    """[TC_cbsp_write_then_kill]"""
    sent = a_broadcast()
    await net.centre.write_replace(sent)
    await net.settled(sent)
    await net.centre.kill(sent.message_id, sent.serial)
    status = await net.centre.settled(sent.message_id, sent.serial)
    assert status.stage is Stage.KILLED
    assert not net.north.shown(NORTH[0])
    assert not net.centre.on_air()
    assert (await net.centre.kill(sent.message_id, sent.serial)).stage is Stage.KILLED
    with pytest.raises(NotFound):
        await net.centre.kill(sent.message_id, 1)


@in_net
async def test_an_update_takes_its_place_where_it_was_and_goes_where_it_was_not(net: Net) -> None:
    """[TC_cbsp_write_then_replace] The new area loses a cell, keeps one and gains one."""
    first = a_broadcast("一", cells=NORTH[:2])
    await net.centre.write_replace(first)
    await net.settled(first)
    second = a_broadcast("二", update=1, cells=NORTH[1:3], replaces=first.serial)
    await net.centre.write_replace(second)
    status = await net.centre.settled(second.message_id, second.serial)
    assert status.stage is Stage.ON_AIR
    assert [[one.text for one in net.north.shown(cell)] for cell in NORTH] == [[], ["二"], ["二"], []]
    assert (await net.centre.status(first.message_id, first.serial)).stage is Stage.REPLACED
    replaced = [one for one in net.north.heard if one.kind is Kind.WRITE_REPLACE and one.old_serial is not None]
    assert [len(one.cells.cells) for one in replaced if one.cells] == [1]


@in_net
async def test_an_update_for_everywhere_replaces_one_for_some(net: Net) -> None:
    first = a_broadcast("一", cells=NORTH[:2])
    await net.centre.write_replace(first)
    await net.settled(first)
    second = a_broadcast("二", update=1, replaces=first.serial)
    await net.centre.write_replace(second)
    await net.settled(second)
    third = a_broadcast("三", update=2, cells=(NORTH[0],), replaces=second.serial)
    assert [[one.text for one in net.north.shown(cell)] for cell in NORTH] == [["二"]] * 4
    await net.centre.write_replace(third)
    status = await net.centre.settled(third.message_id, third.serial)
    assert status.stage is Stage.ON_AIR
    assert [[one.text for one in net.north.shown(cell)] for cell in NORTH] == [["三"], [], [], []]


@in_net
async def test_killing_an_update_leaves_nothing_of_what_it_came_after(net: Net) -> None:
    first = a_broadcast("一", cells=NORTH[:2])
    await net.centre.write_replace(first)
    await net.settled(first)
    net.north.hang_up()
    second = a_broadcast("二", update=1, cells=NORTH[:1], replaces=first.serial)
    await net.centre.write_replace(second)
    await net.centre.kill(second.message_id, second.serial)
    await net.centre.met("north")
    assert (await net.centre.settled(second.message_id, second.serial)).stage is Stage.KILLED
    assert not any(net.north.shown(cell) for cell in NORTH)


@in_net
async def test_what_cannot_be_replaced_is_written(net: Net) -> None:
    """[TC_cbsp_replace_nonexist] The controller lost it without saying so."""
    first = a_broadcast("一", cells=NORTH[:1])
    await net.centre.write_replace(first)
    await net.settled(first)
    net.north.tower.restart()
    second = a_broadcast("二", update=1, cells=NORTH[:1], replaces=first.serial)
    await net.centre.write_replace(second)
    status = await net.centre.settled(second.message_id, second.serial)
    assert status.stage is Stage.ON_AIR
    assert [one.text for one in net.north.shown(NORTH[0])] == ["二"]


@in_net
async def test_nothing_on_the_air_cannot_be_replaced(net: Net) -> None:
    with pytest.raises(Invalid, match="replaces"):
        await net.centre.write_replace(a_broadcast(update=1, replaces=0x4010))


@in_net
async def test_a_broken_cell_fails_alone_and_is_served_when_it_restarts(net: Net) -> None:
    """[TC_cbsp_write_bts_no_cbch, TC_cell_failure_restart]"""
    net.south.tower.broken.add(SOUTH[1])
    sent = a_broadcast(cells=SOUTH)
    await net.centre.write_replace(sent)
    status = await net.centre.settled(sent.message_id, sent.serial)
    assert status.stage is Stage.PARTLY
    assert [(one.bsc, one.cell, one.cause) for one in status.failed] == [("south", SOUTH[1], "not-operational")]
    net.south.say(net.south.tower.restart([SOUTH[1]]))
    await _until(net, sent, Stage.ON_AIR)
    assert net.south.shown(SOUTH[1])


@in_net
async def test_a_cell_that_was_busy_is_tried_again(net: Net) -> None:
    """[NACK]"""
    net.south.tower.broken.add(SOUTH[1])
    sent = a_broadcast(cells=SOUTH)
    await net.centre.write_replace(sent)
    await net.settled(sent)
    net.south.tower.broken.clear()
    await _until(net, sent, Stage.ON_AIR)
    assert net.south.shown(SOUTH[1])


@in_net
async def test_a_cell_that_breaks_on_the_air_is_told(net: Net) -> None:
    sent = a_broadcast(cells=SOUTH)
    await net.centre.write_replace(sent)
    await net.settled(sent)
    net.south.say(net.south.tower.fail([SOUTH[0]]))
    status = await _until(net, sent, Stage.PARTLY)
    assert [one.cell for one in status.failed] == [SOUTH[0]]
    net.south.say(net.south.tower.restart([SOUTH[0]]))
    await _until(net, sent, Stage.ON_AIR)
    assert net.south.shown(SOUTH[0])


@in_net
async def test_a_controller_that_restarts_gets_everything_again(net: Net) -> None:
    """[restart -> re-broadcast]"""
    first, second = a_broadcast("一", code=1), a_broadcast("二", code=2)
    for sent in (first, second):
        await net.centre.write_replace(sent)
        await net.settled(sent)
    net.north.say(net.north.tower.restart())
    await _heard(net.north, lambda: kinds(net.north).count(Kind.WRITE_REPLACE) == 4)
    await net.settled(first)
    await net.settled(second)
    assert sorted(one.text for one in net.north.shown(NORTH[0])) == ["一", "二"]


@in_net
async def test_a_connection_that_breaks_costs_nothing(net: Net) -> None:
    """Nothing is sent twice: the controller is asked what it still has."""
    sent = a_broadcast()
    await net.centre.write_replace(sent)
    await net.settled(sent)
    net.north.heard.clear()
    net.north.hang_up()
    await _heard(net.north, lambda: Kind.STATUS_QUERY in kinds(net.north))
    await net.centre.met("north")
    await net.settled(sent)
    assert kinds(net.north) == [Kind.STATUS_QUERY]
    assert net.north.shown(NORTH[0])


@in_net
async def test_a_controller_that_lost_it_in_silence_gets_it_again(net: Net) -> None:
    sent = a_broadcast(cells=NORTH)
    await net.centre.write_replace(sent)
    await net.settled(sent)
    net.north.tower.restart(NORTH[:2])
    net.north.hang_up()
    await _heard(net.north, lambda: kinds(net.north).count(Kind.WRITE_REPLACE) == 2)
    await net.settled(sent)
    assert all(net.north.shown(cell) for cell in NORTH)


@in_net
async def test_many_at_once(net: Net) -> None:
    """[TC_concurrent]"""
    many = [a_broadcast(f"第{code}則", code=code) for code in range(1, 13)]
    await asyncio.gather(*(net.centre.write_replace(sent) for sent in many))
    for sent in many:
        assert (await net.centre.settled(sent.message_id, sent.serial)).stage is Stage.ON_AIR
    assert len(net.south.shown(SOUTH[0])) == 12
    assert len(net.centre.on_air()) == 12


@in_net
async def test_how_often_it_was_sent(net: Net) -> None:
    """[TC_cbsp_message_status_query]"""
    sent = a_broadcast(cells=(NORTH[0], SOUTH[0]))
    await net.centre.write_replace(sent)
    await net.settled(sent)
    status = await net.centre.status(sent.message_id, sent.serial, ask=True)
    assert [(one.bsc, one.cell, one.broadcasts) for one in status.counts] == [
        ("north", NORTH[0], 1),
        ("south", SOUTH[0], 1),
    ]


@in_net
async def test_an_earthquake_warning_has_no_pages(net: Net) -> None:
    """[TC_ecbe_create_delete_etws]"""
    sent = Broadcast(serial=0x4010, message_id=0x1100, warning_type=0x0180)
    await net.centre.write_replace(sent)
    assert (await net.centre.settled(sent.message_id, sent.serial)).stage is Stage.ON_AIR
    (request,) = [one for one in net.north.heard if one.kind is Kind.WRITE_REPLACE]
    assert (request.is_emergency, request.warning_type, request.warning_s) == (True, 0x0180, 0)
    assert net.north.shown(NORTH[0])[0].title_key == "presidential"


@in_net
async def test_nonsense_is_answered_and_survived(net: Net) -> None:
    assert net.north._link is not None
    net.north._link._writer.write(bytes.fromhex("990000001300000404000106"))
    await _heard(net.north, lambda: kinds(net.north).count(Kind.ERROR_INDICATION) == 2)
    causes = [one.cause for one in net.north.heard if one.kind is Kind.ERROR_INDICATION]
    assert causes == [cbsp.Cause.UNRECOGNISED_MESSAGE, cbsp.Cause.MISSING_ELEMENT]
    sent = a_broadcast()
    await net.centre.write_replace(sent)
    assert (await net.centre.settled(sent.message_id, sent.serial)).stage is Stage.ON_AIR


@in_net
async def test_strangers_are_hung_up_on(net: Net) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", net.port, local_addr=("127.0.0.9", 0))
    writer.write(cbsp.encode(Cbsp(kind=Kind.KEEP_ALIVE, keep_alive_s=10)))
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert net.centre.connected() == ("north", "south")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"period": 0}, "period"),
        ({"serial": 0x10000}, "serial"),
        ({"pages": ()}, "pages"),
        ({"cells": ("466-92-1-70000",)}, "cells"),
        ({"cells": ()}, "cells"),
        ({"cells": (NORTH[0], NORTH[0])}, "cells"),
        ({"pages": cb.encode("震" * 50).pages}, "period"),
        ({"warning_type": 1}, "warning_type"),
    ],
)
def test_bounds(tmp_path: Path, wrong: dict[str, object], field: str) -> None:
    async def whole() -> None:
        centre = Centre(tmp_path, (), clock=CLOCK)
        try:
            with pytest.raises(Invalid) as caught:
                await centre.write_replace(a_broadcast(**wrong))
            assert [one.field for one in caught.value.fields] == [field]
            await centre.write_replace(a_broadcast("一"))
            with pytest.raises(Conflict):
                await centre.write_replace(a_broadcast("二"))
        finally:
            await centre.close()

    asyncio.run(whole())


def test_a_controller_that_is_dead_is_hung_up_on(tmp_path: Path) -> None:
    """[TC_rx_keepalive_timeout]"""

    async def whole() -> None:
        timers = Timers(keep_alive_s=0.02, answer_s=0.05, retry_s=0.02, retry_most_s=0.02)
        async with a_net(tmp_path, timers=timers) as net, asyncio.timeout(20):
            first = net.north._link
            assert first is not None
            net.north.is_mute = True
            await _heard(net.north, lambda: first._is_closed)
            net.north.is_mute = False
            sent = a_broadcast()
            await net.centre.write_replace(sent)
            await _until(net, sent, Stage.ON_AIR)

    asyncio.run(whole())


def test_a_full_cell_refuses_and_takes_it_later(tmp_path: Path) -> None:
    """[TC_cbsp_write_too_many]"""

    async def whole() -> None:
        async with a_net(tmp_path, most=1) as net, asyncio.timeout(20):
            first, second = a_broadcast("一", cells=NORTH[:1]), a_broadcast("二", code=2, cells=NORTH[:1])
            await net.centre.write_replace(first)
            await net.settled(first)
            await net.centre.write_replace(second)
            status = await net.centre.settled(second.message_id, second.serial)
            assert [one.cause for one in status.failed] == ["cell-memory-exceeded"]
            assert status.stage is Stage.FAILED
            await net.centre.kill(first.message_id, first.serial)
            await _until(net, second, Stage.ON_AIR)

    asyncio.run(whole())


def test_the_centre_connects_too(tmp_path: Path) -> None:
    """[TC_cbsp_bsc_server]"""

    async def whole() -> None:
        south = Simulator(SOUTH, clock=CLOCK)
        port = await south.listen()
        bsc = Bsc(name="south", host="127.0.0.1", port=port, cells=frozenset(SOUTH))
        centre = Centre(tmp_path, (bsc,), clock=CLOCK, timers=FAST)
        try:
            async with asyncio.timeout(20):
                await centre.start(port=0)
                await centre.met("south")
                sent = a_broadcast()
                await centre.write_replace(sent)
                assert (await centre.settled(sent.message_id, sent.serial)).stage is Stage.ON_AIR
                assert centre.connected() == ("south",)
        finally:
            await south.stop()
            await centre.close()

    asyncio.run(whole())


def test_a_controller_that_introduces_itself(tmp_path: Path) -> None:
    async def whole() -> None:
        centre = Centre(tmp_path, (), clock=CLOCK, timers=FAST, is_open=True)
        north = Simulator(NORTH, clock=CLOCK, host="127.0.0.2")
        try:
            async with asyncio.timeout(20):
                north.start(await centre.start(port=0))
                await centre.met("127.0.0.2")
                sent = a_broadcast(cells=NORTH[:2])
                await centre.write_replace(sent)
                status = await centre.settled(sent.message_id, sent.serial)
                assert status.acknowledged == NORTH[:2]
                assert not status.unreachable
        finally:
            await north.stop()
            await centre.close()

    asyncio.run(whole())


async def _until(net: Net, sent: Broadcast, stage: Stage) -> object:
    """Wait, turn by turn of the loop, until the message is where it shall be; the test's own limit ends it."""
    while True:
        status = await net.centre.status(sent.message_id, sent.serial)
        if status.stage is stage:
            return status
        await asyncio.sleep(0.005)


async def _heard(simulator: Simulator, is_so: Callable[[], bool]) -> None:
    while not is_so():
        await asyncio.sleep(0.005)
