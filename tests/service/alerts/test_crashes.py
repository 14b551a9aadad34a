"""kill -9 of a node that warns by SMS: nobody is left out, and told twice are at most the window's for each kill."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.craft.notify.killing import kill_again_and_again
from tests.craft.notify.tools import NOW, run

SCRIPT = Path(__file__).with_name("crashing.py")
LEASE_S = 120
"""Later than any lease that the killed one had."""


async def _killed(folder: Path, *, count: int, kills: int, seed: int) -> None:
    def heard(at: int, line: bytes) -> None:
        assert line == b"released\n"

    said = await kill_again_and_again(
        SCRIPT, lambda port, at: (folder, port, count, NOW + at * LEASE_S), heard, count=count, kills=kills, seed=seed
    )
    assert said == b"released\nover sent\n"


@run
async def test_a_killed_node_warns_everybody_and_repeats_at_most_a_window(tmp_path: Path) -> None:
    await _killed(tmp_path, count=1_200, kills=1, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@run
async def test_a_node_killed_many_times_warns_everybody(seed: int, tmp_path: Path) -> None:
    await _killed(tmp_path, count=12_000, kills=6, seed=seed)
