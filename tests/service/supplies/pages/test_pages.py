"""The pages as a reader without script gets them, in both languages: the list is the operation's answer, in words."""

from __future__ import annotations

import json
import re
import struct
import urllib.error
import urllib.request
import zlib
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from tests.service.supplies.pages.stage import PATHS, Stage

from banyan.service.supplies.pages.card import far

MARKS = ("outlet", "item", "available", "reserved", "status", "as-of")


def outlets(page: str) -> list[tuple[str, ...]]:
    """What every outlet's element says to programs, in the page's order."""
    pattern = " ".join(rf'data-{name}="([^"]*)"' for name in MARKS)
    return [tuple(found) for found in re.findall(pattern, page)]


def asked(day: Stage, path: str) -> Any:
    with urllib.request.urlopen(day.url + path, timeout=10) as answer:
        return json.load(answer)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def test_every_page_answers_in_both_languages(day: Stage) -> None:
    for path in PATHS:
        chinese, english = day.get(path), day.get(f"/en{path}")
        assert '<html lang="zh-Hant-TW"' in chinese
        assert '<html lang="en"' in english
        assert outlets(chinese) == outlets(english)
        assert " style=" not in chinese
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", chinese)


@pytest.mark.parametrize(
    "query",
    [
        "least=0",
        "area=10015&least=0",
        "item=mask-child&open=1",
        "lat=23.9769&lon=121.6044&radius=2000&least=0",
        "q=中山路",
    ],
)
def test_the_list_is_the_operations_answer_in_its_order(day: Stage, query: str) -> None:
    query = quote(query, safe="=&.")
    answer = asked(day, f"/api/supplies/find_outlets?{query.replace('area=', 'town=').replace('open=1', 'open=true')}")
    expected = []
    for place in answer["places"]:
        stock = next(one for one in place["outlet"]["stocks"] if one["item"] == answer["item"])
        available = "" if stock["available"] is None else str(stock["available"])
        expected.append(
            (
                place["outlet"]["code"],
                answer["item"],
                available,
                str(stock["reserved"]),
                stock["status"],
                place["as_of"],
            )
        )
    assert expected, "the question finds something"
    for prefix in ("", "/en"):
        page = day.get(f"{prefix}/supplies?{query}")
        assert outlets(page) == expected
        assert page.count('class="pin ') in (0, len(expected)), "numbers on the picture are those of the list"


def test_near_a_position_the_list_is_that_of_nearest_stock(day: Stage) -> None:
    near = asked(day, "/api/supplies/nearest_stock?lon=121.6&lat=23.97&item=mask-child&k=50")
    page = day.get("/supplies?lat=23.97&lon=121.6&item=mask-child")
    assert [found[0] for found in outlets(page)] == [place["outlet"]["code"] for place in near["places"]]
    assert f"直線距離 {far(near['places'][0]['metres'])}" in text_of(page)


def test_what_is_promised_vanished_or_doubtful_is_said_in_words(day: Stage) -> None:
    page = text_of(day.get("/supplies?least=0"))
    assert "剩的都已發號碼牌 剩下的 120 片都已發號碼牌保留，現在去領不到" in page
    assert "號碼牌 8:30–9:00 發放，已結束" in page
    assert "號碼牌 8:30 發放，已結束" in page, "a plate time of one minute is a moment"
    assert "販售時間 9:00–17:00，正在販售" in page
    assert "現在不在名單上 這不等於領完。2020-02-14 09:05 最後看到時有 80 片" in page
    assert "位置可能不準" in page
    assert "全國共 4 個地點，2 個領得到成人口罩，共 205 片。 另有 120 片已發號碼牌保留。" in page
    english = text_of(day.get("/en/supplies?least=0"))
    assert "All that is left is promised The 120 pieces left are all promised to number-plate holders" in english
    assert "That does not mean sold out. Last seen with 80 pieces at 2020-02-14 09:05" in english


def test_an_address_of_a_form_or_a_typed_word_still_shows_the_map(day: Stage) -> None:
    town = day.get("/supplies?county=10015&town=10015010&least=0&q=&radius=")
    assert [found[0] for found in outlets(town)] == ["0145080011", "592202A296"]
    assert "花蓮縣花蓮市" in text_of(town)
    other_county = day.get("/supplies?county=10015&town=63000050&least=0")
    assert len(outlets(other_county)) == 3, "a town of another county is what was chosen before: the county holds"
    by_address = day.get("/supplies?q=花蓮縣花蓮市中山路5號&least=0")
    assert [found[0] for found in outlets(by_address)] == ["592202A296"]
    nobody = text_of(day.get("/supplies?area=10015130"))
    assert "花蓮縣卓溪鄉現在沒有領得到成人口罩的地點。" in nobody
    assert '<option value="10015130" selected>卓溪鄉' in day.get("/supplies?area=10015130")
    for query in ("item=nothing", "lat=abc&lon=1", "lat=95&lon=1", "least=-3&page=999999999999", "area=12x", "page=7"):
        assert "<h1" in day.get(f"/supplies?{query}")


