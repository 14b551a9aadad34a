"""Which town a point is in: a tree of polygons; off the coast, the nearest town within 200 m."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from banyan.craft.place.atlas import Atlas, load_atlas
from banyan.craft.place.datum import wgs84_to_twd97

NEAR_M = 200.0
"""Harbours, piers and coastal stops lie just outside simplified coast lines."""
CELL = 0.01
"""Degrees of the look-up grid: a cell inside one town needs no polygon test."""
GRID_POINTS = 50_000
"""Fewer points do not pay for painting the grid (0.4 s)."""
OUTSIDE, BORDER = -1, -2


def towns_of(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.int32] | None:
    """For each point the place of its town in `atlas.towns`, -1 for none; None when the atlas is not installed.

    Degrees WGS84; NaN gives -1.
    """
    atlas = load_atlas()
    return None if atlas is None else _locator(atlas).find(np.asarray(lon, float), np.asarray(lat, float))


class _Locator:
    """Polygons, their tree, and a grid of cells: wholly in one town, far from all, or near the towns that touch it."""

    def __init__(self, atlas: Atlas) -> None:
        self._shapes = [atlas.shape(town) for town in atlas.towns]
        self._tree = shapely.STRtree(self._shapes)
        west, south, east, north = shapely.total_bounds(np.array(self._shapes))
        self._west, self._south = west - 2 * CELL, south - 2 * CELL
        self._columns = int((east - west) / CELL) + 5
        self._rows = int((north - south) / CELL) + 5
        self._grid: npt.NDArray[np.int32] | None = None
        self._touched: list[npt.NDArray[np.int64]] = []

    def find(self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """The town of each point: by the grid, then by the polygons near its cell, then by distance."""
        found = np.full(lon.shape, OUTSIDE, np.int32)
        if self._grid is None and lon.size < GRID_POINTS:
            known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
            found[known] = self._tested(lon[known], lat[known])
            return found
        grid = self._painted() if self._grid is None else self._grid
        with np.errstate(invalid="ignore"):
            column = np.floor((lon - self._west) / CELL)
            row = np.floor((lat - self._south) / CELL)
            inside = (column >= 0) & (column < self._columns) & (row >= 0) & (row < self._rows)
        cell = row[inside].astype(np.int64) * self._columns + column[inside].astype(np.int64)
        found[inside] = grid[cell]
        border = np.flatnonzero(found == BORDER)
        if border.size:
            cells = (row[border] * self._columns + column[border]).astype(np.int64)
            found[border] = self._contained(lon[border], lat[border], cells)
            left = border[found[border] == OUTSIDE]
            found[left] = self._tested(lon[left], lat[left])
        return found

    def _contained(
        self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], cells: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int32]:
        """Prepared polygons over the points of the cells they touch: ten times faster than a tree of the points."""
        result = np.full(lon.shape, OUTSIDE, np.int32)
        order = np.argsort(cells, kind="stable")
        ordered = cells[order]
        for town, touched in enumerate(self._touched):
            first, last = np.searchsorted(ordered, touched), np.searchsorted(ordered, touched, side="right")
            spans = np.flatnonzero(last > first)
            if spans.size:
                points = np.concatenate([order[first[span] : last[span]] for span in spans])
                hit = shapely.contains_xy(self._shapes[town], lon[points], lat[points])
                result[points[hit]] = town
        return result

    def _tested(self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """Polygon tests, then the nearest town within NEAR_M for what is left."""
        points = np.atleast_1d(np.asarray(shapely.points(lon, lat), dtype=object))
        result = np.full(lon.shape, OUTSIDE, np.int32)
        which, town = self._tree.query(points, predicate="intersects")
        result[which[::-1]] = town[::-1]
        left = np.flatnonzero(result == OUTSIDE)
        if left.size:
            which, town = self._tree.query(points[left], predicate="dwithin", distance=NEAR_M / 90_000)
            for point, candidate in zip(which, town, strict=True):
                self._take_nearer(result, left[point], int(candidate), points[left[point]])
        return result

    def _take_nearer(self, result: npt.NDArray[np.int32], place: int, town: int, point: shapely.Point) -> None:
        distance = _metres(point, self._shapes[town])
        known = int(result[place])
        if distance <= NEAR_M and (known == OUTSIDE or distance < _metres(point, self._shapes[known])):
            result[place] = town

    def _painted(self) -> npt.NDArray[np.int32]:
        """Paint the grid, and keep for each town the border cells it is near."""
        grid = np.full(self._rows * self._columns, OUTSIDE, np.int32)
        column, row = np.meshgrid(np.arange(self._columns), np.arange(self._rows))
        west, south = self._west + column.ravel() * CELL, self._south + row.ravel() * CELL
        cells = shapely.box(west, south, west + CELL, south + CELL)
        margin = NEAR_M / 90_000
        for town, shape in enumerate(self._shapes):
            shapely.prepare(shape)
            x0, y0, x1, y1 = shapely.bounds(shape)
            across = (west + CELL >= x0 - margin) & (west <= x1 + margin)
            near = np.flatnonzero(across & (south + CELL >= y0 - margin) & (south <= y1 + margin))
            touched = near[shapely.dwithin(shape, cells[near], margin)]
            within = shapely.contains_properly(shape, cells[touched])
            grid[touched] = BORDER
            grid[touched[within]] = town
            self._touched.append(touched[~within])
        self._grid = grid
        return grid


_made: dict[int, _Locator] = {}


def _locator(atlas: Atlas) -> _Locator:
    """One a process: the atlas is loaded once and never changes."""
    if id(atlas) not in _made:
        _made[id(atlas)] = _Locator(atlas)
    return _made[id(atlas)]


def _metres(point: shapely.Point, shape: shapely.Geometry) -> float:
    near = shapely.get_point(shapely.shortest_line(point, shape), 1)
    x, y = wgs84_to_twd97(np.array([point.x, near.x]), np.array([point.y, near.y]))
    return float(np.hypot(x[0] - x[1], y[0] - y[1]))
