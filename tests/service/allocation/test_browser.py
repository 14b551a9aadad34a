"""Every page of allocation in Chromium, as the public and as officers: axe and a11y-moda find nothing, 320 px hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.access import moda
from tests.access.axe import looked, opened, wide, wrong
from tests.access.going import pressed
from tests.make import live_server
from tests.portal import browser
from tests.service.allocation.world import DAY, EVENTS, ITEM, PROPOSER, SECOND, WEEK, a_day

from banyan.demo.personas import seed_personas
from banyan.kernel.exchange.hot import STATE
from banyan.kernel.identity.caller import SYSTEM
from banyan.node import open_node
from banyan.service.supplies.keeping import kept_of
from banyan.settings import Settings

NODE = Settings(
    services=tuple(f"banyan.service.{name}.parts:SERVICE" for name in ("identity", "supplies", "allocation"))
)


@contextmanager
def a_live_node(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Its address, an approved plan and a draft."""
    ready = threading.Event()
    made: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await made[0](scope, receive, send)
            return
        await receive()
        async with open_node(folder, NODE, is_demo=True) as node:
            await seed_personas(node.persons)
            board = kept_of(node.drawers["supplies"])
            for event in EVENTS:
                await board.commit(event)
            for day in WEEK:
                await node.gate.call("allocation.save_day", a_day(day), caller=SYSTEM)
            asked = {"item": ITEM, "day": DAY, "supply": 30}
            first = await node.gate.call("allocation.propose", asked, caller=PROPOSER)
            await node.gate.call("allocation.approve", {"id": first.id}, caller=SECOND)
            draft = await node.gate.call("allocation.propose", asked | {"supply": 31}, caller=PROPOSER)
            made.extend((node.app, first.id, draft.id))
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield url.replace("127.0.0.1", "localhost"), made[1], made[2]


def public(approved: str) -> tuple[str, ...]:
    """Pages that nobody signs in for."""
    chinese = ("/allocation", f"/allocation/plans/{approved}")
    return (*chinese, *(f"/en{path}" for path in chinese))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    with a_live_node(tmp_path_factory.mktemp("allocation")) as node:
        yield node


@pytest.mark.browser
def test_axe_finds_nothing_and_nothing_is_wide(live: tuple[str, str, str]) -> None:
    url, approved, draft = live
    found: list[str] = []

    def look(page: Any, name: str) -> None:
        found.extend(wrong(page, name) + wide(page, name))

    with browser() as chromium:
        for scheme in ("light", "dark"):
            page = opened(chromium, scheme)
            for path in public(approved):
                found += looked(page, url, path)
        page = opened(chromium, "light")
        page.goto(f"{url}/openid/login", wait_until="domcontentloaded")
        pressed(page, "button[value='demo.supplies']")
        page.goto(f"{url}/en/allocation/plans/{draft}", wait_until="domcontentloaded")
        look(page, "a draft")
        pressed(page, "button[value=adjust]")
        assert page.locator("#error-summary").count() == 1
        look(page, "an adjustment that does not stand")
        page.goto(f"{url}/en/allocation", wait_until="domcontentloaded")
        page.fill("#f-day", DAY)
        page.fill("#f-supply", "20")
        pressed(page, "button[value=compare]")
        assert page.locator("#compared").count() == 1
        look(page, "methods side by side")
        assert page.input_value("#f-supply") == "20"
    assert found == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere(live: tuple[str, str, str]) -> None:
    moda.needed()
    url, approved, _ = live
    given = [url.replace("localhost", "127.0.0.1") + path for path in public(approved)]
    assert moda.scanned(given) == ([200] * len(given), [])
