"""The administrator registers apps and officers; nobody else does, and a dangerous app is refused by its field."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.identity.openid.making import EC, RSA, public
from tests.make import TOKEN
from tests.service.identity.house import a_house

from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.client_auth import secret_hash

GOOD: dict[str, Any] = {
    "id": "new-app",
    "agency": "TW/GOV/X",
    "name": {"zh-Hant": "新", "en": "New"},
    "redirect_uris": ["https://x.example/cb"],
    "jwks": [public(EC[0])],
}
SECRET = {"auth": "client_secret_basic", "secret_hash": secret_hash("s"), "jwks": []}


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
