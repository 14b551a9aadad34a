"""Where the cases were in one hour, as the kernel asks it: one bit a bucket and cell (grid.py), then the cases' pings
by row, or by small cells where they stand together (crowded.py)."""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.tracing.crowded import Crowded, crowded
from banyan.craft.tracing.grid import Grid, cell_of
from banyan.craft.tracing.model import HOUR_S, Fixes, Floats, Micro, Rule

Bits = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int32]
MICRO: Final = math.pi / 180e6
"""Radians of a micro-degree."""


class Cases(msgspec.Struct, frozen=True, eq=False):
    """One hour of the cases. Entries are in the order of bucket and row: those of row y stand in
    `starts[bucket * rows + y]` to the next. An entry is one line of the processor's cache: longitude and latitude
    (micro-degrees), the cosine of the latitude, half its sine times a micro-degree, the second from the hour's start
    (which may lie outside of it), the case's number, and room."""

    grid: Grid
    bits: Bits
    starts: Rows
    entries: Floats
    crowded: Crowded

    def __len__(self) -> int:
        return len(self.entries)


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
    full = crowded(grid, starts, column[order], entries, rule)
    return Cases(grid, _bits(grid, buckets, line, column[order]), starts, entries, full)


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
