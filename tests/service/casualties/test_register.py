"""One person stays one across hospitals; each tier learns what is its own, and the end of a record is an end."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.casualties.world import (
    ANONYMOUS,
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

from banyan.errors import Denied, Invalid, Limit, NotFound, Problem
from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS
from banyan.limits_casualties import CASUALTY_DAYS, CASUALTY_TRIES
from banyan.service.casualties import records
from banyan.service.casualties.expiring import expire
from banyan.service.casualties.records import SQL
from banyan.service.casualties.service import SERVICE

MING = {"name": "王曉明", "sex": "男", "born": "79/3/12", "number": WANG}


async def refusal(world: World, name: str, secret: str) -> tuple[int, str, str, str]:
    with pytest.raises(Problem) as caught:
        await world.seen(name, secret)
    return caught.value.status, caught.value.kind, caught.value.title, caught.value.remedy


def test_the_public_sees_a_masked_answer_by_name_and_secret() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        for secret in ("1990-03-12", "0790312", "79/3/12", "6789"):
            found = await world.seen("王 曉明", secret)
            assert (found.name, found.sex, found.age) == ("王○明", "male", "30-39")
            assert (found.hospital, found.condition) == ("馬偕", "in-care")

    in_a_world(story)


def test_a_transferred_person_is_one_with_her_chain() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        world.now[0] += 3_600
        await world.report(MACKAY, {**MING, "status": "轉院", "towards": "臺大"})
        assert (await world.seen("王曉明", "6789")).condition == "transferred"
        world.now[0] += 3_600
        filed = await world.report(TAIWAN, {"name": "王晓明", "born": "1990/3/12", "status": "住院"})
        assert (filed.new, filed.joined) == (0, 1)
        found = await world.seen("王曉明", "6789")
        assert (found.hospital, found.condition) == ("臺大", "in-care")
        whole = await world.call("record", WORKER, person=WANG, reason=WHY)
        assert [(one.hospital, one.status) for one in whole.stays] == [
            ("馬偕", "in-care"), ("馬偕", "transferred"), ("臺大", "in-care"),
        ]  # fmt: skip

    in_a_world(story)


def test_the_same_sheet_again_changes_nothing() -> None:
    async def story(world: World) -> None:
        lines = (
            "姓名,性別,生日,身分證字號,狀況",
            "王曉明,男,79/3/12,A123456789,急診",
            "陳美玉,女,1985-01-02,,加護病房",
        )
        text = "\n".join(lines).replace(",", "\t")
        first = await world.call("paste", MACKAY, text=text)
        world.now[0] += 60
        again = await world.call("paste", MACKAY, text=text)
        assert (first.new, again.new, again.same) == (2, 0, 2)

    in_a_world(story)


def test_two_records_become_one_when_the_number_is_known() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {"name": "王曉明", "number": WANG})
        await world.report(TAIWAN, {"name": "王曉明", "born": "1990-03-12"})
        world.now[0] += 60
        await world.report(TAIWAN, MING)
        whole = await world.call("record", WORKER, person=WANG, reason=WHY)
        assert {one.hospital for one in whole.stays} == {"馬偕", "臺大"}
        rows = await world.node.drawers["casualties"].sql.read(lambda tx: tx.rows(SQL["alive"], limit=9))
        assert len(rows) == 1

    in_a_world(story)


def test_namesakes_and_the_unnamed_are_never_taken_for_each_other() -> None:
    async def story(world: World) -> None:
        filed = await world.report(
            MACKAY,
            {"name": "王曉明", "born": "1990-03-12", "number": WANG},
            {"name": "王曉明", "born": "1990-03-12", "number": LEE},
            {"name": "王曉明", "born": "1971-01-01"},
            {"name": "無名氏", "sex": "男"},
            {"name": "無名氏", "sex": "男"},
        )
        assert filed.new == 5
        assert (await refusal(world, "無名氏", "1990-03-12"))[0] == 404

    in_a_world(story)


def test_nobody_is_found_in_the_same_words_whatever_is_wrong() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING, {"name": "林美玉", "born": "1985-05-05", "number": LEE})
        await world.call("protect", WORKER, person=LEE, is_protected=True, reason=WHY)
        asked = [
            *(("王曉明", secret) for secret in ("1991-03-12", "9999", "*", "%")),
            *((name, "6789") for name in ("王大明", "王", "王%明", "王*", "王○明", "曉明王")),
            ("林美玉", "1985-05-05"),
        ]
        answers = {await refusal(world, name, secret) for name, secret in asked}
        assert len(answers) == 1
        assert next(iter(answers))[:2] == (404, "not-found")

    in_a_world(story)


def test_a_question_does_the_same_work_whoever_is_there() -> None:
    """Constant time, as statements: found, wrong secret, and nobody run the same ones."""

    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        store = world.node.drawers["casualties"].sql
        counted: list[list[str]] = []
        write = store.write

        async def counting(job: Any) -> Any:
            ran: list[str] = []
            counted.append(ran)

            class Counted:
                def __init__(self, tx: Any) -> None:
                    self.tx = tx

                def row(self, statement: Any, **values: Any) -> Any:
                    ran.append(statement.name)
                    return self.tx.row(statement, **values)

                def rows(self, statement: Any, **values: Any) -> Any:
                    ran.append(statement.name)
                    return self.tx.rows(statement, **values)

                def run(self, statement: Any, **values: Any) -> Any:
                    ran.append(statement.name)
                    return self.tx.run(statement, **values)

            return await write(lambda tx: job(Counted(tx)))

        store.write = counting  # type: ignore[method-assign]
        await world.seen("王曉明", "6789")
        for name, secret in (("王曉明", "0000"), ("張無忌", "6789")):
            await refusal(world, name, secret)
        assert counted[0] == counted[1] == counted[2] == ["try_once", "by_probe", "stays", "look"]

    in_a_world(story)


def test_a_name_is_asked_for_so_often_a_day_there_or_not() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        for name in ("王曉明", "張無忌"):
            for _ in range(CASUALTY_TRIES):
                await refusal(world, name, "0000")
            with pytest.raises(Limit):
                await world.seen(name, "6789")
        world.now[0] += 86_400
        assert (await world.seen("王曉明", "6789")).name == "王○明"

    in_a_world(story)


def test_death_is_never_shown_and_looks_like_the_gravest_care() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {**MING, "status": "死亡"})
        await world.report(TAIWAN, {"name": "林美玉", "born": "1985-05-05", "number": LEE, "status": "病危"})
        dead, grave = await world.seen("王曉明", "6789"), await world.seen("林美玉", "1985-05-05")
        assert dead.condition == grave.condition == "contact"
        family = await world.call("for_family", world.citizen(LEE), person=WANG, name="王曉明", relation="spouse")
        assert family.condition == "contact"

    in_a_world(story)


def test_the_family_sees_ward_and_telephone_and_the_patient_sees_who_asked() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {**MING, "ward": "7A-12", "phone": "02-2543-3535"})
        asked = {"person": WANG, "name": "王曉明", "relation": "parent"}
        found = await world.call("for_family", world.citizen(LEE), **asked)
        assert (found.hospital, found.ward, found.phone) == ("馬偕", "7A-12", "02-2543-3535")
        with pytest.raises(NotFound):
            await world.call("for_family", world.citizen(LEE), **{**asked, "name": "王大明"})
        with pytest.raises(Denied):
            await world.call("for_family", ANONYMOUS, **asked)
        with pytest.raises(Denied):
            await world.call("for_family", world.citizen(LEE, "aal1"), **asked)
        await world.call("record", WORKER, person=WANG, reason=WHY)
        uses = await world.node.gate.call("mydata.uses", {}, caller=world.citizen(WANG))
        assert [one.operation for one in uses.uses] == ["casualties.record", "casualties.for_family"]

    in_a_world(story)


def test_staff_read_only_on_their_basis_and_find_by_ear() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING, {"name": "林美玉", "born": "1985-05-05", "number": LEE})
        with pytest.raises(Denied):
            await world.call("record", STRANGER, person=WANG, reason=WHY)
        with pytest.raises(Denied):
            await world.call("record", world.citizen(LEE), person=WANG, reason=WHY)
        for name in ("Wang Hsiao-ming", "王小明", "明曉王"):
            likely = await world.call("find", WORKER, name=name)
            assert (likely[0].name, likely[0].hospital) == ("王○明", "馬偕")
        with pytest.raises(Denied):
            await world.call("find", ANONYMOUS, name="王曉明")
        await world.call("protect", WORKER, person=WANG, is_protected=True, reason=WHY)
        assert await world.call("find", WORKER, name="王曉明") == ()
        assert (await world.call("record", WORKER, person=WANG, reason=WHY)).is_protected is True
        with pytest.raises(NotFound):
            await world.call("for_family", world.citizen(LEE), person=WANG, name="王曉明", relation="spouse")

    in_a_world(story)


def test_only_hospitals_report_and_for_themselves() -> None:
    async def story(world: World) -> None:
        for caller in (ANONYMOUS, WORKER, world.citizen(LEE)):
            with pytest.raises(Denied):
                await world.report(caller, MING)
        await world.report(MACKAY, {**MING, "hospital": "別家"})
        assert (await world.seen("王曉明", "6789")).hospital == "馬偕"
        with pytest.raises(Denied):
            await world.report(SYSTEM, MING)
        await world.report(SYSTEM, {**MING, "hospital": "長庚", "at": "2026-11-23T20:59:00+08:00"})

    in_a_world(story)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("sex", "?"), ("born", "1990-13-01"), ("number", "A123456788"), ("status", "ok")],
)
def test_a_wrong_field_of_the_form_is_named_without_its_value(field: str, value: str) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Invalid) as caught:
            await world.report(MACKAY, {**MING, field: value})
        assert caught.value.fields[0].field == field
        assert value.strip() == "" or value not in f"{caught.value.title}{caught.value.remedy}"

    in_a_world(story)


def test_an_expired_record_is_a_tombstone() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, MING)
        world.now[0] += CASUALTY_DAYS * 86_400 + 1
        ctx = world.node.gate.context(SERVICE.name, SYSTEM)
        await expire(ctx, Event("expire", "all", b"", EpochS(world.now[0])))
        assert (await refusal(world, "王曉明", "6789"))[0] == 404
        with pytest.raises(Denied):
            await world.call("find", WORKER, name="王曉明")
        await world.order(id="second")
        with pytest.raises(NotFound):
            await world.call("record", WORKER, person=WANG, reason=WHY)
        sql = ctx.db.sql
        left = await sql.read(lambda tx: [tx.rows(SQL[one]) for one in ("tombstones", "all_stays")])
        assert left == [[(1,)], []]
        assert await sql.read(records.everybody) == []

    in_a_world(story)


def test_counters_hide_small_groups() -> None:
    async def story(world: World) -> None:
        assert (await world.call("counts")).counts == ()
        many = [{"name": f"王{one}", "born": f"19{60 + at}-01-01"} for at, one in enumerate("一二三四五六七八九十")]
        await world.report(MACKAY, *many)
        await world.report(TAIWAN, {"name": "陳美玉"}, {"name": "陳美雲", "status": "死亡"})
        found = await world.call("counts")
        assert found.counts[0].persons == 12
        assert all(one.persons >= found.small for one in found.counts)
        assert not any(one.hospital == "臺大" for one in found.counts)

    in_a_world(story)
