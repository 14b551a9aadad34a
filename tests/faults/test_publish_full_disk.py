"""A disk that is full in the middle of a publish: a clear 507, the version before serves, and all works again."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service.opendata.workshop import workshop

from banyan.errors import Problem
from banyan.service.opendata import datasets, publish
from banyan.service.opendata.datasets import DatasetQuery
from banyan.service.opendata.publish import Publish

ROWS = 100_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", disk], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("this container may not mount a disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def table(value: int) -> bytes:
    return ("code,value,text\n" + "".join(f"{n},{value},列 {n * value}\n" for n in range(ROWS))).encode()


@pytest.mark.parametrize(
    ("share_of_file", "more_bytes"),
    [(0.0, 65_536), (0.5, 0), (1.0, 80_000)],
    ids=["for the first note", "for the original bytes", "for the table"],
)
def test_no_room(small_disk: Path, share_of_file: float, more_bytes: int) -> None:
    async def run() -> None:
        async with workshop(small_disk / "drawer") as shop:
            await shop.publish("code,value,text\n1,2,三\n")
            content = table(3)
            ticket = shop.offer(content)
            left = int(len(content) * share_of_file) + more_bytes
            ballast = small_disk / "ballast"
            room = os.statvfs(small_disk)
            ballast.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - left)))
            with pytest.raises(Problem) as refused:
                await publish.publish(shop.ctx(), Publish(file=ticket, filename="stock.csv"))
            assert refused.value.status == 507, refused.value.title
            assert refused.value.remedy
            assert (await shop.served())[1].number == 1
            assert (await datasets.dataset(shop.citizen, DatasetQuery("stock"))).name == "stock"
            ballast.unlink()
            await shop.publish(table(4))
            assert (await shop.served())[1].rows == ROWS
            assert shop.leftovers() == []
            assert len(list(shop.db.lake.keys())) == 2
            assert len(list(shop.db.blobs.keys())) == 2

    asyncio.run(run())
