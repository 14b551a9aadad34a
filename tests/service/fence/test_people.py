"""People: two calls a day, a list as CSV, a mass event that is entered, and nothing of them on disk when it is over."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.make import NOW
from tests.service.fence import masts
from tests.service.fence.masts import FAR, HOME, SLOT_S, send, train
from tests.service.fence.test_intake import in_a_node
from tests.service.fence.world import (
    CHEN,
    CIVIL,
    HEALTH,
    LEE,
    ORDER,
    PATROL,
    REMOTE,
    WANG,
    WHY,
    World,
    in_a_world,
    phone_of,
)

from banyan.errors import Denied, Invalid
from banyan.kernel.exchange.gate import Refused

HOUR_S, DAY_S = 3_600.0, 86_400.0
HEADINGS = "證號,姓名,手機,地址,村里代碼,開始日,事由"


def test_each_is_called_twice_a_day_and_missed_twice_goes_to_the_case_worker() -> None:
    async def story(world: World) -> None:
        case, other = await world.register(), await world.register(LEE)
        evening = await world.call("call_list", HEALTH)  # 21:00 in Taiwan
        assert (evening.round, evening.waiting) == ("2026-11-23 18:00", 2)
        await world.call("note_call", HEALTH, case=case, result="home")
        await world.call("note_call", CIVIL, case=other, result="home")
        assert (await world.call("call_list", HEALTH)).waiting == 0
        world.now[0] += 12.5 * HOUR_S  # 09:30
        morning = await world.call("call_list", HEALTH)
        assert (morning.round, morning.waiting) == ("2026-11-24 09:00", 2)
        assert [one.missed for one in morning.calls] == [False, False]
        first = await world.call("note_call", HEALTH, case=case, result="missed")
        assert not first.is_passed_on
        await world.call("note_call", HEALTH, case=other, result="home")
        assert (await world.call("note_call", HEALTH, case=case, result="home")).round == morning.round
        world.now[0] += 9 * HOUR_S  # 18:30: the first result of the morning stood
        assert [(one.case, one.missed) for one in (await world.call("call_list", HEALTH)).calls] == [
            (case, True),
            (other, False),
        ]
        second = await world.call("note_call", HEALTH, case=case, result="missed")
        assert second.is_passed_on
        assert [(one.case, one.stage) for one in await world.work()] == [(case, "worker")]
        assert (await world.call("call_list", REMOTE)).waiting == 0, "another county's"

    in_a_world(story)


def test_who_feels_ill_or_is_not_there_goes_to_the_case_worker_at_once() -> None:
    async def story(world: World) -> None:
        for number, result in ((WANG, "unwell"), (LEE, "away")):
            case = await world.register(number)
            noted = await world.call("note_call", HEALTH, case=case, result=result)
            assert noted.is_passed_on
            assert "told-health" in await world.said(case)

    in_a_world(story)


def test_a_list_of_arrivals_takes_the_good_rows_and_names_the_others_by_line() -> None:
    rows = (
        f"{WANG},王小明,0912-345678,臺北市和平路1號,63000030001,2026-11-23,入境",
        f"{LEE},李大同,,臺北市和平路2號,63000030,2026-11-22,接觸者",
        "A123456780,壞號碼,,臺北市,63000030001,2026-11-23,",
        f"{CHEN},陳小美,12,臺北市,63000030001,2026-11-23,",
        f"{CHEN},陳小美,,高雄市,64000010001,2026-11-23,",
        f"{CHEN},陳小美,,臺北市,63000030001,2026-13-01,",
        f"{CHEN},陳小美,,臺北市,63000030001,2026-11-01,",
        f"{CHEN},陳小美,,臺北市,63000030001,2026-11-23,旅遊",
        "",
        f"{CHEN},陳小美,0911111111,臺北市,63000030001,2026-11-23,自主健康管理",
    )

    async def story(world: World) -> None:
        text = "\ufeff" + "\r\n".join((HEADINGS, *rows))
        done = await world.call("import_list", HEALTH, text=text, reason="入境名冊")
        assert (done.new, done.known) == (3, 0)
        assert [(one.line, one.field) for one in done.faults] == [
            (4, "number"), (5, "phone"), (6, "village"), (7, "start"), (8, "start"), (9, "ground"),
        ]  # fmt: skip
        again = await world.call("import_list", HEALTH, text=text, reason="入境名冊")
        assert (again.new, again.known) == (0, 3)
        uses = (await world.node.gate.call("mydata.uses", {}, caller=world.citizen(CHEN))).uses
        assert {one.operation for one in uses} == {"fence.register"}, "each person was weighed alone"
        assert (await world.call("mine", world.citizen(CHEN))).ground == "self-health"
        counts = (await world.call("enrolments", HEALTH)).counts
        assert counts == {"none": 2, "no-phone": 1}
        for bad in ("姓名,地址\n王,臺北", 'a"b\nc'):
            with pytest.raises(Invalid):
                await world.call("import_list", HEALTH, text=bad, reason=WHY)
        with pytest.raises((Denied, Refused)):
            await world.call("import_list", PATROL, text=text, reason=WHY)

    in_a_world(story)


def test_who_manages_their_own_health_may_leave_home_and_enter_no_mass_event(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        free, kept = await world.register(ground="self-health"), await world.register(LEE)
        await world.later(1)
        start = datetime.fromtimestamp(world.now[0] + HOUR_S, UTC)
        asked: dict[str, Any] = {
            "title_zh": "跨年晚會", "title_en": "Concert", "start": start.isoformat(),
            "outline": [[121.675, 24.995], [121.685, 24.995], [121.685, 25.005], [121.675, 25.005]],
            "until": datetime.fromtimestamp(world.now[0] + 3 * HOUR_S, UTC).isoformat(),
        }  # fmt: skip
        made = await world.call("add_venue", HEALTH, **asked)
        assert made.cells == 3
        assert [one.number for one in await world.call("venues")] == [made.number]
        with pytest.raises(Invalid):
            await world.call("add_venue", HEALTH, **asked | {"outline": [[0, 0], [0, 1], [1, 1]]})
        both = {phone_of(WANG): FAR, phone_of(LEE): FAR}
        for slot in range(4):
            await send(world, slot, both)
        assert await world.work() == [], "it has not begun"
        for slot in range(4, 12):
            await send(world, slot, both)
        assert [(one.case, one.kind, one.stage) for one in await world.work()] == [(free, "entered", "worker")]
        await world.later(1)
        told = [(one.to, "離開" in one.text) for name in world.sms._campaigns for one in world.sms.sent(name)]
        assert told == [(phone_of(WANG), True)], "once, and not who is quarantined there"
        assert kept not in {one.case for one in await world.work()}

    in_a_node(tmp_path, story)


def test_after_the_end_no_byte_of_a_phone_is_in_the_journal_and_after_day_28_no_key(tmp_path: Path) -> None:
    """Fixes of one phone have seconds of their own, so that they are found in frames (32 bits) and snapshots (64)."""
    journal, hers, others = tmp_path / "fence/journal", phone_of(WANG), phone_of(LEE)

    def holds(at: int) -> bool:
        files = [path.read_bytes() for path in journal.rglob("*") if path.is_file()]
        return any(struct.pack("<I", at) in content for content in files)

    def names(words: bytes) -> bool:
        return any(words in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    async def story(world: World) -> None:
        case = await world.register()
        slot = await train(world, {hers: HOME}, slots=3)
        last = masts.BEGIN + (slot - 1) * SLOT_S + 60
        assert holds(last), "else the test finds nothing"
        keys = list((tmp_path / "keys").rglob("*"))
        world.now[0] = NOW + 10 * DAY_S
        await world.register(LEE, CIVIL, start="2026-12-03")
        await world.later(1)
        began = int(world.now[0]) // SLOT_S * SLOT_S
        await send(world, (began - masts.BEGIN) // SLOT_S, {others: HOME})
        world.now[0] = NOW + 14 * DAY_S
        await world.later(300)
        assert (await world.call("mine", world.citizen())).state == "over"
        assert not holds(last), "the running segment too"
        assert holds(began + 60), "who is still watched stays"
        assert not names(hers[4:].encode())
        world.now[0] = NOW + 28.5 * DAY_S
        await world.later(300)
        assert len([one for one in keys if one.exists()]) < len(keys), "her day's key is destroyed"
        await world.node.lawful.ledger.publish(int(world.now[0]))
        assert (await world.call("receipt", order=ORDER, day="2026-12-21")).day == "2026-12-21"
        assert await world.said(case) == []

    in_a_node(tmp_path, story)
