"""The map with script, in Chromium: it says what the server's list says, and follows the stock."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.access.axe import AXE, wide, wrong
from tests.portal import browser
from tests.service.supplies.make import AT, PLACES, a_tick
from tests.service.supplies.pages.stage import A_DAY, Stage, a_real_morning, stage

from banyan.service.supplies.model import PlacesChanged

READY = "#stock-map[data-live='1']"
OFFLINE = "#stock-map[data-offline='1'][data-ready]"
"""What was kept is there, and drawn: the age is told before."""
POSITION = {"latitude": 23.9769, "longitude": 121.6044}
ROWS = "rows => rows.map(row => ({...row.dataset, text: row.innerText.replace(/\\s+/g, ' ').trim()}))"
HIDE = """() => {
  Object.defineProperty(document, "visibilityState", { value: "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
OVERLAP = msgspec.structs.replace(PLACES[0], code="0145089999", name="<b>樓上</b>藥局")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stage]:
    """A portal whose stock the test changes."""
    with stage(tmp_path, A_DAY, at=AT + 90) as opened:
        yield opened


def opened(chromium: Any, url: str, **context: Any) -> Any:
    """A page whose script follows the stock; faults of the script fail the test at `close`."""
    made = chromium.new_context(viewport={"width": 1200, "height": 900}, **context)
    page = made.new_page()
    page.faults = []
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(url)
    page.wait_for_selector(READY, timeout=30_000)
    return page


def codes(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all("#outlets > li", "rows => rows.map(row => row.dataset.outlet)")
    return found


@pytest.mark.browser
@pytest.mark.parametrize("prefix", ["", "/en"])
def test_with_script_the_list_is_the_same_element_by_element(day: Stage, chromium: Any, prefix: str) -> None:
    for query in ("least=0", "lat=23.97&lon=121.6&item=mask-child", "area=10015&least=0&open=1", "area=10015010"):
        plain = chromium.new_context(java_script_enabled=False, viewport={"width": 1200, "height": 900}).new_page()
        plain.goto(f"{day.url}{prefix}/supplies?{query}")
        page = opened(chromium, f"{day.url}{prefix}/supplies?{query}")
        server, script = (one.eval_on_selector_all("#outlets > li", ROWS) for one in (plain, page))
        assert script == server
        assert server, query
        assert page.inner_text("#sum").split() == plain.inner_text("#sum").split()
        assert page.get_attribute("#stock-map", "data-ready") == str(len(server)), "as many on the map as in the list"
        assert page.faults == []


@pytest.mark.browser
def test_filters_change_list_map_and_address_and_the_address_restores_them(day: Stage, chromium: Any) -> None:
    page = opened(chromium, f"{day.url}/supplies")
    page.select_option("#f-county", "10015")
    assert page.eval_on_selector_all("#f-town option", "all => all.map(one => one.value)") == [
        "",
        "10015010",
        "10015050",
    ]
    page.select_option("#f-town", "10015010")
    page.select_option("#f-least", "0")
    page.click(".items a[data-item=mask-child]")
    assert codes(page) == ["0145080011", "592202A296"]
    assert page.url == f"{day.url}/supplies?item=mask-child&area=10015010&least=0"
    assert page.get_attribute("#share", "href") == page.url.removeprefix(day.url)
    page.check("#f-open")
    assert codes(page) == ["0145080011"], "the other is closed now"
    again = opened(chromium, page.url)
    assert codes(again) == ["0145080011"]
    assert again.is_checked("#f-open")
    assert again.input_value("#f-town") == "10015010"
    assert page.faults + again.faults == []


@pytest.mark.browser
def test_the_position_is_asked_for_on_press_only_and_sorts_the_list(day: Stage, chromium: Any) -> None:
    page = opened(chromium, f"{day.url}/supplies?least=0", geolocation=POSITION, permissions=["geolocation"])
    assert "lat=" not in page.url
    page.click("#locate")
    page.wait_for_url("**lat=23.9769&lon=121.6044**")
    assert codes(page) == ["0145080011", "592202A296", "5945010003", "5901010004"]
    assert "直線距離 0 m" in page.inner_text("#o-0145080011")
    page.select_option("#f-radius", "1000")
    assert codes(page) == ["0145080011", "592202A296"]
    refused = opened(chromium, f"{day.url}/supplies", permissions=[])
    refused.click("#locate")
    refused.wait_for_function("() => document.getElementById('live-told').textContent.includes('找不到你的位置')")


@pytest.mark.browser
def test_a_tick_reaches_the_open_page_and_the_focus_stays(own: Stage, chromium: Any) -> None:
    page = opened(chromium, f"{own.url}/supplies?least=0")
    assert codes(page)[0] == "0145080011"
    page.focus("#o-0145080011 summary")
    page.keyboard.press("Enter")
    own.commit(a_tick([("0145080011", 7, 50), ("592202A296", 0, 12), ("5901010004", 300, 3)], at=AT + 60))
    page.wait_for_selector("#o-0145080011[data-available='7']")
    assert codes(page) == ["5901010004", "0145080011", "592202A296", "5945010003"]
    assert page.evaluate("document.activeElement.closest('li').id") == "o-0145080011"
    assert page.evaluate("document.activeElement.closest('details').open")
    assert page.get_attribute("#o-592202A296", "data-status") == "sold_out"
    assert "個地點的數字更新了" in page.inner_text("#live-told")
    assert page.inner_text("#live-state").startswith("即時更新中")
    page.click("#live-pause")
    own.commit(a_tick([("0145080011", 1, 50)], at=AT + 90))
    assert page.inner_text("#live-state") == "已暫停更新"
    assert page.get_attribute("#o-0145080011", "data-available") == "7"
    page.click("#live-pause")
    page.wait_for_selector("#o-0145080011[data-available='1']")
    server = own.get("/supplies?least=0")
    assert 'data-outlet="0145080011" data-item="mask-adult" data-available="1"' in server
    assert page.faults == []


@pytest.mark.browser
def test_of_two_outlets_on_one_spot_each_can_be_reached(own: Stage, chromium: Any) -> None:
    own.commit(PlacesChanged(AT, (OVERLAP,)))
    own.commit(a_tick([(OVERLAP.code, 44, 1)], at=AT + 60))
    page = opened(chromium, f"{own.url}/supplies?area=10015010&least=0")
    page.locator(".map").scroll_into_view_if_needed()
    spot = page.evaluate(
        "() => { const {x, y} = stockMap.map.latLngToContainerPoint([23.9769, 121.6044]);"
        " const box = document.querySelector('.map').getBoundingClientRect(); return [box.x + x, box.y + y] }"
    )
    page.mouse.click(*spot)
    choices = page.locator(".popup-choices button")
    choices.first.wait_for()
    assert sorted(choices.all_inner_texts()) == ["<b>樓上</b>藥局 · 有貨", "花蓮一號藥局 · 有貨"]
    for name, available in (("樓上", "44"), ("一號", "200")):
        page.click(f".popup-choices button:has-text('{name}')")
        assert page.get_attribute(".popup .outlet", "data-available") == available
        page.click(".popup-back >> nth=0")
    page.click(".popup-choices button:has-text('樓上')")
    page.click("text=在清單裡看")
    assert page.evaluate("document.activeElement.closest('li').dataset.outlet") == OVERLAP.code
    assert page.faults == []


@pytest.mark.browser
@pytest.mark.parametrize("is_told", [True, False])
def test_without_a_network_the_last_stock_is_searched_and_its_age_told(
    own: Stage, chromium: Any, is_told: bool
) -> None:
    """And the page comes back, whether the browser tells that the line is there again or the page has to ask."""
    page = opened(chromium, f"{own.url}/supplies", geolocation=POSITION, permissions=["geolocation"])
    page.wait_for_selector("#stock-map[data-kept]", timeout=30_000)
    page.evaluate("navigator.serviceWorker.ready")
    own.commit(a_tick([("0145080011", 33, 50)], at=AT + 60))
    page.wait_for_selector("#o-0145080011[data-available='33']")
    page.evaluate(HIDE)
    page.wait_for_function("() => document.getElementById('stock-map').dataset.kept === '7'")
    page.context.set_offline(True)
    if not is_told:
        page.add_init_script("window.addEventListener('online', (event) => event.stopImmediatePropagation())")
    page.reload()
    page.wait_for_selector(OFFLINE, timeout=30_000)
    told = page.inner_text("#live-state")
    assert told.startswith("沒有網路。這是 2020-02-14 09:0")
    assert "存下來的數字" in told
    assert page.get_attribute("#o-0145080011", "data-available") == "33", "what came after the page was opened too"
    page.fill("#f-q", "花蓮市")
    page.click("#stock-form button[type=submit]")
    assert codes(page) == ["0145080011", "592202A296"]
    page.click("#locate")
    page.wait_for_function("() => document.querySelector('#outlets .away')?.textContent.includes('0 m')")
    assert page.locator("#stock-map canvas").count() >= 1, "the map is drawn from what was kept"
    page.goto(f"{own.url}/supplies?item=mask-child&area=10015&least=0")
    page.wait_for_selector(OFFLINE)
    assert codes(page) == ["0145080011", "592202A296", "5945010003"]
    page.context.set_offline(False)
    page.wait_for_selector(READY, timeout=30_000)


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "prefix"), [("light", ""), ("dark", "/en")])
def test_axe_finds_nothing_on_the_live_map_and_its_popup(day: Stage, chromium: Any, scheme: str, prefix: str) -> None:
    if not AXE.exists():
        pytest.skip("npm ci was not run in web/")
    page = opened(chromium, f"{day.url}{prefix}/supplies?least=0", color_scheme=scheme, bypass_csp=True)
    page.add_script_tag(path=AXE)
    assert wrong(page, "live") == []
    page.evaluate("() => { stockMap.map.setView([23.9769, 121.6044], 14, {animate: false}) }")
    page.evaluate("() => { stockMap.map.fire('click', {latlng: L.latLng(23.9769, 121.6044)}) }")
    page.wait_for_selector(".popup .outlet")
    assert wrong(page, "popup") == []
    assert wide(page, "the live map") == []


@pytest.mark.browser
@pytest.mark.slow
def test_ten_thousand_points_are_drawn_within_a_frame_or_two(
    tmp_path: Path, chromium: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    events = a_real_morning(copies=3)
    with stage(tmp_path, events, at=events[-1].at + 60) as nation:
        page = opened(chromium, f"{nation.url}/supplies?least=0")
        assert int(page.get_attribute("#stock-map", "data-ready")) > 10_000
        page.evaluate("() => { for (let n = 0; n < 20; n += 1) stockMap.points.redraw(); }")
        frames = page.evaluate("stockMap.points.frames.slice(-20)")
        find = page.evaluate(
            "() => { const asked = {item: 'mask-adult', area: '', q: '', lat: 25.03, lon: 121.5, radius: 0, least: 0};"
            " const board = stockMap.points._board, from = performance.now();"
            " for (let n = 0; n < 5; n += 1) board.find(asked); return (performance.now() - from) / 5 }"
        )
        median = sorted(frames)[len(frames) // 2]
        points = page.get_attribute("#stock-map", "data-ready")
        with capsys.disabled():
            sys.stdout.write(f"\n  {points} points: {median:.1f} ms a frame, list {find:.1f} ms\n")
        assert median < 200
        assert page.faults == []
