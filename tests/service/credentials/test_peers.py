"""Other people's libraries, in both directions: a wallet takes our offer to credentials, three verifiers read ours, we
read what two issuers make; and whatever bit is turned, each of them refuses.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from joserfc.jwk import ECKey
from tests.make import missing
from tests.service.credentials.house import CHOSEN, KIND, WANG, House, in_a_house, jwks

from banyan.kernel.exchange.server import server_config
from banyan.wire.sdjwt.credential import disclosed, parse, show, unverified, verify
from banyan.wire.sdjwt.disclosures import BadCredential
from banyan.wire.sdjwt.statustoken import place_of, verify_list

HERE = Path(__file__).parent
PEERS = HERE / "peers"
PYTHON = HERE.parents[2] / ".venv-peers/bin/python"
pytestmark = pytest.mark.peers
AUDIENCE, NONCE = "https://shop.example", "n-4711"


def ran(command: list[str], asked: Any) -> Any:
    """What a peer's script answers to JSON; it must end well."""
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


def node(script: str, *arguments: str) -> list[str]:
    found = shutil.which("node")
    if found is None or not (PEERS / "node_modules").is_dir():
        missing("the peers' packages are not installed: npm ci in tests/service/credentials/peers")
    return [str(found), str(PEERS / script), *arguments]


def python(*arguments: str) -> list[str]:
    if not PYTHON.exists() or not list(PYTHON.parents[1].glob("lib/python3*/site-packages/sd_jwt")):
        missing(".venv-peers is not installed")
    return [str(PYTHON), str(PEERS / "reference.py"), *arguments]


