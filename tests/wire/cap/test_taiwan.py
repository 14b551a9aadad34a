"""Taiwan's codes by their scheme, on NCDR's own tables, and sections as text."""

from __future__ import annotations

import json

import pytest
from tests.make import shared_data

from banyan.wire.cap.model import Area, Pair
from banyan.wire.cap.reading import read
from banyan.wire.cap.taiwan import Level, names_of, place_of, plain

TABLES = {
    "city-103": Level.COUNTY, "district-103": Level.TOWN, "city-112": Level.COUNTY, "district-107": Level.TOWN,
    "village-112": Level.VILLAGE,
}  # fmt: skip


def table(name: str) -> dict[tuple[str, str], str]:
    rows = json.loads(shared_data(f"alerts/geocode/{name}.json").read_bytes())
    return {(name[-3:], row["code"]): row["fullname"] for row in rows}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_code_of_ncdrs_tables_has_its_level(name: str) -> None:
    levels = {place_of(Pair(f"Taiwan_Geocode_{edition}", code)) for edition, code in table(name)}
    assert None not in levels
    assert {place.level for place in levels if place is not None} == {TABLES[name]}


def test_an_alerts_places_are_found_in_the_table_of_their_scheme_only() -> None:
    tables = table("district-103") | table("district-107") | table("city-103")
    area = Area("x", geocode=(Pair("Taiwan_Geocode_103", "1000512"), Pair("Taiwan_Geocode_107", "1000512")))
    assert names_of(area, tables) == (tables["103", "1000512"],)
    assert "頭屋" in tables["103", "1000512"]
    own = read(shared_data("alerts/cap/taiwan.cap").read_bytes()).info[0].area[0]
    assert place_of(own.geocode[0]) == place_of(Pair("Taiwan_Geocode_100", "1000512"))
    assert names_of(own, tables) == (), "edition 100 is another table, though its digits are the same"


@pytest.mark.parametrize(
    ("scheme", "code"),
    [("SAME", "006109"), ("Taiwan_Geocode_103", "65000010"), ("Taiwan_Geocode_999", "65"),
     ("Taiwan_Geocode_112", "65x00010"),
     ("Taiwan_Geocode_103", "６５"), ("Taiwan_Geocode_112", "1000512")],
)  # fmt: skip
def test_another_scheme_or_length_is_no_place(scheme: str, code: str) -> None:
    assert place_of(Pair(scheme, code)) is None


def test_sections_become_titles_and_text() -> None:
    marked = (
        """<section title="概況">鋒面通過。</section><section title='注意'>山區 &lt;50 mm&gt;<br/>慎防落石</section>"""
    )
    assert plain(marked) == "概況\n鋒面通過。\n\n注意\n山區 <50 mm>\n慎防落石"
    assert plain("雨量 < 50 且 > 10 毫米") == "雨量 < 50 且 > 10 毫米"
    assert plain("&amp;lt;b>") == "&lt;b>"
    assert plain("no markup\n\n\n\nat all") == "no markup\n\nat all"
