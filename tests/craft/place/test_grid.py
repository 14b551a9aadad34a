"""The nearest search against looking at every point, and its metres against geodesics (Vincenty's series)."""

from __future__ import annotations

import gc
import math
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.craft.place import grid, wgs84
from banyan.craft.place.compiled import own_folder
from banyan.craft.place.grid import Found, Grid

TAIWAN = (119.3, 122.0, 21.9, 25.3)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    grid.warm().join()
    assert grid.is_compiled()


def ask(
    made: Grid, at: tuple[float, float], k: int, values: np.ndarray, *, least: int = 1, radius_m: float = math.inf,
    bits: np.ndarray | None = None, bit: int = -1,
) -> tuple[Found, Found]:  # fmt: skip
    """The answer of the compiled search, and that of looking at every point."""
    own = np.full(len(values), -1, np.int32) if bits is None else bits
    longest = math.inf if radius_m == math.inf else wgs84.chord_squared(radius_m)
    found = made.holding(values, own).nearest(*at, k, least=least, radius_m=radius_m, bit=bit)
    return found, made.scanned((*at, least, longest, bit), k, values, own)


def same(pair: tuple[Found, Found]) -> None:
    (places, metres), (expected, expected_metres) = pair
    assert places == expected
    assert metres == pytest.approx(expected_metres, rel=1e-12, abs=1e-6)


coarse = st.tuples(st.integers(-3, 3), st.integers(-2, 2)).map(lambda at: (121 + at[0] / 4, 23.5 + at[1] / 4))
island = st.tuples(st.floats(118, 122.5), st.floats(21.5, 26.5))
antimeridian = st.tuples(st.sampled_from((-180.0, 180.0, 179.9, -179.9, 179.0)), st.floats(-20, 20))
anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
pole = st.tuples(st.floats(-180, 180), st.sampled_from((90.0, 89.99, -90.0, 89.0)))
nowhere = st.just((math.nan, math.nan)) | st.just((0.0, 0.0))


@pytest.mark.parametrize("where", [coarse, island, antimeridian, anywhere, pole, coarse | nowhere | island])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_the_search_finds_what_looking_at_every_point_finds(
    where: st.SearchStrategy[tuple[float, float]], data: st.DataObject
) -> None:
    """Ties (coarse points repeat), duplicates, both edges of the world, outliers, and points that are nowhere."""
    points = np.array(data.draw(st.lists(where, min_size=1, max_size=60)))
    size = len(points)
    values = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=size, max_size=size)), np.int32)
    bits = np.array(data.draw(st.lists(st.integers(-1, 7), min_size=size, max_size=size)), np.int32)
    pair = ask(
        Grid(points[:, 0].copy(), points[:, 1].copy()),
        data.draw(where.filter(lambda at: at[0] == at[0]) | anywhere),
        data.draw(st.integers(1, 50)),
        values,
        least=data.draw(st.integers(0, 3)),
        radius_m=data.draw(st.sampled_from((math.inf, 0.0, 1_000.0, 50_000.0, 3e7))),
        bits=bits,
        bit=data.draw(st.integers(-1, 2)),
    )
    same(pair)


@pytest.mark.parametrize("size", [1_000, 8_000])
def test_dense_towns_and_empty_seas(size: int) -> None:
    dice = np.random.default_rng(size)
    towns = dice.uniform(TAIWAN[::2], TAIWAN[1::2], (12, 2))
    points = towns[dice.integers(0, 12, size)] + dice.normal(0, 0.02, (size, 2))
    points[:5] = (0.0, 0.0), (121.0, 0.0), (-75.0, 40.0), (np.nan, 23.0), (121.5, 89.0)
    values = np.where(dice.random(size) < 0.37, 0, dice.integers(1, 400, size)).astype(np.int32)
    made = Grid(points[:, 0].copy(), points[:, 1].copy())
    for at in [
        *dice.uniform((117, 20), (124, 28), (60, 2)),
        *points[5:45],
        (139.7, 35.6),
        (-60.0, -23.0),
        (301.0, 0.0),
    ]:
        for least in (1, 390, 1_000):
            same(ask(made, (float(at[0]), float(at[1])), 10, values, least=least))


