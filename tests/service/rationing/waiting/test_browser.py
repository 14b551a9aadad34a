"""The waiting page in Chromium without script: it says place and wait, keeps the place, lets in; axe finds nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.access import axe
from tests.make import live_server
from tests.portal import browser
from tests.service.rationing.draw.world import World, a_world
from tests.service.rationing.waiting.test_layer import OPENS, opened

from banyan.kernel.exchange.hot import STATE
from banyan.service.rationing.waiting.rooms import rooms_of

pytestmark = pytest.mark.browser


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, World]]:
    """A node with a room in which 999 people wait."""
    ready = threading.Event()
    worlds: list[World] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await worlds[0].node.app(scope, receive, send)
            return
        await receive()
        async with a_world(folder) as world:
            await opened(world)
            room = rooms_of(world.node.drawers["rationing"]).by_id["round-4"]
            for one in range(999):
                room.line.join(one.to_bytes(8, "little"))
            worlds.append(world)
            scope["state"][STATE] = getattr(world.node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield url.replace("127.0.0.1", "localhost"), worlds[0]


def test_one_waits_and_comes_in_without_script(tmp_path: Path) -> None:
    with served(tmp_path) as (url, world), browser() as chromium:
        seen = axe.opened(chromium, "light")
        found: list[str] = []
        for path in ("/rationing/draws", "/en/rationing/draws"):
            found += axe.looked(seen, url, path)
            assert seen.locator("[data-waiting]").count() == 3
        assert found == []
        page = chromium.new_context(java_script_enabled=False).new_page()

        def look() -> str:
            answer = page.goto(f"{url}/rationing/draws", wait_until="domcontentloaded")
            assert answer.status == 200
            said: str = page.locator("main").inner_text()
            return said

        assert "還沒排定" in look()
        world.now[0] = OPENS + 0.2
        first = page.locator("[data-waiting=place]").inner_text() if "您的順位" in look() else ""
        assert 1 <= int(first.replace(",", "")) <= 1_000
        assert look().count(first) >= 1  # reloaded, the place is the same
        world.now[0] += 19
        for _ in range(12):
            look()
            world.now[0] += 19
        assert "公開抽籤" in page.title()
