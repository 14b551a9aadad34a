"""A family at the look-up in Chromium, without script too; axe finds nothing, and nothing is wider than a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.access.axe import looked, opened, wrong
from tests.access.going import pressed
from tests.make import live_server
from tests.portal import browser

from banyan.incident import fill
from banyan.kernel.exchange.hot import STATE
from banyan.node import open_node
from banyan.settings import Settings

pytestmark = pytest.mark.browser
NODE = Settings(services=("banyan.service.identity.parts:SERVICE", "banyan.service.casualties.parts:SERVICE"))
LIST = "姓名,性別,生日,狀況\n王曉明,男,79/3/12,急診\n陳一,女,,急診\n陳二,女,,急診\n陳三,女,,急診"


@contextmanager
def a_live_node(folder: Path) -> Iterator[str]:
    ready = threading.Event()
    apps: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await apps[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, NODE) as node:
            await fill(node, parts=[LIST], hospital="馬偕", staff=[])
            apps.append(node.app)
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield url.replace("127.0.0.1", "localhost")


def ask(page: Any, url: str, name: str, secret: str) -> None:
    page.goto(url, wait_until="domcontentloaded")
    page.fill("#f-name", name)
    page.fill("#f-secret", secret)
    pressed(page, "main form button[type=submit]")


def test_a_family_asks_without_script_and_axe_finds_nothing(tmp_path: Path) -> None:
    with a_live_node(tmp_path) as url, browser() as chromium:
        page = opened(chromium, "light")
        found: list[str] = []
        for path in ("/casualties", "/en/casualties", "/casualties/report", "/en/casualties/report"):
            found += looked(page, url, path)
        for name, secret in (("王曉明", "1990-03-12"), ("王曉明", "1111"), ("", "")):
            ask(page, f"{url}/casualties", name, secret)
            found += wrong(page, f"/casualties for {secret}")
        assert found == []
        plain = chromium.new_context(java_script_enabled=False).new_page()
        ask(plain, f"{url}/casualties", "王晓明", "79/3/12")
        said = plain.locator("main").inner_text()
        assert "王○明" in said
        assert "馬偕" in said
        assert "王" not in plain.url
        assert "%E7" not in plain.url
