"""Officers of two agencies at their desk in Chromium, without script, and everybody beside them; axe finds nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.access.axe import looked, opened, wide, wrong
from tests.access.going import pressed
from tests.kernel.policy.test_judging import FLAG
from tests.make import live_server
from tests.portal import browser
from tests.service.mydata.test_secondary import RESEARCH

from banyan.demo.personas import seed_personas
from banyan.kernel.events import system_clock
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.hot import STATE
from banyan.kernel.policy import records
from banyan.node import open_node
from banyan.settings import Settings

pytestmark = pytest.mark.browser
TAIPEI = timezone(timedelta(hours=8))
NODE = Settings(
    services=(
        "banyan.service.opendata.parts:SERVICE",
        "banyan.service.transparency.parts:SERVICE",
        "banyan.service.identity.parts:SERVICE",
        "banyan.service.mydata.parts:SERVICE",
        "banyan.service.powers.parts:SERVICE",
    )
)


@contextmanager
def a_live_node(folder: Path) -> Iterator[str]:
    """A whole node with its demonstration personas and two bases, behind a live server, by the real clock."""
    ready = threading.Event()
    apps: list[Any] = []
    now = system_clock()
    power = msgspec.structs.replace(FLAG, valid_from=EpochS(now - 100), sunset=EpochS(now + 20 * 86_400))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await apps[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, NODE, is_demo=True) as node:
            await seed_personas(node.persons)
            for basis in (power, RESEARCH):
                await node.lawful.policy.write(lambda tx, one=basis: records.put_basis(tx, one, EpochS(now)))
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
    """One person's browser."""

    def __init__(self, chromium: Any, url: str, persona: str, *, has_script: bool) -> None:
        self.url = url
        if has_script:
            self.page = opened(chromium, "light")
        else:
            self.page = chromium.new_context(java_script_enabled=False).new_page()
        if persona:
            self.page.goto(f"{url}/openid/login", wait_until="domcontentloaded")
            pressed(self.page, f"button[value='{persona}']")

    def look(self, path: str) -> list[str]:
        """What axe finds, and whether it is wider than a small screen."""
        return looked(self.page, self.url, path)

    def now(self, path: str) -> list[str]:
        return wrong(self.page, path) + wide(self.page, path)


def local(days: float) -> str:
    return (datetime.now(TAIPEI) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def declare(page: Any, url: str) -> None:
    page.goto(f"{url}/powers/declare", wait_until="domcontentloaded")
    for name, text in (("id", "border-1"), ("title_zh", "邊境檢疫"), ("title_en", "Border quarantine"),
                       ("incident", "2026-11 境外移入"), ("reason", "航班乘客確診"), ("start", local(-0.01)),
                       ("until", local(3))):  # fmt: skip
        page.fill(f"#f-{name}", text)
    page.check("#f-basis-1")
    pressed(page, "main form button[type=submit]")


def test_two_officers_put_an_order_into_force_without_script_and_axe_finds_nothing(tmp_path: Path) -> None:
    with a_live_node(tmp_path) as url, browser() as chromium:
        found: list[str] = []
        stranger = Desk(chromium, url, "", has_script=True)
        for path in ("/powers", "/en/powers", "/powers/bases", "/en/powers/bases", f"/en/powers/bases/{FLAG.id}",
                     "/mydata/secondary", "/en/transparency"):  # fmt: skip
            found += stranger.look(path)
        assert stranger.page.locator("main a[href='/en/powers']").count() == 1
        stranger.page.goto(url, wait_until="domcontentloaded")
        pressed(stranger.page, "main a[href='/powers']")
        assert stranger.page.locator("h1").inner_text() == "緊急權力"

        watching = Desk(chromium, url, "demo.epidemic", has_script=True)
        found += watching.look("/powers/declare")
        pressed(watching.page, "main form button[type=submit]")
        assert watching.page.locator("#error-summary a[href='#f-until']").count() == 1
        found += watching.now("/powers/declare with errors")
        found += watching.look("/en/powers/reviews")

        plain = Desk(chromium, url, "demo.epidemic", has_script=False)
        declare(plain.page, url)
        assert plain.page.url.endswith("/powers/orders/border-1")
        assert "等待另一機關核可" in plain.page.locator("main").inner_text()
        second = Desk(chromium, url, "demo.border", has_script=True)
        found += second.look("/powers/orders/border-1")
        approver = Desk(chromium, url, "demo.border", has_script=False)
        approver.page.goto(f"{url}/powers/orders/border-1", wait_until="domcontentloaded")
        pressed(approver.page, "button[value=approve]")
        assert "生效中" in approver.page.locator("h1").inner_text()

        found += stranger.look("/powers")
        main = stranger.page.locator("main").inner_text()
        for words in ("邊境檢疫", "傳染病防治法第 39 條", "TW/GOV/CDC", "TW/GOV/NIA", "2 天 23 小時"):
            assert words in main, words
        approver.page.check("#f-sure")
        pressed(approver.page, "button[value=end]")
        assert "已結束" in approver.page.locator("h1").inner_text()
        found += stranger.look("/en/powers")
        board = json.loads(stranger.page.evaluate("async () => (await fetch('/api/powers/board')).text()"))
        assert [(one["id"], one["stage"]) for one in board["orders"]] == [("border-1", "ended")]
        assert found == []


def test_a_citizen_stops_secondary_use_without_script(tmp_path: Path) -> None:
    with a_live_node(tmp_path) as url, browser() as chromium:
        plain = Desk(chromium, url, "demo.lin", has_script=False)
        plain.page.goto(f"{url}/mydata", wait_until="domcontentloaded")
        pressed(plain.page, "main a[href='/mydata/secondary']")
        pressed(plain.page, "form:has(input[value='157']) button")
        kind = plain.page.locator("section", has=plain.page.locator("input[value='157']"))
        assert "已停止" in kind.first.inner_text()
        seen = Desk(chromium, url, "demo.lin", has_script=True)
        assert seen.look("/mydata/secondary") + seen.look("/en/mydata/secondary") + seen.look("/mydata") == []
        pressed(plain.page, "form:has(input[value='157']) button")
        assert "已停止" not in kind.first.inner_text()
