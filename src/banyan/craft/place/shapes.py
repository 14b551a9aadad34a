"""Where a place of the gazetteer is, in degrees: counties, towns and villages by their code, and circles.

Shapes need the atlas of the portal's set-up; without it there are none, and places can only be told apart by code.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from banyan.craft.gazetteer import load_areas

if TYPE_CHECKING:
    import shapely


@lru_cache(maxsize=512)
def shape_of_code(code: str) -> shapely.Geometry | None:
    """Of a county (5 digits), town (8) or village (11); None for a code that the atlas has not, or without it."""
    from banyan.craft.place.atlas import load_atlas

    atlas = load_atlas()
    if atlas is None:
        return None
    if len(code) == 11:
        from banyan.craft.place.villages import village_shape

        return village_shape(code)
    areas = atlas.counties if len(code) == 5 else atlas.towns
    found = next((one for one in areas if one.code == code), None)
    return None if found is None else atlas.shape(found)


def circle(centre: tuple[float, float], radius_km: float) -> shapely.Geometry:
    """About (longitude, latitude)."""
    import numpy as np
    import shapely

    lon, lat = centre
    turn = np.linspace(0.0, 2 * np.pi, 65)
    north = radius_km / 111.32
    east = north / max(0.05, float(np.cos(np.radians(lat))))
    return shapely.Polygon(np.column_stack([lon + east * np.cos(turn), lat + north * np.sin(turn)]))


def towns_touched(shape: shapely.Geometry) -> tuple[str, ...]:
    """Codes of the towns that it touches, in order; none without the atlas."""
    codes, tree = _town_tree()
    return () if tree is None else tuple(sorted(codes[at] for at in tree.query(shape, "intersects")))


@lru_cache(maxsize=1)
def _town_tree() -> tuple[tuple[str, ...], shapely.STRtree | None]:
    import shapely

    areas = load_areas()
    codes = () if areas is None else tuple(one.code for one in areas.towns)
    shapes = [_town(code) for code in codes]
    return codes, shapely.STRtree(shapes) if shapes else None


def _town(code: str) -> shapely.Geometry:
    shape = shape_of_code(code)
    assert shape is not None, f"{code} is a town of the atlas"
    return shape