def live(story: Callable[[House, str], Awaitable[None]]) -> None:
    """Tell a story in a house whose door is on a socket, by the real clock."""

    async def told(house: House) -> None:
        house.now[0] = time.time()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(server_config(house.app))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await story(house, f"http://localhost:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            await serving
            listener.close()

    in_a_house(told)


async def offered(house: House, origin: str) -> Any:
    return await house.call("credentials.offer", house.citizen(WANG), kind=KIND, fields=list(CHOSEN), origin=origin)


@pytest.mark.parametrize("is_bound", [False, True])
def test_a_wallet_of_the_field_takes_our_offer_to_a_batch(is_bound: bool) -> None:
    """npm @openid4vc/openid4vci, with a bearer's token and with DPoP."""

    async def story(house: House, origin: str) -> None:
        offer = await offered(house, origin)
        asked = {"offer": offer.url, "txCode": offer.tx_code, "batch": 10, "dpop": is_bound}
        wrong = f"{(int(offer.tx_code) + 1) % 1_000_000:06}"
        refused = await asyncio.to_thread(ran, node("wallet.mjs"), asked | {"txCode": wrong})
        assert refused == {"refused": "invalid_grant"}
        got = await asyncio.to_thread(ran, node("wallet.mjs"), asked)
        assert got["version"] == "V1"
        assert got["type"] == ("DPoP" if is_bound else "Bearer")
        assert list(got["known"]) == [KIND], "it knows the format, and the metadata fit its schema"
        assert len(got["credentials"]) == len(set(got["credentials"])) == 10
        keys = {key["kid"]: ECKey.import_key(key) for key in jwks(await house.client.get("/.well-known/jwt-vc-issuer"))}
        for credential, jwk in zip(got["credentials"], got["holders"], strict=True):
            holder, now = ECKey.import_key(jwk), int(house.now[0])
            shown = show(credential, disclosed("county"), holder=holder, audience=AUDIENCE, nonce=NONCE, now=now)
            said = verify(shown, lambda header, _: keys[header["kid"]], now=now, audience=AUDIENCE, nonce=NONCE)
            assert said.claims["county"] == "花蓮縣"
            assert "name" not in said.claims
        again = await asyncio.to_thread(ran, node("wallet.mjs"), asked)
        assert again == {"refused": "invalid_grant"}, "redeemed once"

    live(story)


class Ours:
    """A presentation of ours with what its verifier has: the issuer's key, the status list, the question."""

    def __init__(self, presentation: str, issuer: dict[str, Any], status_list: str, now: int) -> None:
        self.presentation, self.issuer, self.status_list, self.now = presentation, issuer, status_list, now

    def asked(self, presentations: list[str]) -> dict[str, Any]:
        return {
            "presentations": presentations,
            "issuer": self.issuer,
            "statusList": self.status_list,
            "nonce": NONCE,
            "audience": AUDIENCE,
            "now": self.now,
        }


async def presented(house: House) -> Ours:
    from tests.service.credentials.house import Wallet

    wallet = Wallet(house, keys=1)
    (credential,) = await wallet.credentials(await house.offer())
    now = int(house.now[0])
    wanted = disclosed("county", "members", "relation")
    shown = show(credential, wanted, holder=wallet.keys[0], audience=AUDIENCE, nonce=NONCE, now=now)
    (issuer,) = jwks(await house.client.get("/.well-known/jwt-vc-issuer"))
    place = place_of(unverified(parse(credential).jwt)[1])
    assert place is not None
    listed = await house.client.get(place.uri.removeprefix("http://localhost"))
    return Ours(shown, issuer, listed.text, now)


def turned(text: str, *, every: int) -> list[str]:
    """The text with one character of it another, at every so many-th place. In base64url each is six bits."""
    return [text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in range(0, len(text), every)]


def judged(found: list[dict[str, Any]]) -> None:
    """The first is the true one; every other has a bit turned."""
    assert found[0]["claims"]["county"] == "花蓮縣"
    assert [member["relation"] for member in found[0]["claims"]["members"]] == ["父", "妹"]
    assert not {"name", "data_status", "note"} & found[0]["claims"].keys()
    assert [one for one in found[1:] if "refused" not in one] == []


def test_three_verifiers_read_ours_and_refuse_every_turned_bit() -> None:
    """npm @sd-jwt/sd-jwt-vc with the status list, PyPI sd-jwt, and our own, on the same 100 and more lies."""

    async def story(house: House) -> None:
        house.now[0] = time.time()
        ours = await presented(house)
        lies = turned(ours.presentation, every=17)
        assert len(lies) > 100
        asked = ours.asked([ours.presentation, *lies])
        theirs = await asyncio.to_thread(ran, node("sdjwt.mjs", "verify"), asked)
        judged(theirs)
        assert theirs[0]["audience"] == AUDIENCE
        judged(await asyncio.to_thread(ran, python("verify"), asked))
        key = ECKey.import_key(ours.issuer)
        judged([read(one, key, ours.now) for one in asked["presentations"]])
        (batch,) = (await house.call("credentials.mine", house.citizen(WANG))).batches
        await house.call("credentials.revoke", house.citizen(WANG), batch=batch.id)
        place = place_of(unverified(parse(ours.presentation).jwt)[1])
        assert place is not None
        ours.status_list = (await house.client.get(place.uri.removeprefix("http://localhost"))).text
        (revoked,) = await asyncio.to_thread(ran, node("sdjwt.mjs", "verify"), ours.asked([ours.presentation]))
        assert "refused" in revoked
        statuses = {"statusList": ours.status_list, "indexes": [place.index, (place.index + 1) % 131_072]}
        assert await asyncio.to_thread(ran, node("sdjwt.mjs", "status"), statuses) == [1, 0]

    in_a_house(story)


def read(presentation: str, key: ECKey, now: int) -> dict[str, Any]:
    try:
        return {"claims": verify(presentation, lambda *_: key, now=now, audience=AUDIENCE, nonce=NONCE).claims}
    except BadCredential as error:
        return {"refused": str(error)}


CLAIMS = {"name": "林小榕", "county": "花蓮縣", "langs": ["台", "客"], "address": {"town": "吉安鄉", "road": "中央路"}}


def test_we_read_what_npm_sd_jwt_issues() -> None:
    now = int(time.time())
    asked = {
        "now": now,
        "nonce": NONCE,
        "audience": AUDIENCE,
        "uri": "https://issuer.example/status/1",
        "status": 1,
        "claims": CLAIMS,
        "frame": {"_sd": ["name", "county", "address"], "langs": {"_sd": [0, 1]}, "address": {"_sd": ["road"]}},
        "shown": {"county": True, "langs": {"1": True}, "address": {"road": True}},
    }
    made = ran(node("sdjwt.mjs", "issue"), asked)
    key = ECKey.import_key(made["issuer"])
    said = read(made["presentation"], key, now)["claims"]
    assert (said["county"], said["langs"], said["address"]) == ("花蓮縣", ["客"], CLAIMS["address"])
    assert "name" not in said
    statuses = verify_list(made["token"], lambda *_: key, uri=asked["uri"], now=now)
    assert [statuses[index] for index in range(8)] == [0, 1, 0, 1, 1, 0, 1, 1]
    place = place_of(said)
    assert place is not None
    assert statuses[place.index] == 1
    for lie in turned(made["presentation"], every=1):
        assert "refused" in read(lie, key, now)
    for lie in turned(made["token"], every=1):
        with pytest.raises(BadCredential):
            verify_list(lie, lambda *_: key, uri=asked["uri"], now=now)


def test_we_read_what_the_reference_implementation_issues() -> None:
    now = int(time.time())
    asked = {
        "now": now,
        "nonce": NONCE,
        "audience": AUDIENCE,
        "claims": CLAIMS,
        "shown": {"county": True, "langs": True},
    }
    made = ran(python("issue"), asked)
    key = ECKey.import_key(made["issuer"])
    said = read(made["presentation"], key, now)["claims"]
    assert (said["county"], said["langs"]) == ("花蓮縣", ["台", "客"])
    assert "name" not in said
    for lie in turned(made["presentation"], every=1):
        assert "refused" in read(lie, key, now)
