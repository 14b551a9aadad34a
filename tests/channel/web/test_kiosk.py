"""A kiosk's pages: large targets, a way to start again, a warning before they go back to the first page."""

from __future__ import annotations

import pytest
from tests.access.going import pressed
from tests.channel.web.conftest import Filled
from tests.portal import browser

SMALL = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
  .filter(one => one.checkVisibility() && !one.closest("dialog, .skip-link"))
  .map(one => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
  .filter(([, box]) => box.height < 44 || box.width < 44)
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""


@pytest.mark.browser
def test_a_kiosk_has_large_targets_and_asks_before_it_starts_again(portal: Filled) -> None:
    with browser() as chromium:
        context = chromium.new_context(viewport={"width": 1080, "height": 1920})
        page = context.new_page()
        page.clock.install()
        page.goto(f"{portal.url}/?kiosk=1")
        for path in ("/", "/dataset?q=藥局", "/dataset/stores", f"/dataset/stores/resource/{portal.resource}/map"):
            page.goto(portal.url + path)
            assert page.get_attribute("html", "class") == "kiosk", "the cookie keeps it"
            assert page.evaluate(SMALL) == []
        page.clock.run_for(95_000)
        page.wait_for_selector("#kiosk-warning[open]")
        assert page.evaluate("document.activeElement.textContent") == "繼續使用"
        page.keyboard.press("Enter")
        page.wait_for_selector("#kiosk-warning[open]", state="detached")
        pressed(page, ".tools >> text=重新開始")
        assert page.url == f"{portal.url}/"
        page.goto(f"{portal.url}/en/dataset")
        page.clock.run_for(125_000)
        page.wait_for_url(f"{portal.url}/en")
        page.goto(f"{portal.url}/?kiosk=0")
        page.goto(portal.url)
        assert page.get_attribute("html", "class") is None
