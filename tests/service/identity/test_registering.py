"""The administrator registers apps and officers; nobody else does, and a dangerous app is refused by its field."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kernel.identity.openid.making import EC, RSA, public
from tests.make import TOKEN, Node, Reply
from tests.service.identity.house import a_house

from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.client_auth import secret_hash
from banyan.kernel.identity.openid.sent import Sent

GOOD: dict[str, Any] = {
    "id": "new-app",
    "agency": "TW/GOV/X",
    "name": {"zh-Hant": "新", "en": "New"},
    "redirect_uris": ["https://x.example/cb"],
    "jwks": [public(EC[0])],
}
SECRET = {"auth": "client_secret_basic", "secret_hash": secret_hash("s"), "jwks": []}


async def registered(node: Node, id: str, ubn: str, **more: Any) -> Reply:
    body = {"id": id, "ubn": ubn, "name": {"zh-Hant": "機關", "en": "Agency"}, **more}
    return await node.client.post("/api/openid/put_agency", json=body, token=TOKEN)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, ""),
        ({"profile": "basic", **SECRET}, ""),
        ({"redirect_uris": ["http://x.example/cb"]}, "redirect_uris"),
        ({"redirect_uris": ["https://x.example/cb#f"]}, "redirect_uris"),
        ({"redirect_uris": ["https://u@x.example/cb"]}, "redirect_uris"),
        ({"redirect_uris": ["https://x.example/cb; script-src *"]}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"logout_uris": ["http://evil.example"]}, "logout_uris"),
        (SECRET, "auth"),
        ({"id_alg": "RS256"}, "auth"),
        ({"profile": "basic", "details": ["loan"], **SECRET}, "details"),
        ({"profile": "basic", "scopes": ["openid", "grant_management_query"], **SECRET}, "details"),
        ({"scopes": ["openid", "all"]}, "scopes"),
        ({"jwks": []}, "jwks"),
        ({"jwks": [EC[0].as_dict(private=True)]}, "jwks"),
        ({"jwks": [{"kty": "oct", "k": "AAAA"}]}, "jwks"),
        ({"jwks": [public(RSA)]}, ""),
        ({"grants": ["implicit"], "redirect_uris": []}, "grants"),
        ({"id": "../x"}, "id"),
        ({"name": {"en": "only"}}, "name"),
    ],
)
def test_registering_an_app(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    async def story() -> None:
        async with a_house(tmp_path) as (node, provider):
            unknown = await node.client.post("/api/openid/put_app", json=GOOD | changes, token=TOKEN)
            assert unknown.status == (422 if field else 409)  # nobody speaks for an agency that is not registered
            await registered(node, "TW/GOV/X", "04595252")
            reply = await node.client.post("/api/openid/put_app", json=GOOD | changes, token=TOKEN)
            kept = await provider.store.read(lambda tx: records.client_by_id(tx, "new-app"))
            if field:
                assert reply.status == 422
                assert reply.json["errors"][0]["field"] == field
                assert kept is None
            else:
                assert reply.status == 200, reply.text
                assert kept is not None

    asyncio.run(story())


def test_nobody_else_registers(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_house(tmp_path) as (node, _):
            for path, body in (
                ("put_app", GOOD),
                ("add_officer", {"name": "mallory", "agency": "TW/GOV/CDC"}),
                ("start_anew", {"name": "real"}),
                ("close_account", {"name": "real"}),
                ("put_agency", {"id": "TW/GOV/X", "ubn": "04595252", "name": {}}),
                ("change_officer", {"name": "real", "roles": ["counter"]}),
            ):
                assert (await node.client.post(f"/api/openid/{path}", json=body)).status == 401
            hidden = await node.client.post("/api/openid/act", json={})
            assert hidden.status == 404  # the provider's inner operations have no route

    asyncio.run(story())


def test_an_officer_comes_and_goes(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_house(tmp_path) as (node, provider):

            async def post(path: str, **body: Any) -> Any:
                return await node.client.post(f"/api/openid/{path}", json=body, token=TOKEN)

            assert (await post("add_officer", name="wu.ch", agency="TW/GOV/CDC")).status == 409
            await registered(node, "TW/GOV/CDC", "04595252")
            await registered(node, "TW/GOV/NIA", "10458570")
            made = await post("add_officer", name="wu.ch", agency="TW/GOV/CDC", roles=["epi"])
            assert len(made.json["code"].replace("-", "")) == 16
            assert (await post("add_officer", name="wu.ch", agency="TW/GOV/NIA")).status == 409
            assert (await post("add_officer", name="A123456789", agency="TW/GOV/NIA")).status == 422
            again = await post("start_anew", name="wu.ch")
            assert again.json["code"] != made.json["code"]
            assert (await post("close_account", name="wu.ch")).status == 200
            kept = await provider.store.read(lambda tx: records.account_by_name(tx, "wu.ch"))
            assert kept is not None
            assert kept.is_closed
            assert (await post("start_anew", name="nobody")).status == 404

    asyncio.run(story())


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({}, 200, ""),
        ({"ubn": "10458570"}, 200, ""),  # good only since 2023-04-01
        ({"ubn": "10458571"}, 422, "ubn"),
        ({"ubn": "1045857"}, 422, "ubn"),
        ({"id": "../x"}, 422, "id"),
        ({"name": {"en": "only"}}, 422, "name"),
        ({"ubn": "04595257"}, 409, ""),  # another agency's
    ],
)
def test_agencies_bear_a_ubn_of_their_own(tmp_path: Path, changes: dict[str, Any], status: int, field: str) -> None:
    async def story() -> None:
        async with a_house(tmp_path) as (node, _):
            assert (await registered(node, "TW/GOV/OLD", "04595257")).status == 200
            reply = await registered(node, **({"id": "TW/GOV/X", "ubn": "04595252"} | changes))
            assert reply.status == status, reply.text
            if field:
                assert reply.json["errors"][0]["field"] == field
            listed = (await node.client.get("/api/openid/agencies")).json
            assert [one["id"] for one in listed] == ["TW/GOV/OLD", *(["TW/GOV/X"] if status == 200 else [])]

    asyncio.run(story())


def test_roles_hold_at_once_and_a_lower_level_ends_sessions(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_house(tmp_path) as (node, provider):

            async def post(path: str, **body: Any) -> Any:
                return await node.client.post(f"/api/openid/{path}", json=body, token=TOKEN)

            sent = Sent(issuer="http://localhost", method="POST", path="/openid/login")
            cookie = await signing_in.as_persona(provider, sent, "eve")
            here = msgspec.structs.replace(sent, browser=cookie)
            assert (await post("change_officer", name="eve", roles=["counter"])).json["roles"] == ["counter"]
            known = await signing_in.signed_in(provider, here)
            assert known is not None
            assert known[1].roles == ("counter",)
            assert (await post("change_officer", name="ann", roles=["counter"])).status == 404  # a citizen
            await post("change_officer", name="eve", roles=["counter"], assurance="aal1")
            assert await signing_in.signed_in(provider, here) is None
            cookie = await signing_in.as_persona(provider, sent, "eve")
            assert (await registered(node, "TW/GOV/CDC", "04595252", is_closed=True)).status == 200
            here = msgspec.structs.replace(sent, browser=cookie)
            assert await signing_in.signed_in(provider, here) is None
            listed = (await node.client.get("/api/openid/officers", token=TOKEN)).json
            assert {(one["name"], one["is_closed"]) for one in listed} == {("eve", True), ("real", True)}

    asyncio.run(story())
