"""The kit: what is right passes, and each wrong app fails with exactly the rule that it breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kit.gallery import WRONG, changed, html, page, rows
from tests.kit.make import APP, AS_OF, NODE, Answer, broken, checked
from tests.service.supplies.make import AT

from banyan.errors import Invalid, Problem
from banyan.kit.judging import RULES
from banyan.kit.report import Report, as_text
from banyan.kit.sampling import CASES

FEEDS = (
    "/api/supplies/pack",
    "/api/supplies/stock.json",
    "/api/supplies/stock.geojson",
    "/api/supplies/stock.geojson?item=mask-adult",
    "/api/supplies/stock.geojson?names=2020",
    "/api/supplies/official/mask.csv",
    "/api/supplies/nearest_stock?lon=121.6&lat=23.97",
    "/api/supplies/nearest_stock?lon=121.6&lat=23.97&item=mask-child",
    "/api/supplies/town/10015010",
    "/api/supplies/find_outlets?town=10015010&least=0",
    "/api/supplies/outlet/{code}",
)


@pytest.mark.parametrize("path", FEEDS)
def test_our_own_feeds_conform(tmp_path: Path, path: str) -> None:
    report = checked(tmp_path, NODE + path)
    allowed = {"shape-hides-reserved"} if path.endswith(".csv") else set()
    allowed |= {"doubt-marked"} if path.endswith("names=2020") else set()
    assert set(broken(report)) <= allowed, list(as_text(report, "en"))
    assert report.conforms
    assert report.claims


def test_the_bulk_feeds_are_compared_in_every_case(tmp_path: Path) -> None:
    report = checked(tmp_path, NODE + "/api/supplies/pack")
    seen = {case for case, count in report.cases.items() if count}
    assert seen == set(CASES)


def test_a_right_page_conforms(tmp_path: Path) -> None:
    report = checked(tmp_path, app=lambda url: html(page(rows())))
    assert broken(report) == []
    assert (report.kind, report.claims, report.outlets) == ("html", 6, 6)
    assert report.cases["reserved"] == report.cases["not_listed"] == report.cases["partly_reserved"] == 1


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_app_breaks_exactly_its_rule(tmp_path: Path, wrong: str) -> None:
    rule, answer = WRONG[wrong]
    report = checked(tmp_path, app=lambda url: answer)
    assert broken(report) == [rule], list(as_text(report, "en"))
    assert not report.conforms
    one = next(one for one in report.rules if one.id == rule)
    assert one.evidence[0].shown != one.evidence[0].expected


def test_an_old_number_must_be_marked_on_a_page(tmp_path: Path) -> None:
    later = AT + 7_200
    assert broken(checked(tmp_path / "a", app=lambda url: html(page(rows())), now=later)) == ["stale-marked"]
    said = [{**row, "text": row["text"] + "（2 小時前的數字）"} for row in rows()]
    assert broken(checked(tmp_path / "b", app=lambda url: html(page(said)), now=later)) == []
    above = page(rows(), head="</head><body><p>資料時間 09:06（2 小時前）</p>")
    assert broken(checked(tmp_path / "d", app=lambda url: html(above), now=later)) == []
    hours = [{**row, "text": row["text"] + "，24 小時急診"} for row in rows()]
    assert broken(checked(tmp_path / "e", app=lambda url: html(page(hours)), now=later)) == ["stale-marked"]
    marked = [{**row, "confidence": "low"} for row in rows()]
    assert broken(checked(tmp_path / "c", app=lambda url: html(page(marked)), now=later)) == []


def test_a_mirror_that_lags_and_says_so_is_right_until_it_is_old(tmp_path: Path) -> None:
    """Its numbers are of an earlier look, as its as-of says."""
    lagging = [
        {**row, "available": "7", "reserved": "0", "status": "few", "as-of": "2020-02-14T00:50:00Z"} for row in rows()
    ]
    assert broken(checked(tmp_path / "a", app=lambda url: html(page(lagging)))) == []
    assert broken(checked(tmp_path / "b", app=lambda url: html(page(lagging)), now=AT + 7_200)) == ["stale-marked"]


def test_a_doubtful_place_without_a_mark_is_advice(tmp_path: Path) -> None:
    report = checked(tmp_path, app=lambda url: html(page(changed("592202A296", text="領完了"))))
    assert broken(report) == ["doubt-marked"]
    assert report.conforms


def test_count_with_reserved_beside_it_is_right(tmp_path: Path) -> None:
    shown = changed("5945010007", available="", count="90", reserved="60")
    assert broken(checked(tmp_path, app=lambda url: html(page(shown)))) == []


def an_offer(code: str, available: int | None, availability: str, **more: Any) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "itemOffered": {"@type": "Product", "sku": "mask-adult"},
        "availability": f"https://schema.org/{availability}",
        "inventoryLevel": {"@type": "QuantitativeValue", "value": available},
        "availableAtOrFrom": {"@type": "Place", "identifier": code},
        "dateModified": AS_OF,
        **more,
    }


@pytest.mark.parametrize(
    ("availability", "available", "rules"),
    [("Reserved", 0, []), ("OutOfStock", 0, []), ("InStock", 120, ["reserved-not-available"])],
)
def test_schema_org_offers_in_json_ld(tmp_path: Path, availability: str, available: int, rules: list[str]) -> None:
    offers = [an_offer("0145080011", 200, "InStock"), an_offer("5901010004", available, availability)]
    head = f'<script type="application/ld+json">{json.dumps({"@graph": offers})}</script>'
    report = checked(tmp_path, app=lambda url: html(page([], head=head)))
    assert (report.claims, broken(report)) == (2, rules)


def test_schema_org_offers_in_microdata(tmp_path: Path) -> None:
    def offer(code: str, value: int, availability: str) -> str:
        return f"""<div itemscope itemtype="https://schema.org/Offer"><link itemprop="availability"
          href="https://schema.org/{availability}"><span itemprop="availableAtOrFrom" itemscope
          itemtype="https://schema.org/Place"><b itemprop="identifier">{code}</b></span><meta itemprop="sku"
          content="mask-adult"><p itemprop="inventoryLevel" itemscope itemtype="https://schema.org/QuantitativeValue">
          <b itemprop="value">{value}</b> 片</p><time itemprop="dateModified" datetime="{AS_OF}">剛剛</time></div>"""

    right = offer("0145080011", 200, "InStock") + offer("592202A296", 0, "SoldOut")
    assert broken(checked(tmp_path / "a", app=lambda url: html(page([], foot=right + "資料來源：健保署")))) == []
    wrong = offer("0145080011", 200, "InStock") + offer("5945010008", 0, "SoldOut")
    report = checked(tmp_path / "b", app=lambda url: html(page([], foot=wrong + "資料來源：健保署")))
    assert (report.claims, broken(report)) == (2, ["not-listed-not-zero"])


def mirror(rows: list[dict[str, Any]], **top: Any) -> Answer:
    return json.dumps({"license": "OGDL-Taiwan-1.0", **top, "data": rows}).encode(), {}


def test_a_json_mirror_of_plain_rows(tmp_path: Path) -> None:
    right = {
        "code": "0145080011",
        "item": "mask-adult",
        "available": 200,
        "reserved": 0,
        "status": "in_stock",
        "as_of": AS_OF,
    }
    assert broken(checked(tmp_path / "a", app=lambda url: mirror([right]))) == []
    as_number = {**right, "code": 145080011}
    assert broken(checked(tmp_path / "b", app=lambda url: mirror([as_number]))) == ["code-as-text"]
    shared = {key: value for key, value in right.items() if key != "as_of"}
    assert broken(checked(tmp_path / "c", app=lambda url: mirror([shared], as_of=AS_OF))) == []
    assert broken(checked(tmp_path / "d", app=lambda url: mirror([shared]))) == ["as-of-shown"]
    assert broken(checked(tmp_path / "e", app=lambda url: (json.dumps([right]).encode(), {}))) == ["licence-shown"]


def test_a_csv_that_keeps_rows_of_outlets_off_the_list(tmp_path: Path) -> None:
    head = "醫事機構代碼,醫事機構名稱,醫事機構地址,醫事機構電話,成人口罩總剩餘數,兒童口罩剩餘數,來源資料時間"
    lines = [head, "0145080011,甲,乙,丙,200,50,2020/02/14 09:06:04", "5945010008,甲,乙,丙,0,0,2020/02/14 09:06:04"]
    report = checked(tmp_path, app=lambda url: ("\r\n".join(lines).encode("utf-8-sig"), {}))
    assert broken(report) == ["not-listed-not-zero", "shape-hides-reserved"]


def test_a_page_for_each_outlet(tmp_path: Path) -> None:
    """One of them has no page, which is right for an outlet that is not listed."""
    by_code = {row["outlet"]: row for row in rows()}

    def app(url: str) -> Answer | None:
        row = by_code.get(url.rpartition("/")[2])
        return None if row is None or row["status"] == "not_listed" else html(page([row]))

    report = checked(tmp_path, APP + "outlet/{code}", app=app)
    assert broken(report) == []
    assert report.claims == 5


@pytest.mark.parametrize(
    "body",
    [b"", b"<p>hello</p>", b"{}", b"[1, 2]", b"{broken", b"a,b\n1,2\n", b"\xff\xfe\x00", b"[" * 100_000],
    ids=["empty", "page", "object", "list", "broken", "csv", "bytes", "deep"],
)
def test_what_shows_no_stock_is_bad_input(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(Invalid, match="No outlet's stock can be read"):
        checked(tmp_path, app=lambda url: (body, {}))


def test_bad_addresses_and_a_reference_without_a_map(tmp_path: Path) -> None:
    for url in ("ftp://app.test/", "app.test", "file:///etc/passwd"):
        with pytest.raises(Problem):
            checked(tmp_path / url.replace("/", "_"), url)


def test_a_report_says_all_rules_in_both_languages_and_as_json(tmp_path: Path) -> None:
    rule, answer = WRONG["all promised, shown in stock"]
    report = checked(tmp_path, app=lambda url: answer)
    assert [one.id for one in report.rules] == list(RULES)
    zh, en = "\n".join(as_text(report, "zh-Hant")), "\n".join(as_text(report, "en"))
    assert "✗ 全數保留的不顯示為還有" in zh
    assert "5901010004 mask-adult: shows available 120, status in_stock; should be available 0, reserved 120" in en
    assert "Cases without an example: never listed" in en
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert [one.id for one in again.rules if one.result == "fail"] == [rule]
