"""The pages of one's own data, in both languages and without script: what they show, and whose forms they take."""

from __future__ import annotations

from tests.kernel.policy.test_judging import NOW
from tests.service.mydata.house import BANK, OFFICE, SHOP, House, in_a_house
from tests.service.mydata.test_consents import OFFER, WANTED, asked


def test_uses_and_consents_in_both_languages() -> None:
    async def story(house: House) -> None:
        id = await asked(house)
        used = await house.use()
        await house.use(at=NOW + 1, reveal_after=NOW + 9, receiver_name="Police")
        await house.publish()
        page = await house.client.get("/en/mydata", token="wang")
        assert page.status == 200
        assert "no-store" in page.header("cache-control")
        for words in ("Personal Data Protection Act, article 16", f"/mydata/receipt/{used.index}", "Mortgage check",
                      "it is shown here from 2020-05-21 02:40", "Ask or complain about"):  # fmt: skip
            assert words in page.text, words
        assert "Police" not in page.text
        assert "個人資料保護法第 16 條" in (await house.client.get("/mydata", token="wang")).text
        asking = (await house.client.get(f"/en/mydata/consents/{id}", token="wang")).text
        for words in ("480000", "2019", 'value="year"', "Example Bank", "Agree"):
            assert words in asking, words
        for token in ("lee", "bank", ""):
            other = await house.client.get(f"/mydata/consents/{id}", token=token)
            assert other.status == (404 if token == "lee" else 403), token
            assert "480000" not in other.text
        stranger = (await house.client.get("/en/mydata")).text
        assert "/openid/login" in stranger
        assert "article 16" not in stranger

    in_a_house(story)


def test_a_word_is_one_plain_form_and_only_its_givers() -> None:
    async def story(house: House) -> None:
        id = await asked(house)
        path = f"/mydata/consents/{id}"
        for token, status in (("lee", 404), ("bank", 403), ("", 403)):
            assert (await house.client.post(path, form={"do": "give", "field": "income"}, token=token)).status == status
        assert (await house.client.post(path, form={"do": "steal"}, token="wang")).status == 422
        given = await house.client.post(path, form={"do": "give", "field": "income"}, token="wang")
        assert (given.status, given.header("location")) == (303, "/mydata")
        assert (await house.call("mydata.standing", BANK, consent=id)).fields == ("income",)
        page = (await house.client.get("/en/mydata", token="wang")).text
        assert 'value="withdraw"' in page
        assert "in force" in page
        again = await house.client.post(path, form={"do": "give", "field": "income"}, token="wang")
        assert again.status == 409
        await house.client.post(f"/en{path}", form={"do": "withdraw"}, token="wang")
        assert (await house.call("mydata.standing", BANK, consent=id)).state == "withdrawn"
        assert "withdrawn" in (await house.client.get(f"/en{path}", token="wang")).text, "the link shows how it stands"

    in_a_house(story)


def test_the_page_says_how_many_fields_more_than_similar_services() -> None:
    async def story(house: House) -> None:
        await house.call("mydata.declare_service", OFFICE, **OFFER)
        for agency, more in ((BANK, ("year", "employer")), (SHOP, ()), (OFFICE, ())):
            wanted = {**WANTED, "id": f"p-{agency.agency.rpartition('/')[2].lower()}", "more": more}
            await house.call("mydata.declare_purpose", agency, **wanted)
        request = await house.call("mydata.request_consent", BANK, purpose="p-bank", person="A123456789")
        for lang, words in (
            ("/en", "asks 2 fields more than 2 similar services"),
            ("", "比 2 個類似服務多要求 2 個欄位"),
        ):
            page = await house.client.get(f"{lang}{request.path}", token="wang")
            assert words in page.text, page.text
        usual = await house.call("mydata.request_consent", SHOP, purpose="p-shop", person="A123456789")
        assert "similar services" not in (await house.client.get(f"/en{usual.path}", token="wang")).text

    in_a_house(story)
