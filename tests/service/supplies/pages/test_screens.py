"""A public screen, a printed list, a frame in another site's page: in Chromium, as they stand there."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.access.going import pressed
from tests.channel.web.test_kiosk import SMALL
from tests.portal import browser
from tests.service.supplies.pages.stage import Stage


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.mark.browser
def test_a_public_screen_is_pressed_only_prints_and_starts_again(day: Stage, chromium: Any) -> None:
    page = chromium.new_context(viewport={"width": 1080, "height": 1920}).new_page()
    page.add_init_script("window.printed = 0; window.print = () => { window.printed += 1; };")
    page.clock.install()
    page.goto(f"{day.url}/supplies/kiosk?kiosk=1")
    assert page.evaluate(SMALL) == []
    pressed(page, "a:has-text('花蓮縣')")
    assert page.evaluate(SMALL) == []
    pressed(page, ".kiosk-choices a:has-text('花蓮市')")
    assert page.evaluate(SMALL) == []
    sizes = page.eval_on_selector_all(
        ".kiosk-steps .button", "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 64
    assert page.locator(".outlet").count() == 2
    pressed(page, "text=列印這張清單")
    assert "/supplies/print/10015010?" in page.url
    assert page.evaluate("window.printed") == 1
    pressed(page, ".paper-tools a >> nth=1")
    assert page.locator(".outlet").count() == 2, "back to the list"
    page.go_back()
    page.clock.run_for(125_000)
    page.wait_for_url(f"{day.url}/supplies/kiosk")


@pytest.mark.browser
def test_the_paper_is_black_on_white_and_fits_a4(day: Stage, chromium: Any) -> None:
    page = chromium.new_context(viewport={"width": 718, "height": 1047}, color_scheme="dark").new_page()
    for query in ("", "?size=large"):
        page.goto(f"{day.url}/supplies/print/10015010{query}")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.querySelector('td')).color") == "rgb(0, 0, 0)"
        assert not page.locator("header").is_visible(), "buttons are for the screen"
        assert page.evaluate("document.documentElement.scrollWidth") <= 718, "an A4 sheet less its margins, in pixels"


@pytest.mark.browser
def test_another_site_can_frame_the_list_and_nothing_else(day: Stage, chromium: Any) -> None:
    with another_site(day.url) as address:
        page = chromium.new_context(java_script_enabled=False).new_page()
        page.goto(address)
        # A refused frame may lose its name to the browser's own page of refusal, so what each shows is looked at.
        shown = {frame.name: frame for frame in page.frames if frame.locator(".outlet").count()}
        assert list(shown) == ["widget"], "the page itself refuses to be framed"
        assert shown["widget"].locator(".outlet").count() == 2
        assert shown["widget"].locator("[data-outlet='0145080011'][data-available='200']").count() == 1
        assert page.context.cookies() == []


@contextmanager
def another_site(portal: str) -> Iterator[str]:
    """A page of a stranger, on another origin, with two frames of ours."""
    html = (
        f'<!doctype html><title>x</title><iframe name="widget" src="{portal}/supplies/widget?area=10015010"></iframe>'
        f'<iframe name="map" src="{portal}/supplies?area=10015010"></iframe>'
    ).encode()

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(html)))
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, *_: object) -> None:
            """Nothing is written to the terminal."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
