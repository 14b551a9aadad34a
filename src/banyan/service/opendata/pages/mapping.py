"""Maps as SVG made on the server: towns, counties, points. The page works without script and prints.

A map of towns or counties is coloured by how many rows each holds; one of points shows each place once a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from banyan.craft.place import outlines, project
from banyan.craft.place.outline import HEIGHT, WIDTH
from banyan.kernel.catalogue import FaceRequest
from banyan.service.opendata.model import Resource, Version
from banyan.service.opendata.pages.grid import Asked
from banyan.service.opendata.tables.operations import GroupQuery, RowsQuery

POINTS = 10_000
"""Points on one map: beyond it a picture shows only where people live."""
SHADES = 6


class Area(msgspec.Struct, frozen=True):
    """One outline, how many rows it holds, and its shade (0 none, 5 most)."""

    code: str
    name: str
    path: str
    count: int
    shade: int


class Step(msgspec.Struct, frozen=True):
    """A line of the legend: the shade from `low` to `high` rows."""

    shade: int
    low: int
    high: int


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


async def picture_of(
    request: FaceRequest, resource: Resource, version: Version, asked: Asked | None = None
) -> Picture | None:
    """The map of a table under a question; None when the outlines are not installed or it has no place."""
    asked = asked or Asked()
    counties = outlines("counties")
    if not counties or version.geometry not in ("point", "towns", "counties"):
        return None
    plain = tuple(Area(one.code, one.name, one.path, 0, 0) for one in counties)
    if version.geometry == "point":
        points = await points_of(request, resource.id, asked)
        return Picture(WIDTH, HEIGHT, (), plain, _dots(points), len(points), "point", ())
    level: Literal["counties", "towns"] = "towns" if version.geometry == "towns" else "counties"
    counts = await counts_of(request, resource.id, "_town" if level == "towns" else "_county", asked)
    top = max(counts.values(), default=0)
    areas = tuple(
        Area(one.code, one.name, one.path, counts.get(one.code, 0), _shade(counts.get(one.code, 0), top))
        for one in outlines(level)
    )
    return Picture(WIDTH, HEIGHT, areas, plain if level == "towns" else (), "", 0, level, _legend(top))


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


async def counts_of(request: FaceRequest, resource: str, column: str, asked: Asked) -> dict[str, int]:
    """Rows by area code."""
    found = await request.call(
        "opendata.aggregate",
        GroupQuery(register=resource, by=(column,), filters=asked.filters, q=asked.q, limit=1_000),
    )
    return {str(record[column]): int(record["count"]) for record in found.records if record[column]}


def _dots(points: Sequence[tuple[float, float]]) -> str:
    pixels: Mapping[tuple[int, int], None] = dict.fromkeys(
        (round(x), round(y)) for x, y in (project(lon, lat) for lon, lat in points)
    )
    return "".join(f"M{x},{y}h0" for x, y in pixels if 0 <= x <= WIDTH and 0 <= y <= HEIGHT)


def _shade(count: int, top: int) -> int:
    """0 for none; else one of five equal steps of the square root, so that small places differ too."""
    return 0 if not count else min(SHADES - 1, 1 + int((SHADES - 1) * (count / top) ** 0.5 * 0.999))


def _legend(top: int) -> tuple[Step, ...]:
    """Each shade with the counts it stands for."""
    steps = []
    for shade in range(SHADES):
        counts = [count for count in _samples(top) if _shade(count, top) == shade]
        if counts:
            steps.append(Step(shade, min(counts), max(counts)))
    return tuple(steps)


def _samples(top: int) -> Sequence[int]:
    return range(top + 1) if top <= 2_000 else [round(top * number / 2_000) for number in range(2_001)]
