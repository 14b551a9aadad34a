"""Maps and histograms: the picture, the live map and the list tell the same numbers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from tests.channel.web.conftest import Filled
from tests.portal import browser

from banyan.service.opendata.pages.mapping import Area, legend_of, shades_of


def test_small_places_differ_from_none_and_means_from_each_other() -> None:
    assert shades_of({"a": 1, "b": 100, "c": 10_000}, from_zero=True) == {"a": 1, "b": 1, "c": 5}
    assert shades_of({"a": 42.25, "b": 44.5, "c": 46.0}, from_zero=False) == {"a": 1, "b": 4, "c": 5}
    assert shades_of({"a": -5.0, "b": 5.0}, from_zero=True) == {"a": 1, "b": 5}
    assert shades_of({"a": 3.0}, from_zero=True) == {"a": 5}
    assert shades_of({}, from_zero=True) == {}


def test_the_legend_tells_each_shade_in_numbers() -> None:
    areas = [Area("1", "甲", "M0,0", 7.0, 1), Area("2", "乙", "M0,0", 30.0, 1), Area("3", "丙", "M0,0")]
    assert [(step.shade, step.low, step.high) for step in legend_of(areas)] == [(0, None, None), (1, 7.0, 30.0)]


def test_a_map_of_towns_without_script(portal: Filled) -> None:
    page = portal.get(f"/dataset/areas/resource/{portal.areas}/map?value=sum:戶數")
    assert "<title>臺北市中正區：900</title>" in page
    assert re.findall(r'<td class="number">(900|40|30|7)</td>', page)[:4] == ["900", "40", "30", "7"]
    assert "_town" in page, "each area leads to its rows"
    rows = re.search(r'<a href="([^"]+)">臺北市中正區</a>', page)
    assert rows is not None
    shown = portal.get(rows[1].replace("&amp;", "&"))
    assert "臺北市中正區" in shown
    assert "花蓮縣吉安鄉" not in shown.partition("<tbody")[2]


@pytest.mark.browser
def test_the_live_map_of_towns_has_every_area_of_the_list(portal: Filled) -> None:
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1000, "height": 900})
        said: list[Any] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{portal.url}/dataset/areas/resource/{portal.areas}/map?value={quote('avg:平均年齡')}")
        page.wait_for_selector("#map[data-ready='3']", timeout=20_000)
        assert page.locator("table").first.locator("tbody tr").count() == 3
        assert page.locator("#map [style*=fill]").count() == 0
        assert said == []


def test_a_histogram_counts_the_rows_of_each_range(portal: Filled) -> None:
    page = portal.get(f"/dataset/stores/resource/{portal.resource}/chart?kind=histogram&by=數量")
    assert 'class="chart chart-histogram"' in page
    lines = re.findall(r'<tr><th scope="row">([\d–]+)</th><td class="number">(\d+)</td></tr>', page)
    assert sum(int(count) for _, count in lines) == 4
    assert lines[0] == ("0–5", "1")
    fallen_back = portal.get(f"/dataset/stores/resource/{portal.resource}/chart?kind=histogram&by=名稱")
    assert "chart-histogram" in fallen_back, "a column of text gives way to one of numbers"
