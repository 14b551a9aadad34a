"""Positions out of their cells: a row's place is its cell's corner and how far east and north of it. Compiled, for it
is done once a row that is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from banyan.craft.place import compiled

if folder := compiled.own_folder():
    from numba.core import config

    vars(config)["CACHE_DIR"] = folder  # its names are made at run time: types know none of them

from numba import njit


@njit(nogil=True, cache=True)
def _fill(corners: Any, ends: Any, columns: Any, shape: Any, seconds: Any) -> Any:
    second, east, north = columns
    step_x, step_y, second_bits, east_bits = shape
    in_second, in_east = np.int32((1 << second_bits) - 1), np.int32((1 << east_bits) - 1)
    wide, high, above, over = np.int32(step_x), np.int32(step_y), np.int32(second_bits), np.int32(east_bits)
    start = 0
    for group in range(len(ends)):
        west, south = corners[group, 0], corners[group, 1]
        for at in range(start, ends[group]):
            west = np.int32(west + np.int32((second[at] >> above) * wide))
            south = np.int32(south + np.int32((east[at] >> over) * high))
            seconds[at] = second[at] & in_second
            east[at] = west + (east[at] & in_east)
            north[at] = south + north[at]
        start = ends[group]


def placed(corners: Any, ends: Any, columns: tuple[Any, Any, Any], shape: tuple[int, int, int, int]) -> Any:
    """The seconds of row groups that end at `ends`, each with the south-west corner of its first row's cell; of
    `columns` (second, east, north) east becomes longitude and north latitude, in micro-degrees and in place, for new
    memory costs as much as the work. How many cells on the next row's is, to the east and to the north, stands above
    the lower bits of second and east."""
    seconds = np.empty(len(columns[0]), np.uint16)
    _fill(corners, ends, columns, shape, seconds)
    return seconds
