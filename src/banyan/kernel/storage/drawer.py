"""A service's own drawer: every engine it may keep data in, under one folder. Nobody else opens it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from banyan.errors import Unavailable
from banyan.kernel.storage.blobs import Blobs
from banyan.kernel.storage.durable import make_folders
from banyan.kernel.storage.journal import Journal
from banyan.kernel.storage.lake import Lake, sweep
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore, Store
from banyan.kernel.storage.textindex import TextIndex

KERNEL_PACKAGES: Final = ("banyan.kernel.events",)
"""Parts of the kernel whose tables every drawer has; by name, because storage may not import what stands on it."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")


class Drawer(msgspec.Struct, frozen=True):
    """`sql` records, `lake` Parquet versions, `blobs` files by hash, `index` derived search, `journal(name)` logs."""

    sql: Store
    lake: Lake
    blobs: Blobs
    index: TextIndex
    journal: Callable[[str], Journal]
    work: Path
    """Scratch folder, emptied at start; a half-done publish left here is never served."""
    close: Callable[[], None]
    """Closes what is not awaited (journals, index, the folder's lock); called by `close_drawer`."""


def open_drawer(
    folder: Path,
    *,
    service: str,
    package: str,
    clock: Callable[[], float],
    store: str = "sqlite",
    also: tuple[str, ...] = (),
) -> Drawer:
    """Open a service's drawer, creating and migrating what is missing.

    `package` holds the service's `migrations/`, `also` names packages whose tables stand in the same store because they
    share its commits. `store` is `sqlite` or a `postgresql://` address. Raises Unavailable
    when another process has the folder open, and Problem when a migration is refused.
    """
    assert _NAME.fullmatch(service), f"{service!r} is no service name"
    make_folders(folder)
    unlock = _lock(folder)
    try:
        work = folder / "work"
        sweep(work)
        parts = {**{part: part for part in KERNEL_PACKAGES}, service: package, **{part: part for part in also}}
        sql = _migrated(_open_store(store, folder, service), parts, clock())
    except BaseException:
        unlock()
        raise
    journals = _Journals(folder / "journal")
    index = TextIndex(folder / "index.db")

    def close() -> None:
        journals.close()
        index.close()
        unlock()

    return Drawer(
        sql=sql,
        lake=Lake(folder / "lake", work),
        blobs=Blobs(folder / "blobs", work),
        index=index,
        journal=journals.get,
        work=work,
        close=close,
    )


async def close_drawer(drawer: Drawer) -> None:
    """Finish every write that waits, then close."""
    await drawer.sql.close()
    await asyncio.to_thread(drawer.close)


def _open_store(store: str, folder: Path, service: str) -> SchemaStore:
    if store == "sqlite":
        from banyan.kernel.storage.sqlite import SqliteStore

        return SqliteStore(folder / "records.db")
    from banyan.kernel.storage.postgres import PostgresStore

    return PostgresStore(store, schema=service)


def _migrated(store: SchemaStore, parts: Mapping[str, str], at: float) -> SchemaStore:
    """The store with the tables of each part (its name in the records: its package)."""
    try:
        for name, package in parts.items():
            migrate(store, name, load_steps(package), at=at)
    except BaseException:
        store.shut()
        raise
    return store


def _lock(folder: Path) -> Callable[[], None]:
    """One process a drawer: two writers on one SQLite file are slower than one, and a journal has one tail."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unavailable(
            f"{folder} is open in another process.",
            remedy="Send the request to the running node with --url, or stop it first.",
            kind="drawer-in-use",
        ) from None
    return lambda: os.close(descriptor)


class _Journals:
    """The journals of one drawer, opened when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Journal] = {}
        self._gate = threading.Lock()

    def get(self, name: str) -> Journal:
        assert _NAME.fullmatch(name), f"{name!r} is no journal name"
        with self._gate:
            if name not in self._open:
                self._open[name] = Journal(self._folder / name)
            return self._open[name]

    def close(self) -> None:
        for journal in self._open.values():
            journal.close()
