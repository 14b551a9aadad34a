"""The duty console for who is signed in: the list first, forms folded, by keyboard, without script; axe and a11y-moda
find nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.access import moda
from tests.access.going import pressed
from tests.make import live_server
from tests.portal import browser
from tests.service.fence.world import ONLY
from tests.service.powers.test_browser import Desk

from banyan.admitting import admit_new
from banyan.demo import fence as drill
from banyan.demo.agencies.law import seed_law
from banyan.demo.agencies.people import LIN
from banyan.demo.personas import seed_personas
from banyan.fenced import lend_fence
from banyan.kernel.exchange.hot import STATE
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.lending import agency_names
from banyan.node import Node, open_node
from banyan.service.fence import records
from banyan.service.fence.alarming import Signal, take
from banyan.service.fence.sealing import SQL

pytestmark = pytest.mark.browser
Seen = tuple[dict[str, bytes], dict[str, bytes], list[str]]
PATH = "/fence/duty"


async def prepare(node: Node) -> None:
    """An order, thirty people, four alarms of two kinds, two from the register and one that cannot come, an appeal."""
    await seed_personas(node.persons)
    await seed_law(node.gate)
    assert await drill.seed_law_of_fence(node.gate)
    cases = await drill.seed_people(node.gate, 30)
    await drill.seed_entries(node.gate)
    lost = {"person": "A200000003", "until": "2099-01-01", "place": "不知道哪裡", "reason": "演習"}
    await node.gate.call(drill.ENTER, lost, caller=drill.officer(drill.HEALTH))
    await admit_new(node.drawers["fence"], node.drawers["quarantine"], node.gate)
    lend_fence(node.drawers, node.lawful, node.scopes, agency_names(node.persons))
    db, now = node.drawers["fence"], node.gate.clock()
    held = [await db.sql.read(partial(records.held_by_id, id=case)) for case in cases[:4]]
    slots = [one.slot for one in held if one is not None]
    kinds: tuple[Any, ...] = (("left", "strong"), ("left", "weak"), ("silent", "weak"), ("left", "weak"))
    told = [Signal(seq, slot, *kinds[seq - 1], now) for seq, slot in enumerate(slots, 1)]
    await take(node.gate.context("fence", SYSTEM), told, source="drill")
    await db.sql.write(lambda tx: tx.run(SQL["set_enrolment"], id=cases[5], enrolment="sent"))
    her = Caller("citizen", "c", assurance="aal2", subject=node.lawful.conscience.subject(LIN).hex())
    await node.gate.call("fence.appeal", {"words": "我一直在家", "alarm": ""}, caller=her)


@contextmanager
def a_live_node(folder: Path) -> Iterator[str]:
    ready = threading.Event()
    apps: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await apps[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, ONLY, is_demo=True) as node:
            await prepare(node)
            apps.append(node.app)
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield url.replace("127.0.0.1", "localhost")


def closed_heights(page: Any) -> list[str]:
    """The headings of the page in their order, and whether what they head lies open."""
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('main h2')].map(one => {"
        " const fold = one.closest('details'); return (fold && !fold.open ? '-' : '+') + one.id })"
    )
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Each page as it was seen, their style sheets, and what axe found on them."""
    kept: dict[str, bytes] = {}
    found: list[str] = []

    def see(desk: Desk, name: str) -> None:
        found.extend(desk.now(name))
        kept[name] = desk.page.content().encode()

    with a_live_node(tmp_path_factory.mktemp("fence")) as url, browser() as chromium:
        desk = Desk(chromium, url, "demo.epidemic", has_script=True)
        page = desk.page
        page.goto(url + PATH)
        assert closed_heights(page) == [
            "+shift", "+work", "-look-up", "-calls", "+missing", "-enrolments", "-appeals", "+map",
            "+people", "+on-call", "+order", "-statistics",
        ]  # fmt: skip
        assert page.locator("svg.map-picture title").first.text_content()
        assert "63000" not in page.locator("main").inner_text(), "places by their names"
        see(desk, "/duty")
        calls = page.locator("summary", has=page.locator("#calls"))
        calls.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#result-1")  # opened by keyboard
        page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
        see(desk, "/duty-open")
        plain = Desk(chromium, url, "demo.epidemic", has_script=False)
        plain.page.goto(f"{url}/en{PATH}")
        before = plain.page.locator("button[value=claim]").count()
        pressed(plain.page, "button[value=claim] >> nth=0")
        assert plain.page.locator("button[value=claim]").count() == before - 1, "taken, without script"
        assert plain.page.locator("#work-1").is_visible()
        page.goto(f"{url}/en{PATH}")
        card = page.locator("section[aria-labelledby=work] article", has=page.locator("button[value=close]")).first
        card.locator("input[name=reason]").fill("to ask whether all is well")
        pressed(page, card.locator("button[value=open_case]"))
        assert page.locator("#seen").count() == 1
        see(desk, "/en/duty-seen")
        page.click("summary:has(#look-up)")
        page.fill("#f-look_up-person", LIN)
        page.fill("#f-look_up-reason", "she called about her battery")
        pressed(page, "button[value=look_up]")
        page.click("#seen ~ details summary")
        page.fill("#call-note-seen", "battery, charges now")
        pressed(page, page.locator("section:has(#seen) button[value=note_call]"))
        assert page.locator(".banner-done").count() == 1
        page.evaluate("() => { document.querySelector('#register').closest('details').open = true }")
        page.fill("#f-register-person", "A123456788")
        pressed(page, "button[value=register]")
        assert page.locator("#f-register-person").is_visible(), "the form that is wrong lies open"
        assert page.locator("#error-summary a").count()
        see(desk, "/en/duty-wrong")
        her = Desk(chromium, url, "demo.lin", has_script=True)
        her.page.goto(f"{url}/fence/mine")
        pressed(her.page, "button[value=link]")
        code = re.search(r"連結 [A-Z2-9]{5}-[A-Z2-9]{5}", her.page.locator("main").inner_text())
        assert code
        see(her, "/mine-code")
        her.page.goto(f"{url}/handset")
        her.page.fill("#f-text", code[0])
        pressed(her.page, ".chat-form button")
        assert her.page.locator(".chat-reply").count() == 1
        see(her, "/handset")
        sheets = moda.sheets_of(kept, url)
    return kept, sheets, found


def test_axe_finds_nothing_and_nothing_is_wide(pages: Seen) -> None:
    assert pages[2] == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere(pages: Seen) -> None:
    moda.needed()
    kept, sheets, _ = pages
    assert moda.scanned_kept(kept, sheets) == ([200] * len(kept), [])
