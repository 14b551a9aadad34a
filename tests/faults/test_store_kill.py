"""kill -9 during group-committed writes: what was acknowledged is there; a row and its event are both or neither."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest
from tests.faults.acknowledging import ALL_ROUNDS, ROUNDS, acknowledged_before_kill
from tests.faults.sales import SQL

from banyan.kernel.events import feed
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(ALL_ROUNDS, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost(tmp_path: Path, rounds: int, capsys: pytest.CaptureFixture[str]) -> None:
    store = SqliteStore(tmp_path / "records.db")
    migrate(store, "banyan.kernel.events", load_steps("banyan.kernel.events"), at=0.0)
    store.migrate(lambda tx: tx.run(SQL["make"]))
    store.shut()

    chance = random.Random(20261123)
    everything: dict[int, str] = {}
    acknowledged = 0
    for _ in range(rounds):
        said = acknowledged_before_kill("store", tmp_path, after=chance.randint(1, 700))
        store = SqliteStore(tmp_path / "records.db")
        sales = {name for (name,) in asyncio.run(store.read(lambda tx: tx.rows(SQL["names"])))}
        events = asyncio.run(all_events(store, after=len(everything)))
        store.shut()

        assert [seq for seq, _ in events] == list(range(len(everything) + 1, len(everything) + len(events) + 1))
        everything |= dict(events)
        for seq, name in said:
            assert everything.get(seq) == name, f"sale {name} was acknowledged"
        assert sales == set(everything.values()), "a sale and its event are both there or neither"
        acknowledged += len(said)
    with capsys.disabled():
        sys.stdout.write(f" store: {rounds} x kill -9, {acknowledged} acknowledged, {len(everything)} found ")


async def all_events(store: SqliteStore, *, after: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while events := await feed.read(store, found[-1][0] if found else after):
        found += [(event.seq, event.subject) for event in events]
    return found
