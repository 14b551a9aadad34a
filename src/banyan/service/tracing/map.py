"""Hot spots as an SVG: circles by contact minutes in their own box; readable without script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from banyan.craft.tracing.places import Place

WIDE: Final = 640
HIGH: Final = 420
EDGE: Final = 24


class Dot(msgspec.Struct, frozen=True):
    """A circle in the SVG, and the place in the table it stands for."""

    x: float
    y: float
    radius: float
    number: int


def dots(places: Sequence[Place]) -> tuple[Dot, ...]:
    """Pure: positions in a box of WIDE x HIGH, north up, one scale both ways; the area of a circle is its minutes."""
    if not places:
        return ()
    west, east = min(one.lon for one in places), max(one.lon for one in places)
    south, north = min(one.lat for one in places), max(one.lat for one in places)
    narrow = math.cos(math.radians((south + north) / 2))
    across, along = max((east - west) * narrow, 1e-3), max(north - south, 1e-3)
    scale = min((WIDE - 2 * EDGE) / across, (HIGH - 2 * EDGE) / along)
    left, low = (WIDE - across * scale) / 2, (HIGH - along * scale) / 2
    most = max(one.minutes for one in places) or 1
    return tuple(
        Dot(
            round(left + (one.lon - west) * narrow * scale, 1),
            round(HIGH - low - (one.lat - south) * scale, 1),
            round(3 + 15 * math.sqrt(one.minutes / most), 1),
            number,
        )
        for number, one in enumerate(places, 1)
    )
