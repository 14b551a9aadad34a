"""From an area to cells: whose mast stands in it, and whose coverage reaches in. Also a cell's footprint and the
Voronoi polygons of sites.

Distances are measured on a plane in metres around the area's middle latitude; a cell's reach is stretched by the share
that the plane may be wrong at the area's far ends, so that no cell is missed.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from banyan.craft.cells.model import (
    BACK_SHARE,
    METRES_A_DEGREE,
    SECTOR_DEG,
    Area,
    CellTable,
    Circle,
    Floats,
    Ints,
    Polygon,
)

_ARC_STEPS: Final = 12
"""Points on a sector's arc: it then lies within 0.4 % of its radius."""
_ROUND_STEPS: Final = 32
Shapes = npt.NDArray[np.object_]


class Plane:
    """Degrees to metres east and north of a point, and back."""

    def __init__(self, lon: float, lat: float) -> None:
        self.lon, self.lat = lon, lat
        self.across = METRES_A_DEGREE * max(math.cos(math.radians(lat)), 0.01)

    def metres(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        return (lon - self.lon) * self.across, (lat - self.lat) * METRES_A_DEGREE

    def degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return self.lon + x / self.across, self.lat + y / METRES_A_DEGREE


def cells_within(table: CellTable, area: Area, *, reaching: bool) -> Ints:
    """As `CellTable.within` says."""
    west, south, east, north = bounds_of(area)
    plane = Plane((west + east) / 2, (south + north) / 2)
    stretch = _stretch(south, north)
    farthest = float(table.range_m.max(initial=0.0)) * stretch if reaching else 0.0
    margin_y = farthest / METRES_A_DEGREE + 1e-9
    margin_x = margin_y / max(math.cos(math.radians(min(89.0, max(abs(south), abs(north)) + margin_y))), 0.01)
    near = np.flatnonzero(
        (table.lon >= west - margin_x) & (table.lon <= east + margin_x)
        & (table.lat >= south - margin_y) & (table.lat <= north + margin_y)
    )  # fmt: skip
    if not near.size:
        return np.empty(0, np.int32)
    x, y = plane.metres(table.lon[near], table.lat[near])
    shape = shape_of(area, plane)
    shapely.prepare(shape)
    hit = shapely.intersects_xy(shape, x, y)
    if reaching:
        open_ = np.flatnonzero(~hit & (table.range_m[near] > 0))
        marks = footprints(x[open_], y[open_], table.range_m[near[open_]] * stretch, table.azimuth[near[open_]])
        hit[open_] = shapely.intersects(shape, marks)
    return np.asarray(near[hit], np.int32)


def bounds_of(area: Area) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees."""
    if isinstance(area, Circle):
        up = area.radius_m / METRES_A_DEGREE
        across = up / max(math.cos(math.radians(min(89.0, abs(area.lat) + up))), 0.01)
        return area.lon - across, area.lat - up, area.lon + across, area.lat + up
    points = np.array([point for ring in area.rings for point in ring])
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    return float(west), float(south), float(east), float(north)


def shape_of(area: Area, plane: Plane) -> shapely.Geometry:
    """The area on the plane, in metres."""
    if isinstance(area, Circle):
        x, y = plane.metres(np.array([area.lon]), np.array([area.lat]))
        return shapely.buffer(shapely.Point(x[0], y[0]), area.radius_m, quad_segs=64)
    shape: shapely.Geometry = shapely.Polygon()
    for ring in area.rings:
        x, y = plane.metres(*np.array(ring).T)
        part = shapely.make_valid(shapely.Polygon(np.column_stack((x, y))))
        shape = shapely.symmetric_difference(shape, part)
    return shape


def footprints(x: Floats, y: Floats, reach: Floats, azimuth: Floats) -> Shapes:
    """What each cell covers, in metres: a sector with a small round behind, or a disc where no azimuth is known."""
    shapes = shapely.buffer(shapely.points(x, y), reach, quad_segs=_ROUND_STEPS // 4)
    aimed = np.flatnonzero(np.isfinite(azimuth))
    if aimed.size:
        turns = np.radians(azimuth[aimed, None] + np.linspace(-SECTOR_DEG / 2, SECTOR_DEG / 2, _ARC_STEPS))
        rings = np.empty((aimed.size, _ARC_STEPS + 2, 2))
        rings[:, 0] = rings[:, -1] = np.column_stack((x[aimed], y[aimed]))
        rings[:, 1:-1, 0] = x[aimed, None] + reach[aimed, None] * np.sin(turns)
        rings[:, 1:-1, 1] = y[aimed, None] + reach[aimed, None] * np.cos(turns)
        backs = shapely.buffer(shapely.points(x[aimed], y[aimed]), reach[aimed] * BACK_SHARE, quad_segs=4)
        shapes[aimed] = shapely.union(shapely.polygons(rings), backs)
    return np.asarray(shapes, object)


def sector_polygon(table: CellTable, place: int) -> Polygon:
    """What one cell covers, in degrees, to be drawn. A cell without a range gives a triangle of a metre."""
    plane = Plane(float(table.lon[place]), float(table.lat[place]))
    zero, reach = np.zeros(1), np.maximum(table.range_m[place : place + 1], 1.0)
    return _polygon(footprints(zero, zero, reach, table.azimuth[place : place + 1])[0], plane)


def voronoi_polygons(table: CellTable, *, reach_m: float = 5_000.0) -> list[Polygon]:
    """For each site the points that are nearer to it than to any other, at most about `reach_m` beyond the outermost
    sites, in degrees. Sites at the same place share theirs. Empty without sites."""
    lon, lat = table.site_points()
    if not len(lon):
        return []
    plane = Plane(float(lon.mean()), float(lat.mean()))
    points = np.asarray(shapely.points(*plane.metres(lon, lat)), object)
    hull = shapely.buffer(shapely.convex_hull(shapely.multipoints(points)), reach_m)
    regions = np.array(shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=hull)))
    if not len(regions):  # one site, or all at one place
        return [_polygon(hull, plane)] * len(points)
    tree = shapely.STRtree(regions)
    owner = tree.query_nearest(points, all_matches=False)[1]
    return [_polygon(shapely.intersection(regions[place], hull), plane) for place in owner]


def _polygon(shape: Any, plane: Plane) -> Polygon:
    rings = []
    for part in shapely.get_parts(shape):
        for ring in shapely.get_rings(part):
            lon, lat = plane.degrees(*shapely.get_coordinates(ring).T)
            rings.append(tuple(zip(lon.round(6).tolist(), lat.round(6).tolist(), strict=True)))
    return Polygon(tuple(rings))


def _stretch(south: float, north: float) -> float:
    """By how much the plane around the middle may shorten or lengthen a metre at the area's ends, and 0.5 %."""
    middle = math.cos(math.radians((south + north) / 2))
    ends = min(math.cos(math.radians(min(abs(one) + 0.5, 89.0))) for one in (south, north))
    return 1.005 + max(0.0, middle / max(ends, 0.01) - 1)
