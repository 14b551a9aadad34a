"""kill -9 in a live update of a half-written source: a whole version serves, nothing acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.killing import kill_rounds


def test_kill_while_following(tmp_path: Path) -> None:
    assert kill_rounds("live", tmp_path, rounds=4, seed=3) > 0


@pytest.mark.slow
def test_kill_while_following_many_times(tmp_path: Path) -> None:
    assert kill_rounds("live", tmp_path, rounds=200, seed=4) > 0
