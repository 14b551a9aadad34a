"""Abuse: outside the scope, after the sunset, without a reason, another's case; and what is left when it is over."""

from __future__ import annotations

import pytest
from tests.make import NOW
from tests.service.fence.world import (
    CHEN,
    CIVIL,
    HEALTH,
    LEE,
    NEXT,
    ORDER,
    PATROL,
    REMOTE,
    STRANGER,
    WANG,
    WHY,
    World,
    in_a_world,
    officer,
    phone_of,
)

from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound
from banyan.kernel.catalogue.personal import UNSET
from banyan.kernel.events.clock import iso
from banyan.kernel.exchange.gate import Refused
from banyan.service.fence import ending
from banyan.service.fence.law import POLICE
from banyan.service.fence.sealing import SQL
from banyan.service.fence.sending import campaign_of
from banyan.service.fence.standing import hidden

DAY_S = 86_400.0


def test_without_an_order_nothing_is_done_and_everybody_is_told_how() -> None:
    async def story(world: World) -> None:
        with pytest.raises(Refused):
            await world.register()
        for operation in ("worklist", "call_list", "enrolments", "appeals"):
            with pytest.raises(Denied, match="沒有生效中的命令") as refused:
                await world.call(operation, HEALTH)
            assert "/powers" in refused.value.remedy
        with pytest.raises(Denied):
            await world.call("mine", world.citizen())
        assert (await world.call("standing")).order == ""

    in_a_world(story, is_ordered=False)


def test_an_officer_acts_within_the_area_only_and_with_a_reason() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        await world.signal(case, sign="strong")
        alarm = (await world.work())[0].alarm
        assert await world.work(REMOTE) == []
        with pytest.raises(Denied, match="不在貴機關轄區"):
            await world.register(LEE, REMOTE)
        for by in (REMOTE, STRANGER):
            for operation, asked in (
                ("open_case", {"case": case, "reason": WHY}),
                ("claim", {"alarm": alarm}),
                ("note_call", {"case": case, "result": "home"}),
                ("timeline", {"person": WANG, "reason": WHY}),
                ("send_code", {"case": case}),
            ):
                with pytest.raises(Denied):
                    await world.call(operation, by, **asked)
        with pytest.raises(Refused):  # the police may look, and put nobody under the fence
            await world.call("transfer", PATROL, person=WANG, to="over", reason=WHY)
        with pytest.raises(Invalid):
            await world.call("open_case", HEALTH, case=case, reason="")
        with pytest.raises(Denied):
            await world.call("timeline", HEALTH, person=WANG)
        with pytest.raises(Denied):
            await world.call("worklist", officer(HEALTH.agency, assurance="aal1"))
        with pytest.raises(NotFound):
            await world.call("open_case", HEALTH, case="0" * 16, reason=WHY)
        assert "looked" not in await world.said(case)

    in_a_world(story)


def test_each_look_is_hers_to_read_and_that_of_the_police_a_day_later() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        seen = await world.call("open_case", HEALTH, case=case, reason="查看定位")
        assert (seen.name, seen.ground) == ("王小明", "arrival")
        seen = await world.call("open_case", PATROL, case=case, reason="派員查訪")
        assert seen.name == "王小明"
        assert not seen.ground, "the police do not learn why"
        uses = (await world.node.gate.call("mydata.uses", {}, caller=world.citizen())).uses
        assert [(one.operation, one.receiver) for one in uses if one.operation == "fence.timeline"] == [
            ("fence.timeline", HEALTH.agency)
        ]
        own = await world.call("mine", world.citizen())
        looks = [(one.agency, one.words) for one in own.steps if one.kind == "looked"]
        assert looks == [(HEALTH.agency, "查看定位")]
        world.now[0] += DAY_S + 1
        own = await world.call("mine", world.citizen())
        assert PATROL.agency in {one.agency for one in own.steps if one.kind == "looked"}
        with pytest.raises(NotFound):
            await world.call("mine", world.citizen(LEE))
        assert POLICE in (await world.node.lawful.conscience.bases()).by_id

    in_a_world(story)


def test_a_code_counts_once_and_cannot_be_guessed() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        await world.call("send_code", HEALTH, case=case)
        await world.later(1)
        message = next(one for name in world.sms._campaigns for one in world.sms.sent(name))
        code = "".join(filter(str.isdigit, message.text.partition("，")[0]))
        for at in range(5):
            with pytest.raises(Invalid):
                await world.call("verify_mine", world.citizen(), code=f"{(int(code) + 1 + at) % 10**6:06}")
        with pytest.raises(Limit):
            await world.call("verify_mine", world.citizen(), code=code)
        await world.call("send_code", HEALTH, case=case)
        await world.later(1)
        text = [one for name in world.sms._campaigns for one in world.sms.sent(name)][-1].text
        code = "".join(filter(str.isdigit, text.partition("，")[0]))
        assert (await world.call("verify", HEALTH, case=case, code=code)).enrolment == "verified"
        with pytest.raises(Invalid):
            await world.call("verify", HEALTH, case=case, code=code)

    in_a_world(story)


def test_a_forged_or_a_replayed_reply_moves_nothing() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        await world.signal(case)
        await world.later(121)
        asked = await world.node.drawers["fence"].sql.read(lambda tx: tx.rows(SQL["message_ids"], held=case))
        campaign, phone = campaign_of(str(asked[0][0])), phone_of(WANG)
        code = world.sms.sent(campaign)[0].text.partition("回覆1 ")[2][:4]
        world.sms.answer(campaign, "+886900000001", f"1 {code}")
        world.sms.answer(campaign, phone, f"1 {(int(code) + 1) % 10_000:04}")
        await world.later(15)
        assert (await world.work())[0].answer == ""
        world.sms.answer(campaign, phone, f"１ {code}")
        await world.later(15)
        assert (await world.work())[0].answer == "home"
        world.sms.answer(campaign, phone, f"2 {code}")
        await world.later(60)
        assert (await world.work())[0].answer == "home"
        assert (await world.said(case)).count("said-home-sms") == 1

    in_a_world(story)


