"""kill -9 of the centre: what was on the air stays, what was ordered is done, nothing is sent twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from tests.craft.notify.cells.test_centre import CLOCK, FAST, NORTH, a_broadcast
from tests.make import NOW

from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.keeper import Keeper
from banyan.craft.notify.cells.model import Broadcast, Stage
from banyan.craft.notify.cells.naming import Bsc
from banyan.craft.notify.cells.simulator import Simulator
from banyan.craft.notify.cells.state import Answered, Killed, Killing, Written
from banyan.limits_alerts import CBC_ENDED, CBC_EVENTS
from banyan.wire import cellbroadcast as cb
from banyan.wire.cbsp import Kind

_CENTRE = """
import asyncio, sys
from pathlib import Path
from tests.craft.notify.cells.test_centre import CLOCK, FAST, NORTH, a_broadcast
from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.naming import Bsc

async def main():
    bsc = Bsc(name="north", host="127.0.0.2", cells=frozenset(NORTH))
    centre = Centre(Path(sys.argv[1]), (bsc,), clock=CLOCK, timers=FAST)
    print(await centre.start(port=0), flush=True)
    await centre.met("north")
    for code in (1, 2):
        sent = a_broadcast(f"第{code}則", code=code)
        await centre.write_replace(sent)
        print((await centre.settled(sent.message_id, sent.serial)).stage, flush=True)
    sys.stdin.readline()  # the controller is cut off now
    while centre.connected():
        await asyncio.sleep(0.01)
    third = a_broadcast("第3則", code=3, cells=NORTH[:2])
    await centre.write_replace(third)
    await centre.kill(4370, 0x4010)
    print("ordered", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_centre_that_is_killed_comes_back_to_what_shall_be(tmp_path: Path) -> None:
    asyncio.run(_killed(tmp_path))


async def _killed(folder: Path) -> None:
    north = Simulator(NORTH, clock=CLOCK, host="127.0.0.2", timers=FAST)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CENTRE, str(folder), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        async with asyncio.timeout(60):
            north.start(int(await process.stdout.readline()))
            assert [(await process.stdout.readline()).decode().strip() for _ in range(2)] == ["on_air", "on_air"]
            await north.stop()
            process.stdin.write(b"\n")
            assert await process.stdout.readline() == b"ordered\n"
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process.stdin.close()

    north.heard.clear()
    bsc = Bsc(name="north", host="127.0.0.2", cells=frozenset(NORTH))
    centre = Centre(folder, (bsc,), clock=CLOCK, timers=FAST)
    try:
        async with asyncio.timeout(20):
            north.start(await centre.start(port=0))
            await centre.met("north")
            stages = [(await centre.settled(4370, 0x4000 | code << 4)).stage for code in (1, 2, 3)]
            assert stages == [Stage.KILLED, Stage.ON_AIR, Stage.ON_AIR]
            assert sorted(one.text for one in north.shown(NORTH[0])) == ["第2則", "第3則"]
            assert [one.text for one in north.shown(NORTH[3])] == ["第2則"]
            writes = [one.new_serial for one in north.heard if one.kind is Kind.WRITE_REPLACE]
            assert writes == [0x4030]
            assert Kind.RESET not in [one.kind for one in north.heard]
    finally:
        await north.stop()
        await centre.close()


def test_a_late_cell_ends_with_the_others(tmp_path: Path) -> None:
    """Of a hundred broadcasts a controller that comes late is asked for the rest; then it is over."""

    async def whole() -> None:
        now = [float(NOW)]
        bsc = Bsc(name="north", host="127.0.0.2", cells=frozenset(NORTH))
        centre = Centre(tmp_path, (bsc,), clock=lambda: now[0], timers=FAST)  # type: ignore[arg-type, return-value]
        north = Simulator(NORTH, clock=CLOCK, host="127.0.0.2", timers=FAST)
        try:
            async with asyncio.timeout(20):
                sent = a_broadcast(period=10, count=100)
                await centre.write_replace(sent)
                now[0] += 60.5 * 10 * 1.883
                north.start(await centre.start(port=0))
                await centre.met("north")
                assert (await centre.settled(sent.message_id, sent.serial)).stage is Stage.ON_AIR
                (write,) = [one for one in north.heard if one.kind is Kind.WRITE_REPLACE]
                assert write.requested == 40
                now[0] += 40 * 10 * 1.883
                assert (await centre.status(sent.message_id, sent.serial)).stage is Stage.OVER
                assert not centre.on_air()
        finally:
            await north.stop()
            await centre.close()

    asyncio.run(whole())


def test_the_journal_is_short_and_forgets_what_is_long_over(tmp_path: Path) -> None:
    """Four events a broadcast; the snapshot keeps the last ones and all that is on the air."""
    count = CBC_EVENTS // 4 + CBC_ENDED

    async def whole() -> None:
        keeper = Keeper(tmp_path)
        page = cb.encode("震").pages
        for number in range(count):
            sent = Broadcast(serial=number, message_id=4371, dcs=0x48, pages=page)
            await keeper.keep(
                Written(sent, number),
                Answered((4371, number), "b", is_every=True),
                Killing((4371, number), 1),
                Killed((4371, number), "b"),
                now=0.0,
            )
        await keeper.keep(Written(a_broadcast(), 1), now=0.0)
        await keeper.close()
        again = Keeper(tmp_path)
        assert (4370, 0x4010) in again.air.records
        assert CBC_ENDED <= len(again.air.records) < count
        await again.close()

    asyncio.run(whole())
