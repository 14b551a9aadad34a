"""What an attacker gets at the provider's addresses: each attack by its name, through the door."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.kernel.identity.openid.making import BACK, ISSUER, LOAN, World, query
from tests.make import NOW, Client, Node, Reply
from tests.service.identity.house import BYE, a_house

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.provider import Provider

Story = Callable[["House"], Awaitable[None]]
HOST = ISSUER.removeprefix("https://")


class House:
    """A node at its public address, with an app's side (`app`) on the same clock."""

    def __init__(self, node: Node, provider: Provider) -> None:
        self.node, self.provider = node, provider
        self.app = World(provider.store)
        self.app.provider = provider
        self.app.now = NOW

    async def call(self, method: str, target: str, *, jar: dict[str, str] | None = None, **options: Any) -> Reply:
        headers = dict(options.pop("headers", {})) | {"host": HOST}
        if jar:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        reply = await self.node.client.request(method, target, headers=headers, scheme="https", **options)
        if jar is not None:
            for name, value in reply.headers:
                if name == "set-cookie":
                    key, _, rest = value.partition("=")
                    jar[key] = rest.partition(";")[0]
        return reply

    async def begin(self, jar: dict[str, str], **changes: str | None) -> Reply:
        """The page a basic app's request ends at."""
        asked = {"client_id": "library", **self.app.request(**changes)}
        reply = await self.call("GET", f"/openid/authorize?{urlencode(asked)}", jar=jar)
        return reply

    async def page(self, jar: dict[str, str], **changes: str | None) -> tuple[str, str]:
        """The address of the request's own page, and its form's token."""
        reply = await self.begin(jar, **changes)
        assert reply.status == 303, reply.text
        path = reply.header("location")
        return path, token_of(await self.call("GET", path, jar=jar))

    async def enter(self, jar: dict[str, str], path: str, token: str, persona: str = "ann") -> Reply:
        return await self.call("POST", path, jar=jar, form={"form_token": token, "do": "persona", "persona": persona})


def token_of(reply: Reply) -> str:
    found = re.search(r'name="form_token" value="([^"]*)"', reply.text)
    assert found, reply.text[:1_500]
    return found.group(1)


def lived(folder: Path, story: Story, **options: Any) -> None:
    async def live() -> None:
        async with a_house(folder, issuer=ISSUER, **options) as (node, provider):
            await story(House(node, provider))

    asyncio.run(live())


