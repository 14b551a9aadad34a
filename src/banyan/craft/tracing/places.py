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
from banyan.craft.tracing.model import HOUR_S, Longs, Micro, Pings
from banyan.craft.tracing.tracing import Hits
from banyan.limits_tracing import TRACE_HOT_SPOTS, TRACE_LEAST, TRACE_ROUND

QUARTER_S: Final = 900
ROW_BITS: Final = 16
CELL_RANK_BITS: Final = 32
MINUTES: Final = (1, 15, 30, 60, 180)
CELLS: Final = (1, 2, 5)
"""Where the bands begin."""
PHONE_BITS: Final = 26
"""Of a key: cell (33 bits) and phone; there are fewer phones (TRACE_PHONES) than 2**26."""


class Place(msgspec.Struct, frozen=True):
    """A cell by its middle (degrees), the phones that met there and for how long in all, both rounded."""

    lon: float
    lat: float
    phones: int
    minutes: int


class Band(msgspec.Struct, frozen=True):
    """Contacts with `least` to `most` (0: any more) of something; `contacts` rounded, None when few."""

    least: int
    most: int
    contacts: int | None


class Strength(msgspec.Struct, frozen=True):
    """How firm the evidence is, before anybody is named: contacts by the minutes they met, and by the number of cells
    they met in."""

    minutes: tuple[Band, ...]
    cells: tuple[Band, ...]


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
    cells, place = np.unique(_cell(hits.lon, hits.lat), return_inverse=True)
    many = np.bincount(place, minlength=len(cells))
    pairs = np.unique(place << PHONE_BITS | hits.phone)
    phones = np.bincount(pairs >> PHONE_BITS, minlength=len(cells))
    shown = np.flatnonzero(phones >= TRACE_LEAST)
    chosen = shown[np.lexsort((shown, -many[shown]))][:most]
    found = []
    for one in chosen.tolist():
        minutes = rounded(int(many[one]) * bucket_s // 60, least=0)
        found.append(Place(*_middle(int(cells[one])), rounded(int(phones[one])) or 0, minutes or 0))
    return tuple(found)


def strength(hits: Hits, bucket_s: int) -> Strength:
    """Of contacts' hits, in the order of phone."""
    _, many = np.unique(hits.phone, return_counts=True)
    pairs = np.unique(hits.phone.astype(np.int64) << CELL_RANK_BITS | _ranked(hits))
    _, cells = np.unique(pairs >> CELL_RANK_BITS, return_counts=True)
    return Strength(_bands(many * bucket_s // 60, MINUTES), _bands(cells, CELLS))


def _ranked(hits: Hits) -> Longs:
    """Each hit's cell by its place among the cells that are there."""
    return np.unique(_cell(hits.lon, hits.lat), return_inverse=True)[1].astype(np.int64)


def _bands(values: Longs, edges: tuple[int, ...]) -> tuple[Band, ...]:
    found = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    uppers = (*(one - 1 for one in edges[1:]), 0)
    return tuple(
        Band(low, high, rounded(int(count))) for low, high, count in zip(edges, uppers, found[1:], strict=True)
    )


def crowds(hour: int, groups: Iterable[Pings]) -> tuple[Crowd, ...]:
    """An hour's density; cells with few phones in a quarter are left out of it. A phone is one in a cell and quarter,
    however many pings tell of it."""
    parts: list[list[Longs]] = [[] for _ in range(HOUR_S // QUARTER_S)]
    for group in groups:
        key = _cell(group.lon, group.lat) << PHONE_BITS | group.phone
        quarter = group.second // QUARTER_S
        for number, part in enumerate(parts):
            part.append(np.unique(key[quarter == number]))
    found: list[Crowd] = []
    for number, part in enumerate(parts):
        if part:
            cells, phones = np.unique(np.unique(np.concatenate(part)) >> PHONE_BITS, return_counts=True)
            at = hour * HOUR_S + number * QUARTER_S
            shown = np.flatnonzero(phones >= TRACE_LEAST)
            told = zip(cells[shown].tolist(), phones[shown].tolist(), strict=True)
            found += [Crowd(*_middle(cell), at, rounded(many) or 0) for cell, many in told]
    return tuple(found)


def box_of(lon: float, lat: float) -> tuple[float, float, float, float]:
    """West, south, east and north of the cell that holds this place, degrees."""
    x, y = int((lon * 1e6 + 180e6) // STEP_X), int((lat * 1e6 + 90e6) // STEP_Y)
    west, south, east, north = x * STEP_X - 180e6, y * STEP_Y - 90e6, (x + 1) * STEP_X - 180e6, (y + 1) * STEP_Y - 90e6
    return round(west / 1e6, 6), round(south / 1e6, 6), round(east / 1e6, 6), round(north / 1e6, 6)


def _cell(lon: Micro, lat: Micro) -> Longs:
    """A cell's number: column (17 bits) and row (16 bits)."""
    x, y = (lon.astype(np.int64) + 180_000_000) // STEP_X, (lat.astype(np.int64) + 90_000_000) // STEP_Y
    return x << ROW_BITS | y


def _middle(cell: int) -> tuple[float, float]:
    """The middle of a cell, degrees."""
    x, y = cell >> ROW_BITS, cell & (1 << ROW_BITS) - 1
    return round(((x + 0.5) * STEP_X - 180e6) / 1e6, 4), round(((y + 0.5) * STEP_Y - 90e6) / 1e6, 4)
