"""kill -9 of an operator's node while it tells an area: nobody is left out, twice at most a window's for each kill."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.craft.notify.killing import kill_again_and_again
from tests.craft.notify.tools import NOW, run

SCRIPT = Path(__file__).with_name("area_crashing.py")
LEASE_S = 1_000
"""Later than the lease of the look-up that the killed one had."""


async def _killed(folder: Path, *, count: int, kills: int, seed: int) -> None:
    def heard(at: int, line: bytes) -> None:
        assert line == b"taken\n"

    said = await kill_again_and_again(
        SCRIPT, lambda port, at: (folder, port, count, NOW + at * LEASE_S), heard, count=count, kills=kills, seed=seed
    )
    assert said == b"taken\nover sent %d\n" % count


@run
async def test_a_killed_operator_tells_everybody_and_repeats_at_most_a_window(tmp_path: Path) -> None:
    await _killed(tmp_path, count=1_200, kills=1, seed=5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@run
async def test_an_operator_killed_many_times_tells_everybody(seed: int, tmp_path: Path) -> None:
    await _killed(tmp_path, count=24_000, kills=6, seed=seed)
