"""The pages of the draws over HTTP, and the check of a receipt in Chromium: right ones hold, bent ones are refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.access.axe import looked, opened, wrong
from tests.access.going import pressed
from tests.make import live_server
from tests.portal import browser
from tests.service.rationing.draw.world import DRAW, ROUND, a_plan, a_world

from banyan.craft.draw import ticket
from banyan.kernel.exchange.hot import STATE
from banyan.service.rationing.draw import desk

pytestmark = pytest.mark.browser


class Live(msgspec.Struct):
    """A node with a published draw and one in its first state; a winner's ticket and that of the last in line."""

    url: str
    winner: str
    last: str


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with _served(tmp_path_factory.mktemp("draws")) as served:
        yield served


@contextmanager
def _served(folder: Path) -> Iterator[Live]:
    ready = threading.Event()
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await found[0](scope, receive, send)
            return
        await receive()
        async with a_world(folder) as world:
            shares = [{"stratum": 1, "places": 5}]
            await world.call("draw_commit", **a_plan(shares=shares))
            await world.call("draw_commit", **a_plan(id="2023-w38-child", round=ROUND + 201_600))
            key = await desk.ticket_key(world.context, DRAW)
            await world.until_drawn([ticket(key, b"person %d" % one) for one in range(77)])
            drawn = await desk.drawn(world.context, DRAW)
            found.extend((world.node.app, drawn.entries[0].hex(), drawn.entries[-1].hex()))
            scope["state"][STATE] = getattr(world.node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(60), "the node did not start"
        yield Live(url.replace("127.0.0.1", "localhost"), found[1], found[2])


def test_a_citizen_looks_her_ticket_up_without_script(live: Live) -> None:
    with browser() as chromium:
        page = chromium.new_context(java_script_enabled=False).new_page()
        for given, said in (
            (live.winner, "中籤：第 1 名"),
            (live.last, "候補：第 77 名"),
            ("00" * 32, "沒有這張籤"),
            ("x", "64 個"),
        ):
            page.goto(f"{live.url}/rationing/draws/{DRAW}", wait_until="domcontentloaded")
            page.fill("#f-ticket", given)
            pressed(page, "main form button[type=submit]")
            assert said in page.locator("main").inner_text()
            assert given not in page.url or given == "x"


def test_a_receipt_is_checked_in_the_browser_and_a_bent_one_refused(live: Live) -> None:
    with browser() as chromium:
        page = chromium.new_page()
        page.goto(f"{live.url}/rationing/draws/{DRAW}", wait_until="domcontentloaded")
        page.fill("#f-ticket", live.last)
        pressed(page, "main form button[type=submit]")
        page.click("#receipt button")
        page.wait_for_selector("#told .banner-done")
        assert "77 / 77" in page.locator("#told").inner_text()
        receipt = json.loads(page.locator("#f-text").input_value())
        page.goto(f"{live.url}/en/rationing/draw-check", wait_until="domcontentloaded")
        page.context.set_offline(True)

        def checked(changed: dict[str, Any] | str) -> str:
            page.fill("#f-text", changed if isinstance(changed, str) else json.dumps(receipt | changed))
            page.click("#receipt button")
            page.wait_for_function("document.getElementById('told-title') === document.activeElement")
            said: str = page.locator("#told").inner_text()
            page.evaluate("document.getElementById('told').replaceChildren()")
            return said

        assert "The receipt holds" in checked({})
        assert "does not know the draw" in checked({"draw": "another"})
        bent: list[tuple[dict[str, Any] | str, str]] = [
            ("{", "no receipt"),
            ({"entry": "00" * 32}, "not on the list"),
            ({"entry": receipt["entry"] + "000102"}, "not on the list"),
            ({"index": receipt["index"] ^ 1}, "not on the list"),
            ({"path": receipt["path"][1:]}, "not on the list"),
            ({"path": [*receipt["path"], "00" * 32]}, "not on the list"),
            ({"root": "00" * 32}, "not on the list"),
            ({"randomness": "00" * 32}, "The seed"),
            ({"nonces": []}, "The seed"),
            ({"seed": "00" * 32}, "The seed"),
            ({"rank": 1}, "The rank"),
            ({"rank": 78}, "The rank"),
            ({"order_path": []}, "The rank"),
            ({"order_root": "00" * 32}, "The rank"),
            ({"count": 76}, ""),
            ({"index": -1}, "no receipt"),
        ]
        for changed, why in bent:
            said = checked(changed)
            assert "does not hold" in said, changed
            assert why in said, changed


def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(live: Live) -> None:
    with browser() as chromium:
        page = opened(chromium, "light")
        found: list[str] = []
        pages = (
            "/rationing/draws",
            f"/rationing/draws/{DRAW}",
            "/rationing/draws/2023-w38-child",
            "/rationing/draw-check",
        )
        for path in [*pages, *("/en" + one for one in pages)]:
            found += looked(page, live.url, path)
        page.goto(f"{live.url}/rationing/draws/{DRAW}", wait_until="domcontentloaded")
        page.fill("#f-ticket", live.winner)
        pressed(page, "main form button[type=submit]")
        page.click("#receipt button")
        page.wait_for_selector("#told .banner-done")
        found += wrong(page, "a winner's receipt")
        assert found == []
