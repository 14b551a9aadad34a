"""The vault on both engines: sealed, opened, destroyed for ever; and pseudonyms that cannot be put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from itertools import count

import pytest
from cryptography.exceptions import InvalidTag

from banyan.errors import NotFound, Unavailable
from banyan.kernel.identity.pseudonyms import pseudonym, pseudonym_key
from banyan.kernel.identity.vault import SQL, Destroyed, Vault
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore

MASTER = bytes(range(32))
WANG, LIN = b"person-1", b"person-2"


@pytest.fixture
def open_vault(open_store: Callable[[], SchemaStore]) -> Callable[[], Vault]:
    store = open_store()
    migrate(store, "banyan.kernel.identity", load_steps("banyan.kernel.identity"), at=0.0)
    number = count()
    return lambda: Vault(store, MASTER, random=lambda size: sha256(b"%d" % next(number)).digest()[:size])


def test_only_the_same_subject_scope_and_context_open(open_vault: Callable[[], Vault]) -> None:
    async def run() -> None:
        vault = open_vault()
        sealed = await vault.seal("order-1", WANG, "居家隔離".encode(), context=b"fence")
        assert "居家隔離".encode() not in sealed
        assert await open_vault().open("order-1", WANG, sealed, context=b"fence") == "居家隔離".encode()
        await vault.seal("order-1", LIN, b"x")
        for subject, context in ((LIN, b"fence"), (WANG, b"travel")):
            with pytest.raises(Unavailable):
                await vault.open("order-1", subject, sealed, context=context)
        with pytest.raises(NotFound):
            await vault.open("order-2", WANG, sealed, context=b"fence")
        torn = bytes([*sealed[:-1], sealed[-1] ^ 1])
        with pytest.raises(Unavailable):
            await vault.open("order-1", WANG, torn, context=b"fence")

    asyncio.run(run())


def test_a_destroyed_key_never_comes_back(open_vault: Callable[[], Vault]) -> None:
    async def run() -> None:
        vault = open_vault()
        sealed = await vault.seal("order-1", WANG, b"one")
        other = await vault.seal("order-1", LIN, b"two")
        assert await vault.destroy("order-1", WANG, at=5.0)
        assert not await vault.destroy("order-1", WANG, at=6.0)
        for again in (vault, open_vault()):
            with pytest.raises(Destroyed):
                await again.open("order-1", WANG, sealed)
            with pytest.raises(Destroyed):
                await again.seal("order-1", WANG, b"three")
        assert await vault.open("order-1", LIN, other) == b"two"
        assert await vault.destroy_scope("order-1", at=7.0) == 1
        with pytest.raises(Destroyed):
            await vault.open("order-1", LIN, other)

    asyncio.run(run())


def test_a_wrapped_key_moved_to_another_row_does_not_open(open_vault: Callable[[], Vault]) -> None:
    async def run() -> None:
        vault = open_vault()
        sealed = await vault.seal("a", WANG, b"one")
        store = vault._store
        row = await store.read(lambda tx: tx.row(SQL["key_of"], scope="a", subject=WANG))
        assert row is not None
        await store.write(lambda tx: tx.run(SQL["add_key"], scope="a", subject=LIN, wrapped=row[0]))
        with pytest.raises(InvalidTag):
            await vault.open("a", LIN, sealed)

    asyncio.run(run())


def test_pseudonyms_differ_by_purpose_recipient_and_epoch() -> None:
    keys = [
        pseudonym_key(MASTER, purpose, recipient, epoch=epoch)
        for purpose in ("012", "157")
        for recipient in ("TW/GOV/CDC", "TW/GOV/NHI")
        for epoch in (0, 1)
    ]
    names = {pseudonym(key, WANG) for key in keys}
    assert len(names) == 8
    assert pseudonym(keys[0], WANG) == pseudonym(pseudonym_key(MASTER, "012", "TW/GOV/CDC"), WANG)
    assert pseudonym(keys[0], LIN) not in names
