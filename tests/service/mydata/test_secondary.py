"""Opting out of secondary use, end to end: the next look-up is refused, only that one, and coming back is as quick."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest
from tests.kernel.policy.test_judging import LOAN, NOW
from tests.service.mydata.house import BANK, LEE, WANG, House, in_a_house
from tests.service.mydata.test_consents import OFFER, WANTED

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import ANONYMOUS, Assisted, Caller
from banyan.kernel.ledger.entries import read_entry
from banyan.kernel.ledger.receipts import prove
from banyan.kernel.policy import records
from banyan.limits_mydata import OPT_OUT_CELL_LEAST
from banyan.wire.tlog.checkpoint import verifier_of

RESEARCH = msgspec.structs.replace(
    LOAN,
    id="study",
    title={"zh-Hant": "所得研究", "en": "Income study"},
    kind="public-interest",
    pdpa="16-5",
    operations=("tax.*",),
    purposes=("157",),
    recipients=("TW/EDU/UNI",),
    needs="",
    is_secondary=True,
)
UNI = Caller("officer", "o-uni", agency="TW/EDU/UNI", assurance="aal2")


async def studied(house: House, person: str = WANG) -> Any:
    """The university reads an income for its study."""
    asked = {"person": person, "fields": ("income",)}
    answer = await house.node.gate.call("tax.income", asked, caller=UNI, purpose="157")
    return msgspec.to_builtins(answer)


async def registered(house: House) -> None:
    await house.node.lawful.policy.write(lambda tx: records.put_basis(tx, RESEARCH, NOW))
    house.node.lawful.conscience.forget()


async def refused_for(house: House, person: str = WANG) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        await studied(house, person)
    assert "111" in refused.value.decision.explanation["zh-Hant"]
    return refused.value.decision.missing


@pytest.mark.parametrize("kind", ["*", "157", "tax.*"])
def test_stopped_the_next_use_is_refused_and_only_that(kind: str) -> None:
    async def story(house: House) -> None:
        await registered(house)
        wang = house.citizen(WANG)
        assert await studied(house) == {"income": 480_000}
        word = await house.call("mydata.stop_secondary", wang, kind=kind)
        assert (word.kind, word.is_out, word.since) == (kind, True, "2020-05-20T18:40:00Z")
        assert await refused_for(house) == ("opt-out",)
        assert await studied(house, LEE) == {"income": 480_000}, "somebody else's word is their own"
        # What the person agreed to is no secondary use: the bank, with their consent, goes on.
        await house.call(
            "mydata.declare_service", Caller("officer", "o", agency="TW/GOV/TAX", assurance="aal2"), **OFFER
        )
        await house.call("mydata.declare_purpose", BANK, **WANTED)
        asked = await house.call("mydata.request_consent", BANK, purpose="loan-1", person=WANG)
        await house.call("mydata.give", wang, consent=asked.consent, fields=("income",))
        assert await house.call("tax.income", BANK, person=WANG, fields=("income",))
        back = await house.call("mydata.allow_secondary", wang, kind=kind)
        assert not back.is_out
        assert await studied(house) == {"income": 480_000}

    in_a_house(story)


def test_a_word_during_the_call_undoes_the_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was weighed before the word and would be written after it: nothing is released, and nothing is in the log."""

    async def story(house: House) -> None:
        await registered(house)
        wang, conscience = house.citizen(WANG), house.node.lawful.conscience
        weigh = conscience.weigh

        async def and_then_the_word(*given: Any, **named: Any) -> Any:
            weighed = await weigh(*given, **named)
            await house.call("mydata.stop_secondary", wang, kind="157")
            return weighed

        with monkeypatch.context() as patch:
            patch.setattr(conscience, "weigh", and_then_the_word)
            with pytest.raises(Conflict) as stopped:
                await studied(house)
        assert stopped.value.kind == "opt-out"
        assert (await house.call("mydata.uses", wang)).total == 0

    in_a_house(story)


def test_a_part_stops_only_its_part() -> None:
    async def story(house: House) -> None:
        other = msgspec.structs.replace(RESEARCH, id="other", purposes=("172",))
        await house.node.lawful.policy.write(lambda tx: records.put_basis(tx, other, NOW))
        await registered(house)
        wang = house.citizen(WANG)
        await house.call("mydata.stop_secondary", wang, kind="172")
        assert await studied(house) == {"income": 480_000}, "another purpose than the one that was stopped"
        with pytest.raises(Refused):
            await house.node.gate.call("tax.income", {"person": WANG, "fields": ("income",)}, caller=UNI, purpose="172")
        await house.call("mydata.stop_secondary", wang, kind="tax.*")
        assert await refused_for(house) == ("opt-out",)
        kinds = await house.call("mydata.secondary_uses", wang)
        assert [(one.kind, one.sort, one.is_out) for one in kinds] == [
            ("*", "all", False), ("157", "purpose", False), ("172", "purpose", True), ("tax.*", "data", True)
        ]  # fmt: skip
        assert kinds[1].title["zh-Hant"] == "調查、統計與研究分析"
        assert kinds[1].uses[0].statute["en"] == "Personal Data Protection Act, article 16"

    in_a_house(story)