def test_anothers_alarm_cannot_be_contested_and_another_office_decides_nothing() -> None:
    async def story(world: World) -> None:
        case, other = await world.register(), await world.register(LEE)
        await world.signal(other)
        alarm = (await world.work())[0].alarm
        with pytest.raises(NotFound):
            await world.call("appeal", world.citizen(), words="不是我", alarm=alarm)
        filed = await world.call("appeal", world.citizen(LEE), words="我一直在家", alarm=alarm)
        assert filed.office == HEALTH.agency
        with pytest.raises(NotFound):
            await world.call("decide", CIVIL, id=filed.id, outcome="granted", reason=WHY)
        await world.call("decide", HEALTH, id=filed.id, outcome="granted", reason="基地臺切換")
        with pytest.raises(Conflict):
            await world.call("decide", NEXT, id=filed.id, outcome="rejected", reason=WHY)
        own = await world.call("mine", world.citizen(LEE))
        assert (own.appeals[0].outcome, own.appeals[0].reason) == ("granted", "基地臺切換")
        assert case != other

    in_a_world(story)


def test_small_counties_are_hidden_with_one_more_that_would_give_them_away() -> None:
    assert hidden({"a": 3, "b": 20, "c": 9}, 5) == {"a": None, "b": 20, "c": None}
    assert hidden({"a": 3, "b": 4, "c": 9}, 5) == {"a": None, "b": None, "c": 9}
    assert hidden({"a": 0, "b": 20}, 5) == {"a": 0, "b": 20}

    async def story(world: World) -> None:
        await world.register()
        assert [one.people for one in await world.call("counties")] == [None]
        assert (await world.call("standing")).people is None

    in_a_world(story)


def test_at_the_lapse_everything_is_refused_destroyed_and_proven() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        await world.signal(case, sign="strong")
        before = await world.node.drawers["fence"].sql.read(lambda tx: tx.rows(SQL["cohorts"]))
        day = str(before[0][1])
        world.now[0] += 10 * DAY_S
        await world.node.gate.call("powers.end_order", {"id": ORDER}, caller=HEALTH)
        for operation, by in (("worklist", HEALTH), ("mine", world.citizen()), ("counties", HEALTH)):
            with pytest.raises(Denied):
                await world.call(operation, by)
        with pytest.raises(Denied):
            await world.call("open_case", HEALTH, case=case, reason=WHY)
        await world.later(61)
        rows = await world.node.drawers["fence"].sql.read(lambda tx: tx.rows(SQL["all_of_day"], power=ORDER, day=day))
        assert not rows
        assert await world.said(case) == []
        await world.node.lawful.ledger.publish(int(world.now[0]))
        receipt = await world.call("receipt", order=ORDER, day=day)
        assert receipt.receipt.startswith("c2sp.org/tlog-proof@v1")
        await ending.begin(world.context())  # again changes nothing
        assert (await world.call("receipt", order=ORDER, day=day)).index == receipt.index

    in_a_world(story)


def test_day_14_ends_it_and_day_28_destroys_the_key() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        await world.signal(case)
        world.now[0] += 13.5 * DAY_S
        await world.later(3_600)
        own = await world.call("mine", world.citizen())
        assert (own.state, own.days_left, own.erase) == ("over", 0, "2026-12-21")
        assert own.alarms[0].stage == "closed"
        world.now[0] = NOW + 27.5 * DAY_S
        await world.later(DAY_S)
        with pytest.raises(NotFound):
            await world.call("mine", world.citizen())
        await world.node.lawful.ledger.publish(int(world.now[0]))
        assert (await world.call("receipt", order=ORDER, day="2026-12-21")).day == "2026-12-21"
        assert iso(world.node.gate.clock()).startswith("2026-12-22"), "the order still stands"

    in_a_world(story)


def test_who_calls_is_found_by_number_for_a_reason_and_by_the_police_without_the_ground() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        found = await world.call("look_up", HEALTH, person=WANG, reason="來電說手機沒電")
        assert (found.case, found.ground) == (case, "arrival")
        seen = await world.call("look_up", PATROL, person=WANG, reason="報案人來電")
        assert (seen.case, seen.ground) == (case, UNSET)
        assert (await world.said(case)).count("looked") == 2
        for number, by, error in ((LEE, HEALTH, NotFound), (WANG, REMOTE, Denied), (WANG, STRANGER, Denied)):
            with pytest.raises(error):
                await world.call("look_up", by, person=number, reason="來電")
        with pytest.raises(Invalid):
            await world.call("look_up", HEALTH, person=WANG, reason="")

    in_a_world(story)


def test_at_the_end_of_a_shift_all_goes_over_at_once_and_anothers_stays() -> None:
    async def story(world: World) -> None:
        for number in (WANG, LEE, CHEN):
            await world.signal(await world.register(number))
        first, second, third = [one.alarm for one in await world.work()]
        for alarm, by in ((first, HEALTH), (second, HEALTH), (third, NEXT)):
            await world.call("claim", by, alarm=alarm)
        assert (await world.call("hand_over_all", HEALTH, note="兩件都在等電話")).count == 2
        assert {one.alarm: one.is_yours for one in await world.work(NEXT)} == {first: False, second: False, third: True}
        assert (await world.call("hand_over_all", HEALTH)).count == 0
        assert (await world.call("claim", NEXT, alarm=first)).is_yours

    in_a_world(story)
