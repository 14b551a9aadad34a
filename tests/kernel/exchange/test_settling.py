"""What a use takes is taken in its own commit: of two calls at once one has the day's last use, or the one time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.exchange.test_conscience import HOSPITAL, WANG, World, a_world
from tests.kernel.policy.test_judging import FLAG, NOW

from banyan.errors import Conflict, Denied, Invalid
from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy import consents, records
from banyan.kernel.policy.consents import Consent, Purpose


def number_of(place: int) -> str:
    """A national number with its check digit."""
    digits = f"1{place:07}"
    tail = sum(int(digit) * weight for digit, weight in zip(digits, (8, 7, 6, 5, 4, 3, 2, 1), strict=True))
    return f"A{digits}{-(1 + tail) % 10}"


SAID: Text = {"zh-Hant": "門診", "en": "Visit"}
AGREED = msgspec.structs.replace(
    FLAG, needs="consent", kind="consent", pdpa="16-7", sunset=EpochS(0), per_subject_per_day=0
)


async def a_consent(world: World, *, days: int, per_day: int) -> str:
    """Wang let the hospital read the flag; the consent's id."""
    purpose = Purpose("visit", "TW/MED/H1", SAID, "travel", "012", SAID, ("flag",), days=days, per_day=per_day)
    asked = consents.request("c-1", world.conscience.subject(WANG).hex(), purpose, NOW)
    assert isinstance(asked, Consent)
    given = consents.give(asked, purpose, ("flag",), "", NOW)
    assert isinstance(given, Consent)
    await world.policy.write(
        lambda tx: (
            records.put_basis(tx, AGREED, NOW),
            records.put_purpose(tx, purpose),
            records.put_consent(tx, given, purpose),
        )
    )
    world.conscience.forget()
    return given.id


async def at_once(world: World, count: int, **asked: Any) -> list[str]:
    """How `count` calls end that were all weighed before any is written down."""
    weighed, real, everybody = 0, world.ledger.release, asyncio.Event()

    async def together(*values: Any, **also: Any) -> Any:
        nonlocal weighed
        weighed += 1
        if weighed == count:
            everybody.set()
        await everybody.wait()
        return await real(*values, **also)

    world.ledger.release = together
    ended = await asyncio.gather(*(world.ask(**asked) for _ in range(count)), return_exceptions=True)
    world.ledger.release = real
    return sorted(one.kind if isinstance(one, Conflict) else type(one).__name__ for one in ended)


def test_a_consent_for_one_time_is_used_up_by_one_of_two_calls_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            id = await a_consent(world, days=0, per_day=9)
            assert await at_once(world, 2) == ["Flag", "consent-over"]
            after = await world.policy.read(lambda tx: records.consent_by_id(tx, id))
            assert after.state == "used"
            assert (await world.ledger.head()).entries == 1
            with pytest.raises(Refused) as refused:
                await world.ask()
            assert refused.value.decision.missing == ("consent",)

    asyncio.run(run())


