"""`play(story)`: run `async def story(world)` in a world of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.service.rationing.preorder.world import Play, played_in


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return played_in(tmp_path)
