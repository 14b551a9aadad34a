"""From the register of home quarantine: who is entered there comes in by itself, once, and follows every change."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.make import NOW
from tests.service.fence.world import (
    CDC,
    CHEN,
    CIVIL,
    HEALTH,
    LEE,
    ONLY,
    ORDER,
    PATROL,
    REMOTE,
    WANG,
    World,
    a_world,
    phone_of,
)  # fmt: skip

from banyan.admitting import Round, admit_new, keep_admitting
from banyan.demo.agencies.law import BASES as DEMO_BASES
from banyan.demo.agencies.quarantine import BASIS
from banyan.errors import Conflict, Denied, Invalid, Unavailable
from banyan.kernel.events import feed
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange.gate import Refused
from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy import records as policy
from banyan.kernel.storage.store import Statement
from banyan.limits_fence import FENCE_ADMIT_ROUNDS
from banyan.service.fence import records

SETTINGS = msgspec.structs.replace(ONLY, services=(*ONLY.services, "banyan.demo.agencies.quarantine:QUARANTINE"))
ROOT = Path(__file__).parents[3]
HOME, OTHER = "臺北市大安區和平路1號", "臺北市大安區新生南路2號"
DAY_S = 86_400.0
SPOILT = Statement("spoilt", "", "update record set sealed = zeroblob(40) where subject = :subject")
AGAIN = Statement("again", "", "update feed_cursor set seq = 0 where follower like 'register:%'")


async def quarantine_order(world: World, days: float = 29.0) -> None:
    """The register's own power: it may hold people before the fence may watch them."""
    for basis in DEMO_BASES:
        await world.node.lawful.policy.write(partial(policy.put_basis, basis=basis, at=EpochS(NOW)))
    world.node.lawful.conscience.forget()
    until = iso(EpochS(world.now[0] + days * DAY_S))
    asked = {"id": "q-1", "title_zh": "居家檢疫", "title_en": "Quarantine", "incident": "drill", "reason": "drill",
             "bases": (BASIS,), "start": iso(EpochS(world.now[0])), "until": until}  # fmt: skip
    await world.node.gate.call("powers.declare_order", asked, caller=HEALTH)
    await world.node.gate.call("powers.approve_order", {"id": "q-1"}, caller=CIVIL)


async def enter(world: World, number: str = WANG, /, **more: Any) -> None:
    asked = {"person": number, "until": "2026-12-05", "since": "2026-11-23", "place": HOME, "name": "王小明",
             "telephone": "0912-345 678", "reason": "入境"} | more  # fmt: skip
    await world.node.gate.call("quarantine.note", asked, caller=HEALTH)


async def round_of(world: World) -> Round:
    drawers = world.node.drawers
    return await admit_new(drawers["fence"], drawers["quarantine"], world.node.gate)


async def cases(world: World) -> list[records.Held]:
    return await world.node.drawers["fence"].sql.read(lambda tx: records.living(tx, ORDER))


async def looked(world: World, number: str = WANG) -> Any:
    return await world.call("mine", world.citizen(number))


async def uses_of(world: World, number: str = WANG) -> list[str]:
    """What stands in a person's list of the fence's uses, but her own looks."""
    uses = (await world.node.gate.call("mydata.uses", {}, caller=world.citizen(number))).uses
    return [one.operation for one in uses if one.operation.startswith("fence.")]


def told(
    story: Callable[[World], Awaitable[None]],
    *,
    folder: Path | None = None,
    is_ordered: bool = True,
    is_declared: bool = False,
) -> None:
    """A node with the register, whose rounds are taken by hand. `is_declared`: its orders stand in the folder."""

    async def run(folder: Path) -> None:
        async with a_world(folder, [float(NOW)], settings=SETTINGS) as world:
            if not is_declared:
                await quarantine_order(world)
            if is_ordered and not is_declared:
                await world.order()
            await story(world)

    with tempfile.TemporaryDirectory() as made:
        asyncio.run(run(folder or Path(made)))


def test_an_entry_comes_in_once_and_the_person_sees_why() -> None:
    async def story(world: World) -> None:
        await enter(world)
        assert await round_of(world) == Round(admitted=1)
        (held,) = await cases(world)
        assert (held.village, held.enrolment, held.state) == ("63000030", "none", "watched")
        assert (held.start, held.until) == (1_795_363_200.0, 1_795_363_200.0 + 13 * DAY_S), "the last day is whole"
        own = await looked(world)
        assert (own.phone, own.address) == ("+886912345678", HOME)
        assert await world.said(held.id) == ["admitted"]
        uses = (await world.node.gate.call("mydata.uses", {}, caller=world.citizen())).uses
        assert [(one.operation, one.receiver) for one in uses if one.operation.startswith("fence")] == [
            ("fence.admit", CDC)
        ]
        assert await round_of(world) == Round()
        store = world.node.drawers["fence"].sql
        await store.write(lambda tx: tx.run(AGAIN))
        await round_of(world)  # delivered again
        assert await cases(world) == [held]
        assert await world.said(held.id) == ["admitted"]
        events = await feed.read(world.node.drawers["quarantine"].sql, 0)
        assert {(one.subject, bytes(one.data)) for one in events} == {("1", b"{}")}, "an event names nobody"

    told(story)


