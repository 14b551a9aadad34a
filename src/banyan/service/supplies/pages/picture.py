"""The map as SVG made on the server: the outlets that fit, by shape and colour, over towns and counties.

It works without script and prints. A status is a shape of its own, so that nobody needs the colour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, get_args

import msgspec

from banyan.craft.place import outlines, project
from banyan.craft.place.outline import HEIGHT, WIDTH, Outline
from banyan.service.supplies.model import Status
from banyan.service.supplies.pages.card import Card
from banyan.service.supplies.pages.finding import Dot

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
NARROWEST: Final = 12.0
"""Units of the view box a close view spans at least: about 8 km."""
SHARE: Final = 0.011
"""A mark's half size as a part of the view's longer side."""
GRAINS: Final = 360
"""Marks along a side: those of one status that fall on the same grain are drawn once."""
CROWD: Final = 400
"""Marks on a view of the nation beyond which they are drawn small."""
Box = tuple[float, float, float, float]


class Pin(msgspec.Struct, frozen=True):
    """A numbered outlet of the list: where its number stands, and the list item it leads to."""

    x: float
    y: float
    number: int
    code: str
    name: str
    status: Status


class Picture(msgspec.Struct, frozen=True):
    """A map. `box` is the view box; `marks` SVG path data by status; `pins` the outlets of this page of the list."""

    box: Box
    areas: tuple[Outline, ...]
    counties: tuple[Outline, ...]
    chosen: str
    marks: Mapping[Status, str]
    pins: tuple[Pin, ...]
    unit: float
    weight: float
    """Of a mark's line, in units."""
    is_nation: bool


def picture_of(points: Sequence[Dot], cards: Sequence[Card], area: str, *, is_near: bool) -> Picture | None:
    """The map of a view: the nation, an area, or the outlets of the list round a position. None when the outlines are
    not installed."""
    counties = outlines("counties")
    if not counties:
        return None
    placed = [
        (card, *project(card.outlet.lon, card.outlet.lat))
        for card in cards
        if card.outlet.lon is not None and card.outlet.lat is not None
    ]
    box = _box(placed, area, is_near=is_near)
    is_nation = box == (0.0, 0.0, float(WIDTH), float(HEIGHT))
    unit = max(box[2], box[3]) * SHARE
    dots = points or [Dot(card.outlet.lon or 0.0, card.outlet.lat or 0.0, card.status) for card, _, _ in placed]
    is_crowded = is_nation and len(dots) > CROWD
    towns = () if is_nation else tuple(one for one in outlines("towns") if _touches(_extent(one.path), box))
    pins = [
        Pin(round(x, 2), round(y, 2), card.number, card.outlet.code, card.outlet.name, card.status)
        for card, x, y in placed
    ]
    return Picture(
        box=box,
        areas=towns,
        counties=tuple(one for one in counties if is_nation or _touches(_extent(one.path), box)),
        chosen=area,
        marks=_marks(dots, box, unit * (0.3 if is_crowded else 0.8)),
        pins=tuple(pin for pin in pins if pin.number) if not is_nation else (),
        unit=round(unit, 3),
        weight=0.2 if is_crowded else 0.4,
        is_nation=is_nation,
    )


def _box(placed: Sequence[tuple[Card, float, float]], area: str, *, is_near: bool) -> Box:
    """What the view spans, with a margin: the list's outlets round a position, the area, or everything."""
    spans = [(x, y, x, y) for _, x, y in placed] if is_near else []
    if not is_near and area:
        level = outlines("counties") if len(area) == 5 else outlines("towns")
        spans = [_extent(one.path) for one in level if one.code == area]
    if not spans:
        return 0.0, 0.0, float(WIDTH), float(HEIGHT)
    west, north = min(span[0] for span in spans), min(span[1] for span in spans)
    east, south = max(span[2] for span in spans), max(span[3] for span in spans)
    side = max(east - west, south - north, NARROWEST) * 1.12
    middle_x, middle_y = (west + east) / 2, (north + south) / 2
    return round(middle_x - side / 2, 2), round(middle_y - side / 2, 2), round(side, 2), round(side, 2)


def _marks(points: Sequence[Dot], box: Box, half: float) -> dict[Status, str]:
    """Path data by status: circle, triangle, square, cross, ring; those on one grain are one mark."""
    grain = max(box[2], box[3]) / GRAINS
    seen: dict[tuple[Status, int, int], None] = {}
    for dot in points:
        x, y = project(dot.lon, dot.lat)
        if box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]:
            seen[dot.status, round(x / grain), round(y / grain)] = None
    found: dict[Status, list[str]] = {status: [] for status in STATUSES}
    for status, column, line in seen:
        found[status].append(shape(status, column * grain, line * grain, half))
    return {status: "".join(parts) for status, parts in found.items() if parts}


def shape(status: Status, x: float, y: float, half: float) -> str:
    """A status as path data round a point: triangle, square, cross, else a circle. The page's script draws the same."""
    at, r = _told(half), half
    if status == "few":
        return f"M{at(x)},{at(y - r * 1.2)}l{at(r * 1.2)},{at(r * 2.1)}h{at(-r * 2.4)}z"
    if status == "reserved":
        return f"M{at(x - r)},{at(y - r)}h{at(2 * r)}v{at(2 * r)}h{at(-2 * r)}z"
    if status == "sold_out":
        return f"M{at(x - r)},{at(y - r)}l{at(2 * r)},{at(2 * r)}m0,{at(-2 * r)}l{at(-2 * r)},{at(2 * r)}"
    return f"M{at(x - r)},{at(y)}a{at(r)},{at(r)} 0 1,0 {at(2 * r)},0a{at(r)},{at(r)} 0 1,0 {at(-2 * r)},0z"


def _told(half: float) -> Callable[[float], str]:
    """Numbers as fine as a mark of this size needs them."""
    decimals = 1 if half > 1 else 3
    return lambda value: f"{value:.{decimals}f}"


_MOVE: Final = re.compile(r"M([-\d.]+),([-\d.]+)l([^z]*)z")


@lru_cache(maxsize=512)
def _extent(path: str) -> Box:
    """West, north, east, south of an outline's largest ring: its first."""
    found = _MOVE.match(path)
    assert found is not None, "an outline starts with a ring of relative steps"
    x, y = float(found[1]), float(found[2])
    west, north, east, south = x, y, x, y
    for step in found[3].split():
        by_x, _, by_y = step.partition(",")
        x, y = x + float(by_x), y + float(by_y)
        west, north, east, south = min(west, x), min(north, y), max(east, x), max(south, y)
    return west, north, east, south


def _touches(extent: Box, box: Box) -> bool:
    return extent[0] <= box[0] + box[2] and extent[2] >= box[0] and extent[1] <= box[1] + box[3] and extent[3] >= box[1]
