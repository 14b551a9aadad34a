"""A pharmacist in Chromium: a hundred sales by keys alone, the same without script, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.access import moda
from tests.access.axe import looked, opened, wrong
from tests.access.going import entered, pressed
from tests.make import NOW, frozen_clock
from tests.portal import browser
from tests.service.rationing.counter.live import a_live_node, sign_in

from banyan.demo.agencies.people import people
from banyan.demo.federation.cards import card_of
from banyan.demo.rationing import CHILD, pharmacy

pytestmark = pytest.mark.browser
SALES = 100
MORNING = NOW - 11 * 3_600
"""10:00 in Taipei, on a Monday: the outlet sells and gives numbers."""
PAGES = ("/rationing/counter", "/rationing/counter/sheet", "/rationing/counter/goods", "/rationing/counter/notice")
NO_MOUSE = """
for (const kind of ["mousedown", "pointerdown", "touchstart", "wheel"]) {
  window.addEventListener(kind, () => { window.touched = (window.touched ?? 0) + 1; }, true);
}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One node for all: no two tests sell to one person."""
    with a_live_node(tmp_path_factory.mktemp("counter"), frozen_clock(MORNING)) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as made:
        yield made


def type_card(page: Any, number: str) -> None:
    """As a reader does: a burst that ends in Enter."""
    page.keyboard.type(number)
    page.keyboard.press("Enter")


def answer(page: Any) -> str:
    page.wait_for_selector("#counter-answer:is(.is-sold, .is-refused, .is-problem)")
    return str(page.locator("#counter-answer").inner_text())


def test_a_hundred_sales_in_a_row_without_a_mouse(url: str, chromium: Any) -> None:
    page = opened(chromium, "light")
    page.add_init_script(NO_MOUSE)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    sign_in(page, url, "demo.pharmacist")
    deliver_by_form(page, url, 800)
    page.goto(f"{url}/rationing/counter", wait_until="domcontentloaded")
    page.wait_for_function("document.activeElement.name === 'card'")
    buyers = [one.number for one in people()[:SALES]]
    for place, number in enumerate(buyers):
        type_card(page, card_of(number) if place % 2 else number)
        page.keyboard.press("2" if place == 1 else "1")
        page.keyboard.press("Enter")
        page.wait_for_function(f"document.getElementById('counter-step').textContent.includes(' {place + 1} ')")
    assert "成人口罩 9 片" in answer(page)
    assert page.evaluate("window.touched ?? 0") == 0
    type_card(page, buyers[0])
    page.keyboard.press("Enter")
    page.wait_for_selector("#counter-answer.is-refused")
    assert "12 月 7 日（一）起可以買" in answer(page)
    page.goto(f"{url}/rationing/counter/sheet", wait_until="domcontentloaded")
    adult = page.locator("tr", has_text="成人口罩").locator("td").all_inner_texts()
    assert adult[2] == str(9 * (SALES - 1))
    marks = [mark for number in buyers for mark in (number, card_of(number))]
    assert not [one for one in addresses if any(mark in one for mark in marks)]


def deliver_by_form(page: Any, url: str, qty: int) -> None:
    page.goto(f"{url}/rationing/counter/goods", wait_until="domcontentloaded")
    page.focus("#f-deliver-qty")
    page.keyboard.type(str(qty))
    entered(page)
    assert page.locator(".banner-done").count() == 1


def test_the_same_form_sells_without_script(url: str, chromium: Any) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    sign_in(page, url, "demo.pharmacist")
    page.goto(f"{url}/rationing/counter", wait_until="domcontentloaded")
    page.check("#item-2")
    page.focus("#f-card")
    page.keyboard.type(CHILD)
    entered(page)
    assert "兒童口罩 10 片" in page.locator("#counter-answer.is-sold").inner_text()
    assert page.is_checked("#item-2"), "the next in the row buys the same"
    left = page.locator("[data-left=mask-child]").inner_text()
    page.reload()
    assert page.locator("[data-left=mask-child]").inner_text() == left, "a page sent twice sells once"
    page.focus("#f-card")
    page.keyboard.type("A123456788")
    entered(page)
    assert "讀不到正確的號碼" in page.locator("#error-summary").inner_text()
    assert "A1234" not in page.content()
    assert "A1234" not in page.url


def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(url: str, chromium: Any) -> None:
    page = opened(chromium, "light")
    queue = f"/rationing/queue/{pharmacy().code}"
    page.goto(f"{url}/rationing/counter", wait_until="domcontentloaded")
    found = wrong(page, "signed out")
    page.goto(url + queue, wait_until="domcontentloaded")
    pressed(page, "main form button[type=submit]")
    assert page.locator(".counter-ticket").count() == 1
    found += wrong(page, "a number")
    found += looked(page, url, "/supplies")  # no goods are known yet
    sign_in(page, url, "demo.pharmacist")
    for path in (*PAGES, queue):
        for prefix in ("", "/en"):
            found += looked(page, url, prefix + path)
    page.goto(f"{url}/en/rationing/counter", wait_until="domcontentloaded")
    buyer = people()[SALES].number
    for number in (buyer, buyer, "A123456788"):
        type_card(page, number)
        page.keyboard.press("2")
        page.keyboard.press("Enter")
        answer(page)
        found += wrong(page, f"after {page.locator('#counter-answer').get_attribute('class')}")
    assert found == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere_for_a_pharmacist(url: str, chromium: Any) -> None:
    moda.needed()
    page = chromium.new_context().new_page()
    sign_in(page, url, "demo.pharmacist")
    wanted = [prefix + path for path in (*PAGES, f"/rationing/queue/{pharmacy().code}") for prefix in ("", "/en")]
    pages = {path: page.request.get(url + path).body() for path in wanted}
    assert moda.scanned_kept(pages, moda.sheets_of(pages, url)) == ([200] * len(wanted), [])
