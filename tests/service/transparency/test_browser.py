"""The page that checks receipts in Chromium: with the network gone and no request made, also for lies; and by axe."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.access.axe import opened, wide, wrong
from tests.make import Client
from tests.portal import browser
from tests.service.transparency.test_checking import receipts
from tests.service.transparency.test_log import in_a_node

from banyan.kernel.exchange.server import server_config
from banyan.node import Node

pytestmark = pytest.mark.browser
PAGE = "/transparency/check"


class Site:
    """A node behind a socket in a thread of its own, and receipts of its log: of a use, of a public act."""

    url: str
    use: bytes
    act: bytes


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    found, ready, done = Site(), threading.Event(), threading.Event()

    async def serve(node: Node, _client: Client) -> None:
        found.use, found.act = await receipts(node, others=20)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(server_config(node.app))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        found.url = f"http://localhost:{listener.getsockname()[1]}"
        ready.set()
        await asyncio.to_thread(done.wait)
        server.should_exit = True
        await serving
        listener.close()

    thread = threading.Thread(target=in_a_node, args=(serve,), daemon=True)
    thread.start()
    assert ready.wait(60), "the node did not open"
    yield found
    done.set()
    thread.join(60)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as one:
        yield one


def told(page: Any, receipt: bytes, folder: Path) -> str:
    """What the page says of a receipt's file."""
    page.evaluate("document.getElementById('told').hidden = true")
    path = folder / f"{sha256(receipt).hexdigest()}.tlog-proof"  # a file chosen again would be no change
    path.write_bytes(receipt)
    page.set_input_files("#f-file", str(path))
    page.wait_for_selector("#told .banner")
    return str(page.inner_text("#told"))


def test_receipts_are_checked_with_the_network_gone(site: Site, chromium: Any, tmp_path: Path) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/en{PAGE}")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    context.set_offline(True)
    said = told(page, site.use, tmp_path)
    assert "The receipt holds" in said
    assert "travel.flag" in said
    assert "post-quantum" in said
    assert "The receipt holds" in told(page, site.act, tmp_path)
    extra = site.use.index(b"extra ") + 6
    kept = bytearray(base64.b64decode(site.use[extra : site.use.index(b"\n", extra)]))
    kept[len(kept) // 2] ^= 1
    lies = {
        "another record": site.use.replace(site.use[extra : site.use.index(b"\n", extra)], base64.b64encode(kept)),
        "another place": site.use.replace(b"index 21", b"index 20"),
        "no receipt": b"hello",
    }
    for lie in lies.values():
        assert lie != site.use
        assert "does not hold" in told(page, lie, tmp_path)
    page.fill("#f-text", site.act.decode())
    page.click("main form button[type=submit]")
    page.wait_for_selector("#told .banner-done")
    assert asked == [], "nothing is sent, nothing is fetched"
    context.close()


def test_axe_and_320_pixels(site: Site, chromium: Any, tmp_path: Path) -> None:
    for scheme, prefix in (("light", ""), ("dark", "/en")):
        page = opened(chromium, scheme)
        page.goto(f"{site.url}{prefix}{PAGE}")
        assert wrong(page, prefix) == []
        told(page, site.use, tmp_path)
        assert wrong(page, f"{prefix} told") == []
        assert wide(page, prefix) == []
        page.context.close()


def test_without_script_the_page_says_what_to_do(site: Site, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}{PAGE}")
    assert "./banyan verify" in page.inner_text("main")
    assert page.locator("#receipt").is_hidden()
    context.close()
