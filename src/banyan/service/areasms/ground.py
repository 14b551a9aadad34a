"""Where a CAP message is for, as this node can look it up: shapes on the map, and codes of places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec
import shapely

from banyan.craft.cells.model import CellTable
from banyan.craft.cells.reached import cells_reached
from banyan.craft.place.shapes import circle, shape_of_code, towns_touched
from banyan.craft.subscribers.table import Wanted
from banyan.errors import Invalid
from banyan.limits_alerts import ALERT_CELLS
from banyan.wire.cap.model import Alert, Area
from banyan.wire.cap.taiwan import Level, place_of
from banyan.wire.cap.values import circle_of, points_of

if TYPE_CHECKING:
    from collections.abc import Sequence

EDITIONS: Final = ("107", "112")
"""Editions of Taiwan's place codes that have our digits; others are not guessed."""


class Ground(msgspec.Struct, frozen=True):
    """`codes` are of places that the message names; `drawn` what it draws; `unknown` how many of its areas mean nothing
    here."""

    codes: tuple[str, ...]
    drawn: tuple[shapely.Geometry, ...]
    unknown: int


def ground_of(alert: Alert) -> Ground:
    """Of all its languages together. Raises Invalid when this node can place none of its areas."""
    codes: dict[str, None] = {}
    drawn: list[shapely.Geometry] = []
    unknown = 0
    for area in {area for info in alert.info for area in info.area}:
        found = _codes(area)
        shapes = list(_drawn(area))
        codes.update(dict.fromkeys(found))
        drawn += shapes
        unknown += not found and not shapes
    if not codes and not drawn:
        raise Invalid.at("area", "give a polygon, a circle or a code of Taiwan_Geocode_112 that is known here")
    return Ground(tuple(sorted(codes)), tuple(drawn), unknown)


def wanted_in(ground: Ground, cells: CellTable | None) -> Wanted:
    """Whom to look for: cells that reach in, and the places themselves with the towns that are touched."""
    shapes = [*ground.drawn, *filter(None, map(shape_of_code, ground.codes))]
    reached: Sequence[str] = cells_reached(cells, shapes, ALERT_CELLS) if cells is not None else ()
    touched = {code for shape in ground.drawn for code in towns_touched(shape)}
    return Wanted(reached, tuple(sorted(touched | set(ground.codes))))


def _codes(area: Area) -> list[str]:
    places = [one for one in map(place_of, area.geocode) if one is not None and one.edition in EDITIONS]
    found = [one.code[:5] if one.level is Level.COUNTY else one.code for one in places]
    return [code for code in found if shape_of_code(code) is not None]


def _drawn(area: Area) -> Iterable[shapely.Geometry]:
    """CAP writes latitude first."""
    for text in area.polygon:
        yield shapely.make_valid(shapely.Polygon([(lon, lat) for lat, lon in points_of(text)]))
    for text in area.circle:
        (lat, lon), radius = circle_of(text)
        if radius > 0:
            yield circle((lon, lat), radius)