def test_code_replay_through_the_door(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        code = await house.app.code()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": "v" * 43}

        async def redeem() -> Reply:
            sent = {**form, **house.app.assertion()}
            return await house.call(
                "POST", "/openid/token", form=sent, headers={"dpop": house.app.proof("/openid/token")}
            )

        first = await redeem()
        assert (first.status, "no-store" in first.header("cache-control")) == (200, True)
        second = await redeem()
        assert (second.status, second.json["error"]) == (400, "invalid_grant")
        assert not await house.app.is_active(first.json["access_token"])

    lived(tmp_path, story)


def test_mix_up_is_noticed_by_iss(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        jar: dict[str, str] = {}
        path, token = await house.page(jar)
        await house.enter(jar, path, token)
        asked = await house.call("GET", path, jar=jar)
        done = await house.call("POST", path, jar=jar, form={"form_token": token_of(asked), "do": "agree"})
        said = query(done.header("location"))
        assert done.header("location").startswith(BACK + "?")
        assert (said["iss"], said["state"]) == (ISSUER, "state-1")

    lived(tmp_path, story)


def test_a_host_header_is_no_issuer(tmp_path: Path) -> None:
    """An address that leads here must not become an issuer that assertions are made out to."""

    async def story(house: House) -> None:
        said = await house.node.client.get("/.well-known/openid-configuration", headers={"host": "6.6.6.6"})
        assert said.json["issuer"] == ISSUER

    lived(tmp_path, story)


def test_no_issuer_but_this_machine_without_a_public_address(tmp_path: Path) -> None:
    async def live() -> None:
        async with a_house(tmp_path) as (node, _):
            client: Client = node.client
            own = await client.get("/.well-known/openid-configuration", headers={"host": "localhost:8000"})
            assert own.json["issuer"] == "http://localhost:8000"
            other = await client.get("/.well-known/openid-configuration", headers={"host": "6.6.6.6"})
            assert other.status == 503

    asyncio.run(live())


def test_dpop_htu_is_of_the_public_origin(tmp_path: Path) -> None:
    """Behind a proxy the request comes by http to another host; the proof names the public address."""

    async def story(house: House) -> None:
        form = {"grant_type": "client_credentials", **house.app.assertion()}
        proof = {"dpop": house.app.proof("/openid/token"), "host": "localhost:8000"}
        inside = await house.node.client.post("/openid/token", form=form, headers=proof)
        assert inside.json["token_type"] == "DPoP"
        wrong = {"dpop": house.app.proof("/openid/token", htu="http://localhost:8000/openid/token"), "host": HOST}
        form |= house.app.assertion()
        refused = await house.node.client.post("/openid/token", form=form, headers=wrong)
        assert refused.json["error"] == "invalid_dpop_proof"

    lived(tmp_path, story)


def test_dpop_nonce_is_asked_for_and_given(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        form = {"grant_type": "client_credentials", **house.app.assertion()}
        proof = house.app.proof("/openid/token", nonce=None)
        asked = await house.call("POST", "/openid/token", form=form, headers={"dpop": proof})
        assert asked.json["error"] == "use_dpop_nonce"
        nonce = asked.header("dpop-nonce")
        proof = house.app.proof("/openid/token", nonce=nonce)
        given = await house.call("POST", "/openid/token", form=form, headers={"dpop": proof})
        assert given.status == 200  # the same assertion: the first round did not burn it
        assert given.header("dpop-nonce")
        again = await house.call("POST", "/openid/token", form=form, headers={"dpop": house.app.proof("/openid/token")})
        assert again.status in (400, 401)  # now it is burnt

    lived(tmp_path, story)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/cb",
        BACK + "/",
        BACK + "?x=1",
        BACK + "#x",
        "https://app.example@evil.example/cb",
        "//e",
        "",
    ],
)
def test_open_redirect_of_an_app(tmp_path: Path, address: str) -> None:
    async def story(house: House) -> None:
        reply = await house.begin({}, redirect_uri=address)
        assert reply.status == 400
        assert not reply.header("location")
        assert 'href="https://evil' not in reply.text
        assert 'action="https://evil' not in reply.text

    lived(tmp_path, story)


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "/\tx"])
def test_open_redirect_after_signing_in(tmp_path: Path, place: str) -> None:
    async def story(house: House) -> None:
        jar: dict[str, str] = {}
        shown = await house.call("GET", "/openid/login", jar=jar)
        form = {"form_token": token_of(shown), "do": "persona", "persona": "ann", "next": place}
        done = await house.call("POST", "/openid/login", jar=jar, form=form)
        assert (done.status, done.header("location")) == (303, "/openid/account")

    lived(tmp_path, story)


