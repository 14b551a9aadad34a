"""Counties and towns as SVG path data, simplified arc by arc so that shared borders stay shared; Kinmen and Matsu are
inset beside the main island. For maps without script, and for print.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import msgspec
import numpy as np
import shapely

from banyan.craft.gazetteer import Area
from banyan.craft.place.atlas import Arc, load_atlas, ring_of

WIDTH, HEIGHT = 600, 900
"""Units of the view box."""
TOLERANCE = {"counties": 0.004, "towns": 0.003}
"""Degrees: 300–450 m, below a pixel at the size the map is shown."""
WEST, EAST, SOUTH, NORTH = 119.15, 122.1, 21.8, 25.45
INSETS = ((118.0, 118.75, 24.2, 24.7, 1.05, 0.1), (119.7, 120.75, 25.85, 26.5, -0.5, -1.05))
"""west, east, south, north of an outlying group, and its shift in degrees: Kinmen, Matsu."""
_SCALE = min(WIDTH / ((EAST - WEST) * np.cos(np.radians(23.7))), HEIGHT / (NORTH - SOUTH))


class Outline(msgspec.Struct, frozen=True):
    """One area: its code, official name, and the `d` of an SVG path in a WIDTH x HEIGHT view box."""

    code: str
    name: str
    english: str
    path: str
    centre: tuple[float, float]


@lru_cache(maxsize=2)
def outlines(level: Literal["counties", "towns"]) -> tuple[Outline, ...]:
    """All areas of a level, by code; empty when the atlas is not installed. Made once a process."""
    atlas = load_atlas()
    if atlas is None:
        return ()
    arcs = [_simplified(arc, TOLERANCE[level]) for arc in atlas.arcs]
    areas = atlas.counties if level == "counties" else atlas.towns
    return tuple(_outline(area, arcs) for area in areas)


def project(lon: float, lat: float) -> tuple[float, float]:
    """A point in degrees as x, y of the view box, insets included."""
    for west, east, south, north, east_by, north_by in INSETS:
        if west <= lon <= east and south <= lat <= north:
            lon, lat = lon + east_by, lat + north_by
            break
    return (lon - WEST) * float(np.cos(np.radians(23.7))) * _SCALE, (NORTH - lat) * _SCALE


def _simplified(arc: Arc, tolerance: float) -> Arc:
    return shapely.get_coordinates(shapely.LineString(arc).simplify(tolerance, preserve_topology=False))


def _outline(area: Area, arcs: Sequence[Arc]) -> Outline:
    polygons = sorted((ring_of(arcs, polygon[0]) for polygon in area.rings), key=_extent, reverse=True)
    shown = [ring for place, ring in enumerate(polygons) if len(ring) >= 4 and (place == 0 or _extent(ring) > 1e-5)]
    largest = polygons[0]
    centre = shapely.Polygon(largest).representative_point() if len(largest) >= 4 else shapely.Point(largest[0])
    x, y = project(centre.x, centre.y)
    path = "".join(_path(ring) for ring in shown or polygons[:1])
    return Outline(area.code, area.county + area.town, area.english, path, (round(x, 1), round(y, 1)))


def _extent(ring: Arc) -> float:
    """Area of the bounding box, square degrees."""
    width, height = ring.max(axis=0) - ring.min(axis=0)
    return float(width * height)


def _path(ring: Arc) -> str:
    """Relative steps of tenths of a unit, steps of nothing left out."""
    points = [(round(x * 10), round(y * 10)) for x, y in (project(lon, lat) for lon, lat in ring[:-1])]
    here = points[0]
    parts = [f"M{_tenths(here[0])},{_tenths(here[1])}l"]
    steps = []
    for point in points[1:]:
        if point != here:
            steps.append(f"{_tenths(point[0] - here[0])},{_tenths(point[1] - here[1])}")
            here = point
    return parts[0] + " ".join(steps) + "z"


def _tenths(value: int) -> str:
    return f"{value / 10:g}"