def test_every_change_follows_and_the_end_too() -> None:
    async def story(world: World) -> None:
        await enter(world)
        await round_of(world)
        (held,) = await cases(world)
        await enter(world, place=OTHER, telephone="")
        await round_of(world)
        own = await looked(world)
        assert (own.address, own.phone) == (OTHER, "+886912345678"), "what is left empty stays"
        (moved,) = await cases(world)
        assert moved.slot != held.slot, "its cells are learned anew"
        await enter(world, place=OTHER, until="2026-11-25")
        await enter(world, place=OTHER, until="2026-11-28")  # longer again: two events, as it stands now
        assert await round_of(world) == Round(admitted=2)
        (held,) = await cases(world)
        assert held.until == 1_795_363_200.0 + 6 * DAY_S
        await enter(world, place=OTHER, until="2027-03-01")
        await round_of(world)
        assert (await cases(world))[0].until == 1_795_363_200.0 + 14 * DAY_S, "never beyond the published days"
        await enter(world, place=OTHER, until="2026-11-22")
        await round_of(world)
        assert await cases(world) == []
        assert await world.said(held.id) == ["admitted", "moved", "until", "until", "to-over"]
        world.now[0] += DAY_S
        await enter(world, since="2026-11-24", until="2026-12-06")  # another isolation
        await round_of(world)
        assert [one.id == held.id for one in await cases(world)] == [False]

    told(story)


def test_without_an_order_nothing_comes_in_and_it_says_so_and_under_a_new_one_all_who_are_held() -> None:
    async def story(world: World) -> None:
        await enter(world)
        await enter(world, LEE)
        await enter(world, CHEN, until="2026-11-22")  # over already
        assert await round_of(world) == Round(waiting=2)
        assert (await world.call("standing")).is_awaited
        await world.order()
        assert await round_of(world) == Round(admitted=3)
        assert len(await cases(world)) == 2
        assert not (await world.call("standing")).is_awaited
        await world.node.gate.call("powers.end_order", {"id": ORDER}, caller=HEALTH)
        await world.later(120)
        assert await round_of(world) == Round(waiting=2)
        await world.order(id="fence-next")
        await round_of(world)
        store = world.node.drawers["fence"].sql
        assert len(await store.read(lambda tx: records.living(tx, "fence-next"))) == 2

    told(story, is_ordered=False)


def test_who_has_no_telephone_is_on_the_officers_list_and_so_is_what_cannot_come_in() -> None:
    async def story(world: World) -> None:
        await enter(world, telephone="")
        await enter(world, LEE, telephone="12345678")
        await enter(world, CHEN, place="不知道哪裡")
        assert await round_of(world) == Round(admitted=2, faults=1)
        found = await world.call("enrolments", HEALTH)
        assert found.counts == {"no-phone": 1, "wrong-number": 1}
        assert [(one.entry, one.fault, one.agency) for one in found.not_admitted] == [("3", "village", CDC)]
        assert (await world.call("enrolments", PATROL)).not_admitted == (), "another agency's, and nobody's area"
        await world.call("handled", PATROL, entry="3")
        await enter(world, CHEN, place="高雄市三民區建國路1號")
        assert await round_of(world) == Round(faults=1)
        seen = (await world.call("enrolments", REMOTE)).not_admitted
        assert [(one.entry, one.fault, one.village) for one in seen] == [("3", "area", "64000050")]
        await enter(world, CHEN)
        await round_of(world)
        assert (await world.call("enrolments", HEALTH)).not_admitted == ()
        await enter(world, CHEN, place="哪裡")
        await round_of(world)
        assert (await world.call("handled", HEALTH, entry="3")).left == 0

    told(story)


def test_what_an_officer_ended_stays_ended_and_who_was_registered_by_hand_is_not_there_twice() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        await enter(world)
        await round_of(world)
        (held,) = await cases(world)
        assert held.id == case
        assert (await looked(world)).phone == "+886912345678", "the newest word"
        await world.call("transfer", HEALTH, person=WANG, to="over", reason="異議有理由")
        await enter(world, until="2026-12-04")
        assert await round_of(world) == Round(faults=1)
        assert await cases(world) == []
        assert [one.fault for one in (await world.call("enrolments", HEALTH)).not_admitted] == ["over"]

    told(story)


