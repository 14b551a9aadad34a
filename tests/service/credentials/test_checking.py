"""The offline verifier in Python and in JavaScript: both say the same of a true credential and of each lie."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey
from tests.make import missing
from tests.service.credentials.house import KIND, ORIGIN, WANG, House, fetched, in_a_house

from banyan.limits_mydata import CREDENTIAL_S, CREDENTIAL_STATUS_S
from banyan.wire.sdjwt.checking import Issuer, Report, check, read_issuer
from banyan.wire.sdjwt.credential import disclosed, issue, parse, show, unverified
from banyan.wire.sdjwt.disclosures import BadCredential, Sd
from banyan.wire.sdjwt.status import SUSPENDED, StatusList
from banyan.wire.sdjwt.statustoken import place_of, sign_list

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "web/portal/credential-check.js"
DRIVER = Path(__file__).parent / "peers/browser.mjs"
SHOP, NONCE = "https://shop.example", "n-1"


def in_javascript(presentations: list[Any], pinned: list[Issuer], lists: list[str], now: int, **more: str) -> list[Any]:
    node = shutil.which("node")
    if node is None:
        missing("Node")
    asked = {"script": str(SCRIPT), "presentations": presentations, "lists": lists, "now": now, **more}
    asked["pinned"] = [{"issuer": one.issuer, "keys": one.keys} for one in pinned]
    done = subprocess.run(
        [node, str(DRIVER)], input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found: list[Any] = json.loads(done.stdout)
    return found


def in_python(text: str, pinned: list[Issuer], lists: list[str], now: int, **more: str) -> Report | None:
    try:
        return check(text, pinned, lists=lists, now=now, **more)
    except BadCredential:
        return None


class Shown(msgspec.Struct):
    text: str
    pinned: list[Issuer]
    lists: list[str]
    now: int


async def shown_in(house: House) -> Shown:
    wallet, held = await fetched(house)
    now = int(house.now[0])
    wanted = disclosed("county", "members", "relation")
    text = show(held[0], wanted, holder=wallet.keys[0], audience=SHOP, nonce=NONCE, now=now)
    pinned = [read_issuer((await house.client.get("/.well-known/jwt-vc-issuer")).body)]
    return Shown(text, pinned, [await list_of(house, text)], now)


async def list_of(house: House, text: str) -> str:
    place = place_of(unverified(parse(text).jwt)[1])
    assert place is not None
    return (await house.client.get(place.uri.removeprefix(ORIGIN))).text


def test_both_say_what_was_shown_and_nothing_else() -> None:
    async def story(house: House) -> None:
        one = await shown_in(house)
        report = in_python(one.text, one.pinned, one.lists, one.now)
        (told,) = await asyncio.to_thread(in_javascript, [one.text], one.pinned, one.lists, one.now)
        assert report is not None
        assert report.shown == told["claims"]["shown"]
        assert report.shown == {"county": "花蓮縣", "members": [{"relation": "父"}, {"relation": "妹"}]}
        assert report.type == told["claims"]["type"] == f"{ORIGIN}/credentials/types/{KIND}"
        assert (report.bound.audience, report.bound.nonce) == (SHOP, NONCE)
        assert told["claims"]["bound"] == {"audience": SHOP, "nonce": NONCE, "at": one.now}
        assert report.status_at == told["claims"]["status"]["at"] == one.now
        assert told["claims"]["status"]["value"] == 0
        without = in_python(one.text, one.pinned, [], one.now)
        assert without is not None
        assert without.status_at is None

    in_a_house(story)


def test_each_lie_is_refused_by_both_with_its_reason() -> None:
    async def story(house: House) -> None:
        one = await shown_in(house)
        (mine,) = (await house.call("credentials.mine", house.citizen(WANG))).batches
        await house.call("credentials.revoke", house.citizen(WANG), batch=mine.id)
        revoked = await list_of(house, one.text)
        jwt, *shown, bound = one.text.split("~")
        others = [Issuer(ORIGIN, (ECKey.generate_key("P-256").as_dict(private=False),))]
        lies: list[tuple[str, dict[str, Any]]] = [
            ("revoked", {"lists": [revoked]}),
            ("expired", {"now": one.now + int(CREDENTIAL_S) + 86_400}),
            ("binding_old", {"now": one.now + 301}),
            ("binding_for_other", {"audience": "https://other.example"}),
            ("binding_for_other", {"nonce": "n-2"}),
            ("issuer", {"pinned": [Issuer("https://x.example", one.pinned[0].keys)]}),
            ("signature", {"pinned": others}),
            ("binding", {"text": "~".join((jwt, *shown, "")), "audience": SHOP, "nonce": NONCE}),
            ("binding_of_other", {"text": "~".join((jwt, *shown[1:], bound))}),
            ("disclosures", {"text": "~".join((jwt, *shown, shown[0], bound))}),
            ("shape", {"text": "x"}),
            ("shape", {"text": ""}),
        ]
        asked = []
        for reason, changed in lies:
            told = {"text": one.text, "pinned": one.pinned, "lists": one.lists, "now": one.now} | changed
            assert in_python(**told) is None, reason
            told["pinned"] = [{"issuer": each.issuer, "keys": each.keys} for each in told["pinned"]]
            asked.append(told)
        found = await asyncio.to_thread(in_javascript, asked, one.pinned, one.lists, one.now)
        assert [each.get("refused") for each in found] == [reason for reason, _ in lies]

    in_a_house(story)


def test_every_turned_character_is_refused_by_both() -> None:
    async def story(house: House) -> None:
        one = await shown_in(house)
        lies = [
            one.text[:at] + ("A" if one.text[at] != "A" else "B") + one.text[at + 1 :]
            for at in range(0, len(one.text), 3)
        ]
        assert [lie for lie in lies if in_python(lie, one.pinned, one.lists, one.now) is not None] == []
        found = await asyncio.to_thread(in_javascript, [one.text, *lies], one.pinned, one.lists, one.now)
        assert "claims" in found[0]
        assert [each for each in found[1:] if "refused" not in each] == []

    in_a_house(story)


KEY, HOLDER, OTHER = (ECKey.generate_key("P-256") for _ in range(3))
NOW = 1_795_438_800
URI = "https://a.example/status/1"


def made(**claims: Any) -> str:
    values = {"iss": "https://a.example", "vct": "v", "iat": NOW, "name": Sd("x"), **claims}
    return issue(values, KEY, random=bytes, holder=HOLDER.as_dict(private=False))


def pinned_pair() -> list[Issuer]:
    return [
        Issuer("https://a.example", (KEY.as_dict(private=False),)),
        Issuer("https://b.example", (OTHER.as_dict(private=False),)),
    ]


def test_a_status_is_believed_of_its_own_issuer_alone_and_while_it_is_fresh() -> None:
    statuses = StatusList(16, 2)
    statuses.set(3, SUSPENDED)
    text = made(status={"status_list": {"idx": 3, "uri": URI}})
    good = made(status={"status_list": {"idx": 4, "uri": URI}})

    def token(key: ECKey, now: int = NOW) -> str:
        return sign_list(statuses, URI, key, now=now, lives_s=CREDENTIAL_STATUS_S, ttl_s=300, header={})

    cases = [
        (text, [token(KEY)], "suspended"),
        (good, [token(OTHER)], "status_signature"),
        (good, [token(KEY)], ""),
        (made(), [token(KEY)], ""),
    ]
    found = in_javascript([{"text": text, "lists": lists} for text, lists, _ in cases], pinned_pair(), [], NOW)
    for (text, lists, reason), told in zip(cases, found, strict=True):
        assert (in_python(text, pinned_pair(), lists, NOW) is None) is bool(reason)
        assert told.get("refused", "") == reason
    report = in_python(good, pinned_pair(), [token(KEY, NOW - CREDENTIAL_STATUS_S)], NOW)
    assert report is not None
    assert report.status_at is None
    (late,) = in_javascript([good], pinned_pair(), [token(KEY, NOW - CREDENTIAL_STATUS_S)], NOW)
    assert late["claims"]["status"] is None, "a list too old says nothing"


@pytest.mark.parametrize("document", [b"", b"[]", b'{"issuer": "x"}', b'{"issuer": "x", "jwks": 1}'])
def test_a_document_without_keys_pins_nothing(document: bytes) -> None:
    with pytest.raises(BadCredential):
        read_issuer(document)
