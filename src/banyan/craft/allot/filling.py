"""Water-filling in whole boxes: everybody's share of what they would sell rises together, floors first, caps held.

The next box goes to the outlet with the smallest fill ratio (boxes held / units expected); so the least filled outlet
is filled as well as can be, then the next (leximin), and no outlet envies another by more than a box: with x boxes and
demand d, (x_j - 1) / d_j <= x_i / d_i wherever i still has room and j stands above its floor.
Ratios are compared as whole numbers, exactly. Ties: larger demand first, then by code.
Source: apportionment by Adams' method (Balinski & Young, Fair Representation, 1982); it is house monotone.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from banyan.craft.allot.model import Asked, Counts, Shared

GRAIN: Final = 1 << 41
"""Ratios j/d with d <= 2**20 differ by 2**-40 or not at all, so steps of 1/GRAIN tell them apart."""


def fill(asked: Asked, supply: int) -> Shared:
    """Share out `supply` boxes. All are given while somebody who sells has room; more supply never gives anybody
    less."""
    assert supply >= 0, "a supply is not negative"
    floors = int(asked.floor.sum())
    nothing = np.zeros(len(asked.codes), np.int64)
    rank = asked.rank
    if supply < floors:
        return Shared(raised(nothing, asked.floor, asked.floor, supply, rank=rank), 0, floors - supply)
    top = np.where(asked.demand > 0, asked.cap, asked.floor)
    boxes = raised(asked.floor, top, asked.demand, supply - floors, rank=rank)
    return Shared(boxes, supply - int(boxes.sum()), 0)


def raised(start: Counts, top: Counts, weight: Counts, count: int, *, rank: Counts) -> Counts:
    """`start` with `count` boxes more, each to the least boxes/weight below `top`; fewer when all are at the top."""
    weight = np.maximum(weight, 1)
    top = np.maximum(top, start)
    if int((top - start).sum()) <= count:
        return top.copy()
    highest = -(-top * GRAIN // weight)
    low, high = 0, int(highest.max(initial=0))
    while high - low > 1:  # total(low) <= count < total(high)
        middle = (low + high) // 2
        if int(_level(middle, start, top, weight, highest).sum() - start.sum()) <= count:
            low = middle
        else:
            high = middle
    boxes = _level(low, start, top, weight, highest)
    rest = count - int(boxes.sum() - start.sum())
    if rest:
        next_up = _level(low + 1, start, top, weight, highest)
        ties = np.flatnonzero(next_up > boxes)
        assert len(ties) > rest, "equal ratios are one step"
        boxes[ties[np.lexsort((rank[ties], -weight[ties]))[:rest]]] += 1
    return boxes


def _level(ratio: int, start: Counts, top: Counts, weight: Counts, highest: Counts) -> Counts:
    """What each holds when everybody below ratio/GRAIN was raised to it: as many boxes j as have j/weight below it."""
    reached: Counts = -(-np.minimum(ratio, highest) * weight // GRAIN)
    return np.clip(reached, start, top)
