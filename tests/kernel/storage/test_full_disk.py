"""A full disk: a clear 507 from every engine, nothing half kept, and all works again when there is room."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from banyan.errors import Problem
from banyan.kernel.storage.blobs import Blobs
from banyan.kernel.storage.journal import Journal
from banyan.kernel.storage.lake import Lake
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.statements import parse_statements
from banyan.kernel.storage.store import Tx
from banyan.limits import KIB, MIB

SQL = parse_statements(
    """
-- name: make
-- A table of files.
create table file (n {id}, content {bytes} not null)

-- name: add
-- One file.
insert into file (content) values (:content)

-- name: count
-- How many, and how large.
select count(*), coalesce(sum(length(content)), 0) from file
""",
    where="test_full_disk",
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB with 1 MiB of ballast in the file `ballast`."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("this container may not mount a disk")
    (disk / "ballast").write_bytes(bytes(MIB))
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def until_full(act: Callable[[], object]) -> int:
    """Act until the disk is full; return how often it was acknowledged."""
    for done in range(10_000):
        try:
            act()
        except Problem as problem:
            if (problem.status, problem.kind, bool(problem.remedy)) != (507, "storage-full", True):
                raise
            return done
    raise AssertionError("the disk never filled")


def test_the_store(small_disk: Path) -> None:
    store = SqliteStore(small_disk / "records.db")
    store.migrate(lambda tx: tx.run(SQL["make"]))

    def add(size: int) -> Callable[[Tx], None]:
        return lambda tx: tx.run(SQL["add"], content=os.urandom(size))

    kept = until_full(lambda: asyncio.run(store.write(add(20 * KIB))))
    assert kept > 5
    for _ in range(3):  # it stays clear about it, and reading goes on
        until_full(lambda: asyncio.run(store.write(add(20 * KIB))))
        assert asyncio.run(store.read(lambda tx: tx.row(SQL["count"]))) == (kept, kept * 20 * KIB)

    async def group() -> list[object]:
        return await asyncio.gather(*(store.write(add(200 * KIB)) for _ in range(10)), return_exceptions=True)

    assert {getattr(outcome, "kind", None) for outcome in asyncio.run(group())} == {"storage-full"}
    (small_disk / "ballast").unlink()
    asyncio.run(store.write(add(20 * KIB)))
    assert asyncio.run(store.read(lambda tx: tx.row(SQL["count"]))) == (kept + 1, (kept + 1) * 20 * KIB)
    asyncio.run(store.close())
    again = SqliteStore(small_disk / "records.db")
    assert asyncio.run(again.read(lambda tx: tx.row(SQL["count"]))) == (kept + 1, (kept + 1) * 20 * KIB)
    asyncio.run(again.close())


def test_one_job_too_large_for_the_disk_harms_no_other_of_its_group(tmp_path: Path) -> None:
    """SQLite rolls the whole transaction back when a page cannot be had; the small jobs are then done alone."""
    store = SqliteStore(tmp_path / "records.db")
    store.migrate(lambda tx: tx.run(SQL["make"]))
    store.migrate(lambda tx: tx.script("pragma max_page_count = 40"))

    async def group() -> list[object]:
        sizes = [KIB, 10 * MIB, KIB, 10 * MIB, KIB]
        return await asyncio.gather(
            *(store.write(lambda tx, size=size: tx.run(SQL["add"], content=bytes(size))) for size in sizes),
            return_exceptions=True,
        )

    outcomes = asyncio.run(group())
    assert [getattr(outcome, "kind", outcome) for outcome in outcomes] == [
        1, "storage-full", 1, "storage-full", 1,
    ]  # fmt: skip
    assert asyncio.run(store.read(lambda tx: tx.row(SQL["count"]))) == (3, 3 * KIB)
    asyncio.run(store.close())


def fill_and_mend(journal: Journal, folder: Path, make_room: Callable[[], object]) -> None:
    payload = os.urandom(20 * KIB)
    kept = until_full(lambda: asyncio.run(journal.append(payload)))
    assert kept > 5
    until_full(lambda: asyncio.run(journal.append(payload)))
    assert journal.last_seq == kept

    async def group() -> list[object]:
        return await asyncio.gather(*(journal.append(payload * 5) for _ in range(20)), return_exceptions=True)

    assert {getattr(outcome, "kind", None) for outcome in asyncio.run(group())} == {"storage-full"}
    make_room()
    assert asyncio.run(journal.append(b"room")) == kept + 1
    journal.close()
    again = Journal(folder)
    found = list(again.replay())
    again.close()
    assert found == [*((seq, payload) for seq in range(1, kept + 1)), (kept + 1, b"room")]


def test_the_journal(small_disk: Path) -> None:
    folder = small_disk / "journal"
    fill_and_mend(Journal(folder), folder, (small_disk / "ballast").unlink)


@contextmanager
def file_size_limit(size: int) -> Iterator[Callable[[], None]]:
    """No file of this process grows beyond `size`; yields the way to lift it. Works for any user."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    def lift() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    try:
        yield lift
    finally:
        lift()


def test_the_journal_at_a_limit_of_file_size(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with file_size_limit(300 * KIB) as lift:
        fill_and_mend(Journal(folder), folder, lift)


def test_snapshots(small_disk: Path) -> None:
    journal = Journal(small_disk / "journal")
    asyncio.run(journal.append(b"a"))
    journal.snapshot(1, b"small")
    with pytest.raises(Problem) as caught:
        journal.snapshot(1, bytes(2 * MIB))
    assert caught.value.kind == "storage-full"
    assert journal.latest_snapshot() == (1, b"small")
    (small_disk / "ballast").unlink()
    journal.snapshot(1, bytes(MIB))
    assert journal.latest_snapshot() == (1, bytes(MIB))
    journal.close()


def test_blobs_and_the_lake(small_disk: Path) -> None:
    blobs = Blobs(small_disk / "blobs", small_disk / "work")
    with pytest.raises(Problem) as caught:
        blobs.put_bytes(os.urandom(2 * MIB))
    assert caught.value.status == 507
    assert list((small_disk / "work").iterdir()) == [], "nothing half written is left to fill the disk"
    assert blobs.put_bytes(b"small").size == 5

    elsewhere = small_disk.parent / "table.parquet"
    elsewhere.write_bytes(os.urandom(2 * MIB))
    lake = Lake(small_disk / "lake", small_disk / "work")
    with pytest.raises(Problem) as caught:
        lake.adopt(elsewhere, "v1/table.parquet")
    assert caught.value.kind == "storage-full"
    assert list(lake.keys()) == []
    assert list((small_disk / "work").iterdir()) == []
    assert elsewhere.exists(), "the publisher's file is still there for the retry"
    (small_disk / "ballast").unlink()
    elsewhere.write_bytes(os.urandom(MIB))
    lake.adopt(elsewhere, "v1/table.parquet")
    assert list(lake.keys()) == ["v1/table.parquet"]
