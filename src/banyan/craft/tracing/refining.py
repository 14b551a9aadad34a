"""The compiled half of crowded.py: each small cell's answer, and the list of those whose edge runs through it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from banyan.craft.tracing.scan import AXIS, FLAT, MICRO  # it says first where compiled code is kept

NONE, EDGE, ALL = 0, 1, 2


@njit(nogil=True, cache=True, inline="always")
def _answer(entries: Any, at: Any, box: Any, bounds: Any) -> Any:
    """Of a box (west, east, south, north, as seen from the entry) and a case: by bounds of the flat estimate that hold
    for all of its points."""
    west, east, south, north = box
    surely, perhaps = bounds
    wide, high = max(abs(west), abs(east)), max(abs(south), abs(north))
    left = 0.0 if west <= 0.0 <= east else min(abs(west), abs(east))
    low = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    one, other = entries[at, 2] - entries[at, 3] * south, entries[at, 2] - entries[at, 3] * north
    wide, left = wide * max(one, other), left * max(0.0, min(one, other))
    if high * high + wide * wide < surely:
        return ALL
    return NONE if low * low + left * left > perhaps else EDGE


@njit(nogil=True, cache=True, inline="always")
def _box(entries: Any, at: Any, corner: Any, size: Any, slack: Any) -> Any:
    """A small cell with its strip, as seen from an entry."""
    west, south = corner[0] - entries[at, 0], corner[1] - entries[at, 1]
    return west - slack[0], west + size[0] + slack[0], south - slack[1], south + size[1] + slack[1]


@njit(nogil=True, cache=True, inline="always")
def _first(columns: Any, low: Any, high: Any, column: Any) -> Any:
    """The first of a row's entries (in the order of columns) that is not before this column."""
    while low < high:
        middle = (low + high) >> 1
        if columns[middle] < column:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True, inline="always")
def _range(distance: Any, reach: Any, size: Any, slack: Any, across: Any) -> Any:
    """The small cells of an axis that somebody `reach` around can be in; `distance` is from the cell's begin."""
    low = max(0, int(np.floor((distance - reach - slack) / size)))
    return low, min(across - 1, int(np.floor((distance + reach + slack) / size)))


@njit(nogil=True, cache=True)
def judge(places: Any, index: Any, ground: Any, law: Any, out: Any) -> Any:
    """For each small cell of each place: `filled` counts the edges that run through it, `surely` is an entry whose
    circle covers it (else -1). With a distance in time (`near_s` from 0 on) a circle decides only when it is there for
    the whole bucket; those that are there for a part of it count as edges. Called again with room for them (`items`),
    the edges are written there from `filled` on, where nothing is sure."""
    starts, columns, entries = index
    west, south, n_rows, n_columns, step_x, step_y = ground
    across, slack_x, slack_y, bucket_s, radius_m, near_s = law
    filled, surely, items = out
    is_listing = len(items) > 0
    radius = radius_m / (AXIS * MICRO)
    bounds = (radius * radius * (1.0 - FLAT), radius * radius * (1.0 + FLAT))
    size, slack = (step_x / across, step_y / across), (float(slack_x), float(slack_y))
    for block in range(len(places)):
        line, column = places[block] // n_columns, places[block] % n_columns
        begins = (line // n_rows) * bucket_s
        left, low = west + column * float(step_x), south + (line % n_rows) * float(step_y)
        for row in range(line - 1, line + 2):
            for at in range(_first(columns, starts[row], starts[row + 1], column - 1), starts[row + 1]):
                if columns[at] > column + 1:
                    break
                reach = radius * 1.001
                wide = reach / max(1e-4, entries[at, 2] - abs(entries[at, 3]) * 2.0 * reach)
                x0, x1 = _range(entries[at, 0] - left, wide, size[0], slack[0], across)
                y0, y1 = _range(entries[at, 1] - low, reach, size[1], slack[1], across)
                is_whole = near_s < 0 or (
                    entries[at, 4] - near_s <= begins and entries[at, 4] + near_s >= begins + bucket_s - 1
                )
                for y in range(y0, y1 + 1):
                    for x in range(x0, x1 + 1):
                        cell = (block * across + y) * across + x
                        if surely[cell] >= 0:
                            continue
                        corner = (left + x * size[0], low + y * size[1])
                        answer = _answer(entries, at, _box(entries, at, corner, size, slack), bounds)
                        if answer == NONE:
                            continue
                        if is_listing:
                            items[filled[cell]] = at
                        elif answer == ALL and is_whole:
                            surely[cell] = at
                            continue
                        filled[cell] += 1
    return 0
