"""Where the cases were in one hour, as the kernel asks it: one bit a bucket and cell, then the cases' pings by row.

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
import numpy.typing as npt

from banyan.craft.tracing.model import HOUR_S, SPHERE_M, Fixes, Floats, Micro, Rule
from banyan.limits_tracing import TRACE_GRID_CELLS

Bits = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int32]
MARGIN: Final = 2
"""Empty cells around the cases' box: their neighbours, and one whose bits are never set, where the kernel sends whoever
is outside."""
MICRO: Final = math.pi / 180e6
"""Radians of a micro-degree."""


class Grid(msgspec.Struct, frozen=True):
    """Cells of `step` micro-degrees from (lon, lat) on; `wide` and `high` are the whole extent."""

    lon: int
    lat: int
    step_x: int
    step_y: int
    columns: int
    rows: int

    @property
    def wide(self) -> int:
        return self.step_x * self.columns

    @property
    def high(self) -> int:
        return self.step_y * self.rows


class Cases(msgspec.Struct, frozen=True, eq=False):
    """One hour of the cases. Entries are in the order of bucket and row: those of row y stand in
    `starts[bucket * rows + y]` to the next. An entry is one line of the processor's cache: longitude and latitude
    (micro-degrees), the cosine of the latitude, half its sine times a micro-degree, the second from the hour's start
    (which may lie outside of it), the case's number, and room."""

    grid: Grid
    bits: Bits
    starts: Rows
    entries: Floats

    def __len__(self) -> int:
        return len(self.entries)


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
    return Grid(west - MARGIN * steps[0], south - MARGIN * steps[1], steps[0], steps[1], counts[0], counts[1])


def cases_in(hour: int, cases: Fixes, grid: Grid, rule: Rule) -> Cases | None:
    """The cases' pings that can meet somebody's of this hour; None when there are none."""
    near = rule.near_s if rule.edge == "within" else 0
    second = cases.at - hour * HOUR_S
    places = np.flatnonzero((second >= -near) & (second < HOUR_S + near))
    if not len(places):
        return None
    first = np.maximum(second[places] - near, 0) // rule.bucket_s
    last = np.minimum(second[places] + near, HOUR_S - 1) // rule.bucket_s
    spread = np.repeat(np.arange(len(places)), last - first + 1)
    begins = np.cumsum(last - first + 1) - (last - first + 1)
    bucket = first[spread] + np.arange(len(spread)) - begins[spread]
    source = places[spread]
    lon, lat = cases.lon[source], cases.lat[source]
    column, row = cell_of(grid, lon, lat)
    kept = _first_of_each(bucket, lon, lat, second[source] if near else None)
    order = kept[np.lexsort((column[kept], row[kept], bucket[kept]))]
    line = bucket[order] * grid.rows + row[order]
    buckets = HOUR_S // rule.bucket_s
    starts = np.zeros(buckets * grid.rows + 1, np.int32)
    np.cumsum(np.bincount(line, minlength=buckets * grid.rows), out=starts[1:])
    radians = np.radians(lat[order] / 1e6)
    entries = np.zeros((len(order), 8))
    entries[:, 0], entries[:, 1] = lon[order], lat[order]
    entries[:, 2], entries[:, 3] = np.cos(radians), np.sin(radians) * (0.5 * MICRO)
    entries[:, 4], entries[:, 5] = second[source[order]], cases.phone[source[order]]
    return Cases(grid, _bits(grid, buckets, line, column[order]), starts, entries)


def cell_of(grid: Grid, lon: Micro, lat: Micro) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Column and row, by the kernel's own 32-bit arithmetic."""
    column = ((lon - np.int32(grid.lon)).astype(np.float32) * np.float32(1 / grid.step_x)).astype(np.int32)
    row = ((lat - np.int32(grid.lat)).astype(np.float32) * np.float32(1 / grid.step_y)).astype(np.int32)
    return column.astype(np.int64), row.astype(np.int64)


def _first_of_each(
    bucket: npt.NDArray[np.int64], lon: Micro, lat: Micro, second: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.int64]:
    """One of those that say the same: three thousand passengers at one mast are one place."""
    keys = np.column_stack([bucket, lon, lat] if second is None else [bucket, lon, lat, second])
    order = np.lexsort(keys.T[::-1])
    sorted_keys = keys[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (sorted_keys[1:] != sorted_keys[:-1]).any(axis=1)
    return order[is_new]


def _bits(grid: Grid, buckets: int, line: npt.NDArray[np.int64], column: npt.NDArray[np.int64]) -> Bits:
    """A bit for the case's cell and the eight around it; one octet more than needed, for the last."""
    size = buckets * grid.rows * grid.columns
    flags = np.zeros(size, bool)
    for up in (-1, 0, 1):
        for across in (-1, 0, 1):
            flags[(line + up) * grid.columns + column + across] = True
    return np.packbits(flags, bitorder="little")
