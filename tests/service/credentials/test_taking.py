"""Files of one's own data: what they hold, that no spreadsheet runs them, that the signature fits, that it is noted."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from hashlib import sha256
from typing import Any

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from tests.make import Reply
from tests.service.credentials.house import CHOSEN, KIND, LEE, ORIGIN, WANG, House, in_a_house, jwks

from banyan.errors import Invalid, Unavailable
from banyan.kernel.exchange import Refused
from banyan.service.credentials import paper
from banyan.service.credentials.paper import Paper, printed
from banyan.service.credentials.rows import FORMULA, csv_of, safe
from banyan.wire.sdjwt.disclosures import b64

FIELDS = ("name", "county", "members", "note")


async def taken(house: House, form: str, *, token: str = "wang", fields: tuple[str, ...] = FIELDS) -> Reply:
    body = "&".join([f"do={form}", *(f"field={name}" for name in fields)]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await house.client.post(f"/en/credentials/take/{KIND}", body=body, headers=headers, token=token)


async def signed_by(house: House) -> ECKey:
    (key,) = jwks(await house.client.get("/.well-known/jwt-vc-issuer"))
    return ECKey.import_key(key)


def opened(signature: str, key: ECKey) -> dict[str, Any]:
    found = jws.deserialize_compact(signature, key, algorithms=["ES256"])
    assert found.protected["typ"] == "taken+jwt"
    read: dict[str, Any] = json.loads(found.payload)
    return read


def test_json_holds_the_data_and_its_signature() -> None:
    async def story(house: House) -> None:
        answer = await taken(house, "json")
        assert answer.status == 200
        assert answer.header("content-disposition") == 'attachment; filename="hukou-household.json"'
        assert "no-store" in answer.header("cache-control")
        file = answer.json
        told = opened(file.pop("jws"), await signed_by(house))
        assert told == file
        assert told["iss"] == ORIGIN
        assert told["data"]["members"] == [
            {"name": "王大樹", "relation": "父"},
            {"name": "王小枝", "relation": "妹"},
        ]
        assert "status" not in told["data"]
        assert await house.uses() == 1
        record = json.loads((await house.node.lawful.ledger.history(_name(house), most=1)).uses[0].record)
        assert (record["operation"], record["fields"]) == (KIND, sorted(FIELDS))
        assert record["receiver"] == "", "nobody but the person themselves"

    in_a_house(story)


def _name(house: House) -> bytes:
    return house.node.lawful.conscience.subject(WANG)


def test_csv_is_text_for_every_spreadsheet_and_signed_beside() -> None:
    async def story(house: House) -> None:
        answer = await taken(house, "csv")
        assert answer.header("content-type") == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
            assert packed.namelist() == ["hukou-household.csv", "hukou-household.csv.jws"]
            content, signature = packed.read("hukou-household.csv"), packed.read("hukou-household.csv.jws").decode()
        assert content.startswith(b"\xef\xbb\xbf")
        told = opened(signature, await signed_by(house))
        assert (told["file"], told["sha256"]) == ("hukou-household.csv", b64(sha256(content).digest()))
        assert "data" not in told, "the signature beside repeats nothing of the person"
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert rows[0] == ["Item", "Value"]
        assert ["Name", "王小榕"] in rows
        assert ["members 2 relation", "妹"] in rows
        assert ["note", "'=1+1"] in rows, "not run as a formula"

    in_a_house(story)


def test_pdf_has_selectable_chinese_and_its_font_inside() -> None:
    async def story(house: House) -> None:
        answer = await taken(house, "pdf")
        assert answer.status == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
            content, signature = packed.read("hukou-household.pdf"), packed.read("hukou-household.pdf.jws").decode()
        assert opened(signature, await signed_by(house))["sha256"] == b64(sha256(content).digest())
        assert b"/FontFile3" in content
        assert b"/Lang" in content
        assert len(content) < 60_000, "the glyphs that are used, not the whole font"
        text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content))
        for words in (
            "Household record",
            "王小榕",
            "王大樹",
            "花蓮縣",
            "Personal Data Protection Act, article 3",
            "=1+1",
        ):
            assert words in text, words
        assert "在籍" not in text

    in_a_house(story)


def test_a_character_the_font_lacks_is_said_not_dropped() -> None:
    sheet = Paper("zh-Hant", "𠮷田", (), ("項目", "內容"), (("姓名", "陳𠮷"), ("註", "é\n二行")), (), "〔{code}〕")
    document = pypdfium2.PdfDocument(paper.draw(sheet))
    text = document[0].get_textpage().get_text_range()
    assert "〔U+20BB7〕田" in text
    assert "陳〔U+20BB7〕" in text
    assert "é" in text


def test_a_pdf_that_cannot_be_made_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "PAPER_S", 0.0)
    sheet = Paper("en", "x", (), ("a", "b"), (), (), "")
    with pytest.raises(Unavailable):
        asyncio.run(printed(sheet))


def test_nobody_takes_anothers_or_more_than_there_is() -> None:
    async def story(house: House) -> None:
        for token, status in (("", 403), ("clerk", 403), ("other", 403)):
            assert (await taken(house, "json", token=token)).status == status, token
        hers = (await taken(house, "json", token="lee")).json
        assert hers["data"]["name"] == "李四"
        assert "王小榕" not in json.dumps(hers, ensure_ascii=False)
        for fields in (("secret",), ("name", "secret")):
            assert (await taken(house, "json", fields=fields)).status == 422
        assert (await taken(house, "json", fields=())).status == 422
        assert (await taken(house, "exe")).status == 422
        with pytest.raises(Invalid):
            await house.call(
                "credentials.take", house.citizen(WANG), kind=KIND, fields=["name"], form="exe", origin=ORIGIN
            )
        with pytest.raises(Refused):
            await house.call("credentials.take", house.citizen(LEE).__class__("app", "a"), kind=KIND, fields=["name"],
                             form="json", origin=ORIGIN)  # fmt: skip
        assert await house.uses() == 0

    in_a_house(story)


def test_a_turned_bit_is_noticed() -> None:
    async def story(house: House) -> None:
        signature, key = (await taken(house, "json")).json["jws"], await signed_by(house)
        for at in range(0, len(signature), 13):
            lie = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]
            with pytest.raises((JoseError, ValueError)):
                opened(lie, key)

    in_a_house(story)


def test_pages_step_by_step_in_both_languages() -> None:
    async def story(house: House) -> None:
        stranger = (await house.client.get("/en/credentials")).text
        assert "/en/openid/login?next=%2Fcredentials" in stranger
        assert "Household record" not in stranger
        home = (await house.client.get("/credentials", token="wang")).text
        assert f"/credentials/take/{KIND}" in home
        assert "個人資料保護法第 3 條" in home
        choose = (await house.client.get(f"/en/credentials/take/{KIND}", token="wang")).text
        assert 'value="members"' in choose
        assert 'value="secret"' not in choose
        assert "王小榕" not in choose, "nothing is read before it is asked for"
        seen = await taken(house, "preview")
        assert "王大樹" in seen.text
        assert 'value="pdf"' in seen.text
        offered = await taken(house, "wallet", fields=CHOSEN)
        assert "openid-credential-offer://?credential_offer=" in offered.text
        assert "data:image/svg+xml" in offered.text
        assert "no-store" in offered.header("cache-control")
        waiting = (await house.client.get("/en/credentials", token="wang")).text
        assert "waits for a wallet" in waiting
        assert "Name, county" in waiting, "fields by what they are called"
        assert "openid-credential-offer" not in waiting, "the code is shown once"
        (offer,) = (await house.call("credentials.mine", house.citizen(WANG))).offers
        for token, status in (("lee", 404), ("", 403), ("wang", 303)):
            gone = await house.client.post("/credentials", form={"do": "take_back", "offer": offer.id}, token=token)
            assert gone.status == status, token
        assert (await house.client.post("/credentials", form={"do": "x"}, token="wang")).status == 422
        for path in ("/credentials/take/hukou.hidden", "/credentials/take/x"):
            assert (await house.client.get(path, token="wang")).status == 404, path
        assert await house.uses() == 2

    in_a_house(story)


@given(st.text(max_size=30))
def test_no_cell_begins_a_formula_and_every_cell_comes_back(cell: str) -> None:
    text = csv_of([("n", "label", cell)], ("a", "b")).decode("utf-8-sig")
    (_, (_, read)) = csv.reader(io.StringIO(text, newline=""))
    assert not read.startswith(FORMULA)
    assert read in (cell, f"'{cell}")
    assert safe(cell) == read
