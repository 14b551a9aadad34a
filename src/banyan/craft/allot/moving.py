"""Redistribution: who has boxes that will lie unsold, and who near there would sell them. Proposals, shortest first.

In 2020 the fullest tenth of outlets held 78 % of what was left, while half the outlets had none.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from banyan.craft.allot.model import Amounts, Counts
from banyan.craft.place.grid import Grid
from banyan.limits_allocation import ALLOT_NEAR


class Stand(msgspec.Struct, frozen=True):
    """Outlets now: units of `stock`, units `expected` to be sold until the next delivery, boxes of `room` for more.
    Coordinates in degrees, NaN where nobody knows them: such an outlet is left alone."""

    codes: tuple[str, ...]
    lon: Amounts
    lat: Amounts
    stock: Counts
    expected: Counts
    room: Counts


class Move(msgspec.Struct, frozen=True):
    """`boxes` from row `give` to row `take`, `metres` apart in a straight line."""

    give: int
    take: int
    boxes: int
    metres: int


def moves(stand: Stand, box: int, *, radius_m: float, most: int) -> list[Move]:
    """At most `most`, the shortest first: whole boxes that the giver is not expected to sell, to outlets whose stock
    is expected to fall short by more than half a box. The order of the rows does not matter."""
    order = np.argsort(np.array(stand.codes, dtype=np.str_), kind="stable")
    spare = np.maximum(stand.stock - stand.expected, 0)[order] // box
    short = np.minimum((np.maximum(stand.expected - stand.stock, 0)[order] + box // 2) // box, stand.room[order])
    grid = Grid(stand.lon[order], stand.lat[order])
    located = np.isfinite(stand.lon[order]) & np.isfinite(stand.lat[order])
    spare *= located
    found: list[Move] = []
    while len(found) < most:
        fresh = _round(grid, stand, order, spare, short, radius_m=radius_m)
        if not fresh:
            break
        found += fresh
    return [
        msgspec.structs.replace(one, give=int(order[one.give]), take=int(order[one.take]))
        for one in sorted(found, key=lambda one: (one.metres, one.give, one.take))[:most]
    ]


def _round(grid: Grid, stand: Stand, order: Counts, spare: Counts, short: Counts, *, radius_m: float) -> list[Move]:
    """What can be carried to the nearest that are short, shortest way first; `spare` and `short` go down with it."""
    bits = np.zeros(len(order), np.int32)
    holding = grid.holding(short.astype(np.int32), bits)
    pairs: list[tuple[float, int, int]] = []
    for give in np.flatnonzero(spare > 0).tolist():
        at = order[give]
        places, metres = holding.nearest(
            float(stand.lon[at]), float(stand.lat[at]), ALLOT_NEAR, least=1, radius_m=radius_m
        )
        pairs += [(apart, give, take) for take, apart in zip(places, metres, strict=True)]
    found = []
    for apart, give, take in sorted(pairs):
        boxes = int(min(spare[give], short[take]))
        if boxes:
            spare[give] -= boxes
            short[take] -= boxes
            found.append(Move(give, take, boxes, round(apart)))
    return found


def held_by_top(stock: Sequence[int] | Counts, share: float = 0.1) -> float:
    """The part of all stock that the fullest `share` of outlets hold; 0 of none."""
    held = np.sort(np.asarray(stock, np.int64))[::-1]
    total = int(held.sum())
    return float(held[: round(len(held) * share)].sum()) / total if total else 0.0