def test_all_in_one_place_come_by_their_place() -> None:
    made = Grid(np.full(500, 121.5), np.full(500, 25.0))
    values = np.ones(500, np.int32)
    values[3] = 0
    (places, metres), _ = ask(made, (121.5, 25.0), 50, values)
    assert places == [*range(3), *range(4, 51)]
    assert max(metres) < 1e-6
    same(ask(made, (-58.5, -25.0), 50, values))


def test_nothing_to_find() -> None:
    none = np.empty(0, np.int32)
    assert ask(Grid(np.empty(0), np.empty(0)), (121, 24), 9, none) == (([], []), ([], []))
    made, values = Grid(np.array([np.nan, 121.0]), np.array([23.0, 24.0])), np.array([5, 5], np.int32)
    assert ask(made, (121, 24), 9, values)[0][0] == [1]
    for at in ((math.nan, 24.0), (121.0, math.nan), (math.inf, 24.0), (121.0, 91.0)):
        assert ask(made, at, 9, values) == (([], []), ([], []))
    assert ask(made, (121.0, 24.0), 0, values)[0] == ([], [])


def test_wrong_values_are_refused_before_memory_is_read() -> None:
    made = Grid(np.array([121.0, 121.1]), np.array([24.0, 24.1]))
    fit = np.ones(2, np.int32)
    for values, bits in ((fit[:1], fit), (fit, fit[:1])):
        with pytest.raises(ValueError, match="2 values"):
            made.holding(values, bits)
    for other in (fit.astype(np.int64), np.ones(4, np.int32)[::2], np.ones((2, 2), np.int32), fit.astype(">i4")):
        for values, bits in ((fit, other), (other, fit)):
            with pytest.raises(ValueError, match="32-bit"):
                made.holding(values, bits)


def test_what_changes_in_place_is_seen_and_kept_alive() -> None:
    values = np.zeros(3, np.int32)
    held = Grid(np.array([121.0, 121.1, 121.2]), np.full(3, 24.0)).holding(values, np.full(3, -1, np.int32))
    assert held.nearest(121.0, 24.0, 3)[0] == []
    values[1:] = 1
    del values
    gc.collect()
    assert held.nearest(121.0, 24.0, 3)[0] == [1, 2]


def test_threads_do_not_mix_their_answers() -> None:
    dice = np.random.default_rng(5)
    lon, lat, values = dice.uniform(120, 122, 500), dice.uniform(22, 25, 500), np.ones(500, np.int32)
    held = Grid(lon, lat).holding(values, values)
    asked = [(float(at), 23.5, k) for at in dice.uniform(120, 122, 200) for k in (3, 10, 65)]
    alone = [held.nearest(*one) for one in asked]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: [held.nearest(*one) for one in asked], range(8)):
                assert found == alone
    finally:
        sys.setswitchinterval(before)


def test_before_it_is_compiled_the_answer_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(7)
    made = Grid(dice.uniform(120, 122, 300), dice.uniform(22, 25, 300))
    values = dice.integers(0, 3, 300).astype(np.int32)
    compiled, _ = ask(made, (121, 24), 10, values)
    monkeypatch.setattr(grid, "_search", None)
    same((ask(made, (121, 24), 10, values)[0], compiled))


