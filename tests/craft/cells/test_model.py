"""Cells in an area: by mast, and by coverage; against points tried one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from banyan.craft.cells import Circle, Polygon, cell_table, fixes, parse_cell_id
from banyan.craft.cells.covering import sector_polygon, voronoi_polygons
from banyan.craft.cells.generating import RURAL_M, URBAN_M, Cover, generated
from banyan.craft.cells.model import METRES_A_DEGREE, CellTable
from banyan.errors import Invalid

HERE = (121.54, 25.03)
TABLE = generated([Cover(*HERE, 2.0)], seed=3)


def metres(table: CellTable, lon: float, lat: float) -> tuple[np.ndarray, np.ndarray]:
    return (table.lon - lon) * METRES_A_DEGREE * math.cos(math.radians(lat)), (table.lat - lat) * METRES_A_DEGREE


def test_a_circle_holds_the_masts_nearer_than_its_radius() -> None:
    x, y = metres(TABLE, *HERE)
    expected = np.flatnonzero(np.hypot(x, y) < 900)
    assert TABLE.within(Circle(*HERE, 900)).tolist() == expected.tolist()
    assert 20 < len(expected) < len(TABLE)


def test_a_hole_holds_nothing() -> None:
    def square(half: float) -> tuple[tuple[float, float], ...]:
        lon, lat = HERE
        return ((lon - half, lat - half), (lon + half, lat - half), (lon + half, lat + half), (lon - half, lat + half))

    outer, inner = (np.maximum(abs(TABLE.lon - HERE[0]), abs(TABLE.lat - HERE[1])) < half for half in (0.012, 0.006))
    found = TABLE.within(Polygon((square(0.012), square(0.006))))
    assert found.tolist() == np.flatnonzero(outer & ~inner).tolist()


def test_coverage_that_reaches_in_counts_by_sector() -> None:
    """Three sectors 800 m west of a circle of 100 m: the one that looks east with 750 m of range reaches in."""
    lon = HERE[0] - 800 / (METRES_A_DEGREE * math.cos(math.radians(HERE[1])))
    ids = [f"466-92-1-{place}" for place in range(4)]
    table = cell_table(ids, [lon] * 4, [HERE[1]] * 4, azimuth=[90, 210, 330, 90], range_m=[750, 750, 750, 650])
    assert table.within(Circle(*HERE, 100)).size == 0
    assert table.within(Circle(*HERE, 100), reaching=True).tolist() == [0]


def test_no_cell_whose_coverage_reaches_in_is_missed() -> None:
    """Points of the area tried one by one against distance and azimuth."""
    area = Circle(HERE[0] + 0.004, HERE[1], 350)
    found = set(TABLE.within(area, reaching=True).tolist())
    dice = np.random.default_rng(5)
    for _ in range(400):
        turn, off = dice.uniform(0, 2 * math.pi), area.radius_m * math.sqrt(dice.random())
        lon = area.lon + off * math.sin(turn) / (METRES_A_DEGREE * math.cos(math.radians(area.lat)))
        x, y = metres(TABLE, lon, area.lat + off * math.cos(turn) / METRES_A_DEGREE)
        bearing = np.degrees(np.arctan2(-x, -y))
        aside = np.abs((bearing - TABLE.azimuth + 180) % 360 - 180)
        covers = (np.hypot(x, y) < TABLE.range_m * 0.995) & (aside < 60)
        assert set(np.flatnonzero(covers).tolist()) <= found


@pytest.mark.parametrize(
    "area",
    [Circle(0, 95, 10), Circle(0, 0, 0), Circle(0, 0, math.nan), Polygon(()), Polygon((((0, 0), (1, 1)),)),
     Polygon((((0, 0), (1, 1), (math.nan, 2)),))],
)  # fmt: skip
def test_what_is_no_area_is_named(area: Circle | Polygon) -> None:
    with pytest.raises(Invalid) as caught:
        TABLE.within(area)
    assert caught.value.fields[0].field == "area"


def test_voronoi_polygons_hold_the_points_nearest_to_their_mast() -> None:
    import shapely

    shapes = [shapely.Polygon(one.rings[0]) for one in voronoi_polygons(TABLE)]
    lon, lat = TABLE.site_points()
    dice = np.random.default_rng(1)
    for _ in range(100):
        point = np.array(HERE) + dice.uniform(-0.012, 0.012, 2)
        apart = np.hypot((lon - point[0]) * math.cos(math.radians(HERE[1])), lat - point[1])
        order = np.argsort(apart)
        if apart[order[1]] - apart[order[0]] > 1e-5:  # polygons are rounded to 0.1 m
            assert shapes[order[0]].contains(shapely.Point(point))


def test_a_sector_is_drawn_where_it_looks() -> None:
    ring = np.array(sector_polygon(TABLE, 0).rings[0])
    x, y = (ring[:, 0] - TABLE.lon[0]) * math.cos(math.radians(HERE[1])), ring[:, 1] - TABLE.lat[0]
    far = np.hypot(x, y).argmax()
    aside = (math.degrees(math.atan2(x[far], y[far])) - TABLE.azimuth[0] + 180) % 360 - 180
    assert abs(aside) <= 60.5


@pytest.mark.parametrize("spacing", [URBAN_M, RURAL_M])
def test_invented_masts_are_as_dense_as_real_ones(spacing: float) -> None:
    table = generated([Cover(*HERE, spacing * 12 / 1000, spacing)], seed=9)
    x, y = metres(table, *HERE)
    x, y = x[::3], y[::3]
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    np.fill_diagonal(apart, np.inf)
    assert np.median(apart.min(axis=1)) == pytest.approx(spacing, rel=0.08)
    assert generated([Cover(*HERE, 2.0)], seed=3).lon.tolist() == TABLE.lon.tolist()
    assert len({str(parse_cell_id(one)) for one in table.ids}) == len(table)


@pytest.mark.parametrize(
    "text", ["466-92-1", "46-92-1-1", "466-9-1-1", "466-92-x-1", f"466-92-1-{1 << 36}", "４６６-92-1-1"]
)
def test_what_is_no_cell_id_is_named(text: str) -> None:
    with pytest.raises(Invalid):
        parse_cell_id(text)


def test_taking_rows_of_a_batch_takes_their_positions_too() -> None:
    batch = fixes([1, 2, 3], [10, 20, 30], [0, 1, 2], lon=[1, 2, 3], lat=[4, 5, 6]).take(np.array([False, True, True]))
    assert (batch.phone.tolist(), batch.lat.tolist(), len(batch)) == ([2, 3], [5, 6], 2)
    assert not fixes([1], [10], [0]).has_positions
