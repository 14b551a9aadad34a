"""kill -9 at any moment of a publish: the version before serves, nothing acknowledged is lost, a retry works."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.killing import kill_rounds


def test_kill_while_publishing(tmp_path: Path) -> None:
    assert kill_rounds("publish", tmp_path, rounds=5, seed=1) > 0


@pytest.mark.slow
def test_kill_while_publishing_many_times(tmp_path: Path) -> None:
    assert kill_rounds("publish", tmp_path, rounds=200, seed=2) > 0
