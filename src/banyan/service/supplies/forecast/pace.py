"""When an outlet sells out: the arithmetic, pure and by columns. Hours are hours of Taiwan's day, 0 to 24.

The rate of an outlet is the posterior mean of a Gamma: its own sales, weighted to the last half hour it was open, on
top of the nation's mean. What is left lasts `left / rate` service hours by that. The times told are not its own, which
trusts sales to be Poisson and the pace to last: they follow the empirical spread of log(actual / predicted), learnt
from how forecasts came out (`curve.py`). Why, and how well on 14 February 2020: docs/decisions/0074.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Hours = Floats | np.float32
"""A column, or one value for all rows."""
Parts = npt.NDArray[np.uint8]

PARTS: Final = ((8.0, 12.0), (12.0, 18.0), (18.0, 22.0))
"""Morning, afternoon and evening of the service hours (`hours.py`), between the hours at which pharmacies really
opened and closed in 2020. Outside of them nothing is expected to be sold."""
MEMORY_H: Final = 0.5
"""Sales fade with e^(-t/30 min) of service time: a rush after a delivery or a number plate is soon over. Of 15 min,
30 min, 1, 2 and 4 hours this had the smallest error on 14 February 2020."""
PRIOR_H: Final = 0.05
"""Service hours of the nation's mean rate that an outlet's own sales are added to: three minutes, because outlets
differ so much that the mean says little of one. Between 0.01 and 0.1 nothing changes; 0.25 is worse."""


def parts_of(slots: npt.NDArray[np.int32], weekday: int) -> Parts:
    """By row, bits 0 to 2: open in the morning, afternoon, evening of a weekday (Monday 0). Unknown: all three."""
    bits = sum(((slots >> (part * 7 + weekday)) & 1) << part for part in range(3))
    return np.where(slots < 0, 7, bits).astype(np.uint8)


def service_hours(start: Hours, end: Hours, parts: Parts) -> Floats:
    """Hours between two times of the day in which the outlet is open."""
    total = np.zeros(np.broadcast(start, end, parts).shape, np.float32)
    for part, (opens, closes) in enumerate(PARTS):
        inside = np.minimum(end, np.float32(closes)) - np.maximum(start, np.float32(opens))
        total += np.maximum(inside, np.float32(0)) * ((parts >> part) & 1)
    return total


def after_service(start: Hours, need: Floats, parts: Parts) -> Floats:
    """The time of the day at which `need` service hours have passed since `start`; NaN when the day is too short."""
    at = np.full(np.broadcast(start, need, parts).shape, np.nan, np.float32)
    left = np.array(np.broadcast_to(need, at.shape), np.float32)
    for part, (opens, closes) in enumerate(PARTS):
        begins = np.maximum(start, np.float32(opens))
        room = np.maximum(np.float32(closes) - begins, np.float32(0)) * ((parts >> part) & 1)
        ends_here = np.isnan(at) & (room >= left) & (room > 0)
        at = np.where(ends_here, begins + left, at)
        left = left - room
    return at.astype(np.float32)


def rate(sold: Floats, served_h: Floats, nation: float) -> Floats:
    """Units an hour of service: the posterior mean of a Gamma rate. `sold` and `served_h` are weighted alike."""
    return ((sold + np.float32(PRIOR_H * nation)) / (served_h + np.float32(PRIOR_H))).astype(np.float32)


def pack_of(drops: npt.NDArray[np.int32]) -> int:
    """How many a person takes: the largest of 1 to 10 that divides three of four drops, 1 when nothing was sold."""
    sold = drops[drops > 0]
    fits = [size for size in range(1, 11) if sold.size and np.mean(sold % size == 0) >= 0.75]
    return max(fits, default=1)


def remnant_of(pack: int, few: int) -> int:
    """What is left at most when an outlet is as good as sold out: three people's, less than what counts as few.

    Of 916 outlets with 1 to 6 adult masks at 14:09 on 14 February 2020, 201 had sold the rest by 16:25; the others kept
    it, for somebody or for nobody. Waiting for zero would foretell something that does not happen.
    """
    return min(3 * pack, few // 3)
