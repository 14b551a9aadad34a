"""Scopes on both engines: one file less, and every copy of the records is without its keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from banyan.errors import NotFound, Unavailable
from banyan.kernel.identity.scopes import Destruction, Scopes
from banyan.kernel.identity.vault import Destroyed
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore

WANG, LIN = b"person-1", b"person-2"
OpenScopes = Callable[[], Scopes]


@pytest.fixture
def open_scopes(open_store: Callable[[], SchemaStore], tmp_path: Path) -> OpenScopes:
    """Each call opens them anew over the same records and files, as after a restart."""
    store = open_store()
    migrate(store, "banyan.kernel.identity", load_steps("banyan.kernel.identity"), at=0.0)
    number = count()
    return lambda: Scopes(store, tmp_path / "keys", random=lambda size: sha256(b"%d" % next(number)).digest()[:size])


def test_a_scope_is_over_for_everybody_at_once_and_no_other_is(open_scopes: OpenScopes, tmp_path: Path) -> None:
    async def run() -> None:
        scopes = open_scopes()
        one = await scopes.seal("order:1", WANG, b"home", context=b"fence")
        await scopes.seal("order:1", LIN, b"home")
        other = await scopes.seal("order:2", WANG, b"else")
        assert await open_scopes().open("order:1", WANG, one, context=b"fence") == b"home"
        assert await scopes.destroy_scope("order:1", at=5.0) == Destruction(2, True)
        assert await open_scopes().destroy_scope("order:1", at=6.0) == Destruction(2, False)
        for again in (scopes, open_scopes()):
            with pytest.raises(Destroyed):
                await again.open("order:1", WANG, one, context=b"fence")
            with pytest.raises(Destroyed):
                await again.seal("order:1", b"person-3", b"late")
            assert await again.open("order:2", WANG, other) == b"else"
        assert len(list((tmp_path / "keys").glob("*.key"))) == 1
        assert (tmp_path / "keys").stat().st_mode & 0o077 == 0

    asyncio.run(run())


def test_a_lost_keys_folder_is_told_and_not_hidden_by_a_new_key(open_scopes: OpenScopes, tmp_path: Path) -> None:
    async def run() -> None:
        sealed = await open_scopes().seal("order:1", WANG, b"home")
        (path,) = (tmp_path / "keys").glob("*.key")
        master = path.read_bytes()
        path.unlink()
        for act in (open_scopes().open, open_scopes().seal):
            with pytest.raises(Unavailable, match="missing"):
                await act("order:1", WANG, sealed)
        path.write_bytes(master[:7])
        with pytest.raises(Unavailable, match="damaged"):
            await open_scopes().open("order:1", WANG, sealed)
        path.write_bytes(master)
        assert await open_scopes().open("order:1", WANG, sealed) == b"home"
        with pytest.raises(NotFound):
            await open_scopes().open("order:9", WANG, sealed)

    asyncio.run(run())


def test_a_master_that_came_back_is_destroyed_again(open_scopes: OpenScopes, tmp_path: Path) -> None:
    async def run() -> None:
        scopes = open_scopes()
        sealed = await scopes.seal("order:1", WANG, b"home")
        (path,) = (tmp_path / "keys").glob("*.key")
        master = path.read_bytes()
        await scopes.destroy_scope("order:1", at=5.0)
        path.write_bytes(master)
        with pytest.raises(Destroyed):
            await open_scopes().open("order:1", WANG, sealed)
        assert await open_scopes().destroy_scope("order:1", at=6.0) == Destruction(1, True)
        assert not path.exists()

    asyncio.run(run())


def test_sealing_at_once_makes_one_master(open_scopes: OpenScopes) -> None:
    async def run() -> None:
        scopes = open_scopes()
        sealed = await asyncio.gather(*(scopes.seal("order:1", b"p%d" % one, b"x") for one in range(8)))
        opened = [await open_scopes().open("order:1", b"p%d" % one, bytes_) for one, bytes_ in enumerate(sealed)]
        assert opened == [b"x"] * 8

    asyncio.run(run())
