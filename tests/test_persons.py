"""The identity of a whole node: its secret, its records, and that an empty node knows nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from banyan.demo.personas import seed_personas
from banyan.errors import Unavailable
from banyan.kernel.identity import people
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.sent import Sent
from banyan.node import open_node
from banyan.persons import SECRET_FILE
from banyan.settings import Settings

A_VISIT = Sent(issuer="http://localhost:8000", method="POST", path="/openid/login")


@pytest.fixture
def settings() -> Settings:
    return Settings()


def test_an_empty_node_knows_nobody_and_a_demonstration_its_personas(tmp_path: Path, settings: Settings) -> None:
    async def live() -> None:
        async with open_node(tmp_path, settings) as node:
            assert await node.persons.store.read(records.all_accounts) == []
        async with open_node(tmp_path, settings, is_demo=True) as node:
            await seed_personas(node.persons)
            await seed_personas(node.persons)  # a second start adds none
            found = await node.persons.store.read(records.all_accounts)
            assert {account.name for account in found} >= {"demo.lin", "demo.epidemic", "demo.guardian"}
            assert all(account.is_demo for account in found)
            child = next(account for account in found if account.name == "demo.lin")
            parent = next(account for account in found if account.kind == "representative")
            assert parent.for_account == child.id
            assert await people.number_of(node.persons, child.id) == "A123456789"

            cookie = await signing_in.as_persona(node.persons, A_VISIT, "demo.epidemic")
        visit = msgspec.structs.replace(A_VISIT, browser=cookie)
        async with open_node(tmp_path, settings) as node:  # the same folder, now for real
            assert await signing_in.signed_in(node.persons, visit) is None
            assert await signing_in.as_persona(node.persons, A_VISIT, "demo.epidemic") == "wrong"
        async with open_node(tmp_path, settings, is_demo=True) as node:
            await seed_personas(node.persons)
            assert len(await signing_in.as_persona(node.persons, A_VISIT, "demo.epidemic")) == 43

    asyncio.run(live())
    assert (tmp_path / SECRET_FILE).stat().st_mode & 0o077 == 0
    for file in (tmp_path / "identity").rglob("*.db*"):
        assert b"A123456789" not in file.read_bytes()


def test_another_secret_does_not_open_the_records(tmp_path: Path, settings: Settings) -> None:
    async def live() -> set[str]:
        async with open_node(tmp_path, settings) as node:
            await node.persons.sign({"a": 1}, "ES256")
            return {key.kid for key in await node.persons.keys()}

    kept = asyncio.run(live())
    assert asyncio.run(live()) == kept
    (tmp_path / SECRET_FILE).write_bytes(bytes(32))
    with pytest.raises(Unavailable, match="another identity secret"):
        asyncio.run(live())
