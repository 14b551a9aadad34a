"""Where many cases stand together: cells whose rows are too full to be gone through, cut into small ones.

A small cell is answered beforehand. Of every case's ping near it there are three answers: all of the small cell is
within the radius, none of it is, or the edge runs through. One "all" decides for the whole small cell; else the pings
whose edge runs through it are its list, and the exact distance decides among them. Where three thousand passengers
stand, most of the ground is "all", most of the rest "none", and the lists are short. Answers are those of the exact
check: the bounds by which a small cell is judged hold for each of its points, and for the strip around it in which the
kernel's 32-bit arithmetic may still call a point its own (see grid.py).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.tracing.grid import Grid
from banyan.craft.tracing.model import HOUR_S, Floats, Longs, Rule
from banyan.limits_tracing import TRACE_FINE_CELLS, TRACE_FINE_ITEMS

Rows = npt.NDArray[np.int32]
CROWD: Final = 32
"""Pings of cases in a cell's three rows from which on the cell is cut: about what finding a small cell costs."""
FINE: Final = 8
FINEST: Final = 32
"""Small cells across a cell: FINE where it is as wide as the radius (the edge then runs through some 60 of the 400
around a case), more where cells are wider."""


class Crowded(msgspec.Struct, frozen=True, eq=False):
    """`words` has a bit for each cell that is cut, `ranks` how many there are before each word: a cell's number. It has
    `across` x `across` small cells; the list of small cell n is `items` from `starts[n]` to the next: entries of the
    cases, or one alone as its complement (below 0): whoever is there has met that one."""

    words: npt.NDArray[np.uint64]
    ranks: Rows
    starts: Rows
    items: Rows
    across: int

    def __len__(self) -> int:
        return (len(self.starts) - 1) // max(1, self.across**2)


NOBODY: Final = Crowded(np.zeros(1, np.uint64), np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.int32), 0)
"""No cell is cut."""


def crowded(grid: Grid, starts: Rows, columns: Longs, entries: Floats, rule: Rule) -> Crowded:
    """Of one hour's cases, whose `starts` and `entries` are as in `cases.Cases` and stay the whole truth: what is
    beyond the bounds is left to them, the fullest cells are cut first."""
    across = min(FINEST, FINE * grid.factor)
    places = _fullest(grid, starts, columns, TRACE_FINE_CELLS // across**2)
    if not len(places):
        return NOBODY
    from banyan.craft.tracing.refining import judge

    near = rule.near_s if rule.edge == "within" else -1
    index = (starts, columns.astype(np.int32), entries)
    ground = (grid.lon, grid.lat, grid.rows, grid.columns, grid.step_x, grid.step_y)
    law = (across, (grid.wide >> 19) + 2, (grid.high >> 19) + 2, rule.bucket_s, float(rule.radius_m), near)
    small = len(places) * across**2
    sizes, surely, nothing = np.zeros(small, np.int32), np.full(small, -1, np.int32), np.empty(0, np.int32)
    judge(places, index, ground, law, (sizes, surely, nothing))
    sizes[surely >= 0] = 1
    filled = np.cumsum(sizes.reshape(len(places), -1).sum(axis=1, dtype=np.int64))
    order = np.argsort(places[: np.searchsorted(filled, TRACE_FINE_ITEMS, side="right")])
    if not len(order):
        return NOBODY
    by_place = (order[:, None] * across**2 + np.arange(across**2)).ravel()
    begins = np.zeros(len(by_place) + 1, np.int32)
    np.cumsum(sizes[by_place], out=begins[1:])
    places, surely = places[order], surely[by_place]
    items = np.empty(int(begins[-1]), np.int32)
    is_sure = surely >= 0
    items[begins[:-1][is_sure]] = ~surely[is_sure]
    judge(places, index, ground, law, (begins[:-1].copy(), surely, items))
    return Crowded(*_numbered(places, grid, HOUR_S // rule.bucket_s), begins, items, across)


def _fullest(grid: Grid, starts: Rows, columns: Longs, most: int) -> Longs:
    """The places (of bits) of the cells to be cut, the fullest first."""
    per_line = np.diff(starts).astype(np.int64)
    three = per_line.copy()
    three[1:] += per_line[:-1]
    three[:-1] += per_line[1:]
    line = np.repeat(np.arange(len(per_line)), per_line)
    around = []
    for up in (-1, 0, 1):
        is_full = three[line + up] >= CROWD
        for across in (-1, 0, 1):
            around.append(np.unique((line[is_full] + up) * grid.columns + columns[is_full] + across))
    places = np.unique(np.concatenate(around))
    fullness = three[places // grid.columns]
    return places[np.argsort(-fullness, kind="stable")[:most]]


def _numbered(places: Longs, grid: Grid, buckets: int) -> tuple[npt.NDArray[np.uint64], Rows]:
    """A bit for each place (they are in order), and the count before each word."""
    words = np.zeros(buckets * grid.rows * grid.columns // 64 + 1, np.uint64)
    np.bitwise_or.at(words, places >> 6, np.uint64(1) << (places & 63).astype(np.uint64))
    ranks = np.zeros(len(words), np.int32)
    np.cumsum(np.bitwise_count(words[:-1]), out=ranks[1:])
    return words, ranks
