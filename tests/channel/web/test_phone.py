"""A phone, without a script: what somebody came for is on its first screen, the rest a press away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.access.going import pressed
from tests.channel.web.conftest import Filled
from tests.portal import browser

SCREEN = {"width": 360, "height": 640}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def phone(chromium: Any) -> Any:
    return chromium.new_context(viewport=SCREEN, java_script_enabled=False).new_page()


def test_the_menu_leaves_the_screen_to_the_page_until_it_is_asked_for(portal: Filled, phone: Any) -> None:
    for prefix, menu, close in (("", "選單", "關閉選單"), ("/en", "Menu", "Close menu")):
        phone.goto(f"{portal.url}{prefix}/rationing")
        assert phone.locator("h1").bounding_box()["y"] < SCREEN["height"] / 3
        assert not phone.is_visible("nav.menu")
        phone.get_by_role("link", name=menu, exact=True).click()
        assert phone.is_visible("nav.menu >> a[aria-current]")
        phone.get_by_role("link", name=close).click()
        assert not phone.is_visible("nav.menu")


def test_results_stand_on_the_first_screen_and_facets_come_when_asked_for(portal: Filled, phone: Any) -> None:
    phone.goto(f"{portal.url}/dataset")
    assert phone.locator(".results > li").first.bounding_box()["y"] < SCREEN["height"]
    assert not phone.is_visible("nav.facets")
    phone.get_by_role("link", name="縮小範圍").click()
    pressed(phone, phone.locator("nav.facets a").first)
    assert not phone.is_visible("nav.facets")
    assert phone.is_visible(".results > li")


def test_a_cell_of_a_wide_table_holds_words_and_its_box_scrolls(portal: Filled, phone: Any) -> None:
    phone.goto(f"{portal.url}/quality")
    assert phone.locator(".scroller tbody th").first.bounding_box()["width"] > 100


def test_a_wide_screen_has_menu_and_facets_at_once(portal: Filled, chromium: Any) -> None:
    desk = chromium.new_context(viewport={"width": 1200, "height": 900}, java_script_enabled=False).new_page()
    desk.goto(f"{portal.url}/dataset")
    assert desk.is_visible("nav.menu")
    assert desk.is_visible("nav.facets")
    assert not desk.get_by_role("link", name="縮小範圍").is_visible()
    assert not desk.get_by_role("link", name="關閉選單").is_visible()
