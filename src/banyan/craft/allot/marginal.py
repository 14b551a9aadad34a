"""Greedy by gain: each next box goes where it is likeliest to be sold, over several possible days (newsvendor).

What an outlet sells grows ever more slowly with its boxes, so taking the largest gain each time is the best there is:
the optimum of the linear and of the integer programme (tests compare). It says nothing of fairness: fill.py does.
Source: Ibaraki & Katoh, Resource Allocation Problems, 1988, s4.2 (incremental algorithm for separable concave).
"""

from __future__ import annotations

import numpy as np

from banyan.craft.allot.filling import fill, raised
from banyan.craft.allot.model import Asked, Counts, Shared


def by_gain(asked: Asked, days: Counts, supply: int) -> Shared:
    """Share out `supply` boxes after the floors. `days[s, i]`: units that outlet i would sell on possible day s, each
    as likely as the others. What nobody is expected to buy is shared by equal fill ratio."""
    assert days.shape == (len(days), len(asked.codes)), "a day lacks outlets"
    floors = int(asked.floor.sum())
    if supply <= floors:
        return fill(asked, supply)
    rank = asked.rank
    boxes = asked.floor + _gained(asked, days, supply - floors, rank)
    top = np.where(asked.demand > 0, asked.cap, asked.floor)
    rest = supply - int(boxes.sum())
    if rest:
        boxes = raised(boxes, top, asked.demand, rest, rank=rank)
    return Shared(boxes, supply - int(boxes.sum()), 0)


def expected(boxes: Counts, days: Counts, box: int) -> float:
    """Units sold on the mean of the possible days."""
    return float(np.minimum(boxes * box, days).sum()) / len(days)


def _gained(asked: Asked, days: Counts, count: int, rank: Counts) -> Counts:
    """Boxes above the floor: the `count` largest gains. A gain is a whole number: units over all days."""
    most = int(min(asked.cap.max(initial=0), -(-days.max(initial=0) // asked.box)))
    steps = np.arange(most, dtype=np.int64)
    gains = np.zeros((len(asked.codes), most), np.int64)
    for day in days:
        gains += np.clip(day[:, None] - steps * asked.box, 0, asked.box)
    gains[(steps < asked.floor[:, None]) | (steps >= asked.cap[:, None])] = 0
    flat = gains.ravel()
    if int((flat > 0).sum()) <= count:
        return np.asarray((gains > 0).sum(axis=1), np.int64)
    least = int(np.partition(flat, len(flat) - count)[len(flat) - count])
    taken = gains > least
    boxes: Counts = taken.sum(axis=1)
    ties = np.argwhere(gains == least)
    chosen = ties[np.lexsort((ties[:, 1], rank[ties[:, 0]]))[: count - int(boxes.sum())]]
    np.add.at(boxes, chosen[:, 0], 1)
    return boxes