def test_fair_use_lets_as_many_through_as_the_purpose_says(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await a_consent(world, days=30, per_day=3)
            assert await at_once(world, 5) == ["Flag", "Flag", "Flag", "fair-use", "fair-use"]
            assert (await world.ledger.head()).entries == 3
            with pytest.raises(Refused) as refused:
                await world.ask()
            assert refused.value.decision.missing == ("fair-use",)
            assert "次數上限" in refused.value.decision.explanation["zh-Hant"]
            world.now[0] += 86_400
            await world.ask()

    asyncio.run(run())


def test_the_bound_of_a_basis_lets_no_call_more_through(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            await world.order()
            most = FLAG.per_subject_per_day
            assert await at_once(world, most + 2) == ["Flag"] * most + ["frequency"] * 2
            assert (await world.ledger.head()).entries == most
            assert len(await world.policy.read(records.open_reviews)) == most

    asyncio.run(run())


@pytest.mark.parametrize("act", [consents.withdraw, consents.pause])
def test_a_consent_that_ends_during_the_call_lets_nothing_out(tmp_path: Path, act: Any) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            id = await a_consent(world, days=30, per_day=3)
            real = world.ledger.release

            async def ended_first(*values: Any, **also: Any) -> Any:
                def end(tx: Any) -> None:
                    consent = records.consent_by_id(tx, id)
                    purpose = records.purpose_by_id(tx, "visit")
                    assert consent is not None
                    assert purpose is not None
                    records.put_consent(tx, act(consent, NOW), purpose)

                await world.policy.write(end)
                return await real(*values, **also)

            world.ledger.release = ended_first
            with pytest.raises(Conflict, match="ended or was used up"):
                await world.ask()
            assert (await world.ledger.head()).entries == 0

    asyncio.run(run())


def test_of_many_uses_at_once_only_what_ended_meanwhile_is_refused_and_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten persons' uses in one commit, one of whom withdrew after all were weighed."""
    numbers = [number_of(place) for place in range(20, 30)]

    async def run() -> None:
        async with a_world(tmp_path) as world:
            await a_consent(world, days=30, per_day=3)
            mine, visit = await world.policy.read(lambda tx: records.consent_and_purpose(tx, "c-1"))
            agreed = [
                msgspec.structs.replace(mine, id=f"c-{at}", subject=world.conscience.subject(number).hex())
                for at, number in enumerate(numbers, 10)
            ]
            assert len({one.subject[:2] for one in agreed}) == 10, "persons whose turns are their own"
            await world.policy.write(lambda tx: [records.put_consent(tx, one, visit) for one in agreed])
            real, weighed, withdrawn = world.ledger.release, 0, asyncio.Event()
            looks: list[str] = []
            look = records.consent_and_purpose

            def looked(tx: Any, id: str) -> Any:
                looks.append(id)
                return look(tx, id)

            monkeypatch.setattr(records, "consent_and_purpose", looked)

            async def together(*values: Any, **also: Any) -> Any:
                nonlocal weighed
                weighed += 1
                if weighed == len(numbers):
                    ended = consents.withdraw(agreed[4], NOW)
                    assert isinstance(ended, Consent)
                    await world.policy.write(lambda tx: records.put_consent(tx, ended, visit))
                    withdrawn.set()
                await withdrawn.wait()
                return await real(*values, **also)

            world.ledger.release = together
            asked = (world.ask(person=number, reason="") for number in numbers)
            ended = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(one).__name__ for one in ended] == ["Flag"] * 4 + ["Conflict"] + ["Flag"] * 5
            assert set(looks) == {agreed[4].id}, "the others stood in the turn they were weighed in"
            assert (await world.ledger.head()).entries == 9

    asyncio.run(run())


@pytest.mark.parametrize(
    "changed",
    [
        {"recipient": "TW/MED/H2"},
        {"purpose": "157"},
        {"is_open": False},
    ],
)
def test_the_source_looks_again_at_recipient_purpose_and_whether_it_is_open(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    """Whatever was weighed: what stands at the commit is what counts."""

    async def run() -> None:
        async with a_world(tmp_path) as world:
            await a_consent(world, days=30, per_day=3)
            real = world.ledger.release

            async def changed_first(*values: Any, **also: Any) -> Any:
                def change(tx: Any) -> None:
                    purpose = records.purpose_by_id(tx, "visit")
                    assert purpose is not None
                    records.put_purpose(tx, msgspec.structs.replace(purpose, **changed))

                await world.policy.write(change)
                return await real(*values, **also)

            world.ledger.release = changed_first
            with pytest.raises(Conflict):
                await world.ask(HOSPITAL)
            assert (await world.ledger.head()).entries == 0

    asyncio.run(run())


def test_an_apps_token_reads_its_own_person_by_its_own_consent(tmp_path: Path) -> None:
    """Another consent of the same agency, and another person's number, are not this token's."""

    async def run() -> None:
        async with a_world(tmp_path) as world:
            id = await a_consent(world, days=30, per_day=9)
            wang = world.conscience.subject(WANG).hex()
            app = Caller("app", "app-1", agency="TW/MED/H1", assurance="aal2", subject=wang, consents=(id,))
            assert (await world.ask(app, person="", reason="")).flag is True
            assert (await world.ask(app, reason="")).flag is True
            with pytest.raises(Denied) as denied:
                await world.ask(app, person="F131104093")
            assert denied.value.kind == "other-person"
            for other in (
                msgspec.structs.replace(app, consents=()),
                msgspec.structs.replace(app, consents=("c-2",)),
                msgspec.structs.replace(app, agency="TW/MED/H2"),
                msgspec.structs.replace(app, assurance="aal1"),
                msgspec.structs.replace(app, subject=world.conscience.subject("F131104093").hex()),
            ):
                with pytest.raises(Refused):
                    await world.ask(other, person="")
            with pytest.raises(Invalid):
                await world.ask(Caller("app", "app-1", agency="TW/MED/H1"), person="")
            assert (await world.ledger.head()).entries == 2

    asyncio.run(run())
