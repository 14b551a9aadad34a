"""Apps as callers: they declare and ask for their agency, are told when a consent ends; and the ways that are shut."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.service.mydata.house import BANK, LEE, OFFICE, SHOP, WANG, House, in_a_house
from tests.service.mydata.test_consents import OFFER, WANTED, bank_reads

from banyan.errors import Conflict, NotFound
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import Caller
from banyan.limits_mydata import MYDATA_DELETE_DAYS

APP = Caller("app", "loan-app", agency="TW/COM/BANK")
TAX_APP = Caller("app", "tax-app", agency="TW/GOV/TAX")


def test_what_an_app_declares_waits_for_its_agencys_officer() -> None:
    async def story(house: House) -> None:
        await house.call("mydata.declare_service", TAX_APP, **OFFER)
        with pytest.raises(Conflict) as early:
            await house.call("mydata.declare_purpose", APP, **WANTED)
        assert early.value.kind == "consent-offer-unapproved"
        with pytest.raises(NotFound):
            await house.call("mydata.approve", BANK, id="tax-income", kind="service")
        await house.call("mydata.approve", OFFICE, id="tax-income", kind="service")
        with pytest.raises(Conflict) as taken:
            await house.call("mydata.declare_service", TAX_APP, **OFFER)
        assert taken.value.kind == "consent-taken", "an app does not change what its officer approved"

        await house.call("mydata.declare_purpose", APP, **WANTED)
        with pytest.raises(Conflict) as waits:
            await house.call("mydata.request_consent", APP, purpose="loan-1", person=WANG)
        assert waits.value.kind == "consent-purpose-unapproved"
        for other in (SHOP, OFFICE):
            with pytest.raises(NotFound):
                await house.call("mydata.approve", other, id="loan-1")
        with pytest.raises(Refused):
            await house.call("mydata.approve", APP, id="loan-1")
        await house.call("mydata.approve", BANK, id="loan-1")
        asked = await house.call("mydata.request_consent", APP, purpose="loan-1", person=WANG)
        assert (await house.call("mydata.standing", APP, consent=asked.consent)).state == "requested"

    in_a_house(story)


def test_an_apps_token_of_a_person_speaks_for_no_agency() -> None:
    async def story(house: House) -> None:
        lent = msgspec.structs.replace(APP, subject=house.citizen(WANG).subject, assurance="aal2")
        for operation, asked in (
            ("mydata.declare_service", OFFER),
            ("mydata.declare_purpose", WANTED),
            ("mydata.endings", {}),
            ("mydata.consents", {}),
            ("mydata.asked_by_app", {"purpose": "loan-1", "agency": "TW/COM/BANK"}),
        ):
            with pytest.raises(Refused):
                await house.call(operation, lent, **asked)

    in_a_house(story)


async def given(house: House) -> str:
    """Wang's consent to the bank, asked by its app through the provider."""
    await house.call("mydata.declare_service", OFFICE, **OFFER)
    await house.call("mydata.declare_purpose", BANK, **{**WANTED, "per_day": 9})
    wang = house.citizen(WANG)
    asked = await house.call("mydata.asked_by_app", wang, purpose="loan-1", agency="TW/COM/BANK")
    await house.call("mydata.give", wang, consent=asked.consent, fields=("income",))
    return str(asked.consent)


def test_a_recipient_is_told_by_when_to_delete_until_it_says_that_it_has() -> None:
    async def story(house: House) -> None:
        id = await given(house)
        assert await house.call("mydata.endings", APP) == ()
        await house.call("mydata.withdraw", house.citizen(WANG), consent=id)
        (ending,) = await house.call("mydata.endings", APP)
        assert (ending.consent, ending.purpose, ending.state) == (id, "loan-1", "withdrawn")
        assert not ending.is_overdue
        assert await house.call("mydata.endings", SHOP) == ()
        house.now[0] += MYDATA_DELETE_DAYS * 86_400
        assert (await house.call("mydata.endings", BANK))[0].is_overdue
        with pytest.raises(NotFound):
            await house.call("mydata.acknowledge", SHOP, consent=id)
        first = await house.call("mydata.acknowledge", APP, consent=id)
        house.now[0] += 60
        assert await house.call("mydata.acknowledge", APP, consent=id) == first, "the first word stands"
        assert await house.call("mydata.endings", APP) == ()

    in_a_house(story)


def test_asking_and_answering_are_the_persons_own() -> None:
    async def story(house: House) -> None:
        id = await given(house)
        assert await bank_reads(house, "income") == {"income": 480_000}
        lee = house.citizen(LEE)
        with pytest.raises(NotFound):
            await house.call("mydata.answer", lee, consent=id)
        with pytest.raises(NotFound):
            await house.call("mydata.asked_by_app", lee, purpose="loan-1", agency="TW/COM/SHOP")
        for caller in (BANK, APP):
            with pytest.raises(Refused):
                await house.call("mydata.asked_by_app", caller, purpose="loan-1", agency="TW/COM/BANK")

    in_a_house(story)


@pytest.mark.parametrize(
    "bad",
    [
        "https://evil.example/",
        "//evil.example",
        "/openid/ask/short",
        "/openid/ask/" + "a" * 43 + "/../../x",
        "/mydata?x",
    ],
)
def test_the_preview_leads_back_to_a_request_of_the_provider_and_nowhere_else(bad: str) -> None:
    async def story(house: House) -> None:
        await house.call("mydata.declare_service", OFFICE, **OFFER)
        await house.call("mydata.declare_purpose", BANK, **WANTED)
        wang = house.citizen(WANG)
        asked = await house.call("mydata.asked_by_app", wang, purpose="loan-1", agency="TW/COM/BANK")
        path = f"/mydata/consents/{asked.consent}"
        page = await house.client.get(f"{path}?next={bad}", token="wang")
        assert page.status == 200
        assert 'name="next"' not in page.text
        assert "evil" not in page.header("content-security-policy")
        answer: Any = await house.client.post(path, form={"do": "refuse", "next": bad}, token="wang")
        assert answer.header("location") == "/mydata"

    in_a_house(story)
