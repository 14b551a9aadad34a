"""The tour in a browser: sign in, publish the mask file and the outlets, search, filter, chart, map, download, chat.

The same core journey works with JavaScript off. Real files of February 2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.access.going import entered, pressed
from tests.make import shared_data
from tests.portal import LivePortal, browser, live_portal

MASKS = "supplies/raw/maskdata_20200214T085535.csv.gz"
OUTLETS = "supplies/outlets.csv.gz"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    shared_data(MASKS)
    with live_portal(tmp_path_factory.mktemp("tour")) as live:
        yield live


def sign_in(page: Any, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/publish")
    pressed(page, "main a.button")
    page.fill("#f-token", portal.token)
    pressed(page, "main button[type=submit]")
    assert page.url == f"{portal.url}/publish"


def publish(page: Any, portal: LivePortal, file: str, **fields: str) -> None:
    page.goto(f"{portal.url}/publish")
    page.set_input_files("#f-file", shared_data(file))
    page.evaluate("document.querySelector('main details').open = true")
    for name, value in fields.items():
        page.fill(f"#f-{name}", value)
    pressed(page, "main form button[type=submit]")
    page.wait_for_selector(".banner-done", timeout=60_000)


def resource_of(page: Any, portal: LivePortal, name: str) -> str:
    page.goto(f"{portal.url}/dataset/{name}")
    return str(page.locator(".resources h3 a").first.get_attribute("href"))


def test_the_tour(portal: LivePortal) -> None:
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1200, "height": 900})
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        sign_in(page, portal)
        publish(page, portal, MASKS, title="藥局口罩存量", name="masks", tag="口罩,藥局")
        publish(page, portal, OUTLETS, title="藥局位置", name="outlets", tag="藥局")

        page.goto(portal.url)
        page.fill("#q", "口罩")
        entered(page)
        pressed(page, ".results h2 a >> text=藥局口罩存量")
        assert page.locator(".scroller tbody tr").count() == 8
        masks = resource_of(page, portal, "masks")

        page.goto(f"{portal.url}{masks}?f=醫事機構地址&o=contains&v=花蓮縣&sort=成人口罩剩餘數&down=1")
        shown = page.locator("p[role=status]").inner_text()
        assert "共" in shown
        assert all("花蓮縣" in row for row in page.locator(".scroller tbody tr").all_inner_texts())
        page.goto(f"{portal.url}{masks}/notes")
        assert page.locator(".finding").count() > 0

        page.goto(f"{portal.url}{masks}/chart?by=醫事機構名稱&measure=sum&of=成人口罩剩餘數")
        page.wait_for_selector(".chart-canvas canvas")
        page.goto(f"{portal.url}{resource_of(page, portal, 'outlets')}/map")
        page.wait_for_selector("#map[data-ready]", timeout=30_000)
        assert int(page.get_attribute("#map", "data-ready")) > 5_000

        with page.expect_download() as download:
            page.evaluate(
                "a => { const l = document.createElement('a'); l.href = a; l.download = ''; l.click(); }",
                f"/api/opendata/download/{masks.rsplit('/', 1)[1]}?format=csv",
            )
        assert download.value.path().stat().st_size > 100_000

        page.goto(f"{portal.url}/chat")
        page.fill("#f-text", "有沒有口罩的資料集")
        entered(page)
        assert page.locator(".chat-you").count()
        assert "口罩" in page.locator(".chat-reply").first.inner_text()
        assert "口罩" not in page.url, "words never stand in an address"

        page.goto(f"{portal.url}/dataset/masks")
        pressed(page, ".tools a.language")
        assert page.url.endswith("/en/dataset/masks")
        assert page.get_attribute("html", "lang") == "en"
        assert said == []


def test_the_core_journey_without_javascript(portal: LivePortal) -> None:
    with browser() as chromium:
        page = chromium.new_context(java_script_enabled=False).new_page()
        page.goto(f"{portal.url}/session")
        page.fill("#f-token", portal.token)
        pressed(page, "main button[type=submit]")
        page.goto(f"{portal.url}/publish")
        page.set_input_files("#f-file", shared_data(OUTLETS))
        page.fill("#f-title", "藥局地點")
        pressed(page, "main form button[type=submit]")
        while page.locator(".banner-done").count() == 0:
            assert page.locator("progress").count() == 1, page.content()
            pressed(page, "main a.button-secondary")
        pressed(page, ".banner-done a.button")
        pressed(page, ".resources h3 a")
        address = page.url
        page.click("summary")
        page.select_option("#f-f1", index=2)
        page.select_option("#f-o1", "contains")
        page.fill("#f-v1", "藥局")
        pressed(page, "details button[type=submit]")
        assert "f=" in page.url
        page.goto(f"{address}/chart")
        assert page.locator("svg.chart rect.mark").count() > 0
        page.goto(f"{address}/map")
        assert page.locator("svg.map-picture path").count() >= 22

        page.goto(f"{portal.url}/request/new")
        pressed(page, "main form button[type=submit]")
        assert page.locator("#error-summary a").count() == 2
        page.fill("#f-title", "即時雨量")
        page.fill("#f-text", "每 10 分鐘的雨量")
        pressed(page, "main form button[type=submit]")
        assert re.search(r"/request/[^/]+\?new=1$", page.url)

        page.goto(f"{portal.url}/chat")
        page.fill("#f-text", "有沒有藥局的資料集")
        pressed(page, "form.chat-form button[type=submit]")
        assert "藥局" in page.locator(".chat-reply").first.inner_text()
