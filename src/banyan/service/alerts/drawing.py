"""The map without script: counties as ground, and the areas of alerts drawn over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from banyan.service.alerts import places
from banyan.service.alerts.asking import PublicAlert
from banyan.service.alerts.feeds import area_of
from banyan.service.alerts.model import Point
from banyan.service.alerts.others_shown import Other


class Mark(msgspec.Struct, frozen=True):
    """One alert's areas as SVG path data. `tone` is its severity, `drill` or `other`."""

    id: str
    tone: str
    path: str
    headline: dict[str, str]


class Picture(msgspec.Struct, frozen=True):
    width: int
    height: int
    ground: tuple[str, ...]
    marks: tuple[Mark, ...]


def picture(
    alerts: Sequence[PublicAlert], exercises: Sequence[PublicAlert], others: Sequence[Other] = ()
) -> Picture | None:
    """None without the atlas: the list says it all too."""
    from banyan.craft.place.outline import HEIGHT, WIDTH, outlines

    ground = tuple(one.path for one in outlines("counties"))
    if not ground:
        return None
    marks = [_mark(one, one.severity.lower()) for one in reversed(alerts)]
    marks += [_mark(one, "drill") for one in exercises]
    marks += [Mark(one.id, "other", _path(one.rings), one.headline) for one in others]
    return Picture(WIDTH, HEIGHT, ground, tuple(one for one in marks if one.path))


def name_of(area: str) -> dict[str, str]:
    """A warrant's area in words."""
    found = places.by_code(area) if area != places.NATION else None
    return found.name if found else {"zh-Hant": "全國" if area == places.NATION else area, "en": "Taiwan"}


def _mark(one: PublicAlert, tone: str) -> Mark:
    rings = [ring for area in one.areas for ring in places.rings_of(area_of(area))]
    return Mark(one.id, tone, _path(rings), one.headline)


def _path(rings: Iterable[Sequence[Point]]) -> str:
    from banyan.craft.place.outline import project

    parts = []
    for ring in rings:
        points = [project(lon, lat) for lon, lat in ring]
        parts.append("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) + "z")
    return "".join(parts)
