"""kill -9 of the sender at any time: nobody is lost, and repeated are at most the window's messages for each kill."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.craft.notify.killing import begin, end, kill_again_and_again
from tests.craft.notify.tools import a_simulator, run

SCRIPT = Path(__file__).with_name("crashing.py")


async def _killed(folder: Path, *, count: int, kills: int, seed: int) -> None:
    def heard(at: int, line: bytes) -> None:
        assert line.split()[0] == b"accepted"
        if at:
            assert line.split()[1:] == [b"0", str(count).encode()]  # accepted is accepted

    said = await kill_again_and_again(
        SCRIPT, lambda port, at: (folder, port, count), heard, count=count, kills=kills, seed=seed
    )
    assert said.split()[-1] == b"over"


@run
async def test_kill_9_loses_nobody_and_repeats_at_most_a_window(tmp_path: Path) -> None:
    await _killed(tmp_path, count=800, kills=2, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@run
async def test_kill_9_many_times(seed: int, tmp_path: Path) -> None:
    await _killed(tmp_path, count=6000, kills=8, seed=seed)


@pytest.mark.slow
@run
async def test_kill_9_while_accepting_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    """Killed in the middle of a large campaign and asked again with all of it: each number is there once."""
    async with a_simulator() as smsc:
        await smsc.stop()
        process = await begin(SCRIPT, tmp_path, 9, 60_000)
        store = tmp_path / "sms" / "records.db-wal"
        while not store.exists() or store.stat().st_size < 2_000_000:
            await asyncio.sleep(0.001)
        await end(process)
        process = await begin(SCRIPT, tmp_path, 9, 60_000)
        assert process.stdout is not None
        new, already = (int(one) for one in (await process.stdout.readline()).split()[1:])
        await end(process)
    assert new + already == 60_000
