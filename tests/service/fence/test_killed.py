"""kill -9 of a node over engine and records: no alarm is lost, none repeated, and nobody is asked twice for one."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.service.fence import killed

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("rounds", [6, pytest.param(300, marks=pytest.mark.slow)])
def test_a_node_killed_at_any_moment_loses_and_repeats_no_alarm(
    tmp_path: Path, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("banyan.craft.fencing.engine.warm", lambda: None)
    slots, whole, broken = 2 * rounds + 20, tmp_path / "whole", tmp_path / "broken"
    asyncio.run(killed.prepare(whole))
    shutil.copytree(whole, broken)
    expected = asyncio.run(killed.run(whole, slots, shown=False))
    kills = killing(broken, slots, rounds)
    found = asyncio.run(killed.run(broken, slots, shown=False))
    assert kills >= rounds // 2
    assert found == expected
    assert sum(expected[0].values()) >= 4, "it is about something"
    asked = [line.split()[0] for line in (broken / "sms").read_text().splitlines()]
    assert len(asked) == len(set(asked)) == len((whole / "sms").read_text().splitlines())


def killing(folder: Path, slots: int, rounds: int) -> int:
    """Kill a child `rounds` times; how many kills met one alive."""
    dice, kills = random.Random(rounds), 0
    command = [sys.executable, "-m", "tests.service.fence.killed", str(folder), str(slots)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as zygote:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        for _ in range(rounds):
            zygote.stdin.write("go\n")
            zygote.stdin.flush()
            child, line = 0, ""
            for _ in range(dice.randint(2, 4)):  # its number and some slots
                line = zygote.stdout.readline()
                if line.startswith("child"):
                    child = int(line.split()[1])
                if line == "ended\n":
                    break
            for _ in range(dice.randint(0, 200_000)):  # anywhere in a step, not at its end
                pass
            if line != "ended\n":
                os.kill(child, signal.SIGKILL)
                kills += 1
                while zygote.stdout.readline() != "ended\n":
                    pass
        zygote.stdin.close()
    return kills
