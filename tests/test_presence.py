"""From a sign-in or a token at the door to the caller that the gate judges: cookie, CSRF, proof, and who counts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from tests.kernel.identity.openid.making import EC, ISSUER, World, a_client
from tests.make import NOW, Client, Reply, frozen_clock

from banyan.demo.personas import seed_personas
from banyan.kernel.catalogue import Context, FaceAnswer, FaceRequest, Service
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.clients import checked
from banyan.node import Node, open_node
from banyan.service.identity.desk import LOOPBACK
from banyan.settings import Settings, Site

HOST = ISSUER.removeprefix("https://")
SEEN = Service("seen", title={"zh-Hant": "誰", "en": "Who"}, package="tests.service.mydata")
WORDS: Any = {"title": {"zh-Hant": "誰", "en": "Who"}, "summary": {"zh-Hant": "誰在問。", "en": "Who asks."}}


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class Who(msgspec.Struct, frozen=True):
    kind: str
    id: str
    agency: str
    subject: str
    assurance: str


def _who(ctx: Context) -> Who:
    caller = ctx.caller
    return Who(caller.kind, caller.id, caller.agency, caller.subject, caller.assurance)


@SEEN.operation("who", **WORDS, data=("open",), audience="public", purpose="public-service")
async def who(ctx: Context, request: Nothing) -> Who:
    return _who(ctx)


@SEEN.operation("mine", **WORDS, data=("finance",), audience="citizen", purpose="own-affairs", effect="write")
async def mine(ctx: Context, request: Nothing) -> Who:
    return _who(ctx)


@SEEN.page("GET", "POST", path="/seen/form")
async def form(request: FaceRequest) -> FaceAnswer:
    if request.method == "POST":
        await request.form()
        await request.call("seen.mine", {})
    return FaceAnswer(f"{request.caller.kind} {request.csrf}".encode())


class Door:
    """A node at its public address, an app's side on the same clock, and a browser's jar."""

    def __init__(self, node: Node) -> None:
        self.node, self.client = node, Client(node.app)
        self.app = World(node.persons.store)
        self.app.provider, self.app.now = node.persons, NOW

    async def call(self, method: str, path: str, *, cookies: dict[str, str] | None = None, **options: Any) -> Reply:
        headers = dict(options.pop("headers", {})) | {"host": HOST}
        if cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return await self.client.request(method, path, headers=headers, scheme="https", **options)

    async def who(self, **options: Any) -> dict[str, str]:
        reply = await self.call("GET", "/api/seen/who", **options)
        assert reply.status == 200, reply.text
        return dict(reply.json)

    async def signed_in(self, name: str = "demo.lin") -> dict[str, str]:
        return {"__Host-openid": await self.app.signed_in(name)}

    async def token(self, name: str = "demo.lin", **push: Any) -> str:
        return str((await self.app.redeem(await self.app.code(name, **push)))["access_token"])

    def proven(self, token: str, path: str, *, method: str = "GET", **claims: Any) -> dict[str, str]:
        proof = self.app.proof(path, method=method, access_token=token, **claims)
        return {"authorization": f"DPoP {token}", "dpop": proof}


def lived(folder: Path, story: Callable[[Door], Awaitable[None]]) -> None:
    async def live() -> None:
        settings = Settings(
            services=(
                "banyan.service.identity.parts:SERVICE",
                "banyan.service.mydata.parts:SERVICE",
                "tests.test_presence:SEEN",
            ),
            site=Site(public_url=ISSUER),
        )
        async with open_node(folder, settings, clock=frozen_clock(), is_demo=True) as node:
            await seed_personas(node.persons)
            await node.persons.store.write(lambda tx: records.put_client(tx, checked(a_client(details=())), NOW))
            await story(Door(node))

    asyncio.run(live())


def test_a_sign_in_is_a_caller_with_their_own_name(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        assert (await door.who())["kind"] == "anonymous"
        jar = await door.signed_in()
        seen = await door.who(cookies=jar)
        subject = door.node.lawful.conscience.subject("A123456789").hex()
        assert (seen["kind"], seen["subject"], seen["assurance"]) == ("citizen", subject, "aal2")
        officer = await door.who(cookies=await door.signed_in("demo.epidemic"))
        assert (officer["kind"], officer["agency"], officer["subject"]) == ("officer", "TW/GOV/CDC", "")
        page = await door.call("GET", "/mydata", cookies=jar)
        assert (page.status, "no-store" in page.header("cache-control")) == (200, True)

    lived(tmp_path, story)


def test_a_dead_or_strange_cookie_is_nobody(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        jar = await door.signed_in()
        for bad in ("x" * 43, "", "x" * 5_000, jar["__Host-openid"][:-1]):
            assert (await door.who(cookies={"__Host-openid": bad}))["kind"] == "anonymous"
        assert (await door.who(cookies={"openid": jar["__Host-openid"]}))["kind"] == "anonymous", "no host prefix"
        await signing_in.sign_out(door.node.persons, door.app.sent("/openid", browser=jar["__Host-openid"]))
        assert (await door.who(cookies=jar))["kind"] == "anonymous"

    lived(tmp_path, story)


def test_an_enrolment_is_no_sign_in(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        account = await door.node.persons.store.read(lambda tx: records.account_by_name(tx, "demo.lin"))
        assert account is not None
        sent = door.app.sent("/openid/login")
        code = await signing_in.enrolment_code(door.node.persons, account)
        cookie = await signing_in.with_code(door.node.persons, sent, "demo.lin", code)
        assert (await door.who(cookies={"__Host-openid": cookie}))["kind"] == "anonymous"

    lived(tmp_path, story)


def test_a_change_needs_the_form_of_this_very_browser(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        jar, path = await door.signed_in(), "/api/seen/mine"
        own = (await door.call("GET", "/seen/form", cookies=jar)).text.split()[1]
        other = (await door.call("GET", "/seen/form", cookies=await door.signed_in())).text.split()[1]
        assert own != other, "of another sign-in of the same person"
        for sent in ({}, {"x-csrf-token": ""}, {"x-csrf-token": other}, {"x-csrf-token": own[:-1]}):
            assert (await door.call("POST", path, cookies=jar, headers=sent, json={})).status == 401, sent
        assert (await door.call("POST", path, cookies=jar, headers={"x-csrf-token": own}, json={})).status == 200
        for token, status in (("", 403), (other, 403), (own, 200)):
            reply = await door.call("POST", "/seen/form", cookies=jar, form={"csrf_token": token})
            assert reply.status == status, token
        foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
        reply = await door.call("POST", "/seen/form", cookies=jar, headers=foreign, form={"csrf_token": own})
        assert reply.status == 403

    lived(tmp_path, story)


def test_who_came_last_counts_in_a_browser_with_two_sign_ins(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        token = door.node.token
        reply = await door.call("POST", "/session", form={"token": token}, headers={"origin": ISSUER})
        found = re.match(r"__Host-session=([^;]+)", reply.header("set-cookie"))
        assert found, reply.text
        administrator = {"__Host-session": found.group(1)}
        assert (await door.who(cookies=administrator))["kind"] == "administrator"
        both = administrator | await door.signed_in()
        assert (await door.who(cookies=both))["kind"] == "citizen"
        drawn_before = (await door.call("GET", "/seen/form", cookies=administrator)).text.split()[1]
        reply = await door.call("POST", "/seen/form", cookies=both, form={"csrf_token": drawn_before})
        assert (reply.status, reply.text.split()[0]) == (200, "citizen")

    lived(tmp_path, story)


def test_an_app_speaks_with_its_own_key_and_for_who_let_it(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        token, path = await door.token(), "/api/seen/who"
        seen = await door.who(headers=door.proven(token, path))
        subject = door.node.lawful.conscience.subject("A123456789").hex()
        assert (seen["kind"], seen["id"], seen["agency"]) == ("app", "loan-app", "TW/GOV/BANK")
        assert seen["subject"] == subject
        reply = await door.call("POST", "/api/seen/mine", json={},
                                headers=door.proven(token, "/api/seen/mine", method="POST"))  # fmt: skip
        assert reply.status == 403, "what only a person may do about themselves, no app does for them"
        alone = await door.app.ask({"grant_type": "client_credentials"})
        seen = await door.who(headers=door.proven(alone["access_token"], path))
        assert (seen["kind"], seen["subject"]) == ("app", "")

    lived(tmp_path, story)


def test_a_stolen_token_is_worth_nothing(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        token, path = await door.token(), "/api/seen/who"
        good = door.proven(token, path)
        cases = {
            "another key": door.proven(token, path, key=EC[1]),
            "another address": door.proven(token, "/api/seen/mine"),
            "another method": door.proven(token, path, method="POST"),
            "an old proof": door.proven(token, path, iat=int(NOW) - 3_600),
            "a proof of tomorrow": door.proven(token, path, iat=int(NOW) + 3_600),
            "no nonce": door.proven(token, path, nonce=None),
            "no proof": {"authorization": f"DPoP {token}"},
            "another token": {**good, "authorization": f"DPoP {token[:-1]}x"},
        }
        for name, headers in cases.items():
            reply = await door.call("GET", path, headers=headers)
            assert reply.status == 401, name
            assert "DPoP" in reply.header("www-authenticate"), name
            assert reply.header("dpop-nonce"), name
        assert (await door.call("GET", path, headers=good)).status == 200
        assert (await door.call("GET", path, headers=good)).status == 401, "a proof is good once"
        assert (await door.who(headers={"authorization": f"Bearer {token}"}))["kind"] == "anonymous"
        refused = await door.call("POST", "/api/seen/mine", json={}, headers={"authorization": f"Bearer {token}"})
        assert (refused.status, 'error="invalid_token"' in refused.header("www-authenticate")) == (401, True)

    lived(tmp_path, story)


def test_the_provider_reads_its_tokens_itself(tmp_path: Path) -> None:
    """A proof is good once: were the door to spend it, the provider's own addresses would see a replay."""

    async def story(door: Door) -> None:
        token = await door.token()
        reply = await door.call("GET", "/openid/userinfo", headers=door.proven(token, "/openid/userinfo"))
        assert reply.status == 200, reply.text

    lived(tmp_path, story)


