"""The look-up: by any document, the minimum told, alike for nobody; under an order; seen by the person; bounded."""

from __future__ import annotations

import msgspec
import pytest
from tests.service.travel.world import (
    CDC,
    CHEN,
    H1,
    H1_AT,
    H2,
    LIN,
    NHI,
    NIA,
    ORDER,
    PASSPORT,
    RENEWED,
    STRANGER,
    WANG,
    WHY,
    World,
    hospital,
    in_a_world,
)

from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound
from banyan.kernel.exchange.gate import Refused
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM
from banyan.limits_travel import TRAVEL_STRANGERS
from banyan.service.travel import records


def test_a_stay_that_the_rule_names_is_flagged_with_its_window() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5), ("SG", 3))
        found = await world.flag(LIN)
        (mark,) = found.marks
        assert (mark.rule, mark.state, found.order) == ("drill-xa", "now", ORDER)
        assert ((world.today - mark.start).days, (mark.end - world.today).days) == (5, 9)

    in_a_world(story)


def test_what_leaves_is_the_window_of_the_last_stay_and_no_itinerary() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5), ("XA", 9), ("IT", 12), ("SG", 3), ("CN-HB-WUH", 7))
        sent = msgspec.json.encode(await world.flag(LIN)).decode()
        assert world.ago(5) in sent
        for told in ("SG", "CN", "WUH", world.ago(9), world.ago(12), world.ago(3), world.ago(7), LIN):
            assert told not in sent.replace("SGT", ""), told
        assert sorted(msgspec.json.decode(sent)) == ["as_of", "marks", "order"]
        assert sorted(msgspec.json.decode(sent)["marks"][0]) == [
            "end", "is_contested", "rule", "source", "start", "state", "title",
        ]  # fmt: skip

    in_a_world(story)


def test_nobody_and_no_stay_are_answered_alike_by_the_same_steps() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("SG", 3))
        opened: list[str] = []
        scopes = world.node.scopes
        kept = scopes.open

        async def counted(scope: str, subject: bytes, sealed: bytes, *, context: bytes = b"") -> bytes:
            opened.append(scope)
            return await kept(scope, subject, sealed, context=context)

        scopes.open = counted  # type: ignore[method-assign] # counting the steps, not timing them
        answers = []
        for number in (LIN, WANG, "P:USA:000000001"):
            before = len(opened)
            answers.append((msgspec.json.encode(await world.flag(number)), len(opened) - before))
        assert len(set(answers)) == 1
        assert answers[0][1] == 1

    in_a_world(story)


def test_changed_documents_find_the_same_stays() -> None:
    async def story(world: World) -> None:
        await world.arrive([PASSPORT], ("XA", 5))
        await world.arrive([PASSPORT, RENEWED])
        assert (await world.flag(RENEWED)).marks
        assert not (await world.flag(CHEN)).marks
        await world.call("link", NHI, persons=[[CHEN, RENEWED]])
        by = [(await world.flag(one)).marks for one in (CHEN, PASSPORT, RENEWED)]
        assert by[0]
        assert by[0] == by[1] == by[2]

    in_a_world(story)


def test_a_look_by_passport_stands_in_the_list_of_who_has_it() -> None:
    async def story(world: World) -> None:
        await world.arrive([PASSPORT, CHEN], ("XA", 5))
        await world.flag(PASSPORT)
        (use,) = (await world.uses(CHEN)).uses
        assert (use.operation, use.receiver, use.reference, use.fields) == ("travel.flag", H1_AT, ORDER, ("marks",))
        own = await world.call("mine", world.citizen(CHEN))
        (look,) = own.looks
        assert (look.reason, [one.rule for one in look.told]) == (WHY, ["drill-xa"])
        assert not (await world.call("mine", world.citizen(WANG))).looks

    in_a_world(story)


def test_two_with_national_numbers_are_never_made_one() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN, PASSPORT], ("XA", 5))
        with pytest.raises(Conflict, match="two persons"):
            await world.arrive([WANG, PASSPORT])
        assert not (await world.flag(WANG)).marks

    in_a_world(story)


def test_delivered_again_nothing_changes_and_delivered_more_is_added() -> None:
    async def story(world: World) -> None:
        for _ in range(2):
            assert (await world.arrive([LIN], ("XA", 9))).joined == 0
        await world.arrive([LIN], ("IT", 2))
        (mark,) = (await world.flag(LIN)).marks
        assert (world.today - mark.start).days == 2
        scope = f"order:{ORDER}"
        assert await world.node.drawers["travel"].sql.read(lambda tx: records.people_under(tx, scope)) == 1

    in_a_world(story)


def test_no_number_is_kept() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN, PASSPORT], ("XA", 5))
        await world.flag(LIN)
        files = [one.read_bytes() for one in world.node.data.rglob("*") if one.is_file()]
        assert files
        for number in (LIN, "TR1234567", world.ago(5) + '"'):
            assert not any(number.encode() in one for one in files), number

    in_a_world(story)


def test_without_an_order_nothing_is_delivered_or_asked() -> None:
    async def story(world: World) -> None:
        for refused in (world.flag(LIN), world.arrive([LIN], ("XA", 5)), world.call("link", NHI, persons=[[LIN]])):
            with pytest.raises(Denied):
                await refused

    in_a_world(story, is_ordered=False)


