"""Officers at the console in Chromium, with and without script; axe finds nothing, and 320 px hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.access import moda
from tests.access.going import pressed
from tests.make import live_server
from tests.portal import browser
from tests.service.exchange.world import ToldRoad
from tests.service.powers.test_browser import NODE, Desk

from banyan.demo.federation.law import seed_road_law
from banyan.demo.personas import seed_personas
from banyan.kernel.events import system_clock
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.hot import STATE
from banyan.node import open_node
from banyan.service.exchange.shelf import Alert, Letter, Shelf, lend

pytestmark = pytest.mark.browser
PAGES = ("/exchange", "/en/exchange", "/exchange/grants", "/en/exchange/grants", "/exchange/calls",
         "/en/exchange/calls", "/exchange/queue", "/en/exchange/queue")  # fmt: skip
SETTINGS = msgspec.structs.replace(NODE, services=(*NODE.services, "banyan.service.exchange.parts:SERVICE"))


@contextmanager
def a_live_console(folder: Path) -> Iterator[str]:
    """A whole node with its personas, over a road that tells of everything the pages can show."""
    ready, apps = threading.Event(), []
    now = system_clock()
    road = ToldRoad()
    flag = "TW/MED/H1/emergency/nothing"
    road.queue = [
        Letter("l-1", "TW/GOV/NIA/border", flag, "dead", EpochS(now - 9_000), 12, EpochS(0), "It did not answer."),
        Letter("l-2", "TW/MED/H1/emergency", "TW/GOV/NIA/border/travel-flag", "aside", EpochS(now - 900), 1,
               EpochS(0), "It broke off."),
        Letter("l-3", "TW/GOV/NIA/border", flag, "waiting", EpochS(now - 90), 2, EpochS(now + 60), "Not reached."),
    ]  # fmt: skip
    road.told = [Alert("certificate-soon", {"server": "TW/GOV/NIA/gw1", "days": "12"}),
                 Alert("split-view", {"version": "7"}, "wrong")]  # fmt: skip

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await apps[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, SETTINGS, is_demo=True) as node:
            await seed_personas(node.persons)
            await seed_road_law(node.gate)
            lend(node.drawers["exchange"], Shelf(road, node.lawful.ledger, node.lawful.conscience.bases))
            apps.append(node.app)
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield url.replace("127.0.0.1", "localhost")


@pytest.mark.peers
def test_the_rules_of_the_ministry_fail_nowhere(tmp_path: Path) -> None:
    """The scanner cannot sign in, so it is given the pages as an officer's browser without script got them."""
    moda.needed()
    kept: dict[str, bytes] = {}
    with a_live_console(tmp_path) as url, browser() as chromium:
        page = Desk(chromium, url, "demo.border", has_script=False).page
        for path in PAGES:
            page.goto(url + path, wait_until="domcontentloaded")
            kept[path] = page.content().encode()
        assert moda.scanned_kept(kept, moda.sheets_of(kept, url)) == ([200] * len(PAGES), [])


def test_the_console_is_for_everybody_who_may_see_it(tmp_path: Path) -> None:
    with a_live_console(tmp_path) as url, browser() as chromium:
        found: list[str] = []
        seen = Desk(chromium, url, "demo.border", has_script=True)
        for path in PAGES:
            found += seen.look(path)

        seen.page.goto(f"{url}/exchange/grants", wait_until="domcontentloaded")
        pressed(seen.page, "#propose ~ form button[type=submit]")
        assert seen.page.locator("#error-summary a[href='#f-until']").count() == 1
        found += seen.now("/exchange/grants with errors")

        plain = Desk(chromium, url, "demo.border", has_script=False).page
        plain.goto(f"{url}/exchange/grants", wait_until="domcontentloaded")
        plain.select_option("#f-service", "TW/GOV/NIA/border/travel-flag")
        plain.select_option("#f-client", "TW/MED/H1/emergency")
        plain.select_option("#f-purpose", "012")
        plain.select_option("#f-basis", "CDC-31-travel")
        plain.fill("#f-until", "2028-12-31")
        pressed(plain, "#propose ~ form button[type=submit]")
        assert "等待核可" in plain.locator("main").inner_text()
        second = Desk(chromium, url, "demo.border2", has_script=True)
        found += second.look("/en/exchange/grants")
        approver = Desk(chromium, url, "demo.border2", has_script=False).page
        approver.goto(f"{url}/exchange/grants", wait_until="domcontentloaded")
        pressed(approver, "button[value=approve]")
        assert "生效中" in approver.locator("main").inner_text()
        found += second.look("/exchange/grants")

        plain.goto(f"{url}/exchange/queue", wait_until="domcontentloaded")
        pressed(plain, "button[value=discard] >> nth=0")
        assert "請先勾選" in plain.locator("#error-summary").inner_text()
        plain.check("#f-sure-1")
        pressed(plain, "button[value=discard] >> nth=0")
        assert plain.locator("button[value=discard]").count() == 1

        stranger = Desk(chromium, url, "", has_script=True)
        found += stranger.look("/exchange")
        assert "承辦人員" in stranger.page.locator("main").inner_text()
        assert found == []
