"""The author's page in a browser: areas by pointer and by keys, exact previews, two officers, drills that stay so."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from tests.access.axe import looked, opened
from tests.access.going import pressed
from tests.portal import browser
from tests.service.alerts.world import CDC, EOC, ONLY, World, a_world, warrant

from banyan.demo.personas import seed_personas
from banyan.kernel.events import system_clock
from banyan.kernel.identity.openid import signing_in
from banyan.kernel.identity.openid.sent import Sent
from banyan.node import open_node
from banyan.service.alerts.seen import Seen
from banyan.service.alerts.shelf import lend, shelf_of

pytestmark = pytest.mark.browser
SCREENS = (
    Seen(True, "cells", "presidential", "zh-Hant", "淹水警報", 3, "466-92-1"),
    Seen(True, "sms", "", "en", "Flood warning", 12),
)
"""What phones of a demonstration show; the sinks show nothing."""
AREA = "23.99,121.60 23.99,121.63 23.96,121.63"


class Stage:
    """A node in a thread of its own, with officers' sessions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self.sessions: dict[str, str] = {}
        self.url = ""
        self.world: World | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> Stage:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self._loop.close()

    async def _run(self) -> None:
        async with open_node(self._folder, ONLY) as node:
            await seed_personas(node.persons)
            self.world = a_world(node, [float(system_clock())])
            shelf = shelf_of(node.drawers["alerts"])
            lend(node.drawers["alerts"], msgspec.structs.replace(shelf, phones=lambda: SCREENS))
            await warrant(node, EOC, CDC)
            for name in ("demo.rescue", "demo.epidemic"):
                sent = Sent(issuer="http://localhost", method="POST", path="/openid/login")
                self.sessions[name] = str(await signing_in.as_persona(node.persons, sent, name))
            listening = socket.create_server(("127.0.0.1", 0))
            self.url = f"http://localhost:{listening.getsockname()[1]}"
            self._server = uvicorn.Server(uvicorn.Config(node.app, log_level="warning", lifespan="off"))
            self._ready.set()
            await self._server.serve(sockets=[listening])

    def turn(self) -> None:
        """The channels are told."""
        assert self.world is not None
        asyncio.run_coroutine_threadsafe(self.world.turn(), self._loop).result(30)

    def page(self, chromium: Any, name: str, *, has_script: bool = True) -> Any:
        context = chromium.new_context(java_script_enabled=has_script, locale="zh-TW")
        context.set_default_timeout(20_000)
        context.add_cookies([{"name": "openid", "value": self.sessions[name], "url": self.url}])
        return context.new_page()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("author")) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


def written(page: Any, stage: Stage, **boxes: str) -> None:
    """A flood warning as the template has it, for a drawn area only."""
    page.goto(f"{stage.url}/alerts/desk/new?event=flood")
    page.fill("#f-areas", "")
    for name, value in boxes.items():
        if name in ("status", "severity"):
            page.select_option(f"#f-{name}", value)
        else:
            page.fill(f"#f-{name}", value)


def sent(page: Any, button: str) -> str:
    pressed(page, page.locator(button).last)
    return str(page.locator("main").inner_text())


def released(chromium: Any, stage: Stage, address: str) -> None:
    second = stage.page(chromium, "demo.epidemic")
    second.goto(address)
    second.check("#f-sure")
    assert "已發布" in sent(second, "button[value=release]") or second.locator("table").count()
    stage.turn()


def test_a_polygon_is_drawn_by_pointer_and_every_preview_is_what_goes_out(stage: Stage, chromium: Any) -> None:
    author = stage.page(chromium, "demo.rescue")
    written(author, stage)
    drawing = author.locator("#alerts-draw")
    drawing.scroll_into_view_if_needed()
    author.wait_for_selector("#alerts-draw canvas")
    for x, y in ((90, 90), (150, 95), (120, 150)):
        drawing.click(position={"x": x, "y": y})
    author.wait_for_function("document.getElementById('f-polygon').value.trim().split(/\\s+/).length === 3")
    author.fill("#f-polygon", AREA)  # the box says what is meant to the metre
    sent(author, "main form button")
    shown = {name: author.locator(f".{name}").all_inner_texts() for name in ("phone-text", "phone-sms", "phone-chat")}
    sent(author, "button[value=propose]")
    author.check("#f-sure")
    assert "核放" in sent(author, "button[value=release]")  # a grave one is another agency's to release
    assert stage.world is not None
    people = stage.world.people
    stage.turn()
    assert not people["sms"].packets
    released(chromium, stage, author.url)
    packet = people["sms"].packets[-1]
    assert shown["phone-sms"] == [one.text for one in packet.sms.values()]
    assert shown["phone-text"] == list(packet.spoken.values())
    chats = [one.splitlines()[:-1] for one in packet.chat.values()]
    assert [one.splitlines()[: len(chat)] for one, chat in zip(shown["phone-chat"], chats, strict=True)] == chats
    assert packet.areas[0].polygon[0] == (121.60, 23.99)


def test_a_drill_written_without_script_is_marked_and_never_becomes_real(stage: Stage, chromium: Any) -> None:
    assert stage.world is not None
    before = len(stage.world.people["sms"].packets)
    author = stage.page(chromium, "demo.rescue", has_script=False)
    written(author, stage, status="Exercise")
    author.focus("#f-polygon")
    author.keyboard.type(AREA)
    assert "【演習】不是真的" in sent(author, "main form button")
    sent(author, "button[value=propose]")
    released(chromium, stage, author.url)
    assert len(stage.world.people["sms"].packets) == before
    assert stage.world.sinks["sms"].packets[-1].sms["zh-Hant"].text.startswith("【演習】")
    author.goto(f"{stage.url}/alerts")
    assert author.locator("p.alert-drill").first.inner_text() == "【演習】不是真的"
    written(author, stage, status="Test")
    author.focus("#f-polygon")
    author.keyboard.type(AREA)
    assert "【測試】不是真的" in sent(author, "main form button")
    sent(author, "button[value=propose]")
    released(chromium, stage, author.url)
    author.goto(f"{author.url}/edit")
    author.select_option("#f-status", "Actual")
    assert "演習不會變成真的" in sent(author, "main form button")
    stage.turn()
    assert len(stage.world.people["sms"].packets) == before


def test_axe_finds_nothing_on_the_desk_and_an_alert(stage: Stage, chromium: Any) -> None:
    author = stage.page(chromium, "demo.rescue")
    written(author, stage, status="Exercise", polygon=AREA)
    sent(author, "main form button")
    page = opened(chromium, "light")
    page.context.add_cookies(author.context.cookies())
    found = looked(page, "", author.url)
    sent(author, "button[value=propose]")
    released(chromium, stage, author.url)
    desk = ("/alerts/desk", "/en/alerts/desk/new?event=flood", "/alerts/desk/campaigns", "/alerts/phones")
    for path in (*desk, f"/alerts/{author.url.rpartition('/')[2]}"):
        found += looked(page, stage.url, path)
    assert found == []