@pytest.mark.parametrize("place", ["counter", "kiosk"])
def test_who_has_no_phone_stops_it_at_a_counter_or_a_public_screen(place: Literal["counter", "kiosk"]) -> None:
    async def story(house: House) -> None:
        await registered(house)
        helped = msgspec.structs.replace(house.citizen(WANG), assisted=Assisted(place, "o-1", "TW/GOV/DISTRICT", "v-1"))
        assert (await house.call("mydata.stop_secondary", helped, kind="157")).is_out
        assert await refused_for(house) == ("opt-out",)
        assert [one.kind for one in await house.call("mydata.secondary_uses", helped)] == ["*", "157", "tax.*"]
        assert not (await house.call("mydata.allow_secondary", helped, kind="157")).is_out

    in_a_house(story)


def test_the_log_commits_to_the_word_and_the_receipt_opens_it() -> None:
    async def story(house: House) -> None:
        await registered(house)
        wang, ledger = house.citizen(WANG), house.node.lawful.ledger
        before = (await ledger.head()).entries
        await house.call("mydata.stop_secondary", wang, kind="157")
        await house.call("mydata.stop_secondary", wang, kind="157")
        await house.publish()
        (entry,) = [read_entry(await ledger.entry(index)) for index in range(before, (await ledger.head()).entries)]
        assert sorted(entry) == ["commitment", "kind", "v"], "neither who nor what"
        kinds = await house.call("mydata.secondary_uses", wang)
        path = next(one.receipt for one in kinds if one.kind == "157")
        keys = [verifier_of(key) for key in house.node.lawful.keys.vkeys]
        proven = prove((await house.client.get(path, token="wang")).body, logs=keys)
        assert proven.record == {"subject": wang.subject, "kind": "157", "is_out": True, "at": NOW}
        for token, status in (("lee", 404), ("bank", 403), ("", 403)):
            assert (await house.client.get(path, token=token)).status == status

    in_a_house(story)


def test_it_is_counted_in_public_and_small_counts_are_withheld() -> None:
    async def story(house: House) -> None:
        await registered(house)
        people = ("A123456789", "F131104093", "A800000014", "A900000007", "AC01234567")
        assert len(people) == OPT_OUT_CELL_LEAST
        for number, person in enumerate(people):
            counts = (await house.client.get("/api/mydata/opt_outs")).json
            assert [one["people"] for one in counts["kinds"]] == [0, None if number else 0, 0]
            await house.call("mydata.stop_secondary", house.citizen(person), kind="157")
        counts = (await house.client.get("/api/mydata/opt_outs")).json
        assert [(one["kind"], one["people"]) for one in counts["kinds"]] == [("*", 0), ("157", 5), ("tax.*", 0)]
        assert "5" in (await house.client.get("/en/mydata/secondary")).text

    in_a_house(story)


def test_who_is_nobody_and_what_is_no_kind() -> None:
    async def story(house: House) -> None:
        await registered(house)
        wang = house.citizen(WANG)
        for caller in (ANONYMOUS, BANK, UNI, Caller("administrator", "a"), Caller("citizen", "nameless")):
            for act in ("stop_secondary", "allow_secondary"):
                with pytest.raises(Refused):
                    await house.call(f"mydata.{act}", caller, kind="157")
        for act in ("stop_secondary", "allow_secondary"):
            with pytest.raises(NotFound):
                await house.call(f"mydata.{act}", wang, kind="090")
            with pytest.raises(Invalid):
                await house.call(f"mydata.{act}", wang, kind="'; drop table")
        assert (await house.node.lawful.ledger.head()).entries == 0

    in_a_house(story)


def test_a_word_on_what_no_basis_allows_any_more_can_be_taken_back() -> None:
    async def story(house: House) -> None:
        await registered(house)
        wang = house.citizen(WANG)
        await house.call("mydata.stop_secondary", wang, kind="157")
        ended = msgspec.structs.replace(RESEARCH, purposes=("172",))
        await house.node.lawful.policy.write(lambda tx: records.put_basis(tx, ended, NOW))
        house.node.lawful.conscience.forget()
        kinds = await house.call("mydata.secondary_uses", wang)
        assert [(one.kind, one.is_out, len(one.uses)) for one in kinds][-1] == ("157", True, 0)
        assert not (await house.call("mydata.allow_secondary", wang, kind="157")).is_out

    in_a_house(story)


def test_the_page_works_as_plain_forms_in_both_languages() -> None:
    async def story(house: House) -> None:
        await registered(house)
        stranger = (await house.client.get("/en/mydata/secondary")).text
        assert "/en/openid/login?next=%2Fmydata%2Fsecondary" in stranger
        assert 'name="do"' not in stranger
        page = await house.client.get("/en/mydata/secondary", token="wang")
        assert "no-store" in page.header("cache-control")
        for words in ("Income study", "111-Hsien-Pan-13", "TW/EDU/UNI", 'value="stop"', "All secondary use"):
            assert words in page.text, words
        assert "所得研究" in (await house.client.get("/mydata/secondary", token="wang")).text
        sent = {"do": "stop", "kind": "157"}
        for token, status in (("bank", 403), ("", 403), ("wang", 303)):
            answer = await house.client.post("/mydata/secondary", form=sent, token=token)
            assert answer.status == status, token
        assert await refused_for(house) == ("opt-out",)
        page = (await house.client.get("/en/mydata/secondary", token="wang")).text
        assert 'value="allow"' in page
        assert "Stopped at" in page
        assert (await house.client.post("/mydata/secondary", form={"do": "x"}, token="wang")).status == 422
        assert "/en/mydata/secondary" in (await house.client.get("/en/mydata", token="wang")).text

    in_a_house(story)
