"""Pages of travel history for who is signed in: clinic, immigration, patient. axe and a11y-moda find nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.access import moda
from tests.access.going import entered, pressed
from tests.make import live_server
from tests.portal import browser
from tests.service.powers.test_browser import Desk
from tests.service.travel.world import LIN, ONLY

from banyan.demo.personas import seed_personas
from banyan.demo.travel import seed_travel
from banyan.kernel.exchange.hot import STATE
from banyan.node import open_node

pytestmark = pytest.mark.browser
Seen = tuple[dict[str, bytes], dict[str, bytes], list[str]]


@contextmanager
def a_live_node(folder: Path) -> Iterator[str]:
    """With its demonstration personas and travellers, by the real clock."""
    ready = threading.Event()
    apps: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await apps[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, ONLY, is_demo=True) as node:
            await seed_personas(node.persons)
            assert await seed_travel(node.gate, subject=node.lawful.conscience.subject)
            apps.append(node.app)
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Each page as it was seen, their style sheets, and what axe found on them."""
    kept: dict[str, bytes] = {}
    found: list[str] = []

    def see(desk: Desk, path: str, told: str) -> None:
        assert told in desk.page.locator("main").inner_text(), path
        found.extend(desk.now(path))
        kept[path] = desk.page.content().encode()

    with a_live_node(tmp_path_factory.mktemp("travel")) as url, browser() as chromium:
        for lang, flagged, wrong in (("", "榕嶼", "檢查碼"),):
            clinic = Desk(chromium, url, "demo.doctor", has_script=True)
            for number, told in ((LIN, flagged), ("A123456788", wrong)):
                clinic.page.goto(f"{url}{lang}/travel")
                clinic.page.fill("#f-reason", "發燒")
                clinic.page.fill("#f-person", number)
                entered(clinic.page)
                see(clinic, f"{lang}/travel-{'flag' if number == LIN else 'wrong'}", told)
            clinic.page.goto(f"{url}{lang}/travel/tocc")
            see(clinic, f"{lang}/travel-tocc", "TOCC")
            pressed(clinic.page, "main form button[type=submit]")
            assert clinic.page.locator("#error-summary a").count()
            see(clinic, f"{lang}/travel-tocc-wrong", "")
            for persona, path in (("demo.border", "contests"), ("demo.lin", "mine")):
                other = Desk(chromium, url, persona, has_script=True)
                other.page.goto(f"{url}{lang}/travel/{path}")
                see(other, f"{lang}/travel-{path}", "BY101" if path == "contests" else flagged)
        sheets = moda.sheets_of(kept, url)
    return kept, sheets, found


def test_axe_finds_nothing_and_nothing_is_wide_for_who_is_signed_in(pages: Seen) -> None:
    assert pages[2] == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere_for_who_is_signed_in(pages: Seen) -> None:
    moda.needed()
    kept, sheets, _ = pages
    assert moda.scanned_kept(kept, sheets) == ([200] * 6, [])
