"""kill -9 of the sender at any time: nobody is lost, and repeated are at most the window's messages for each kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from tests.craft.notify.tools import a_simulator, number, run

from banyan.craft.notify.phones import Phones

ROOT = Path(__file__).parents[3]
WINDOW = 40


async def _start(folder: Path, port: int, count: int) -> asyncio.subprocess.Process:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("crashing.py")),
        str(folder),
        str(port),
        str(count),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )


async def _kill_again_and_again(folder: Path, *, count: int, kills: int, seed: int) -> None:
    random = Random(seed)
    counted: Counter[str] = Counter()
    async with a_simulator() as smsc:
        smsc.phones = Phones(on_part=lambda to, reference, part: counted.update([to]))
        for at in range(kills):
            process = await _start(folder, smsc.port, count)
            assert process.stdout is not None
            said = await process.stdout.readline()
            assert said.split()[0] == b"accepted"
            if at:
                assert said.split()[1:] == [b"0", str(count).encode()]  # accepted is accepted
            goal = smsc.submits + random.randrange(1, count // kills)
            while smsc.submits < goal and process.returncode is None:
                await asyncio.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        process = await _start(folder, smsc.port, count)
        said, _ = await process.communicate()
        assert said.split()[-1] == b"over"
    assert set(counted) == {number(one) for one in range(count)}
    assert sum(counted.values()) - count <= kills * WINDOW


@run
async def test_kill_9_loses_nobody_and_repeats_at_most_a_window(tmp_path: Path) -> None:
    await _kill_again_and_again(tmp_path, count=800, kills=2, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@run
async def test_kill_9_many_times(seed: int, tmp_path: Path) -> None:
    await _kill_again_and_again(tmp_path, count=6000, kills=8, seed=seed)


@pytest.mark.slow
@run
async def test_kill_9_while_accepting_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    """Killed in the middle of a large campaign and asked again with all of it: each number is there once."""
    async with a_simulator() as smsc:
        await smsc.stop()
        process = await _start(tmp_path, 9, 60_000)
        store = tmp_path / "sms" / "records.db-wal"
        while not store.exists() or store.stat().st_size < 2_000_000:
            await asyncio.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process = await _start(tmp_path, 9, 60_000)
        assert process.stdout is not None
        new, already = (int(one) for one in (await process.stdout.readline()).split()[1:])
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert new + already == 60_000
