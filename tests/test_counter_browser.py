"""The counter, the public screen and acting for a child in Chromium without script; axe finds nothing on the pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.access.axe import looked, opened
from tests.access.going import pressed
from tests.make import live_server
from tests.portal import browser

from banyan.demo.personas import seed_personas
from banyan.kernel.exchange.hot import STATE
from banyan.node import open_node
from banyan.settings import Settings

pytestmark = pytest.mark.browser
LIN = "A123456789"
NODE = Settings(services=("banyan.service.identity.parts:SERVICE", "banyan.service.mydata.parts:SERVICE"))


@contextmanager
def a_live_node(folder: Path) -> Iterator[str]:
    """A node with its demonstration personas behind a live server, by the real clock."""
    ready = threading.Event()
    apps: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await apps[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, NODE, is_demo=True) as node:
            await seed_personas(node.persons)
            apps.append(node.app)
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield url.replace("127.0.0.1", "localhost")


class Desk:
    """One person's browser: without script for what is done, and axe's look at where it stands."""

    def __init__(self, chromium: Any, url: str, persona: str, found: list[str]) -> None:
        self.url, self.found = url, found
        self.chromium = chromium
        self.context = chromium.new_context(java_script_enabled=False, locale="en-GB")
        self.page = self.context.new_page()
        self.go("/en/openid/login")
        pressed(self.page, f"button[value='{persona}']")

    def go(self, path: str) -> None:
        self.page.goto(self.url + path, wait_until="domcontentloaded")

    def text(self) -> str:
        return str(self.page.inner_text("main"))

    def look(self, *paths: str) -> None:
        """axe over these pages, and whether they fit a small screen, with this browser's cookies."""
        page = opened(self.chromium, "light")
        page.context.add_cookies(self.context.cookies())
        for path in paths:
            self.found.extend(looked(page, self.url, path))
        page.close()

    def ask(self, what: str) -> None:
        self.go("/en/counter")
        self.page.select_option("#f-what", what)
        self.page.fill("#f-number", LIN)
        pressed(self.page, "form:has(#f-number) button")

    def confirm(self) -> None:
        self.go("/en/counter")
        self.page.fill("input[id^='n-']", LIN)
        pressed(self.page, "button[value='confirm']")

    def begin(self) -> None:
        self.go("/en/counter")
        pressed(self.page, "button[value='begin']")


def test_a_counter_a_screen_and_a_mother(tmp_path: Path) -> None:
    found: list[str] = []
    with a_live_node(tmp_path) as url, browser() as chromium:
        first, second = (Desk(chromium, url, name, found) for name in ("demo.registrar", "demo.registrar2"))
        first.ask("visit")
        first.look("/en/counter", "/counter")
        second.confirm()
        first.begin()
        assert "A visit is going on" in first.text()
        first.look("/en/counter", "/en/mydata")
        first.go("/en/mydata")
        assert "At a counter" in first.page.inner_text("body")
        first.go("/en/counter")
        pressed(first.page, "button[value='end']")
        assert "Somebody is at the counter" in first.text()

        screen = Desk(chromium, url, "demo.registrar2", found)
        screen.go("/en/counter")
        pressed(screen.page, "button[value='screen']")
        assert screen.page.locator("#f-code").count() == 1
        first.ask("kiosk")
        second.confirm()
        first.begin()
        code = first.page.inner_text("main code")
        screen.look("/en/kiosk", "/kiosk")
        screen.page.fill("#f-number", LIN)
        screen.page.fill("#f-code", code)
        pressed(screen.page, "main form button")
        assert screen.page.url.endswith("/mydata")
        assert "Public screen" in screen.page.inner_text("body")
        assert "with an officer's help" in screen.text()  # what was done at the counter stands in her list
        screen.look("/en/mydata")
        pressed(screen.page, "text=End")
        assert screen.page.locator("#f-code").count() == 1
        screen.go("/en/mydata")
        assert "with an officer's help" not in screen.text()

        mother = Desk(chromium, url, "demo.mother", found)
        mother.look("/en/openid/acting", "/openid/acting")
        mother.go("/en/openid/acting")
        pressed(mother.page, "text=Act for your child")
        mother.go("/en/mydata")
        assert "You act for your child" in mother.page.inner_text("body")
        mother.look("/en/mydata", "/en/openid/acting")
    assert found == []
