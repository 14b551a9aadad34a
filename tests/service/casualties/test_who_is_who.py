"""Two records or one person: what is proposed with which evidence, and what a decision changes, for good."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from tests.service.casualties.world import LEE, MACKAY, STRANGER, TAIWAN, WANG, WHY, WORKER, World, in_a_world

from banyan.errors import Conflict, Denied, NotFound
from banyan.service.casualties.evidence import Side, is_slip, weigh
from banyan.service.casualties.records import Patient, Told
from banyan.service.casualties.rules import Stay

MING = {"name": "王曉明", "sex": "男", "born": "79/3/12"}


def a_side(name: str, *, born: str = "", sex: str = "", person: str = "", at: float = 0.0, **stay: str) -> Side:
    hospital = stay.pop("hospital", "馬偕")
    patient = Patient("0" * 32, name, person, born, sex, False, 0.0)
    return Side(patient, (Told(hospital, name, person, born, sex, at),), (Stay(hospital, at, **stay),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("1990-03-12", "1990-03-13", True),
        ("1990-03-12", "1990-12-03", True),
        ("1990-03-12", "1909-03-12", True),
        ("1990-03-12", "1990-03-12", False),
        ("1990-03-12", "1971-08-30", False),
    ],
)
def test_a_slip_of_a_birth_date(one: str, other: str, is_one: bool) -> None:
    assert is_slip(one, other) is is_one


def test_the_evidence_speaks_for_and_against() -> None:
    first = a_side("王曉明", born="1990-03-12", sex="male", status="transferred", towards="臺大")
    second = a_side("王曉名", born="1990-03-13", sex="male", at=3_600.0, hospital="臺大", status="in-care")
    found = weigh(first, second, is_like=True)
    assert found is not None
    assert found.signs == ("like-name", "near-born", "same-sex", "sent-there")
    assert found.weight == 8
    other = a_side("王曉明", born="1955-01-01", sex="female", at=3_600.0, hospital="長庚", status="in-care")
    against = weigh(first, other, is_like=True)
    assert against is not None
    assert against.signs == ("same-name", "other-born", "other-sex")
    assert against.weight < 0
    assert (
        weigh(
            a_side("王曉明", person="a", status="in-care"), a_side("王曉明", person="b", status="in-care"), is_like=True
        )
        is None
    )


def test_the_unnamed_are_proposed_by_the_way_they_went() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {"name": "無名氏", "sex": "男", "status": "轉院", "towards": "臺大"})
        await world.report(MACKAY, {"name": "無名氏", "sex": "女", "status": "轉院", "towards": "臺大"})
        world.now[0] += 1_800
        await world.report(TAIWAN, {"name": "陳大文", "sex": "男"})
        (one,) = await world.call("proposals", WORKER)
        assert one.signs == ("unnamed", "same-sex", "sent-there")
        assert {one.one.name, one.other.name} == {"無○氏", "陳○文"}
        merged = await world.call("merge", WORKER, one=one.one.id, other=one.other.id, reason=WHY)
        assert await world.call("proposals", WORKER) == ()
        seen = await world.call("chain", WORKER, id=merged.id, reason=WHY)
        assert [(step.hospital, step.condition) for step in seen.steps] == [
            ("馬偕", "transferred"),
            ("臺大", "in-care"),
        ]
        assert {told.name for told in seen.told} == {"無○氏", "陳○文"}

    in_a_world(story)


def test_a_misheard_double_is_proposed_merged_and_asked_for_as_either_hospital_wrote_it() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {**MING, "number": WANG})
        world.now[0] += 60
        await world.report(TAIWAN, {"name": "王小明", "sex": "男", "born": "79/3/13"})
        (one,) = await world.call("proposals", WORKER)
        assert one.signs == ("like-name", "near-born", "same-sex", "both-at-once")
        await world.call("merge", WORKER, one=one.other.id, other=one.one.id, reason=WHY)
        for name, secret in (("王曉明", "6789"), ("王小明", "79/3/13")):
            assert (await world.seen(name, secret)).hospital == "臺大"
        again = await world.report(TAIWAN, {"name": "王小明", "sex": "男", "born": "79/3/13", "status": "出院"})
        assert (again.new, again.changed) == (0, 1), "what was joined is known by both names from then on"

    in_a_world(story)


def test_two_said_to_be_two_are_not_proposed_again() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {"name": "王曉明", "sex": "男"})
        await world.report(TAIWAN, {"name": "王曉明", "sex": "男"})
        (one,) = await world.call("proposals", WORKER)
        await world.call("apart", WORKER, one=one.one.id, other=one.other.id, reason=WHY)
        assert await world.call("proposals", WORKER) == ()
        (noted,) = await world.call("decisions", WORKER)
        assert (noted.kind, noted.agency, noted.reason) == ("apart", WORKER.agency, WHY)

    in_a_world(story)


def test_namesakes_joined_wrongly_are_parted_and_stay_parted() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {**MING, "ward": "7A"})
        world.now[0] += 60
        await world.report(TAIWAN, {**MING, "ward": "9B"})
        found = await world.call("find", WORKER, name="王曉明")
        assert len(found) == 1
        done = await world.call("split", WORKER, one=found[0].id, hospital="臺大", reason=WHY)
        assert done.id != found[0].id
        assert {one.hospital for one in await world.call("find", WORKER, name="王曉明")} == {"馬偕", "臺大"}
        with pytest.raises(NotFound):  # two of one name and one secret: told to nobody
            await world.seen("王曉明", "79/3/12")
        world.now[0] += 60
        for by in (MACKAY, TAIWAN):
            assert (await world.report(by, {**MING, "status": "出院"})).changed == 1
        assert len(await world.call("find", WORKER, name="王曉明")) == 2
        await world.report(TAIWAN, {**MING, "number": LEE})
        assert len(await world.call("find", WORKER, name="王曉明")) == 2
        assert await world.call("proposals", WORKER) == ()

    in_a_world(story)


def test_what_cannot_be_parted_or_joined_is_said() -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {**MING, "number": WANG})
        await world.report(TAIWAN, {**MING, "number": WANG}, {"name": "林美玉", "number": LEE, "born": "1985-05-05"})
        ming = (await world.call("find", WORKER, name="王曉明"))[0].id
        lin = (await world.call("find", WORKER, name="林美玉"))[0].id
        for operation, asked, kind in (
            ("split", {"one": ming, "hospital": "臺大"}, "one-number"),
            ("split", {"one": lin, "hospital": "臺大"}, "one-hospital"),
            ("merge", {"one": lin, "other": ming}, "two-numbers"),
        ):
            with pytest.raises(Conflict) as caught:
                await world.call(operation, WORKER, **asked, reason=WHY)
            assert caught.value.kind == kind
        for asked in ({"one": lin, "other": lin}, {"one": lin, "other": "0" * 32}):
            with pytest.raises(NotFound):
                await world.call("merge", WORKER, **asked, reason=WHY)

    in_a_world(story)


STAFF_ONLY: dict[str, dict[str, Any]] = {
    "find": {"name": "王曉明"},
    "proposals": {},
    "decisions": {},
    "chain": {"id": "0" * 32, "reason": WHY},
    "merge": {"one": "0" * 32, "other": "1" * 32, "reason": WHY},
    "apart": {"one": "0" * 32, "other": "1" * 32, "reason": WHY},
    "split": {"one": "0" * 32, "hospital": "臺大", "reason": WHY},
    "protect": {"person": WANG, "is_protected": False, "reason": WHY},
}


@pytest.mark.parametrize("operation", STAFF_ONLY)
def test_without_an_order_or_by_another_agency_there_is_nothing(operation: str) -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {**MING, "number": WANG})
        for caller in (STRANGER, WORKER, world.citizen(LEE), MACKAY):
            with pytest.raises(Denied):
                await world.call(operation, caller, **STAFF_ONLY[operation])
        await world.order()
        with pytest.raises(Denied):
            await world.call(operation, STRANGER, **STAFF_ONLY[operation])
        with suppress(NotFound):
            await world.call(operation, WORKER, **STAFF_ONLY[operation])
        world.now[0] += 21 * 86_400
        with pytest.raises(Denied):
            await world.call(operation, WORKER, **STAFF_ONLY[operation])

    in_a_world(story, is_ordered=False)
