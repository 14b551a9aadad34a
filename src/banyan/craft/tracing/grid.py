"""The grid over where the cases were, and the proof that whoever is near stands in a case's cell or beside it.

Cells are at least as wide as the radius, so that whoever is near enough stands in the case's cell or beside it: the
nine are set. The kernel finds a ping's cell by one 32-bit multiplication. Its rounding may move a ping over an edge;
that two pings which are near enough still differ by one cell at most is what `slack` is for:

    a step is `reach + slack`; reach is the widest difference in micro-degrees of two points that are radius_m apart
    (of longitude: 2 asin(sin(d/2R) / cos(the box's highest latitude)), from the haversine itself). The quotients then
    differ by at most 1 - slack/step. Conversion, reciprocal and product each err by 2**-24 of the quotient, which is at
    most width/step: in all less than 2 * width/step * 2**-22. So slack > width * 2**-21 keeps the difference below 1 in
    what the machine computes too, and two numbers less than 1 apart differ in their whole parts by 1 at most.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np

from banyan.craft.tracing.model import SPHERE_M, Fixes, Longs, Micro
from banyan.limits_tracing import TRACE_GRID_CELLS

MARGIN: Final = 2
"""Empty cells around the cases' box: their neighbours, and one whose bits are never set, where the kernel sends whoever
is outside."""


class Grid(msgspec.Struct, frozen=True):
    """Cells of `step` micro-degrees from (lon, lat) on, `factor` times as wide as the radius; `wide` and `high` are the
    whole extent."""

    lon: int
    lat: int
    step_x: int
    step_y: int
    columns: int
    rows: int
    factor: int = 1

    @property
    def wide(self) -> int:
        return self.step_x * self.columns

    @property
    def high(self) -> int:
        return self.step_y * self.rows


def reach(radius_m: float, latitude: float) -> tuple[int, int]:
    """The widest difference of longitude and of latitude, in micro-degrees, of two points that are `radius_m` apart and
    not nearer to a pole than `latitude` (degrees)."""
    half = math.sin(radius_m / (2 * SPHERE_M))
    across = min(1.0, half / max(1e-9, math.cos(math.radians(min(latitude, 89.99)))))
    return tuple(math.ceil(2 * math.degrees(math.asin(one)) * 1e6) for one in (across, half))  # type: ignore[return-value]


def grid_over(cases: Fixes, radius_m: float) -> Grid:
    """The grid over everywhere the cases were. Cells grow where there would be too many: a bit then lets more through
    to the exact check, and nothing is lost."""
    west, east, south, north = (
        int(one) for one in (cases.lon.min(), cases.lon.max(), cases.lat.min(), cases.lat.max())
    )
    _, up = reach(radius_m, 0.0)
    across, _ = reach(radius_m, (max(abs(south), abs(north)) + up) / 1e6)
    factor = 1
    while True:
        steps = []
        for extent, need in ((east - west, across * factor), (north - south, up * factor)):
            slack = (extent + 8 * need >> 19) + 2
            steps.append(need + slack)
        counts = [
            extent // step + 1 + 2 * MARGIN for extent, step in zip((east - west, north - south), steps, strict=True)
        ]
        if counts[0] * counts[1] <= TRACE_GRID_CELLS:
            break
        factor *= 2
    return Grid(west - MARGIN * steps[0], south - MARGIN * steps[1], steps[0], steps[1], counts[0], counts[1], factor)


def cell_of(grid: Grid, lon: Micro, lat: Micro) -> tuple[Longs, Longs]:
    """Column and row, by the kernel's own 32-bit arithmetic."""
    column = ((lon - np.int32(grid.lon)).astype(np.float32) * np.float32(1 / grid.step_x)).astype(np.int32)
    row = ((lat - np.int32(grid.lat)).astype(np.float32) * np.float32(1 / grid.step_y)).astype(np.int32)
    return column.astype(np.int64), row.astype(np.int64)
