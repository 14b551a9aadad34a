"""Crowded cells that touch, as one shape each: what a broadcast is aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from banyan.craft.tracing.layout import STEP_X, STEP_Y
from banyan.craft.tracing.places import Crowd

RING: Final = 200
"""Corners of a shape, as the alerts take them; beyond, its hull stands for it and takes in a little more ground."""


class Gathering(msgspec.Struct, frozen=True):
    """Cells that share an edge, in the quarter hour that began at `at` (epoch seconds): their phones (rounded by cell;
    who walked from one to the next counts in both), how many cells, and the closed outline (degrees). `is_hull`: the
    outline was too long and its hull is told."""

    at: int
    phones: int
    cells: int
    outline: tuple[tuple[float, float], ...]
    is_hull: bool = False


def gatherings(crowds: Sequence[Crowd], least: int) -> tuple[Gathering, ...]:
    """Of cells with `least` phones or more, all of one quarter hour; the fullest first. Holes are filled."""
    import shapely

    chosen = [one for one in crowds if one.phones >= least]
    if not chosen:
        return ()
    assert len({one.at for one in chosen}) == 1, "cells of one quarter hour"
    squares = {_square(one): one for one in chosen}
    whole = shapely.union_all([shapely.box(x, y, x + 1, y + 1) for x, y in squares])
    found = []
    shape: Any
    for shape in shapely.get_parts(whole):
        inside = [one for (x, y), one in squares.items() if shape.contains(shapely.Point(x + 0.5, y + 0.5))]
        ring: Any = shapely.Polygon(shape.exterior).simplify(0)
        is_hull = len(ring.exterior.coords) > RING
        outline = _degrees(shapely.convex_hull(ring) if is_hull else ring)
        found.append(Gathering(chosen[0].at, sum(one.phones for one in inside), len(inside), outline, is_hull))
    return tuple(sorted(found, key=lambda one: (-one.phones, one.outline)))


def _square(one: Crowd) -> tuple[int, int]:
    return int((one.lon * 1e6 + 180e6) // STEP_X), int((one.lat * 1e6 + 90e6) // STEP_Y)


def _degrees(ring: Any) -> tuple[tuple[float, float], ...]:
    return tuple(
        (round((x * STEP_X - 180e6) / 1e6, 6), round((y * STEP_Y - 90e6) / 1e6, 6)) for x, y in ring.exterior.coords
    )
