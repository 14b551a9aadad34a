"""Closing a purpose: nothing is released for it, every consent ends with notice once, also over a crash; and caps."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from tests.kernel.policy.test_judging import NOW
from tests.service.mydata.house import BANK, LEE, OFFICE, SHOP, WANG, House, in_a_house
from tests.service.mydata.test_consents import OFFER, WANTED, asked, bank_reads

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.events import feed, timers
from banyan.kernel.exchange import Refused
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.kernel.ledger.entries import read_entry
from banyan.kernel.policy import consents as rules
from banyan.kernel.policy import records
from banyan.kernel.policy.consents import Consent, Purpose
from banyan.limits import TIMER_LEASE_S
from banyan.limits_mydata import MYDATA_CLOSING_AGAIN_S
from banyan.service.mydata import closing
from banyan.service.mydata.parts import SERVICE

GUARD = Caller("officer", "o-guard", agency="TW/GOV/PDPC", roles=("data-protection",), assurance="aal2")


class Crash(BaseException):
    """The process ends here."""


async def given(house: House) -> str:
    """Wang's consent to the bank, in force."""
    id = await asked(house, per_day=2)
    await house.call("mydata.give", house.citizen(WANG), consent=id, fields=("income",))
    return id


async def entries(house: House, kind: str) -> list[dict[str, Any]]:
    await house.publish()
    ledger = house.node.lawful.ledger
    found = [read_entry(await ledger.entry(index)) for index in range((await ledger.head()).entries)]
    return [one for one in found if one["kind"] == kind]


async def told(house: House) -> list[dict[str, Any]]:
    events = await feed.read(house.node.drawers["mydata"].sql, 0, topic="consent.ended")
    return [msgspec.json.decode(bytes(one.data)) for one in events]


async def attend(house: House) -> None:
    """One turn of the node's own timers."""
    said: list[str] = []
    attendant = Attendant(
        SERVICE,
        house.node.drawers["mydata"],
        house.node.gate,
        log=lambda name, fields: said.append(f"{name} {fields}"),
        jitter=random.random,
    )
    await attendant._due()
    assert said == []


@pytest.mark.parametrize("closer", [BANK, OFFICE], ids=["recipient", "provider"])
def test_a_closed_purpose_releases_nothing_and_everybody_is_told(closer: Caller) -> None:
    async def story(house: House) -> None:
        id, wang = await given(house), house.citizen(WANG)
        waiting = (await house.call("mydata.request_consent", BANK, purpose="loan-1", person=LEE)).consent
        assert await bank_reads(house, "income") == {"income": 480_000}
        closed = await house.call("mydata.close_purpose", closer, purpose="loan-1")
        assert closed.is_done
        with pytest.raises(Refused) as refused:
            await bank_reads(house, "income")
        assert refused.value.decision.missing == ("consent",)
        with pytest.raises(Conflict) as gone:
            await house.call("mydata.request_consent", BANK, purpose="loan-1", person=WANG)
        assert gone.value.kind == "consent-purpose-closed"
        states = {one: (await house.call("mydata.standing", BANK, consent=one)).state for one in (id, waiting)}
        assert set(states.values()) == {"invalidated"}
        (mine,) = await house.call("mydata.consents", wang)
        assert (mine.state, mine.delete_by, mine.deleted_at) == ("invalidated", "2020-06-19T18:40:00Z", "")
        page = (await house.client.get("/en/mydata", token="wang")).text
        assert "ended with its purpose" in page
        assert "They must have deleted your data by" in page
        due = "2020-06-19T18:40:00Z"
        expected = {"consent": id, "recipient": "TW/COM/BANK", "state": "invalidated", "delete_by": due}
        assert await told(house) == [expected], "what was never given needs no deletion"
        (ending,) = await house.call("mydata.endings", BANK)
        assert (ending.consent, ending.delete_by, ending.state) == (id, due, "invalidated")
        await house.call("mydata.acknowledge", BANK, consent=id)
        assert "They say it is deleted" in (await house.client.get("/en/mydata", token="wang")).text
        (entry,) = await entries(house, "purpose")
        assert entry == {
            "v": 1,
            "kind": "purpose",
            "state": "closed",
            "id": "loan-1",
            "agency": closer.agency,
            "at": NOW,
        }
        assert [one["state"] for one in await entries(house, "consent")] == ["given", "invalidated"]
        again = await house.call("mydata.close_purpose", closer, purpose="loan-1")
        assert again.is_done
        assert await told(house) == [expected]
        assert len(await entries(house, "purpose")) == 1

    in_a_house(story)