def test_a_killed_round_is_done_again_and_does_nothing_twice() -> None:
    """Killed between the commit of the case and that of the cursor, and once before either."""

    class Killed(Exception):
        pass

    async def story(world: World) -> None:
        await enter(world)
        await enter(world, LEE)

        async def broken(*_: object, **__: object) -> None:
            raise Killed

        for name in ("was_admitted", "entry_by_number"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(f"banyan.admitting.{name}", broken)
                with pytest.raises(Killed):
                    await round_of(world)
        await round_of(world)
        assert sorted(one.person for one in await cases(world)) == sorted({one.person for one in await cases(world)})
        assert [await world.said(one.id) for one in await cases(world)] == [["admitted"]] * 2
        both = await asyncio.gather(round_of(world), round_of(world))
        assert both == [Round(), Round()]

    told(story)


@pytest.mark.parametrize("moment", ["use", "cursor"])
def test_a_use_is_once_in_the_list_whenever_the_node_is_killed(tmp_path: Path, moment: str) -> None:
    """kill -9 after the commit of the case, or after that of its use, and before that of the cursor."""

    async def first(world: World) -> None:
        await enter(world)

    async def then(world: World) -> None:
        assert await uses_of(world) == ["fence.admit"] * (moment == "cursor"), "killed when it should be"
        assert await round_of(world) == Round(admitted=1)
        assert [await world.said(one.id) for one in await cases(world)] == [["admitted"]]
        assert await uses_of(world) == ["fence.admit"]
        await enter(world, until="2026-12-04")
        await round_of(world)
        assert await uses_of(world) == ["fence.admit"] * 2, "a change is another use"
        await world.node.drawers["fence"].sql.write(lambda tx: tx.run(AGAIN))
        assert await round_of(world) == Round(admitted=2)
        assert await uses_of(world) == ["fence.admit"] * 2

    told(first, folder=tmp_path)
    command = [sys.executable, "-m", "tests.service.fence.admitted", str(tmp_path), str(float(NOW)), moment]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    told(then, folder=tmp_path, is_declared=True)


def test_an_entry_that_fails_for_ever_stops_no_other() -> None:
    async def story(world: World) -> None:
        await enter(world)
        await enter(world, LEE)
        store, failed = world.node.drawers["quarantine"].sql, Counter[int]()
        await store.write(lambda tx: tx.run(SPOILT, subject=world.node.lawful.conscience.subject(WANG)))
        drawers = world.node.drawers
        for _ in range(FENCE_ADMIT_ROUNDS - 1):
            with pytest.raises(Unavailable):
                await admit_new(drawers["fence"], drawers["quarantine"], world.node.gate, failed)
        done = await admit_new(drawers["fence"], drawers["quarantine"], world.node.gate, failed)
        assert done == Round(admitted=1, faults=1)
        assert [one.fault for one in (await world.call("enrolments", CIVIL)).not_admitted] == ["failed"]

    told(story)


def test_an_older_version_that_comes_late_changes_nothing() -> None:
    async def story(world: World) -> None:
        app = Caller("app", "nia", agency=CDC, assurance="aal2")
        asked = {"person": WANG, "village": "63000030", "start": "2026-11-23", "until": "2026-12-01", "version": 7,
                 "address": HOME, "phone": phone_of(WANG), "reason": "登記簿"}  # fmt: skip
        assert (await world.call("admit", app, **asked)).did == ("new",)
        assert (await world.call("admit", app, **asked)).did == ()
        assert (await world.call("admit", app, **asked | {"version": 6, "address": OTHER})).did == ()
        assert (await world.call("admit", app, **asked | {"version": 8, "address": OTHER})).did == ("moved",)
        assert (await looked(world)).address == OTHER
        for bad, field in (
            ({"start": "2026-11-31"}, "start"),
            ({"until": "x"}, "until"),
            ({"start": "2026-12-20"}, "start"),
        ):
            with pytest.raises(Invalid, match=field):
                await world.call("admit", app, **asked | {"version": 9} | bad)
        with pytest.raises(Denied):
            await world.call("admit", app, **asked | {"village": "64000010", "version": 9})
        with pytest.raises(Refused):
            await world.call("admit", Caller("app", "x", agency="TW/GOV/TAX", assurance="aal2"), **asked)
        with pytest.raises(Refused):
            await world.call("admit", PATROL, **asked)
        await world.call("transfer", HEALTH, person=WANG, to="over", reason="誤登")
        with pytest.raises(Conflict):
            await world.call("admit", app, **asked | {"version": 9})

    told(story)


def test_the_node_itself_follows_the_register(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path, [float(NOW)], settings=SETTINGS) as world:
            await quarantine_order(world)
            await world.order()
            store = world.node.drawers["fence"].sql
            came = asyncio.Event()
            loop = asyncio.get_running_loop()
            stop = store.listen(lambda _topic: loop.call_soon_threadsafe(came.set))
            logged: list[str] = []
            following = asyncio.create_task(
                keep_admitting(world.node.drawers, world.node.gate, lambda event, fields: logged.append(event))
            )
            await enter(world)
            async with asyncio.timeout(20):
                while not await cases(world):
                    await came.wait()
                    came.clear()
            stop()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            assert logged == []

    asyncio.run(run())
