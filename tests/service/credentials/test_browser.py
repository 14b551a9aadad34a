"""The pages in Chromium: what axe finds, 320 pixels, no script; and the checking page with the network gone."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
import uvicorn
from tests.access import moda
from tests.access.axe import looked, opened, wide, wrong
from tests.access.going import pressed
from tests.portal import browser
from tests.service.credentials.house import KIND, WANG, House, Wallet, in_a_house

from banyan.kernel.exchange.server import server_config
from banyan.wire.sdjwt.credential import disclosed, show

pytestmark = pytest.mark.browser
CHECK = "/credentials/verify"


class Site:
    """A house behind a socket in a thread of its own; `ask` runs a coroutine there."""

    url: str
    house: House

    def ask(self, story: Callable[[House], Awaitable[Any]]) -> Any:
        return asyncio.run_coroutine_threadsafe(story(self.house), self.loop).result(60)  # type: ignore[arg-type]

    loop: asyncio.AbstractEventLoop


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    found, ready, done = Site(), threading.Event(), threading.Event()

    async def serve(house: House) -> None:
        house.now[0] = float(int(time.time()))
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(server_config(house.app))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        found.url = f"http://localhost:{listener.getsockname()[1]}"
        found.house, found.loop = house, asyncio.get_running_loop()
        ready.set()
        await asyncio.to_thread(done.wait)
        server.should_exit = True
        await serving
        listener.close()

    thread = threading.Thread(target=in_a_house, args=(serve,), daemon=True)
    thread.start()
    assert ready.wait(60), "the house did not open"
    yield found
    done.set()
    thread.join(60)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as one:
        yield one


async def presented(house: House, origin: str, *, at: float = 0) -> str:
    offer = await house.call(
        "credentials.offer", house.citizen(WANG), kind=KIND, fields=["name", "county", "members"], origin=origin
    )
    wallet = Wallet(house, keys=1, origin=origin)
    (credential,) = await wallet.credentials(offer)
    now = int(at or time.time())
    wanted = disclosed("county", "members", "relation")
    return show(credential, wanted, holder=wallet.keys[0], audience="shop", nonce="n", now=now)


def a_page(chromium: Any, site: Site, *, token: str = "wang", **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return chromium.new_context(extra_http_headers=headers, **options).new_page()


def test_axe_and_320_pixels(site: Site, chromium: Any) -> None:
    found: list[str] = []
    for scheme, prefixes in (("light", ("", "/en")), ("dark", ("",))):
        page = opened(chromium, scheme)
        page.set_extra_http_headers({"Authorization": "Bearer wang"})
        for prefix in prefixes:
            for path in ("/credentials", f"/credentials/take/{KIND}", CHECK):
                found += looked(page, site.url, prefix + path)
            page.goto(f"{site.url}{prefix}/credentials/take/{KIND}")
            page.check("input[value=name]")
            page.check("input[value=members]")
            pressed(page, "button[value=preview]")
            found += wrong(page, "preview")
            pressed(page, "button[value=wallet]")
            assert page.locator("img[src^='data:image/svg']").count() == 1
            found += wrong(page, "offer") + wide(page, "offer")
            page.goto(f"{site.url}{prefix}/credentials")
            pressed(page, "button[value=take_back]")
            page.goto(f"{site.url}{prefix}{CHECK}")
            page.fill("#f-text", site.ask(lambda house: presented(house, site.url)))
            page.click("main form button[type=submit]")
            page.wait_for_selector("#told .banner-done")
            found += wrong(page, "checked")
    assert found == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere(site: Site) -> None:
    moda.needed()
    given = [f"{site.url}{prefix}{path}" for prefix in ("", "/en") for path in ("/credentials", CHECK)]
    assert moda.scanned(given) == ([200] * len(given), [])


async def revoke_all(house: House) -> None:
    wang = house.citizen(WANG)
    for one in (await house.call("credentials.mine", wang)).batches:
        if not one.revoked_at:
            await house.call("credentials.revoke", wang, batch=one.id)


def told_of(page: Any, text: str) -> str:
    page.fill("#f-text", text)
    page.click("main form button[type=submit]")
    page.wait_for_selector("#told:not([hidden]) h2:focus")
    return str(page.inner_text("#told"))


def test_it_checks_in_the_browser_online_and_with_the_network_gone(site: Site, chromium: Any) -> None:
    good = site.ask(lambda house: presented(house, site.url))
    page = a_page(chromium, site, token="")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url} {request.post_data or ''}"))
    page.goto(f"{site.url}/en{CHECK}")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    said = told_of(page, good)
    assert "It holds" in said
    assert "花蓮縣" in said
    assert "父" in said
    assert "王小榕" not in said
    assert "no, by the list of" in said
    assert "does not fit" in told_of(page, good.replace("~", "~", 1)[:-9] + "AAAAAAAAA")
    assert [one for one in asked if good[:40] in one or "POST" in one] == [], "what is pasted goes nowhere"
    page.context.set_offline(True)
    page.reload()
    said = told_of(page, good)
    assert "It holds" in said
    assert "no, by the list of" in said, "the last list is at hand"
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "shown.png"
        segno.make(good, error="l", micro=False).save(str(picture), scale=4, border=4)
        page.fill("#f-text", "")
        page.set_input_files("#f-file", str(picture))
        page.wait_for_selector("#told h2:focus")
        page.wait_for_selector("#told .banner-done")
        assert page.input_value("#f-text") == good
    page.context.set_offline(False)
    site.ask(revoke_all)
    assert "revoked" in told_of(page, good)
    stale = site.ask(lambda house: presented(house, site.url, at=time.time() - 400))
    assert "not of now" in told_of(page, stale)


def test_it_checks_without_script_by_sending(site: Site, chromium: Any) -> None:
    good = site.ask(lambda house: presented(house, site.url))
    page = a_page(chromium, site, token="", java_script_enabled=False)
    page.goto(f"{site.url}/en{CHECK}")
    assert "sent to this site" in page.inner_text("main")
    page.fill("#f-text", good)
    pressed(page, "main form button[type=submit]")
    said = page.inner_text("main")
    assert "It holds" in said
    assert "花蓮縣" in said
    page.fill("#f-text", good[:-9] + "AAAAAAAAA")
    pressed(page, "main form button[type=submit]")
    assert "does not hold" in page.inner_text("main")
