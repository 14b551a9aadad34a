"""kill -9 of a node that warns by SMS: nobody is left out, and told twice are at most the window's for each kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from tests.craft.notify.tools import NOW, a_simulator, number, run

from banyan.craft.notify.phones import Phones

ROOT = Path(__file__).parents[3]
WINDOW = 40
LEASE_S = 120
"""Later than any lease that the killed one had."""


async def _start(folder: Path, port: int, count: int, at: int) -> asyncio.subprocess.Process:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    given = (folder, port, count, NOW + at * LEASE_S)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("crashing.py")),
        *map(str, given),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )


async def _kill_again_and_again(folder: Path, *, count: int, kills: int, seed: int) -> None:
    random = Random(seed)
    counted: Counter[str] = Counter()
    async with a_simulator() as smsc:
        smsc.phones = Phones(on_part=lambda to, reference, part: counted.update([to]))
        for at in range(kills):
            process = await _start(folder, smsc.port, count, at)
            assert process.stdout is not None
            assert await process.stdout.readline() == b"released\n"
            goal = smsc.submits + random.randrange(1, count // kills)
            while smsc.submits < goal and process.returncode is None:
                await asyncio.sleep(0.001)
            assert process.returncode is None, "it is killed while it sends"
            process.send_signal(signal.SIGKILL)
            await process.wait()
        process = await _start(folder, smsc.port, count, kills)
        said, _ = await process.communicate()
        assert said == b"released\nover sent\n"
    assert set(counted) == {number(one) for one in range(count)}
    assert sum(counted.values()) - count <= kills * WINDOW


@run
async def test_a_killed_node_warns_everybody_and_repeats_at_most_a_window(tmp_path: Path) -> None:
    await _kill_again_and_again(tmp_path, count=1_200, kills=1, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@run
async def test_a_node_killed_many_times_warns_everybody(seed: int, tmp_path: Path) -> None:
    await _kill_again_and_again(tmp_path, count=12_000, kills=6, seed=seed)
