"""Maps as SVG over the outlines of counties and towns: hot spots as circles by contact minutes, crowds as shapes;
readable without script, and without the atlas (then there is no ground beneath)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from banyan.craft.place import load_atlas, outlines, project, towns_of
from banyan.craft.tracing.gathering import Gathering
from banyan.craft.tracing.places import Place

WIDE: Final = 640
HIGH: Final = 420
EDGE: Final = 24
LEAST_UNITS: Final = 30.0
"""The map shows some 15 km at least: a neighbourhood alone says nothing."""
TOWNS_UNITS: Final = 160.0
"""Towns' borders are drawn on maps of some 80 km at most; a wider one shows counties."""


class Dot(msgspec.Struct, frozen=True):
    """A circle in the SVG, and the place in the table it stands for."""

    x: float
    y: float
    radius: float
    number: int


class Frame(msgspec.Struct, frozen=True):
    """The part of the nation's outline (its view box) that is shown: its middle, and how much it is enlarged."""

    x: float
    y: float
    scale: float

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        x, y = project(lon, lat)
        return round((x - self.x) * self.scale + WIDE / 2, 1), round((y - self.y) * self.scale + HIGH / 2, 1)

    @property
    def transform(self) -> str:
        """The outlines' own units to the frame's."""
        left, top = WIDE / 2 - self.x * self.scale, HIGH / 2 - self.y * self.scale
        return f"translate({left:.2f} {top:.2f}) scale({self.scale:.4f})"


class Ground(msgspec.Struct, frozen=True):
    """What lies beneath: the outlines of counties, of towns near by, and how they are brought into the frame."""

    counties: tuple[str, ...]
    towns: tuple[str, ...]
    transform: str


class Where(msgspec.Struct, frozen=True):
    """A point, and the town it is in: empty at sea, and without the atlas."""

    lon: float
    lat: float
    town: str


def where(points: Sequence[tuple[float, float]], lang: str) -> tuple[Where, ...]:
    """In the reader's words: what an officer knows is a town, not a longitude."""
    atlas = load_atlas()
    found = towns_of(np.array([lon for lon, _ in points]), np.array([lat for _, lat in points])) if points else None
    if atlas is None or found is None:
        return tuple(Where(lon, lat, "") for lon, lat in points)
    counties = {one.code: one.english for one in atlas.counties}

    def named(place: int) -> str:
        if place < 0:
            return ""
        town = atlas.towns[place]
        county = counties.get(town.county_code, town.county)
        return f"{town.english}, {county}" if lang == "en" else f"{town.county}{town.town}"

    return tuple(Where(lon, lat, named(at)) for (lon, lat), at in zip(points, found.tolist(), strict=True))


def middle(one: Gathering) -> tuple[float, float]:
    """Of its box, in degrees."""
    lons, lats = [corner[0] for corner in one.outline], [corner[1] for corner in one.outline]
    return round((min(lons) + max(lons)) / 2, 4), round((min(lats) + max(lats)) / 2, 4)


def marks(crowds: Sequence[Gathering], frame: Frame, *, most: int = 9) -> tuple[Dot, ...]:
    """Where the first numbers of the table stand on the map."""
    return tuple(Dot(*frame.at(*middle(one)), 0.0, number) for number, one in enumerate(crowds[:most], 1))


def frame_of(points: Iterable[tuple[float, float]]) -> Frame:
    """That shows all these (longitude, latitude; one at least), north up, one scale both ways."""
    places = [project(lon, lat) for lon, lat in points]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    wide, high = max(max(xs) - min(xs), LEAST_UNITS), max(max(ys) - min(ys), LEAST_UNITS * HIGH / WIDE)
    scale = min((WIDE - 2 * EDGE) / wide, (HIGH - 2 * EDGE) / high)
    return Frame((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, scale)


def ground_of(frame: Frame) -> Ground:
    """Borders of the frame; empty without the atlas."""
    across, down = WIDE / frame.scale, HIGH / frame.scale
    counties = tuple(one.path for one in outlines("counties"))
    towns: tuple[str, ...] = ()
    if across <= TOWNS_UNITS:
        towns = tuple(
            one.path
            for one in outlines("towns")
            if abs(one.centre[0] - frame.x) < across * 0.7 and abs(one.centre[1] - frame.y) < down * 0.7
        )
    return Ground(counties, towns, frame.transform)


def dots(places: Sequence[Place], frame: Frame | None = None) -> tuple[Dot, ...]:
    """The area of a circle is its minutes."""
    if not places:
        return ()
    shown = frame or frame_of((one.lon, one.lat) for one in places)
    most = max(one.minutes for one in places) or 1
    return tuple(
        Dot(*shown.at(one.lon, one.lat), round(3 + 15 * math.sqrt(one.minutes / most), 1), number)
        for number, one in enumerate(places, 1)
    )


def spots_ground(places: Sequence[Place]) -> Ground | None:
    return ground_of(frame_of((one.lon, one.lat) for one in places)) if places else None


def shapes(crowds: Sequence[Gathering], frame: Frame) -> tuple[str, ...]:
    """Each gathering's outline as SVG path data."""
    return tuple("M" + "L".join("{},{}".format(*frame.at(*one)) for one in crowd.outline) + "z" for crowd in crowds)
