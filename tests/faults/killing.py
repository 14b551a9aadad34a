"""Kill a publishing node at a random moment, open what is left, and check that nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import duckdb
from tests.faults.publisher import ROWS, table_of
from tests.service.opendata.workshop import Workshop, workshop

from banyan.service.opendata import registry


def kill_rounds(mode: str, folder: Path, *, rounds: int, seed: int) -> int:
    """Run and kill `rounds` nodes over one folder; the number of the version served in the end."""
    dice = Random(seed)
    last = 0
    for _ in range(rounds):
        acknowledged = max(last, _run_and_kill(mode, folder, dice.uniform(0.0, 0.7)))
        last = asyncio.run(_inspect(folder / "drawer", acknowledged))
    return last


def _run_and_kill(mode: str, folder: Path, after_s: float) -> int:
    """The highest version the node acknowledged before SIGKILL."""
    command = [sys.executable, "-m", "tests.faults.publisher", mode, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        while line and not line.startswith("ready"):
            line = child.stdout.readline()
        assert line, "the node ended by itself"
        time.sleep(after_s)  # the moment of the kill is the point of the test
        child.kill()
        rest = child.stdout.read()
        child.wait()
    versions = [
        int(line.split()[1]) for line in rest.splitlines() if line.startswith("done") and len(line.split()) == 3
    ]
    return max(versions, default=0)


async def _inspect(folder: Path, acknowledged: int) -> int:
    """Everything the registry points to is whole, nothing else lies about, and the next publish works."""
    async with workshop(folder) as shop:
        found = await shop.db.sql.read(lambda tx: registry.dataset_by(tx, "stock"))
        number = found.resources[0].version if found else 0
        assert number >= acknowledged, f"version {acknowledged} was acknowledged, {number} is served"
        if found is not None:
            await _whole(shop)
        assert shop.leftovers() == []
        kept = await _files(shop)
        assert set(shop.db.lake.keys()) == {parquet for parquet, _ in kept}
        assert set(shop.db.blobs.keys()) == {sha256 for _, sha256 in kept}
        published = await shop.publish(table_of(-number - 1))
        assert published.tables[0].version == number + 1
        return number + 1


async def _whole(shop: Workshop) -> None:
    _, served = await shop.served()
    with duckdb.connect() as connection:
        path = str(shop.db.lake.path(served.parquet))
        ((rows, values),) = connection.execute(
            "SELECT count(*), count(DISTINCT value) FROM read_parquet(?)", [path]
        ).fetchall()
    assert (rows, values) == (ROWS, 1)
    assert shop.db.blobs.is_sound(served.source.sha256)
    assert len(shop.db.index.search("stock")) == 1


async def _files(shop: Workshop) -> list[tuple[str, str]]:
    found = await shop.db.sql.read(lambda tx: registry.dataset_by(tx, "stock"))
    if found is None:
        return []
    resource = found.resources[0]
    versions = await shop.db.sql.read(lambda tx: registry.versions_of(tx, resource.id, limit=10_000))
    numbers = [version.number for version in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    return [(version.parquet, version.source.sha256) for version in versions]