def test_a_host_that_is_not_ours_signs_nobody_in(tmp_path: Path) -> None:
    async def live() -> None:
        settings = Settings(services=("banyan.service.identity.parts:SERVICE", "tests.test_presence:SEEN"))
        async with open_node(tmp_path, settings, clock=frozen_clock(), is_demo=True) as node:
            await seed_personas(node.persons)
            door = Door(node)
            cookie = {"cookie": f"openid={await door.app.signed_in('demo.lin')}"}
            for host in (*LOOPBACK[:2], "6.6.6.6"):
                reply = await door.client.get("/api/seen/who", headers=cookie | {"host": host})
                assert reply.json["kind"] == ("anonymous" if host == "6.6.6.6" else "citizen"), host

    asyncio.run(live())


def test_a_stolen_token_at_the_door_leaves_an_alarm(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        token, path = await door.token(), "/api/seen/who"
        again = door.proven(token, path)
        assert (await door.call("GET", path, headers=again)).status == 200
        for headers, kind in (
            (again, "proof_replay"),
            (door.proven(token, path, key=EC[1]), "key_mismatch"),
            (door.proven(token, path, htu=ISSUER + "/api/seen/other"), "dpop_htu"),
            (door.proven(token, path, iat=int(NOW) - 61), "dpop_time"),
            ({"authorization": f"Bearer {token}"}, "bound_token_as_bearer"),
        ):
            reply = await door.call("GET", path, headers=headers)
            assert reply.status == 401 or reply.json["kind"] == "anonymous", kind
            newest = door.node.persons.alarms.newest(1)[0]
            assert (newest.kind, newest.endpoint, len(newest.trace)) == (kind, "door", 32)

    lived(tmp_path, story)
