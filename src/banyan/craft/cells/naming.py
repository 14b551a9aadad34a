"""Areas by name of the law, and masts by nearness: a town's geocode to its polygon, the masts nearest to a point."""

from __future__ import annotations

import numpy as np

from banyan.craft.cells.model import CellTable, Ints, Polygon
from banyan.craft.place import load_atlas
from banyan.craft.place.atlas import ring_of
from banyan.craft.place.grid import Grid


def town_area(code: str) -> Polygon | None:
    """The town or county of an official code (8 digits, 5 of a county), islets and holes included; None when there is
    none of that code, or the boundaries are not installed. Outlines are simplified: some 100 m."""
    atlas = load_atlas()
    if atlas is None:
        return None
    for area in (*atlas.towns, *atlas.counties):
        if area.code == code:
            rings = [ring_of(atlas.arcs, ring) for polygon in area.rings for ring in polygon]
            return Polygon(tuple(tuple((float(x), float(y)) for x, y in ring) for ring in rings if len(ring) >= 4))
    return None


def nearest_sites(table: CellTable, lon: float, lat: float, count: int) -> tuple[Ints, list[float]]:
    """The sites nearest to a point and their metres, nearest first."""
    grid = Grid(*table.site_points())
    ones = np.ones(table.sites, np.int32)
    places, metres = grid.holding(ones, ones).nearest(lon, lat, count)
    return np.asarray(places, np.int32), metres


def neighbours(table: CellTable, site: int, count: int = 6) -> Ints:
    """The sites nearest to a site, without itself."""
    lon, lat = table.site_points()
    found, _ = nearest_sites(table, float(lon[site]), float(lat[site]), count + 1)
    return np.asarray(found[found != site][:count], np.int32)
