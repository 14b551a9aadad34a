"""kill -9 at any moment: each alarm is acted upon once, and the state ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.craft.fencing import killed

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("rounds", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_killed_at_any_moment_no_alarm_is_lost_and_none_repeated(tmp_path: Path, rounds: int) -> None:
    slots = 6 * rounds + 20
    whole = asyncio.run(killed.run(_folder(tmp_path, "whole"), slots, shown=False))
    broken, dice = _folder(tmp_path, "broken"), random.Random(rounds)
    program = ROOT / "tests/craft/fencing/killed.py"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    kills = 0
    for _ in range(rounds):
        command = [sys.executable, str(program), str(broken), str(slots)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(dice.randint(1, 6)):
                process.stdout.readline()
            for _ in range(dice.randint(0, 20_000)):  # anywhere in a step, not at its end
                pass
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
    assert kills >= rounds // 2
    after = asyncio.run(killed.run(broken, slots, shown=False))
    assert after == whole
    assert len(whole[1]) > 50
    numbers = [int(line.split()[0]) for line in after[1]]
    assert numbers == list(range(1, len(numbers) + 1))


def _folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made
