"""Files that records point to, and their end: put down before a commit, let go after one, swept when nothing points.

A file is staged (a durable note) before it is put down, so what a kill -9 leaves is found at the next start. It is
removed only when no committed record points to it and no other job is about to use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Literal
from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, Store, Tx
from banyan.service.opendata.model import Resource
from banyan.service.opendata.registry import SQL

LET_GO = ""
"""The job of files that a commit has let go."""


class FileRef(msgspec.Struct, frozen=True):
    """A blob by its sha256 or a lake file by its key."""

    kind: Literal["blob", "lake"]
    key: str


_locks: WeakKeyDictionary[Store, asyncio.Lock] = WeakKeyDictionary()


async def stage(db: Drawer, refs: Sequence[FileRef], *, job: str, now: EpochS) -> None:
    """Note that `job` is about to put these files down. Durable when it returns; only then may they be put down."""
    async with _lock(db):
        await db.sql.write(lambda tx: _note(tx, refs, job, now))


def committed(tx: Tx, *, job: str) -> None:
    """In the transaction that points to the files: they are in use now."""
    tx.run(SQL["unstage_job"], job=job)


def release_resource(tx: Tx, resource: Resource, now: EpochS) -> list[FileRef]:
    """Remove a resource's versions, aliases and remembered options; let its files go, to be swept after the commit."""
    rows = tx.rows(SQL["files_of_resource"], resource_id=resource.id)
    refs = [ref for parquet, sha256 in rows for ref in refs_of(str(parquet), str(sha256))]
    refs += refs_of("", resource.hash)
    for statement in ("drop_versions", "drop_aliases", "drop_choice"):
        tx.run(SQL[statement], resource_id=resource.id)
    tx.run(SQL["drop_resource"], id=resource.id)
    _note(tx, refs, LET_GO, now)
    return refs


def release_version(tx: Tx, resource_id: str, number: int, now: EpochS) -> list[FileRef]:
    """Remove one version's record; let its files go."""
    rows = tx.rows(SQL["files_of_version"], resource_id=resource_id, number=number)
    refs = [ref for parquet, sha256 in rows for ref in refs_of(str(parquet), str(sha256))]
    tx.run(SQL["drop_version"], resource_id=resource_id, number=number)
    _note(tx, refs, LET_GO, now)
    return refs


def refs_of(parquet: str, sha256: str) -> list[FileRef]:
    """The files of a version; an empty key has none."""
    return [FileRef("lake", parquet)] * bool(parquet) + [FileRef("blob", sha256)] * bool(sha256)


async def sweep(db: Drawer, refs: Sequence[FileRef], *, job: str = LET_GO) -> int:
    """Remove those files that nothing points to; how many. `job` is the one that failed, or LET_GO after a commit."""
    removed = 0
    async with _lock(db):
        for ref in refs:
            if not await db.sql.read(partial(_is_used, ref=ref, job=job)):
                await asyncio.to_thread(_remove, db, ref)
                removed += 1
        if refs:
            await db.sql.write(lambda tx: _forget(tx, refs, job))
    return removed


async def sweep_leftovers(db: Drawer) -> int:
    """At start, when no job runs: remove every staged file that nothing points to; how many."""
    staged = await db.sql.read(lambda tx: tx.rows(SQL["staged"]))
    removed = 0
    for kind, key, job in staged:
        removed += await sweep(db, [FileRef("blob" if kind == "blob" else "lake", str(key))], job=str(job))
    return removed


def _lock(db: Drawer) -> asyncio.Lock:
    return _locks.setdefault(db.sql, asyncio.Lock())


def _note(tx: Tx, refs: Sequence[FileRef], job: str, now: EpochS) -> None:
    tx.run_many(SQL["stage"], [{"kind": ref.kind, "key": ref.key, "job": job, "at": now} for ref in refs])


def _forget(tx: Tx, refs: Sequence[FileRef], job: str) -> None:
    tx.run_many(SQL["unstage"], [{"kind": ref.kind, "key": ref.key, "job": job} for ref in refs])


def _is_used(tx: Tx, ref: FileRef, job: str) -> bool:
    uses = (
        tx.row(SQL["blob_uses"], sha256=ref.key) if ref.kind == "blob" else tx.row(SQL["parquet_uses"], parquet=ref.key)
    )
    others = tx.row(SQL["staged_by_others"], kind=ref.kind, key=ref.key, job=job)
    return any(count is not None and count[0] for count in (uses, others))


def _remove(db: Drawer, ref: FileRef) -> None:
    if ref.kind == "blob":
        db.blobs.remove(ref.key)
    else:
        db.lake.remove(ref.key)