def test_after_the_sunset_all_is_refused_and_the_keys_are_gone() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        await world.flag(LIN)
        assert (await world.call("mine", world.citizen(LIN))).looks[0].told
        world.now[0] += 20 * 86_400 + 1
        with pytest.raises(Denied):
            await world.flag(LIN)
        from banyan.service.powers.lapsing import lapse
        from banyan.service.powers.shelf import shelf_of

        await lapse(shelf_of(world.node.drawers["powers"]), ORDER, world.node.gate.clock())
        await world.order(id="another")
        assert not (await world.flag(LIN, H2)).marks, "what the ended order had is unreadable under the next"
        own = await world.call("mine", world.citizen(LIN))
        assert own.looks[-1].told is None, "that somebody looked is kept; what was answered is destroyed"

    in_a_world(story)


def test_who_may_not() -> None:
    async def story(world: World) -> None:
        for caller in (STRANGER, NIA, CDC, ANONYMOUS, world.citizen(LIN)):
            with pytest.raises(Refused):
                await world.flag(LIN, caller)
        with pytest.raises(Refused):
            await world.flag(LIN, reason="")
        for caller in (NHI, CDC, H1, STRANGER):
            with pytest.raises(Denied):
                await world.arrive([LIN], ("XA", 5), caller=caller)
        for caller in (NIA, H1):
            with pytest.raises(Denied):
                await world.call("end_rule", caller, id="drill-xa", until="2026-12-01")

    in_a_world(story)


@pytest.mark.parametrize("number", ["A123456788", "P:JP:TR1234567", "TR1234567", "", "P:JPN:" + "1" * 16])
def test_what_is_no_number_is_refused_without_saying_it(number: str) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Invalid) as refused:
            await world.flag(number)
        assert not number or number not in str(refused.value)

    in_a_world(story)


def test_guessing_numbers_is_stopped_and_on_record() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        harvester = hospital(H1_AT, "harvester")
        for at in range(TRAVEL_STRANGERS):
            await world.flag(f"P:USA:{at:09}", harvester)
        with pytest.raises(Limit) as stopped:
            await world.flag("P:USA:999999999", harvester)
        assert stopped.value.status == 429
        assert (stopped.value.retry_after_s or 0) > 0
        with pytest.raises(Limit):
            await world.flag(LIN, harvester)
        assert (await world.flag(LIN, H1)).marks, "another clinician of the same hospital asks on"
        world.now[0] += 3_600
        assert (await world.flag(LIN, harvester)).marks

    in_a_world(story)


def test_a_person_contests_and_immigration_decides() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        me = world.citizen(LIN)
        with pytest.raises(NotFound):
            await world.call("contest", me, rule="2020-hubei", words="沒有去過")
        made = await world.call("contest", me, rule="drill-xa", words="我只轉機，沒有入境")
        with pytest.raises(Conflict):
            await world.call("contest", me, rule="drill-xa", words="再一次")
        assert (await world.flag(LIN)).marks[0].is_contested
        (waits,) = await world.call("contests", NIA)
        assert (waits.id, waits.words) == (made.id, "我只轉機，沒有入境")
        for caller in (CDC, H1, STRANGER):
            with pytest.raises(Denied):
                await world.call("contests", caller)
            with pytest.raises(Denied):
                await world.call("decide", caller, id=made.id, is_wrong=True, reason="不是我的")
        await world.call("decide", NIA, id=made.id, is_wrong=True, reason="查證為轉機")
        assert not (await world.flag(LIN)).marks
        own = await world.call("mine", me)
        assert (own.contests[0].state, own.contests[0].answer, own.marks) == ("withdrawn", "查證為轉機", ())
        with pytest.raises(NotFound):
            await world.call("decide", NIA, id=made.id, is_wrong=False, reason="改變主意")
        await world.arrive([LIN], ("XA", 1))
        assert (await world.flag(LIN)).marks, "a later stay is another mark"

    in_a_world(story)


def test_what_was_upheld_stands_uncontested() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        made = await world.call("contest", world.citizen(LIN), rule="drill-xa", words="不對")
        await world.call("decide", NIA, id=made.id, is_wrong=False, reason="查有入境紀錄")
        (mark,) = (await world.flag(LIN)).marks
        assert not mark.is_contested

    in_a_world(story)


def test_rules_begin_and_end_by_the_day() -> None:
    async def story(world: World) -> None:
        await world.arrive([LIN], ("XA", 5))
        with pytest.raises(Conflict):
            await world.rule(days=20)
        await world.rule()
        await world.call("end_rule", CDC, id="drill-xa", until=world.today.isoformat())
        assert (await world.flag(LIN)).marks
        world.now[0] += 86_400
        assert not (await world.flag(LIN)).marks
        with pytest.raises(Conflict):
            await world.call("end_rule", CDC, id="drill-xa", until="2027-12-01")

    in_a_world(story)


def test_the_rules_of_2020_are_there_to_be_asked() -> None:
    async def story(world: World) -> None:
        (one,) = await world.call("explain", ANONYMOUS, area="CN-HB-WUH", until="2020-01-20", day="2020-01-27")
        assert (one.rule.id, str(one.mark.end)) == ("2020-wuhan", "2020-02-03")
        known = await world.call("rules", ANONYMOUS, day="2020-02-29")
        assert [each.rule.id for each in known][-1] == "2020-every"

    in_a_world(story)


def test_the_system_seeds_as_anybody_on_duty() -> None:
    async def story(world: World) -> None:
        assert (await world.arrive([LIN], ("XA", 5), caller=SYSTEM)).persons == 1
        assert (await world.flag(LIN, H2)).marks

    in_a_world(story)
