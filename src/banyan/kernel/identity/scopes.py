"""Scopes: a vault whose keys can all be destroyed at once, also in backups, because each scope has a file of its own.

The keys of a scope's subjects (an order `order:ID`) stay in the store, wrapped by a master that is only in a file of
the keys folder. That folder is never in a backup of the data. Destroying the file leaves every copy of the store
without the key to its keys. Source: NIST SP 800-88r1 s2.5 (cryptographic erase). Why: docs/decisions/0083.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from banyan.errors import NotFound, Unavailable
from banyan.kernel.identity.vault import KEY_BYTES, SQL, Destroyed, Vault
from banyan.kernel.storage.durable import flush_file, flush_folder, make_folders, write_file
from banyan.kernel.storage.store import Store

Random = Callable[[int], bytes]
GONE: Final = ".gone"


class Destruction(msgspec.Struct, frozen=True):
    """A scope without keys: `keys` it had in its life. `is_news` when something was left to destroy."""

    keys: int
    is_news: bool


class Scopes:
    """Vaults by scope over one store, their masters in `folder`. One process writes it."""

    def __init__(self, store: Store, folder: Path, *, random: Random) -> None:
        self._store, self._folder, self._random = store, folder, random
        self._turn = asyncio.Lock()

    async def seal(self, scope: str, subject: bytes, plain: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt under the subject's key in this scope. Raises Destroyed once the scope is over."""
        vault = await self._vault(scope, make=True)
        return await vault.seal(scope, subject, plain, context=context)

    async def open(self, scope: str, subject: bytes, sealed: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt. Raises Destroyed once the scope is over, Unavailable when the keys folder is another's."""
        vault = await self._vault(scope, make=False)
        return await vault.open(scope, subject, sealed, context=context)

    async def destroy_scope(self, scope: str, *, at: float) -> Destruction:
        """Destroy the master and every wrapped key. May be repeated: a master that an old copy of the folder brought
        back is destroyed again. Afterwards nothing can be sealed in this scope."""
        async with self._turn:
            had_file = await asyncio.to_thread(self._destroy_file, scope)
            row = await self._store.read(lambda tx: tx.row(SQL["count_of_scope"], scope=scope))
            assert row is not None, "a count has a row"
            live = await self._store.write(lambda tx: tx.rows(SQL["destroy_scope"], scope=scope, at=at))
        return Destruction(int(str(row[0])), had_file or bool(live))

    async def _vault(self, scope: str, *, make: bool) -> Vault:
        path = self._path(scope)
        master = await asyncio.to_thread(_master, path) or await self._made(scope, path, make=make)
        if len(master) != KEY_BYTES:
            raise Unavailable("a file of the keys folder is damaged", remedy="restore the keys folder")
        return Vault(self._store, master, random=self._random)

    async def _made(self, scope: str, path: Path, *, make: bool) -> bytes:
        """A new master, only for a scope that never had one: over keys of a lost master it would hide the loss."""
        async with self._turn:
            if master := await asyncio.to_thread(_master, path):  # another call made it meanwhile
                return master
            row = await self._store.read(lambda tx: tx.row(SQL["count_of_scope"], scope=scope))
            assert row is not None, "a count has a row"
            if row[0]:
                raise Unavailable("the key file of this scope is missing", remedy="restore the keys folder")
            if not make:
                raise NotFound("no data of this scope", remedy="nothing was ever kept here")
            master = self._random(KEY_BYTES)
            await asyncio.to_thread(self._write_file, path, master)
            return master

    def _write_file(self, path: Path, master: bytes) -> None:
        make_folders(self._folder)
        self._folder.chmod(0o700)
        write_file(path, master)  # nobody else can enter the folder
        path.chmod(0o600)

    def _destroy_file(self, scope: str) -> bool:
        """Mark first, then overwrite, then unlink: a crash in between is finished by the next call."""
        path = self._path(scope)
        make_folders(self._folder)
        path.with_suffix(GONE).touch(mode=0o600)
        flush_folder(self._folder)
        if not path.exists():
            return False
        with path.open("r+b") as file:
            file.write(self._random(KEY_BYTES))
        flush_file(path)
        path.unlink()
        flush_folder(self._folder)
        return True

    def _path(self, scope: str) -> Path:
        return self._folder / f"{sha256(scope.encode()).hexdigest()}.key"


def _master(path: Path) -> bytes | None:
    """A scope's master; None when it has none. Raises Destroyed when it is over."""
    if path.with_suffix(GONE).exists():
        raise Destroyed("this data was erased", remedy="the deletion receipt on the ledger says when and why")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
