"""Maps as SVG made on the server: towns, counties, points. The page works without script and prints.

A map of towns or counties is coloured by how many rows each holds, or by the sum or mean of a column; one of points
shows each place once a pixel.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from banyan.craft.place import outlines, project
from banyan.craft.place.outline import HEIGHT, WIDTH
from banyan.kernel.catalogue import FaceRequest
from banyan.service.opendata.model import Resource, Version
from banyan.service.opendata.pages.grid import Asked
from banyan.service.opendata.pages.measuring import Measure
from banyan.service.opendata.tables.operations import GroupQuery, RowsQuery

POINTS = 10_000
"""Points on one map: beyond it a picture shows only where people live."""
SHADES = 6


class Area(msgspec.Struct, frozen=True):
    """One outline, its value (None: no rows), and its shade (0 none, 5 most)."""

    code: str
    name: str
    path: str
    value: float | None = None
    shade: int = 0


class Step(msgspec.Struct, frozen=True):
    """A line of the legend: the lowest and the highest value of a shade; None for areas without rows."""

    shade: int
    low: float | None
    high: float | None


class Picture(msgspec.Struct, frozen=True):
    """A whole map. `dots` is SVG path data of zero-length strokes, one for each pixel that holds a point."""

    width: int
    height: int
    areas: tuple[Area, ...]
    counties: tuple[Area, ...]
    dots: str
    points: int
    level: str
    legend: tuple[Step, ...]
    measure: Measure = Measure()

    @property
    def valued(self) -> list[Area]:
        """The areas that have a value, the largest first."""
        return sorted((area for area in self.areas if area.value is not None), key=lambda area: -(area.value or 0.0))


async def picture_of(
    request: FaceRequest,
    resource: Resource,
    version: Version,
    asked: Asked | None = None,
    measure: Measure = Measure(),  # noqa: B008 - frozen
) -> Picture | None:
    """The map of a table under a question; None when the outlines are not installed or it has no place."""
    asked = asked or Asked()
    counties = outlines("counties")
    if not counties or version.geometry not in ("point", "towns", "counties"):
        return None
    plain = tuple(Area(one.code, one.name, one.path) for one in counties)
    if version.geometry == "point":
        points = await points_of(request, resource.id, asked)
        return Picture(WIDTH, HEIGHT, (), plain, _dots(points), len(points), "point", ())
    level: Literal["counties", "towns"] = "towns" if version.geometry == "towns" else "counties"
    found = await values_of(request, resource.id, area_column(level), asked, measure)
    shades = shades_of(found, from_zero=measure.function in ("count", "sum"))
    areas = tuple(
        Area(one.code, one.name, one.path, found.get(one.code), shades.get(one.code, 0)) for one in outlines(level)
    )
    legend = legend_of(areas)
    return Picture(WIDTH, HEIGHT, areas, plain if level == "towns" else (), "", 0, level, legend, measure)


def area_column(level: str) -> str:
    """The derived column that holds the codes of a level's areas."""
    return "_town" if level == "towns" else "_county"


async def points_of(request: FaceRequest, resource: str, asked: Asked) -> list[tuple[float, float]]:
    """Longitude and latitude of every row found that has them, at most POINTS."""
    found = await request.call(
        "opendata.rows",
        RowsQuery(
            register=resource,
            filters=asked.filters,
            q=asked.q,
            fields=("_lon", "_lat"),
            limit=POINTS,
            total=False,
            records="lists",
        ),
    )
    return [(row[0], row[1]) for row in found.records if row[0] is not None and row[1] is not None]


async def values_of(
    request: FaceRequest, resource: str, column: str, asked: Asked, measure: Measure
) -> dict[str, float]:
    """The measure by area code; areas without a number are left out."""
    found = await request.call(
        "opendata.aggregate",
        GroupQuery(
            register=resource,
            by=(column,),
            measures=(measure.asked,),
            filters=asked.filters,
            q=asked.q,
            limit=1_000,
        ),
    )
    name = found.fields[-1].id
    return {
        str(record[column]): float(record[name])
        for record in found.records
        if record[column] and isinstance(record[name], int | float)
    }


def shades_of(values: Mapping[str, float], *, from_zero: bool) -> dict[str, int]:
    """1 to 5 for each: of amounts (`from_zero`, nothing negative) equal steps of the square root, so that small places
    differ too; else equal steps from the lowest to the highest."""
    if not values:
        return {}
    low, high = min(values.values()), max(values.values())
    steps = [number / (SHADES - 1) for number in range(1, SHADES - 1)]
    is_amount = from_zero and low >= 0
    bounds = [high * step**2 for step in steps] if is_amount else [low + (high - low) * step for step in steps]
    return {code: 1 + bisect_right(bounds, value) if high > low else SHADES - 1 for code, value in values.items()}


def legend_of(areas: Sequence[Area]) -> tuple[Step, ...]:
    """Each shade on the map with the values it stands for."""
    steps = []
    for shade in range(SHADES):
        values = [area.value for area in areas if area.shade == shade]
        known = [value for value in values if value is not None]
        if values:
            steps.append(Step(shade, min(known, default=None), max(known, default=None)))
    return tuple(steps)


def _dots(points: Sequence[tuple[float, float]]) -> str:
    pixels: Mapping[tuple[int, int], None] = dict.fromkeys(
        (round(x), round(y)) for x, y in (project(lon, lat) for lon, lat in points)
    )
    return "".join(f"M{x},{y}h0" for x, y in pixels if 0 <= x <= WIDTH and 0 <= y <= HEIGHT)
