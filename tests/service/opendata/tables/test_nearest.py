"""Nearest places: equal to brute-force haversine over random points, ties, poles and the date line included."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.opendata.tables.made import a_portal, a_version, publish

from banyan.service.opendata.tables.nearest import EARTH_M, nearest, points

LON = st.floats(-180, 180) | st.sampled_from([180.0, -180.0, 121.5])
LAT = st.floats(-90, 90) | st.sampled_from([90.0, -90.0, 25.0])


def haversine(a: tuple[float, float], b: tuple[float, float]) -> float:
    (lon1, lat1), (lon2, lat2) = ((math.radians(x), math.radians(y)) for x, y in (a, b))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(LON, LAT), min_size=1, max_size=40), st.tuples(LON, LAT), st.integers(1, 12), st.booleans())
def test_equals_brute_force(rows: list[tuple[float, float]], place: tuple[float, float], k: int, half: bool) -> None:
    made = points(
        numpy.arange(1, len(rows) + 1), numpy.array([lon for lon, _ in rows]), numpy.array([lat for _, lat in rows])
    )
    only = numpy.arange(2, len(rows) + 1, 2) if half else None
    found = nearest(made, place, k=k, only=only)
    allowed = [number for number in range(1, len(rows) + 1) if not half or number % 2 == 0]
    truth = sorted(haversine(place, rows[number - 1]) for number in allowed)[:k]
    assert [near.metres for near in found] == pytest.approx(truth, abs=0.05)
    for near in found:
        assert near.metres == pytest.approx(haversine(place, rows[near.id - 1]), abs=0.05)
    assert len({near.id for near in found}) == len(found)


def test_radius_and_points_without_a_place() -> None:
    made = points(numpy.array([1, 2, 3]), numpy.array([121.0, numpy.nan, 121.001]), numpy.array([25.0, 25.0, 25.0]))
    assert [near.id for near in nearest(made, (121.0, 25.0), k=5, only=None)] == [1, 3]
    assert [near.id for near in nearest(made, (121.0, 25.0), k=5, radius_m=50, only=None)] == [1]


def test_the_operation_gives_rows_with_metres_and_filters(tmp_path: Path) -> None:
    rows = [
        ["甲", "花蓮縣", 121.60, 23.98],
        ["乙", "臺北市", 121.51, 25.04],
        ["丙", "花蓮縣", 121.55, 23.90],
        ["丁", "x", None, None],
    ]

    async def run() -> list[Any]:
        async with a_portal(tmp_path) as node:
            version = a_version(
                node.drawers["opendata"].lake,
                {"名稱": "text", "縣市": "text"},
                rows,
                extra={"_lon": "DOUBLE", "_lat": "DOUBLE"},
            )
            await publish(node, "shops", version)
            bare = a_version(node.drawers["opendata"].lake, {"名稱": "text"}, [["x"]])
            await publish(node, "bare", bare)
            path = "/api/opendata/nearest/"
            asks = [
                "shops?lon=121.51&lat=25.04&k=2",
                "shops?lon=121.51&lat=25.04&filters=%7B%22%E7%B8%A3%E5%B8%82%22:%22%E8%8A%B1%E8%93%AE%E7%B8%A3%22%7D",
                "shops?lon=121.51&lat=25.04&radius=1",
                "bare?lon=121&lat=25",
                "shops?lon=999&lat=25",
            ]
            return [await node.client.get(path + ask) for ask in asks]

    two, filtered, close, bare, wrong = asyncio.run(run())
    assert [place["record"]["名稱"] for place in two.json["places"]] == ["乙", "甲"]
    assert two.json["places"][0]["metres"] == 0.0
    assert [place["record"]["名稱"] for place in filtered.json["places"]] == ["甲", "丙"]
    assert len(close.json["places"]) == 1
    assert bare.status == 404
    assert wrong.status == 422
