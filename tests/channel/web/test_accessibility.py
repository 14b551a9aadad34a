"""Every page, in both languages: axe-core and Taiwan's a11y-moda find nothing; 320 px holds.

One node, one browser. Every page is read, and drawn 320 px wide. axe and the scanner look at those pages that together
show every template, state and shape (tests/access/enough.py); by `./banyan test --all` at every one, and in the dark.
"""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.access import axe, moda
from tests.access.enough import Page, enough, faults
from tests.access.going import pressed
from tests.access.shown import HEADER
from tests.channel.web.conftest import Filled
from tests.portal import browser

FRAMES = """
async pages => {
  const wide = [];
  for (const [address, html] of pages) {
    const frame = document.createElement("iframe");
    frame.style.cssText = "width: 320px; height: 640px; border: 0";
    const drawn = new Promise(done => { frame.onload = done; });
    frame.srcdoc = html;
    document.body.append(frame);
    await drawn;
    if (frame.contentDocument.documentElement.scrollWidth > 320) wide.push(address);
    frame.remove();
  }
  return wide;
}
"""
"""Draws pages one after the other in a frame of a small screen's width, which costs a fifth of opening each."""


class Read(Page):
    """A page as a reader without script got it."""

    def __init__(self, url: str, address: str) -> None:
        request = urllib.request.Request(url + address, headers={"Accept": "text/html"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.status, self.headers, self.html = answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                self.status, self.headers, self.html = error.code, error.headers, error.read().decode()
        super().__init__(self.html, self.headers[HEADER])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(portal: Filled) -> dict[str, Read]:
    """Every page in both languages, turn about first in the one and the other."""
    chinese = [quote(path, safe="/?&=%") for path in portal.paths]
    pairs = [(path, "/en" if path == "/" else "/en" + path) for path in chinese]
    addresses = [one for place, pair in enumerate(pairs) for one in (pair if place % 2 else reversed(pair))]
    return {address: Read(portal.url, address) for address in addresses}


@pytest.fixture(scope="module")
def telling(pages: dict[str, Read]) -> list[str]:
    """The addresses worth a full look."""
    return list(pages) if os.environ.get("BANYAN_TEST_ALL") else enough(pages)


def test_every_page_is_sound_on_its_face(pages: dict[str, Read]) -> None:
    found: list[str] = []
    for address, page in pages.items():
        lang = "en" if address.partition("?")[0].split("/")[1] == "en" else "zh-Hant-TW"
        assert page.status == (404 if "nothing-here" in address else 200), address
        assert page.elements[0].attributes.get("lang") == lang, address
        assert "script-src 'self'" in page.headers["content-security-policy"], address
        found += [f"{address}: {fault}" for fault in faults(page)]
    assert found == []


def test_the_pages_looked_at_show_every_template_and_shape_of_all(pages: dict[str, Read]) -> None:
    chosen = enough(pages)
    assert set().union(*(pages[one].shapes for one in chosen)) == set().union(*(one.shapes for one in pages.values()))
    assert {address.startswith("/en") for address in chosen} == {True, False}
    assert len(chosen) < len(pages) / 2, "most pages differ in their data alone"


@pytest.mark.browser
def test_axe_finds_nothing_and_pages_reflow_with_their_scripts(
    portal: Filled, telling: list[str], chromium: Any
) -> None:
    page = axe.opened(chromium, "light")
    assert [fault for address in telling for fault in axe.looked(page, portal.url, address)] == []


@pytest.mark.browser
def test_every_page_reflows_at_320_pixels(portal: Filled, pages: dict[str, Read], chromium: Any) -> None:
    page = chromium.new_context(bypass_csp=True).new_page()
    page.goto(f"{portal.url}/accessibility", wait_until="domcontentloaded")
    wide = "<!DOCTYPE html><body><table width=400><tr><td>x</table>"
    assert page.evaluate(FRAMES, [["wide", wide]]) == ["wide"], "a frame that is too wide is seen"
    plain = [[address, re.sub(r"<script.*?</script>", "", one.html, flags=re.DOTALL)] for address, one in pages.items()]
    assert page.evaluate(FRAMES, plain) == []


@pytest.mark.browser
@pytest.mark.slow
def test_axe_finds_nothing_in_the_dark(portal: Filled, pages: dict[str, Read], chromium: Any) -> None:
    page = axe.opened(chromium, "dark")
    assert [fault for address in pages for fault in axe.looked(page, portal.url, address)] == []


@pytest.mark.browser
def test_axe_finds_nothing_for_who_is_signed_in(portal: Filled, chromium: Any) -> None:
    page = axe.opened(chromium, "light")
    page.goto(f"{portal.url}/session")
    page.fill("#f-token", portal.token)
    pressed(page, "main button[type=submit]")
    found: list[str] = []
    pages = ("/publish", f"/en/publish/{portal.job}", "/dataset/stores/edit", f"/request/{portal.asked}", "/session")
    for address in ("/en/publish", *pages):
        found += axe.looked(page, portal.url, address)
        assert page.locator("h1").count() == 1
    page.goto(f"{portal.url}/publish")
    pressed(page, "main form button[type=submit]")
    assert page.locator("#error-summary a[href='#f-file']").count() == 1
    found += axe.wrong(page, "/publish with an error")
    assert found == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere(portal: Filled, telling: list[str]) -> None:
    moda.needed()
    statuses, found = moda.scanned([portal.url + address for address in telling])
    assert set(statuses) == {200, 404}
    assert found == []
