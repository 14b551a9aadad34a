"""The offline counter in Chromium: the network is cut, sales go on by keyboard, the page is loaded anew, receipts come
home, and another pharmacy had sold to one of them meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.access.axe import opened, wide, wrong
from tests.access.going import pressed
from tests.make import live_server
from tests.portal import browser
from tests.portal import until as until_in
from tests.service.rationing.offline.world import AGENCY, HERE, PEOPLE, THERE, World, furnish

from banyan.kernel.exchange.hot import STATE
from banyan.kernel.identity import people
from banyan.kernel.identity.openid.model import Account
from banyan.node import open_node
from banyan.settings import Settings

pytestmark = pytest.mark.browser
NODE = Settings(services=("banyan.service.identity.parts:SERVICE", "banyan.service.rationing.parts:SERVICE"))
until = partial(until_in, within_s=90.0)
"""A bound for what never comes, on a machine with much else to do."""
SELLER = "demo.offline-pharmacist"
PATH = "/en/rationing/offline"


class Site(msgspec.Struct):
    """A live node; `run` works in its own loop."""

    url: str
    world: World
    loop: asyncio.AbstractEventLoop

    def run(self, work: Awaitable[Any]) -> Any:
        async def done() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(60)


@contextmanager
def a_site(folder: Path) -> Iterator[Site]:
    """By the real clock: a browser has no other."""
    ready = threading.Event()
    apps: list[Any] = []
    found: list[Site] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await apps[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, NODE, is_demo=True) as node:
            world = await furnish(node, [node.gate.clock()], [True], "health_centre")
            shown = {"zh-Hant": "藥師", "en": "Pharmacist"}
            account = Account(id="", name=SELLER, kind="officer", shown=shown, agency=AGENCY, is_demo=True)
            account = msgspec.structs.replace(account, roles=("pharmacist",), assurance="aal2")
            await people.add(node.persons, account, number="")
            apps.append(node.app)
            found.append(Site("", world, asyncio.get_running_loop()))
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        found[0].url = url.replace("127.0.0.1", "localhost")
        yield found[0]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("offline")) as found:
        yield found


def signed_in(chromium: Any, site: Site, script: str = "") -> Any:
    page = chromium.new_context(locale="en-GB", timezone_id="Asia/Taipei").new_page()
    page.add_init_script(script)
    page.goto(f"{site.url}/en/openid/login", wait_until="domcontentloaded")
    pressed(page, f"button[value='{SELLER}']")
    return page


def a_terminal(chromium: Any, site: Site, outlet: str, qty: int, script: str = "") -> Any:
    """A page whose device is enrolled and holds a lease, with its service worker in place."""
    page = signed_in(chromium, site, script)
    page.goto(site.url + PATH)
    page.select_option("#f-outlet", outlet)
    page.focus("#f-outlet")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#offline-desk:not([hidden])")
    page.fill("#offline-take-qty", str(qty))
    page.keyboard.press("Enter")
    page.wait_for_selector("#offline-sell:not([hidden])")
    until(lambda: page.evaluate("navigator.serviceWorker.ready.then((one) => one.active.state)") == "activated")
    return page


def sell(page: Any, number: str, *, from_field: bool = True) -> str:
    """By keyboard alone: a reader types into the field that has the focus, and ends with Enter."""
    if from_field:
        page.wait_for_selector("#offline-card:focus")
    page.focus("#offline-card")
    page.evaluate("document.getElementById('offline-said').hidden = true")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.wait_for_selector("#offline-said:not([hidden])")
    return str(page.inner_text("#offline-said"))


def everything_kept(page: Any) -> str:
    """All that a thief reads of the device's store; what a key holds he cannot."""
    return str(
        page.evaluate(
            """async () => {
          const opened = indexedDB.open("rationing-offline", 1);
          const database = await new Promise((resolve) => { opened.onsuccess = () => resolve(opened.result); });
          const all = {};
          for (const name of database.objectStoreNames) {
            const asked = database.transaction(name).objectStore(name).getAll();
            all[name] = await new Promise((resolve) => { asked.onsuccess = () => resolve(asked.result); });
          }
          database.close();
          const plain = (key, value) => value instanceof CryptoKey ? `key extractable=${value.extractable}`
            : value instanceof Uint8Array ? Array.from(value).join() : value;
          return JSON.stringify(all, plain);
        }"""
        )
    )


def test_twenty_sales_without_a_network_survive_a_reload_and_come_home(site: Site, chromium: Any) -> None:
    world = site.world
    site.run(world.deliver(HERE, 300))
    site.run(world.deliver(THERE, 30))
    start = site.run(world.report())
    page = a_terminal(chromium, site, HERE, 200)
    page.context.set_offline(True)
    for number in PEOPLE[:12]:
        assert "Sold 9" in sell(page, number)
        page.keyboard.press("Enter")  # a reader that ends with two: nothing is sold twice
    page.reload()
    page.wait_for_selector("#offline-sell:not([hidden])")
    page.locator("#offline-facts", has_text="down").wait_for()  # told a moment after a page is loaded without a network
    for number in PEOPLE[12:20]:
        assert "Sold 9" in sell(page, number)
    assert "all it may" in sell(page, PEOPLE[3])
    assert "no card number" in sell(page, "A123456780")
    for amount in ("-3", "2.5", "all"):
        page.fill("#offline-qty", amount)
        page.fill("#offline-card", "")
        assert "whole number" in sell(page, PEOPLE[21], from_field=False)
    page.fill("#offline-qty", "")
    page.fill("#offline-card", "")
    assert "20 of 200 left" in page.inner_text("#offline-facts")
    kept = everything_kept(page)
    assert not any(number in kept for number in PEOPLE[:20])
    assert "extractable=false" in kept
    assert "extractable=true" not in kept
    assert site.run(world.stock()).sold == 0

    site.run(world.buy(PEOPLE[0], 9))  # the same person, at another pharmacy, while this one is cut off
    page.context.set_offline(False)
    until(lambda: site.run(world.stock()).sold == 180)
    until(lambda: "(sent)" in page.inner_text("#offline-last li:first-child"))
    report = site.run(world.report())
    gained = (report.receipts - start.receipts, report.units - start.units, report.over - start.over)
    assert (*gained, report.missing, report.forked) == (20, 180, 9, 0, 0)
    assert site.run(world.may_buy(PEOPLE[5])) == 0
    page.click("#offline-close")
    until(lambda: site.run(world.stock()).leased == 0)
    stock = site.run(world.stock())
    assert (stock.available, stock.sold, stock.short) == (120, 180, 0)


