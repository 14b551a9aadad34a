"""The chat page in Chromium: a place is told by pressing a button, and cards pass axe on a telephone and a desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.access.axe import AXE, watch, wrong
from tests.access.going import pressed
from tests.portal import browser, live_portal
from tests.service.supplies.make import EVENTS
from tests.service.supplies.pages.stage import fill

HERE = {"latitude": 23.977, "longitude": 121.604}


def asked(page: Any, url: str, text: str) -> None:
    page.goto(url)
    page.fill("#f-text", text)
    pressed(page, ".chat-form button[type=submit]")
    assert page.locator(".chat-reply").count()


@pytest.mark.browser
def test_a_place_told_by_a_button_brings_cards_that_anybody_can_read(tmp_path: Path) -> None:
    fill(tmp_path / "supplies", EVENTS)
    with live_portal(tmp_path) as portal, browser() as chromium:
        context = chromium.new_context(
            viewport={"width": 320, "height": 800}, geolocation=HERE, permissions=["geolocation"], bypass_csp=True
        )
        page = context.new_page()
        page.add_init_script(path=AXE)
        watch(page)
        asked(page, f"{portal.url}/chat", "哪裡還有成人口罩")
        assert page.locator("[data-chat-locate]").is_visible()
        pressed(page, "[data-chat-locate]")
        first = page.locator(".chat-card").first.inner_text()
        assert "花蓮一號藥局" in first
        assert "還有 200 片" in first
        assert page.url == f"{portal.url}/chat", "no place stands in an address"
        assert page.locator("[data-chat-locate]").count() == 0
        found = wrong(page, "/chat with cards")
        asked(page, f"{portal.url}/en/chat", "0145080011")
        found += wrong(page, "/en/chat with a card")
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320

        refused = chromium.new_context(permissions=[]).new_page()
        asked(refused, f"{portal.url}/chat", "哪裡還有成人口罩")
        refused.click("[data-chat-locate]")
        refused.wait_for_function("document.getElementById('chat-locating').textContent.includes('找不到您的位置')")
        unscripted = chromium.new_context(java_script_enabled=False).new_page()
        asked(unscripted, f"{portal.url}/chat", "哪裡還有成人口罩")
        assert not unscripted.locator("[data-chat-locate]").is_visible()
