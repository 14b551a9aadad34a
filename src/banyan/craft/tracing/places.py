"""What may be said of many: where contacts spent time, and how many phones stood in a cell each quarter hour.

Both are by 500 m cell and leave out cells with few phones; counts are rounded, so that two answers that differ by one
person look alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from banyan.craft.tracing.layout import STEP_X, STEP_Y
from banyan.craft.tracing.model import HOUR_S, Pings
from banyan.craft.tracing.tracing import Hits
from banyan.limits_tracing import TRACE_HOT_SPOTS, TRACE_LEAST, TRACE_ROUND

QUARTER_S: Final = 900


class Place(msgspec.Struct, frozen=True):
    """A cell by its middle (degrees), the phones that met there and for how long in all, both rounded."""

    lon: float
    lat: float
    phones: int
    minutes: int


class Crowd(msgspec.Struct, frozen=True):
    """Phones in a cell in a quarter hour that began at `at` (epoch seconds), rounded."""

    lon: float
    lat: float
    at: int
    phones: int


def rounded(count: int, *, least: int = TRACE_LEAST, to: int = TRACE_ROUND) -> int | None:
    """A count that may be told: to a multiple, halves up; None below the least."""
    return None if count < least else (count + to // 2) // to * to


def hot_spots(hits: Hits, bucket_s: int, *, most: int = TRACE_HOT_SPOTS) -> tuple[Place, ...]:
    """The places with the most contact minutes; those with few phones are left out before the most are chosen."""
    x, y = (hits.lon.astype(np.int64) + 180_000_000) // STEP_X, (hits.lat.astype(np.int64) + 90_000_000) // STEP_Y
    cells, place, many = np.unique(np.stack([x, y]), axis=1, return_inverse=True, return_counts=True)
    pairs = np.unique(np.stack([place.reshape(-1).astype(np.int64), hits.phone.astype(np.int64)]), axis=1)
    phones = np.bincount(pairs[0], minlength=cells.shape[1])
    shown = np.flatnonzero(phones >= TRACE_LEAST)
    chosen = shown[np.lexsort((shown, -many[shown]))][:most]
    found = []
    for one in chosen.tolist():
        minutes = rounded(int(many[one]) * bucket_s // 60, least=0)
        found.append(Place(*_middle(cells[0, one], cells[1, one]), rounded(int(phones[one])) or 0, minutes or 0))
    return tuple(found)


def crowds(hour: int, groups: Iterable[Pings]) -> tuple[Crowd, ...]:
    """An hour's density; cells with few phones in a quarter are left out of it."""
    keys = []
    for group in groups:
        x = (group.lon.astype(np.int64) + 180_000_000) // STEP_X
        y = (group.lat.astype(np.int64) + 90_000_000) // STEP_Y
        keys.append(np.stack([group.second.astype(np.int64) // QUARTER_S, x, y, group.phone.astype(np.int64)]))
    if not keys:
        return ()
    each = np.unique(np.concatenate(keys, axis=1), axis=1)[:3]
    cells, phones = np.unique(each, axis=1, return_counts=True)
    return tuple(
        Crowd(*_middle(x, y), hour * HOUR_S + quarter * QUARTER_S, rounded(many) or 0)
        for (quarter, x, y), many in zip(cells.T.tolist(), phones.tolist(), strict=True)
        if many >= TRACE_LEAST
    )


def _middle(x: int, y: int) -> tuple[float, float]:
    """The middle of a cell, degrees."""
    return round(((int(x) + 0.5) * STEP_X - 180e6) / 1e6, 4), round(((int(y) + 0.5) * STEP_Y - 90e6) / 1e6, 4)