SILENT = """
Object.defineProperty(Navigator.prototype, "onLine", {{ get: () => {says} }});
for (const name of ["online", "offline"]) window.addEventListener(name, (event) => event.stopImmediatePropagation());
"""


@pytest.mark.parametrize("says", ["true", "false"])
def test_receipts_come_home_where_the_browser_does_not_tell_that_the_line_is_back(
    site: Site, chromium: Any, says: str
) -> None:
    """Its word on the line was all that was asked: one that says "down" for ever kept the receipts for ever."""
    world = site.world
    site.run(world.deliver(THERE, 60))
    sold = site.run(world.stock(THERE)).sold
    page = a_terminal(chromium, site, THERE, 60, SILENT.format(says=says))
    network = page.locator("#offline-facts div", has_text="Network")
    network.get_by_text("there").wait_for()
    page.context.set_offline(True)
    person = PEOPLE[30 + len(says)]
    assert "Sold 9" in sell(page, person)
    network.get_by_text("down").wait_for()
    page.context.set_offline(False)
    until(lambda: "(sent)" in page.inner_text("#offline-last li:first-child"))
    network.get_by_text("there").wait_for()
    assert site.run(world.stock(THERE)).sold == sold + 9
    page.context.close()


def test_a_person_served_elsewhere_is_asked_about_and_the_clock_is_watched(site: Site, chromium: Any) -> None:
    world = site.world
    site.run(world.deliver(THERE, 900))
    first, second = (a_terminal(chromium, site, THERE, 20), a_terminal(chromium, site, THERE, 30))
    assert "Sold 9" in sell(first, PEOPLE[40])
    until(lambda: "(sent)" in first.inner_text("#offline-last li:first-child"))
    first.context.close()
    second.fill("#offline-take-qty", "400")  # takes a new snapshot too, with room in its reserve
    second.click("#offline-take button")
    until(lambda: "of 400 left" in second.inner_text("#offline-facts"))
    until(lambda: second.evaluate("document.activeElement.id") == "offline-card")
    second.context.set_offline(True)
    assert "Sold 9" in sell(second, PEOPLE[41])
    assert "may be served" in sell(second, PEOPLE[40])
    second.wait_for_selector("#offline-reserve:focus")
    second.keyboard.press("Space")
    second.keyboard.press("Enter")
    until(lambda: "Sold 9" in second.inner_text("#offline-said"))

    second.evaluate("window.realNow = Date.now; Date.now = () => window.realNow() - 3_600_000")
    assert "clock is behind" in sell(second, PEOPLE[51])
    second.evaluate("Date.now = () => window.realNow() + 25 * 3_600_000")
    assert "lease is over" in sell(second, PEOPLE[52])
    second.reload()
    second.context.close()


def test_axe_finds_nothing_and_320_pixels_hold(site: Site, chromium: Any) -> None:
    found: list[str] = []
    site.run(site.world.deliver(THERE, 300))
    person = signed_in(chromium, site)
    page = opened(chromium, "light")
    page.context.add_cookies(person.context.cookies())
    person.context.close()
    for path in ("/rationing/offline", PATH):
        page.goto(site.url + path)
        page.wait_for_selector("#offline-setup:not([hidden])")
        found += wrong(page, path)
    page.select_option("#f-outlet", THERE)
    page.click("#offline-enrol button")
    page.wait_for_selector("#offline-desk:not([hidden])")
    found += wrong(page, "desk")
    page.click("#offline-take button")
    page.wait_for_selector("#offline-sell:not([hidden])")
    page.fill("#offline-card", "A123456780")
    page.keyboard.press("Enter")
    until(lambda: "no card number" in page.inner_text("#offline-said"))
    found += wrong(page, "refused")
    page.emulate_media(color_scheme="dark")
    found += wrong(page, "dark")
    found += wide(page, "the desk")
    page.context.close()
    assert found == []


def test_the_manifest_and_the_worker(site: Site, chromium: Any) -> None:
    page = chromium.new_context().new_page()
    manifest = json.loads(page.goto(f"{site.url}/rationing/offline/manifest.webmanifest").body())
    assert manifest["start_url"] == "/rationing/offline"
    assert page.goto(site.url + manifest["icons"][0]["src"]).ok
    worker = page.goto(f"{site.url}/rationing/offline/worker.js")
    assert worker.headers["service-worker-allowed"] == "/"
    page.context.close()
