"""`play(story)`: run `async def story(world)` in a world of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.service.rationing.preorder.world import Play, World, a_world


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def run(story: Callable[[World], Awaitable[None]]) -> None:
        async def lived() -> None:
            async with a_world(tmp_path) as world:
                await story(world)

        asyncio.run(lived())

    return run