def test_only_the_widget_may_be_framed_and_it_keeps_nothing(day: Stage) -> None:
    for path, ancestors in (
        ("/supplies/widget?area=10015010", "frame-ancestors *"),
        ("/supplies", "frame-ancestors 'none'"),
    ):
        with urllib.request.urlopen(day.url + path, timeout=10) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert ancestors in policy
            assert "unsafe" not in policy
            assert answer.headers["Set-Cookie"] is None
    widget = day.get("/supplies/widget?area=10015010&rows=1")
    assert len(outlets(widget)) == 1
    assert "<form" not in widget


def test_the_paper_has_its_time_in_the_head_and_every_outlet_of_the_town(day: Stage) -> None:
    page = day.get("/supplies/print/10015010")
    assert text_of(page).index("數字是 2020-02-14 09:06 的") < text_of(page).index("花蓮一號藥局")
    assert [found[:3] for found in outlets(page)] == [
        ("0145080011", "mask-adult", "200"), ("0145080011", "mask-child", "50"),
        ("592202A296", "mask-adult", "5"), ("592202A296", "mask-child", "12"),
    ]  # fmt: skip
    assert "(03)8358141" in page
    assert "paper-large" in day.get("/supplies/print/10015010?size=large")
    for town in ("99999999", "1001501", "x"):
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            day.get(f"/supplies/print/{town}")
        caught.value.close()


def test_a_kiosk_goes_from_county_to_town_to_list_by_links(day: Stage) -> None:
    start = day.get("/supplies/kiosk")
    county = re.search(r'href="([^"]+area=10015)"', start)
    assert county is not None
    towns = day.get(unescape(county[1]))
    town = re.search(r'href="([^"]+area=10015010)"', towns)
    assert town is not None
    shown = day.get(unescape(town[1]))
    assert [found[0] for found in outlets(shown)] == ["0145080011", "592202A296"]
    assert "<input" not in start + towns + shown
    assert "/supplies/print/10015010?item=mask-adult" in unescape(shown)


def test_an_outlet_tells_each_item_and_its_forecast(day: Stage) -> None:
    page = day.get("/supplies/outlet/5901010004?item=mask-child")
    assert [found[1] for found in outlets(page)] == ["mask-child", "mask-adult"], "the asked item first"
    assert "估計什麼時候領完" in page
    told = asked(day, "/api/supplies/sold_out_when/5901010004?item=mask-child")["text"]
    assert told["zh-Hant"] in unescape(page)
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        day.get("/supplies/outlet/0000000000")
    caught.value.close()


def test_it_can_be_installed(day: Stage) -> None:
    manifest = asked(day, "/supplies/manifest.webmanifest?lang=en")
    assert (manifest["start_url"], manifest["scope"], manifest["name"]) == (
        "/en/supplies",
        "/en/supplies",
        "Supplies map",
    )
    for icon in manifest["icons"]:
        with urllib.request.urlopen(day.url + icon["src"], timeout=10) as answer:
            body = answer.read()
        assert body[:8] == b"\x89PNG\r\n\x1a\n"
        side = int(icon["sizes"].partition("x")[0])
        assert struct.unpack(">II", body[16:24]) == (side, side)
        length = struct.unpack(">I", body[33:37])[0]
        assert len(zlib.decompress(body[41 : 41 + length])) == side * (side * 4 + 1)
    with urllib.request.urlopen(f"{day.url}/supplies/worker.js", timeout=10) as answer:
        assert answer.headers["Service-Worker-Allowed"] == "/"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
        assert answer.headers["Content-Type"].startswith("text/javascript")


def test_developers_are_told_of_every_feed_there_is(day: Stage) -> None:
    page = unescape(day.get("/en/supplies/developers"))
    for path in ("/api/supplies/pack", "/api/supplies/changes", "/api/supplies/stream", "/api/supplies/find_outlets"):
        assert path in page
    assert f'<iframe src="{day.url}/en/supplies/widget?item=mask-adult&area=10015010"' in unescape(page)
    assert "Other" not in re.findall(r"<td>(\w+)</td>", page)