def geodesic_m(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Vincenty's inverse formula on WGS84 (Survey Review 176, 1975), good to 0.1 mm where it converges."""
    flattening = 1 / 298.257223563
    minor = wgs84.AXIS_M * (1 - flattening)
    one, two = (math.atan((1 - flattening) * math.tan(math.radians(lat))) for _, lat in (start, end))
    apart = turn = math.radians(end[0] - start[0])
    while True:
        sine = math.hypot(
            math.cos(two) * math.sin(turn),
            math.cos(one) * math.sin(two) - math.sin(one) * math.cos(two) * math.cos(turn),
        )
        if sine == 0:
            return 0.0
        cosine = math.sin(one) * math.sin(two) + math.cos(one) * math.cos(two) * math.cos(turn)
        sigma = math.atan2(sine, cosine)
        azimuth = math.cos(one) * math.cos(two) * math.sin(turn) / sine
        square = 1 - azimuth**2
        middle = cosine - 2 * math.sin(one) * math.sin(two) / square if square else 0.0
        c = flattening / 16 * square * (4 + flattening * (4 - 3 * square))
        inner = sigma + c * sine * (middle + c * cosine * (2 * middle**2 - 1))
        following = apart + (1 - c) * flattening * azimuth * inner
        if abs(following - turn) < 1e-13:
            break
        turn = following
    u = square * (wgs84.AXIS_M**2 - minor**2) / minor**2
    a = 1 + u / 16384 * (4096 + u * (-768 + u * (320 - 175 * u)))
    b = u / 1024 * (256 + u * (-128 + u * (74 - 47 * u)))
    third = b / 6 * middle * (4 * sine**2 - 3) * (4 * middle**2 - 3)
    return minor * a * (sigma - b * sine * (middle + b / 4 * (cosine * (2 * middle**2 - 1) - third)))


def test_the_geodesic_is_the_published_one() -> None:
    """Flinders Peak to Buninyon, the worked example of Geoscience Australia on GRS80 (WGS84 differs by micrometres)."""
    start = (144 + 25 / 60 + 29.52440 / 3600, -(37 + 57 / 60 + 3.72030 / 3600))
    end = (143 + 55 / 60 + 35.38390 / 3600, -(37 + 39 / 60 + 10.15610 / 3600))
    assert geodesic_m(start, end) == pytest.approx(54_972.271, abs=0.002)


@settings(max_examples=100, deadline=None)
@given(island, island)
def test_metres_are_the_geodesic(start: tuple[float, float], end: tuple[float, float]) -> None:
    (found, _) = ask(Grid(np.array([end[0]]), np.array([end[1]])), start, 1, np.ones(1, np.int32))
    assert found[1][0] == pytest.approx(geodesic_m(start, end), rel=1e-5, abs=1e-4)


def test_the_order_is_the_geodesic_order() -> None:
    """Within Taiwan neighbours in the answer are never swapped by more than 3 in 10 million."""
    dice = np.random.default_rng(3)
    lon, lat = dice.uniform(*TAIWAN[:2], 400), dice.uniform(*TAIWAN[2:], 400)
    made, values = Grid(lon, lat), np.ones(400, np.int32)
    for at in zip(dice.uniform(118, 123, 20).tolist(), dice.uniform(21, 26, 20).tolist(), strict=True):
        (places, _), _ = ask(made, at, 50, values)
        apart = [geodesic_m(at, (float(lon[place]), float(lat[place]))) for place in places]
        assert all(nearer <= further * (1 + 3e-7) for nearer, further in pairwise(apart))
        rest = set(range(400)) - {*places}
        assert min(geodesic_m(at, (float(lon[one]), float(lat[one]))) for one in rest) >= apart[-1] * (1 - 3e-7)


def test_compiled_code_is_kept_in_a_folder_of_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the source tree and the home cannot be written; a folder that others may write is not used."""
    shut = tmp_path / "shut"
    shut.write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(shut))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = Path(own_folder())
    assert kept.parent == tmp_path
    assert kept.stat().st_mode & 0o777 == 0o700
    kept.chmod(0o777)
    assert own_folder() == ""


def test_nothing_is_kept_beside_the_source() -> None:
    from banyan.craft.place import search

    assert Path(search.search.stats.cache_path).is_relative_to(own_folder())