def test_open_redirect_of_logout(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for form in (
            {"post_logout_redirect_uri": "https://evil.example"},
            {"post_logout_redirect_uri": BYE},
            {"post_logout_redirect_uri": "https://evil.example", "client_id": "library"},
        ):
            shown = await house.call("GET", f"/openid/logout?{urlencode(form)}", jar={})
            assert (shown.status, shown.header("location")) == (200, "")
        jar: dict[str, str] = {}
        form = {"post_logout_redirect_uri": BYE, "client_id": "library", "state": "s"}
        shown = await house.call("GET", f"/openid/logout?{urlencode(form)}", jar=jar)
        done = await house.call("POST", "/openid/logout", jar=jar, form={**form, "form_token": token_of(shown)})
        assert done.header("location") == f"{BYE}?state=s"

    lived(tmp_path, story)


def test_csrf_on_the_sign_in_form(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        mine: dict[str, str] = {}
        path, token = await house.page(mine)
        theirs: dict[str, str] = {}
        await house.page(theirs)
        for wrong in ("", "x", token[:-1]):
            reply = await house.enter(mine, path, wrong)
            assert (reply.status, reply.header("location")) == (422, "")
        assert (await house.enter(theirs, path, token)).status == 400  # another browser's request
        evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        form = {"form_token": token, "do": "persona", "persona": "ann"}
        assert (await house.call("POST", path, jar=mine, form=form, headers=evil)).status == 403
        assert (await house.enter(mine, path, token)).status == 303

    lived(tmp_path, story)


def test_clickjacking_and_scripts_are_shut_out(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        jar: dict[str, str] = {}
        path, _ = await house.page(jar)
        shown = await house.call("GET", path, jar=jar)
        policy = shown.header("content-security-policy")
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert "form-action 'self' https://app.example;" in policy
        assert shown.header("cache-control") == "no-store"
        assert "<script>" not in shown.text

    lived(tmp_path, story)


def test_session_fixation(tmp_path: Path) -> None:
    """A cookie planted before the sign-in is worth nothing after it."""

    async def story(house: House) -> None:
        planted = {"__Host-openid": "planted-by-the-attacker"}
        jar = dict(planted)
        path, token = await house.page(jar)
        assert (await house.enter(jar, path, token)).status == 303
        assert jar["__Host-openid"] != planted["__Host-openid"]
        assert (await house.call("GET", path, jar=dict(planted))).status == 400
        mine = await house.call("GET", "/openid/account", jar=dict(planted))
        assert mine.header("location") == "/openid/login"
        assert (await house.call("GET", "/openid/account", jar=jar)).status == 200

    lived(tmp_path, story)


def test_cookies_are_of_this_host_and_out_of_scripts(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        reply = await house.begin({})
        cookie = reply.header("set-cookie")
        assert cookie.startswith("__Host-openid=")
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}

    lived(tmp_path, story)


def test_sign_in_throttling_by_account_with_equal_answers(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async def attempt(name: str, code: str, jar: dict[str, str]) -> Reply:
            shown = await house.call("GET", "/openid/enrol", jar=jar)
            form = {"form_token": token_of(shown), "name": name, "code": code}
            return await house.call("POST", "/openid/enrol", jar=jar, form=form)

        known = await house.provider.store.read(lambda tx: records.account_by_name(tx, "real"))
        assert known is not None
        code = await signing_in.enrolment_code(house.provider, known)
        one = await attempt("real", "AAAA-AAAA-AAAA-AAAA", {})
        none = await attempt("nobody", "AAAA-AAAA-AAAA-AAAA", {})
        assert one.status == none.status == 422
        assert _bare(one.text) == _bare(none.text)
        for _ in range(9):
            await attempt("real", "AAAA-AAAA-AAAA-AAAA", {})
        assert (await attempt("real", code, {})).status == 429  # even the right one: nothing is told
        assert (await attempt("nobody", "AAAA-AAAA-AAAA-AAAA", {})).status == 422  # others go on
        rows = await house.provider.store.read(
            lambda tx: [str(row) for row in tx.rows(records.SQL["accounts"], limit=9)]
        )
        assert "127.0.0.1" not in str(rows)

    lived(tmp_path, story)


def test_an_enrolment_code_registers_and_nothing_else(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        known = await house.provider.store.read(lambda tx: records.account_by_name(tx, "real"))
        assert known is not None
        old = await signing_in.enrolment_code(house.provider, known)
        code = await signing_in.enrolment_code(house.provider, known)
        jar: dict[str, str] = {}
        shown = await house.call("GET", "/openid/enrol", jar=jar)
        lost = {"form_token": token_of(shown), "name": "real", "code": old}
        assert (await house.call("POST", "/openid/enrol", jar=jar, form=lost)).status == 422
        form = {"form_token": token_of(shown), "name": "real", "code": code.lower()}
        assert (await house.call("POST", "/openid/enrol", jar=jar, form=form)).status == 303
        page = await house.call("GET", "/openid/account", jar=jar)
        assert 'data-passkey="create"' in page.text
        path, _ = await house.page(jar)
        assert 'data-passkey="get"' in (await house.call("GET", path, jar=jar)).text  # still has to sign in
        again = await house.call("POST", "/openid/enrol", jar={}, form=form)
        assert again.status == 422

    lived(tmp_path, story)


def test_personas_are_not_in_an_empty_node(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        jar: dict[str, str] = {}
        path, token = await house.page(jar)
        assert "ann" not in (await house.call("GET", path, jar=jar)).text
        assert (await house.enter(jar, path, token)).status == 422

    lived(tmp_path, story, has_personas=False)


def test_a_real_account_is_no_persona(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        jar: dict[str, str] = {}
        path, token = await house.page(jar)
        assert (await house.enter(jar, path, token, "real")).status == 422

    lived(tmp_path, story)


def test_step_up_and_max_age(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        jar: dict[str, str] = {}
        path, token = await house.page(jar)
        await house.enter(jar, path, token, "bob")  # aal1
        for asked, is_enough in (
            ({"acr_values": "urn:banyan:acr:aal2"}, False),
            ({"acr_values": "urn:banyan:acr:aal2 urn:banyan:acr:aal1"}, True),
            ({"max_age": "0"}, True),  # signed in this very second
            ({}, True),
        ):
            path, _ = await house.page(jar, **asked)
            shown = await house.call("GET", path, jar=jar)
            assert ('name="persona"' in shown.text) != is_enough, asked

    lived(tmp_path, story)


def test_wrong_verbs_and_forms(tmp_path: Path) -> None:
    """PARRejectInvalidHttpVerb of the FAPI 2 modules, and other ways not to speak to an endpoint."""

    async def story(house: House) -> None:
        for path in ("/openid/par", "/openid/token", "/openid/introspect", "/openid/revoke"):
            for verb in ("GET", "PUT", "DELETE"):
                assert (await house.call(verb, path)).status == 405
            reply = await house.call("POST", path, json={"client_id": "library"})
            assert (reply.status, reply.json["error"]) == (400, "invalid_request")
            nobody = await house.call("POST", path, form={"client_id": "nobody"})
            assert (nobody.status, nobody.json["error"]) == (401, "invalid_client")
            assert (await house.call("POST", path, body=b"a=" + b"x" * 70_000, headers=FORM)).status == 413
            twice = await house.call("POST", path, body=b"client_id=a&client_id=b", headers=FORM)
            assert twice.json["error"] == "invalid_request"
        basic = await house.call(
            "POST", "/openid/token", form={}, headers={"authorization": house.app.basic(secret="x")}
        )
        assert (basic.status, basic.header("www-authenticate")[:5]) == (401, "Basic")

    lived(tmp_path, story)


FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_nothing_personal_is_logged(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        uri = await house.app.push(authorization_details=json.dumps([LOAN]))
        answer = await house.app.redeem(await house.app.code_for(uri))
        jar: dict[str, str] = {}
        path, token = await house.page(jar)
        await house.enter(jar, path, token)
        logged = str(house.node.logged)
        assert answer["access_token"] not in logged
        assert "ann" not in logged

    lived(tmp_path, story)


def test_secrets_are_kept_as_hashes_only(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        answer = await house.app.redeem(await house.app.code())
        jar: dict[str, str] = {}
        path, token = await house.page(jar)
        await house.enter(jar, path, token)
        secrets.extend((answer["access_token"], answer["refresh_token"], jar["__Host-openid"], "library-secret"))

    secrets: list[str] = []
    lived(tmp_path, story)
    files = [file.read_bytes() for file in tmp_path.glob("identity.db*")]
    assert any(b"loan-app" in content for content in files)
    assert not [secret for secret in secrets for content in files if secret.encode() in content]


def test_signing_keys_turn_and_the_old_stay_until_their_tokens_lapse(tmp_path: Path) -> None:
    async def live() -> None:
        now = [NOW]
        async with a_house(tmp_path, issuer=ISSUER, clock=lambda: EpochS(now[0])) as (_, provider):
            day = 86_400.0
            first = {key.kid for key in await provider.keys()}
            now[0] += 90 * day
            both = {key.kid for key in await provider.keys()}
            assert first < both
            assert await kid(provider) in first  # published a day before it signs
            now[0] += day
            assert await kid(provider) in both - first
            assert {key.kid for key in await provider.keys()} == both  # what the old one signed is still checked
            now[0] += day
            assert {key.kid for key in await provider.keys()} == both - first

    async def kid(provider: Provider) -> str:
        from banyan.kernel.identity.openid.jose import peek

        return str(peek(await provider.sign({"a": 1}, "ES256")).header["kid"])

    asyncio.run(live())


def _bare(text: str) -> str:
    """A page without what differs by browser."""
    return re.sub(r'value="[^"]*"|data-options="[^"]*"', "", text)