def test_a_crash_in_the_middle_is_finished_and_nothing_is_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve people in batches of five; the process dies at the seventh notice, and a timer carries on."""

    async def story(house: House) -> None:
        await house.call("mydata.declare_service", OFFICE, **OFFER)
        await house.call("mydata.declare_purpose", BANK, **WANTED)
        ids = sorted(f"{number:032x}" for number in range(1, 13))

        def put(tx: Any) -> None:
            purpose = records.purpose_by_id(tx, "loan-1")
            assert isinstance(purpose, Purpose)
            for number, id in enumerate(ids):
                made = rules.request(id, f"s{number}", purpose, NOW)
                assert isinstance(made, Consent)
                agreed = rules.give(made, purpose, ("income",), "", NOW)
                assert isinstance(agreed, Consent)
                records.put_consent(tx, agreed, purpose)

        await house.node.lawful.policy.write(put)
        monkeypatch.setattr(closing, "MYDATA_CLOSING", 5)
        first = await house.call("mydata.close_purpose", BANK, purpose="loan-1")
        assert not first.is_done
        notify, calls = closing._notify, []

        async def dying(ctx: Any, consent: Consent, purpose: Purpose) -> None:
            calls.append(consent.id)
            if len(calls) == 2:
                raise Crash
            await notify(ctx, consent, purpose)

        with monkeypatch.context() as patch:
            patch.setattr(closing, "_notify", dying)
            with pytest.raises(Crash):
                await attend(house)
        assert len(await told(house)) == 6
        for _ in range(4):
            house.now[0] += TIMER_LEASE_S
            await attend(house)
        assert sorted(one["consent"] for one in await told(house)) == ids
        assert len(await house.call("mydata.endings", BANK)) == 12
        assert await house.node.drawers["mydata"].sql.read(timers.next_at) is None

    in_a_house(story)


def test_only_who_needs_or_gives_the_data_closes_it() -> None:
    async def story(house: House) -> None:
        await given(house)
        for caller in (SHOP, GUARD):
            with pytest.raises(NotFound):
                await house.call("mydata.close_purpose", caller, purpose="loan-1")
        with pytest.raises(NotFound):
            await house.call("mydata.close_purpose", BANK, purpose="loan-9")
        weak = msgspec.structs.replace(BANK, assurance="aal1")
        for caller in (ANONYMOUS, house.citizen(WANG), weak):
            with pytest.raises(Refused):
                await house.call("mydata.close_purpose", caller, purpose="loan-1")
        assert await bank_reads(house, "income") == {"income": 480_000}
        assert await entries(house, "purpose") == []
        house.now[0] += MYDATA_CLOSING_AGAIN_S
        await attend(house)
        assert await house.node.drawers["mydata"].sql.read(timers.next_at) is None, "a refused closing leaves nothing"
        assert await bank_reads(house, "income") == {"income": 480_000}

    in_a_house(story)


CAP = {"code": "088", "most_days": 20, "most_per_day": 2, "most_retention_days": 60}


def test_a_cap_stops_asking_and_leaves_what_was_agreed_to() -> None:
    async def story(house: House) -> None:
        await given(house)
        assert (await house.client.get("/api/mydata/caps")).json == []
        view = await house.call("mydata.set_cap", GUARD, **CAP)
        assert (view.title["en"], view.beyond) == ("Lending and credit", ("loan-1",))
        assert await house.call("mydata.set_cap", GUARD, **CAP) == view
        with pytest.raises(Conflict) as over:
            await house.call("mydata.request_consent", BANK, purpose="loan-1", person=LEE)
        assert over.value.kind == "consent-too-long"
        assert await bank_reads(house, "income") == {"income": 480_000}, "the word that was given stands"
        fair = {**WANTED, "id": "loan-2", "days": 20}
        await house.call("mydata.declare_purpose", BANK, **fair)
        await house.call("mydata.request_consent", BANK, purpose="loan-2", person=LEE)
        for change in ({"days": 21}, {"retention_days": 61}, {"per_day": 3}):
            with pytest.raises(Conflict):
                await house.call("mydata.declare_purpose", BANK, **{**fair, "id": "loan-3", **change})
        (cap,) = (await house.client.get("/api/mydata/caps")).json
        assert (cap["code"], cap["most_days"], cap["beyond"]) == ("088", 20, ["loan-1"])
        assert await entries(house, "cap") == [
            {"v": 1, "kind": "cap", "code": "088", "agency": "TW/GOV/PDPC", "at": NOW, "days": 20, "per_day": 2,
             "kept_days": 60}
        ]  # fmt: skip

    in_a_house(story)


def test_a_cap_for_the_others_binds_only_those_without_their_own() -> None:
    async def story(house: House) -> None:
        await given(house)
        await house.call("mydata.set_cap", GUARD, **{**CAP, "code": "*"})
        assert [one.beyond for one in await house.call("mydata.caps", ANONYMOUS)] == [("loan-1",)]
        await house.call("mydata.set_cap", GUARD, **{**CAP, "most_days": 30})
        assert [one.beyond for one in await house.call("mydata.caps", ANONYMOUS)] == [(), ()]
        await house.call("mydata.request_consent", BANK, purpose="loan-1", person=LEE)

    in_a_house(story)


def test_who_gains_from_a_cap_or_has_not_the_role_sets_none() -> None:
    async def story(house: House) -> None:
        await given(house)
        own = msgspec.structs.replace(GUARD, agency="TW/COM/BANK")
        for code in ("088", "*"):
            with pytest.raises(Conflict) as gains:
                await house.call("mydata.set_cap", own, **{**CAP, "code": code, "most_days": 3_000})
            assert gains.value.kind == "consent-own-cap"
        assert (await house.call("mydata.set_cap", own, **{**CAP, "code": "012"})).beyond == ()
        with pytest.raises(Denied):
            await house.call("mydata.set_cap", OFFICE, **CAP)
        with pytest.raises(Invalid):
            await house.call("mydata.set_cap", GUARD, **{**CAP, "code": "999"})
        for caller in (ANONYMOUS, house.citizen(WANG), msgspec.structs.replace(GUARD, assurance="aal1")):
            with pytest.raises(Refused):
                await house.call("mydata.set_cap", caller, **CAP)
        assert [one["code"] for one in await entries(house, "cap")] == ["012"]

    in_a_house(story)
