"""Where an alert is for: names to areas, areas to shapes, and who warns for them.

Names are the gazetteer's (花蓮縣, 花蓮縣花蓮市, 花蓮縣花蓮市民生里). Shapes need the atlas of the portal's set-up;
without it an alert still names its places by code, and only polygons and circles can be told from each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from banyan.craft.gazetteer import county_names, load_areas, town_by_code, town_by_name
from banyan.craft.gazetteer.villages import load_villages, village_by_name
from banyan.craft.place.shapes import circle, shape_of_code, towns_touched
from banyan.service.alerts.model import Area, Point

if TYPE_CHECKING:
    import shapely

NATION: Final = "TW"
"""The area of a warrant for everywhere, the sea too."""


class Warrant(msgspec.Struct, frozen=True):
    """That an agency warns of an event (`*`: any) for an area: TW, a county's code, a town's. `second` is the agency
    whose officers release what is grave. `sender` is CAP's, the agency's name on the net."""

    agency: str
    event: str
    area: str
    second: str
    sender: str


def named(text: str) -> Area | None:
    """The county, town or village that `text` names as a whole; None when it names none."""
    found = town_by_name(text)
    if found is None:
        return None
    if not found.town:
        return by_code(found.county) if not found.rest else None
    if not found.rest:
        return by_code(found.town)
    village = village_by_name(found.town, found.rest)
    return None if village is None else by_code(village.code)


def by_code(code: str) -> Area | None:
    """A county (5 digits), town (8) or village (11) with its names."""
    if len(code) == 11:
        village = load_villages().get(code)
        if village is None:
            return None
        english = f"{village.english}, {village.town_english}, {_english(code[:5])}"
        return Area({"zh-Hant": village.county + village.town + village.name, "en": english}, code)
    found = town_by_code(code)
    if found is None:
        return None
    county = county_names()[found.county]
    if not found.town:
        return Area({"zh-Hant": county, "en": _english(code)}, code)
    town = next(one for one in _areas() if one.code == code)
    return Area({"zh-Hant": county + town.town, "en": f"{town.english}, {_english(code[:5])}"}, code)


def lies_in(area: Area, warranted: Iterable[str]) -> bool:
    """Whether the area is wholly within what these warrants' areas cover."""
    allowed = tuple(warranted)
    if NATION in allowed:
        return True
    if area.code:
        return area.code.startswith(allowed) if allowed else False
    touched = towns_of(area)
    return bool(touched) and bool(allowed) and all(code.startswith(allowed) for code in touched)


def towns_of(area: Area) -> tuple[str, ...]:
    """Codes of the towns that the area touches; of a county, all of its towns."""
    if area.code:
        return tuple(one.code for one in _areas() if one.code.startswith(area.code[:8]))
    shape = shape_of(area)
    return () if shape is None else towns_touched(shape)


def holds(area: Area, point: Point) -> bool:
    """Whether the point lies in the area."""
    import shapely

    shape = shape_of(area)
    return shape is not None and bool(shapely.intersects_xy(shape, *point))


def rings_of(area: Area) -> tuple[tuple[Point, ...], ...]:
    """Closed outer rings of the area, in degrees, simplified to about 100 m; none for what has no shape."""
    import shapely

    shape = shape_of(area)
    if shape is None:
        return ()
    parts = [one for one in shapely.get_parts(shapely.simplify(shape, 0.001)) if isinstance(one, shapely.Polygon)]
    return tuple(tuple((float(x), float(y)) for x, y in one.exterior.coords) for one in parts if not one.is_empty)


def shape_of(area: Area) -> shapely.Geometry | None:
    """In degrees; None for a code that the atlas has not, or without the atlas."""
    import shapely

    if area.polygon:
        return shapely.make_valid(shapely.Polygon(area.polygon))
    if area.centre is not None:
        return circle(area.centre, area.radius_km)
    return shape_of_code(area.code) if area.code else None


def is_sound(area: Area) -> bool:
    """Whether it is one place: a code, or a simple polygon, or a circle; and only one of them."""
    import shapely

    kinds = (bool(area.code), bool(area.polygon), area.centre is not None)
    if sum(kinds) != 1:
        return False
    if area.polygon:
        ring = closed(area.polygon)
        return len(ring) >= 4 and shapely.Polygon(ring).is_valid and shapely.Polygon(ring).area > 0
    if area.centre is not None:
        return area.radius_km > 0 and abs(area.centre[1]) <= 90
    return by_code(area.code) is not None


def closed(ring: Sequence[Point]) -> tuple[Point, ...]:
    """First point again at the end (CAP 1.2 s3.2.4 `polygon`)."""
    points = tuple(ring)
    return points if points[:1] == points[-1:] else (*points, points[0])


def _areas() -> tuple[_Town, ...]:
    return _towns()


class _Town(msgspec.Struct, frozen=True):
    code: str
    town: str
    english: str


@lru_cache(maxsize=1)
def _towns() -> tuple[_Town, ...]:
    areas = load_areas()
    return () if areas is None else tuple(_Town(one.code, one.town, one.english) for one in areas.towns)


@lru_cache(maxsize=1)
def _counties() -> dict[str, str]:
    areas = load_areas()
    return {} if areas is None else {one.code: one.english for one in areas.counties}


def _english(county: str) -> str:
    return _counties().get(county[:5], "")
