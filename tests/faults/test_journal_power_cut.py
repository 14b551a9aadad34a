"""A power cut during appends: of what was not flushed, any subset of sectors may be on the disk, in any order.

kill -9 keeps the kernel's page cache; a power cut does not. Here every write and flush of the journal is recorded, and
the disk of a moment is made: all that was flushed, plus a random subset of 512-byte sectors of the rest, and the rest's
truncations or not. Recovery must find every acknowledged event and accept the disk: none of these disks is damage.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from tests.faults.victim import payload

from banyan.kernel.storage.journal import Journal

SECTOR = 512
CUTS = 60
ALL_CUTS = 400


class Disk:
    """Records what the journal writes and flushes, by file; calls `before_flush` when a group waits for its flush."""

    def __init__(self, folder: Path, before_flush: Callable[[], None]) -> None:
        self._folder = folder
        self._before_flush = before_flush
        self._gate = threading.Lock()
        self._flushed: dict[str, bytearray] = {}
        self._waiting: dict[str, list[tuple[int, bytes | None]]] = {}
        """Writes; None: the file was truncated there."""
        self._pwrite, self._fdatasync, self._ftruncate = os.pwrite, os.fdatasync, os.ftruncate

    def pwrite(self, descriptor: int, data: bytes, position: int) -> int:
        name = self._name(descriptor)
        with self._gate:
            if name not in self._flushed:  # a new segment: its head was flushed before it got its name
                self._flushed[name] = bytearray((self._folder / name).read_bytes())
            self._waiting.setdefault(name, []).append((position, bytes(data)))
            return self._pwrite(descriptor, data, position)

    def ftruncate(self, descriptor: int, length: int) -> None:
        with self._gate:
            self._waiting.setdefault(self._name(descriptor), []).append((length, None))
            self._ftruncate(descriptor, length)

    def fdatasync(self, descriptor: int) -> None:
        name = self._name(descriptor)
        self._before_flush()
        with self._gate:
            for position, data in self._waiting.pop(name, []):
                put(self._flushed[name], position, data)
        self._fdatasync(descriptor)

    def cut(self, target: Path, chance: random.Random) -> None:
        """Make the disk that a power cut at this moment could leave, in `target`."""
        with self._gate:
            contents = {name: bytearray(content) for name, content in self._flushed.items()}
            waiting = [(name, *write) for name, writes in self._waiting.items() for write in writes]
        for name, position, data in waiting:
            if data is None:
                if chance.random() < 0.5:
                    put(contents[name], position, None)
                continue
            for start, end in sectors(position, len(data)):
                if chance.random() < 0.5:
                    put(contents[name], position + start, data[start:end])
        target.mkdir()
        for name, content in contents.items():
            (target / name).write_bytes(content)

    def _name(self, descriptor: int) -> str:
        return Path(os.readlink(f"/proc/self/fd/{descriptor}")).name


def put(content: bytearray, position: int, data: bytes | None) -> None:
    if data is None:
        del content[position:]
        return
    content.extend(bytes(max(0, position + len(data) - len(content))))
    content[position : position + len(data)] = data


def sectors(position: int, length: int) -> list[tuple[int, int]]:
    """The pieces of a write, as offsets in its data, that lie in one sector of the disk each."""
    edges = [0, *range(SECTOR - position % SECTOR, length, SECTOR), length]
    return list(pairwise(edges))


def written(folder: Path) -> int:
    """Bytes without the zeros that make room."""
    return sum(len(path.read_bytes().rstrip(b"\0")) for path in folder.iterdir())


@pytest.mark.parametrize("cuts", [CUTS, pytest.param(ALL_CUTS, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuts: int) -> None:
    chance = random.Random(20261123)
    folder = tmp_path / "journal"
    acknowledged: dict[int, bytes] = {}
    moments: list[dict[int, bytes]] = []

    def maybe_cut() -> None:
        """In the writing thread, a group written and not flushed: what was said by now must be on that disk."""
        if chance.random() < 0.3 and len(moments) < cuts:
            moments.append(dict(acknowledged))
            disk.cut(tmp_path / f"cut{len(moments) - 1}", chance)

    disk = Disk(folder, maybe_cut)
    monkeypatch.setattr(os, "pwrite", disk.pwrite)
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    monkeypatch.setattr(os, "ftruncate", disk.ftruncate)

    async def append_until_cut() -> None:
        journal = Journal(folder, segment_bytes=20_000)

        async def writer(number: int) -> None:
            while len(moments) < cuts:
                content = payload(f"{number}-{len(acknowledged)}")
                acknowledged[await journal.append(content)] = content

        await asyncio.gather(*map(writer, range(16)))
        journal.close()

    asyncio.run(append_until_cut())
    torn = 0
    for number, said in enumerate(moments):
        left = tmp_path / f"cut{number}"
        size = written(left)
        journal = Journal(left)
        found = dict(journal.replay())
        journal.close()
        torn += written(left) < size
        assert said.items() <= found.items()
        assert list(found) == list(range(1, len(found) + 1))
        shutil.rmtree(left)
    assert torn > cuts // 2, "most of the cuts must leave a torn tail"
