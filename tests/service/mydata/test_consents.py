"""The story of a consent: declared, asked, given, used, proven, withdrawn, refused; and nobody else's hand in it."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey
from tests.kernel.policy.test_judging import NOW
from tests.service.mydata.house import BANK, LEE, OFFICE, SHOP, WANG, House, in_a_house

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.events import feed
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import ANONYMOUS, Assisted, Caller
from banyan.kernel.ledger.entries import read_entry
from banyan.kernel.ledger.log import verify_history
from banyan.kernel.policy import records
from banyan.kernel.policy.consents import Cap
from banyan.service.mydata.artefacts import commits_to

OFFER = {
    "id": "tax-income", "operation": "tax.mine", "title_zh": "所得", "title_en": "Income", "content_zh": "年度所得",
    "content_en": "Income of a year", "fields": ("income", "year", "employer"), "most_days": 365,
}  # fmt: skip
WANTED = {
    "id": "loan-1", "declaration": "tax-income", "name_zh": "示範銀行", "name_en": "Example Bank", "purpose": "088",
    "text_zh": "房貸審核", "text_en": "Mortgage check", "fields": ("income",), "more": ("year",), "days": 30,
}  # fmt: skip


async def asked(house: House, **changed: Any) -> str:
    """A request that waits for Wang; its id."""
    await house.call("mydata.declare_service", OFFICE, **OFFER)
    await house.call("mydata.declare_purpose", BANK, **{**WANTED, **changed})
    found = await house.call("mydata.request_consent", BANK, purpose="loan-1", person=WANG)
    assert found.path == f"/mydata/consents/{found.consent}"
    return str(found.consent)


async def bank_reads(house: House, *fields: str) -> Any:
    return msgspec.to_builtins(await house.call("tax.income", BANK, person=WANG, fields=fields))


def test_declared_asked_given_used_proven_withdrawn_refused() -> None:
    async def story(house: House) -> None:
        wang = house.citizen(WANG)
        id = await asked(house)
        with pytest.raises(Refused):
            await bank_reads(house, "income")
        waiting = (await house.call("mydata.pending", wang))[0]
        assert (waiting.id, waiting.state, waiting.recipient_name["en"]) == (id, "requested", "Example Bank")
        shown = await house.call("mydata.preview", wang, consent=id)
        assert (shown.values, shown.is_shown) == ({"income": 480_000, "year": 2019}, True)
        kept = await house.call("mydata.give", wang, consent=id, fields=("income",))
        assert await bank_reads(house, "income") == {"income": 480_000}
        with pytest.raises(Refused):
            await bank_reads(house, "income", "year")
        await house.publish()
        used = (await house.call("mydata.uses", wang)).uses[0]
        assert (used.reference, used.fields, used.receiver) == (id, ("income",), "TW/COM/BANK")
        assert (await house.client.get(used.receipt, token="wang")).status == 200
        subject = bytes.fromhex(wang.subject)
        verify_history(await house.node.lawful.ledger.history(subject, most=10), subject)
        assert (await house.call("mydata.standing", BANK, consent=id)).state == "given"
        assert (await house.call("mydata.withdraw", wang, consent=id)).state == "withdrawn"
        with pytest.raises(Refused) as refused:
            await bank_reads(house, "income")
        assert refused.value.decision.missing == ("consent",)
        assert (await house.call("mydata.standing", BANK, consent=id)).state == "withdrawn"
        events = await feed.read(house.node.drawers["mydata"].sql, 0, topic="consent.ended")
        told = msgspec.json.decode(bytes(events[0].data))
        assert told == {
            "consent": id, "recipient": "TW/COM/BANK", "state": "withdrawn", "delete_by": "2020-06-19T18:40:00Z"
        }  # fmt: skip
        assert (await house.call("mydata.artefact", wang, consent=id)).signed == kept.signed

    in_a_house(story)


def test_the_artefact_holds_offline_and_the_log_commits_to_it() -> None:
    async def story(house: House) -> None:
        wang = house.citizen(WANG)
        id = await asked(house)
        signed = (await house.call("mydata.give", wang, consent=id, fields=("income", "year"))).signed
        keys = [key for key in await house.node.persons.keys() if key.alg == "ES256"]
        public = {name: keys[0].public[name] for name in ("kty", "crv", "x", "y")}
        claims = msgspec.json.decode(jws.deserialize_compact(signed, ECKey.import_key(public), ["ES256"]).payload)
        assert (claims["recipient"], claims["fields"]) == ("TW/COM/BANK", ["income", "year"])
        assert WANG not in str(claims)
        assert wang.subject not in str(claims)
        await house.call("mydata.pause", wang, consent=id)
        await house.publish()
        log, ledger = claims["log"], house.node.lawful.ledger
        commitment = commits_to(claims, bytes.fromhex(log["salt"]))
        entries = [read_entry(await ledger.entry(log["index"] + step)) for step in (0, 1)]
        assert [(one["state"], one["commitment"]) for one in entries] == [("given", commitment), ("paused", commitment)]
        assert commits_to({**claims, "fields": ["income"]}, bytes.fromhex(log["salt"])) != commitment
        head, body, tag = signed.split(".")
        wrong = body[:-2] + ("AA" if body[-2:] != "AA" else "BB")
        assert urlsafe_b64decode(body + "==") != urlsafe_b64decode(wrong + "==")
        with pytest.raises(BadSignatureError):
            jws.deserialize_compact(f"{head}.{wrong}.{tag}", ECKey.import_key(public), ["ES256"])

    in_a_house(story)


def test_pausing_resuming_extending_and_a_link_that_works_once() -> None:
    async def story(house: House) -> None:
        wang = house.citizen(WANG)
        id = await asked(house)
        await house.call("mydata.give", wang, consent=id, fields=("income",))
        with pytest.raises(Conflict) as again:
            await house.call("mydata.give", wang, consent=id, fields=("income",))
        assert again.value.kind == "consent-not-requested"
        assert "answered already" in again.value.title
        assert "已經回覆" in again.value.title
        await house.call("mydata.pause", wang, consent=id)
        with pytest.raises(Refused):
            await bank_reads(house, "income")
        await house.call("mydata.resume", wang, consent=id)
        assert await bank_reads(house, "income") == {"income": 480_000}
        with pytest.raises(Conflict) as same:
            await house.call("mydata.extend", wang, consent=id)
        assert same.value.kind == "consent-not-longer"
        house.now[0] += 10 * 86_400
        assert (await house.call("mydata.extend", wang, consent=id)).until == "2020-06-29T18:40:00Z"
        house.now[0] += 31 * 86_400
        with pytest.raises(Refused):
            await bank_reads(house, "income")
        assert (await house.call("mydata.consents", wang))[0].state == "expired"

    in_a_house(story)


def test_nobody_touches_another_persons_consent() -> None:
    async def story(house: House) -> None:
        id, lee = await asked(house), house.citizen(LEE)
        acts = ("preview", "refuse", "pause", "resume", "extend", "withdraw", "artefact")
        for act in acts:
            for consent in (id, "0" * 32):
                with pytest.raises(NotFound):
                    await house.call(f"mydata.{act}", lee, consent=consent)
            for caller in (ANONYMOUS, BANK, Caller("administrator", "a")):
                with pytest.raises(Refused):
                    await house.call(f"mydata.{act}", caller, consent=id)
        with pytest.raises(NotFound):
            await house.call("mydata.give", lee, consent=id, fields=("income",))
        assert await house.call("mydata.consents", lee) == ()
        with pytest.raises(NotFound):
            await house.call("mydata.standing", SHOP, consent=id)
        with pytest.raises(NotFound):
            await house.call("mydata.request_consent", SHOP, purpose="loan-1", person=WANG)
        assert (await house.call("mydata.pending", house.citizen(WANG)))[0].state == "requested"

    in_a_house(story)


def test_over_asking_never_reaches_a_citizen() -> None:
    async def story(house: House) -> None:
        await house.node.lawful.policy.write(lambda tx: records.put_cap(tx, Cap("088", 90, 2, 60)))
        await house.call("mydata.declare_service", OFFICE, **OFFER)
        for change, kind in (
            ({"fields": ("income", "debts")}, "consent-fields-unknown"),
            ({"days": 91}, "consent-too-long"),
            ({"retention_days": 61}, "consent-too-long"),
            ({"per_day": 3}, "consent-too-often"),
        ):
            with pytest.raises(Conflict) as over:
                await house.call("mydata.declare_purpose", BANK, **{**WANTED, **change})
            assert over.value.kind == kind
        await house.call("mydata.declare_purpose", BANK, **WANTED)
        with pytest.raises(Conflict):
            await house.call("mydata.declare_purpose", SHOP, **WANTED)
        with pytest.raises(Conflict):
            await house.call("mydata.declare_service", BANK, **OFFER)
        for caller in (ANONYMOUS, house.citizen(WANG), msgspec.structs.replace(BANK, assurance="aal1")):
            with pytest.raises(Refused):
                await house.call("mydata.request_consent", caller, purpose="loan-1", person=WANG)
        with pytest.raises(Invalid):
            await house.call("mydata.request_consent", BANK, purpose="loan-1", person="A123456788")
        for _ in range(5):
            await house.call("mydata.request_consent", BANK, purpose="loan-1", person=WANG)
        with pytest.raises(Conflict) as many:
            await house.call("mydata.request_consent", BANK, purpose="loan-1", person=WANG)
        assert many.value.kind == "consent-too-many"
        house.now[0] = NOW + 900
        await house.call("mydata.request_consent", BANK, purpose="loan-1", person=WANG)

    in_a_house(story)


def test_a_request_says_what_similar_services_do_without_and_fields_can_be_left_out() -> None:
    async def story(house: House) -> None:
        id = await asked(house, fields=("income",), more=("employer",))
        for name, caller in (("shop-1", SHOP), ("office-1", OFFICE)):
            await house.call("mydata.declare_purpose", caller, **{**WANTED, "id": name, "more": ()})
        wang = house.citizen(WANG)
        request = (await house.call("mydata.pending", wang))[0]
        assert (request.similar, request.unusual) == (2, ("employer",))
        for fields, kind in ((("employer",), "consent-fields-unknown"), (("income", "year"), "consent-fields-more")):
            with pytest.raises(Conflict) as wrong:
                await house.call("mydata.give", wang, consent=id, fields=fields)
            assert wrong.value.kind == kind
        await house.call("mydata.refuse", wang, consent=id)
        with pytest.raises(Conflict):
            await house.call("mydata.give", wang, consent=id, fields=("income",))
        assert (await house.node.lawful.ledger.head()).entries == 0, "what was never given leaves nothing in the log"

    in_a_house(story)


@pytest.mark.parametrize("place", ["", "counter", "kiosk"])
def test_another_hand_is_seen_in_consents_and_uses(place: Any) -> None:
    """A representative's word, or one at a counter, counts and is named; at a kiosk no consent is given."""

    async def story(house: House) -> None:
        wang = house.citizen(WANG)
        id = await asked(house)
        if place:
            beside = Assisted(place, "officer-1", "TW/GOV/DISTRICT", "visit-1")
            other = msgspec.structs.replace(wang, assurance="aal1", assisted=beside)
        else:
            act = {"kind": "representative", "id": "mother", "relation": "child", "mandate": "mandate-1"}
            other = msgspec.structs.replace(wang, **act)
        if place == "kiosk":
            with pytest.raises(Refused) as refused:
                await house.call("mydata.give", other, consent=id, fields=("income",))
            assert refused.value.decision.missing == ("place",)
            await house.call("mydata.refuse", other, consent=id)
        else:
            await house.call("mydata.give", other, consent=id, fields=("income",))
        seen = next(one for one in await house.call("mydata.consents", wang) if one.id == id)
        assert (seen.state, seen.by_other) == (("refused", False) if place == "kiosk" else ("given", True))
        used = (await house.call("mydata.uses", wang)).uses[0]
        assert used.system == (place or house.citizen(WANG).channel)
        assert used.reference == ("visit-1" if place else "mandate-1")
        assert used.receiver == ("TW/GOV/DISTRICT" if place else "child")
        words = {"": "Your parent, for you: ", "counter": "You at a counter, with", "kiosk": "You at a public screen: "}
        assert used.action["en"].startswith(words[place])
        assert "mother" not in str(used)
        assert "officer-1" not in str(used)

    in_a_house(story)
