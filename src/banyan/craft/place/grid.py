"""The k nearest points that hold enough of something, exactly. Why a flat grid: docs/decisions/0071.

Points are compared by the straight line between them through the WGS84 ellipsoid: no trigonometry a point, no seam at
the poles or the antimeridian, and the order of geodesics (field notes' trap: comparing degrees misses 3.5 % of true
neighbours). Metres are that line's arc on the mean sphere: within 500 km of the geodesic by less than 1 in 100,000.
"""

from __future__ import annotations

import importlib
import math
import threading
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from banyan.craft.place import wgs84

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Asked = tuple[float, float, int, float, int]
"""Longitude, latitude, least value, longest chord squared, bit or -1."""
Found = tuple[list[int], list[float]]
"""Places and their metres, nearest first."""
Search = Callable[[int, int, int, Asked], int]
_POINTS_A_CELL: Final = 0.25
"""At a million points, half the cells look at a fifth more points, twice the cells take 16 MB more and gain nothing."""
_ROOM_KEPT: Final = 64
"""Up to this k: 35 KB a thread in all."""
_OUTER: Final = 0.005
"""The share of points at each side that do not stretch the grid: one geocoded to (0, 0) would make every cell huge."""
_NARROWEST: Final = 1e-6
"""Degrees; all points in one place still make a grid."""


class Grid:
    """An index over points, WGS84 degrees. Points with NaN are never found. It does not change: other points, another
    Grid; what they hold is kept beside it."""

    def __init__(self, lon: Floats, lat: Floats) -> None:
        places = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat)).astype(np.int32)
        self.size = len(places)
        self._reach = int(places[-1]) + 1 if self.size else 0
        self.packed = self._points = np.empty((0, 3))
        if self.size:
            self.packed, self._points, self._places = _packed(lon[places], lat[places], places)

    def holding(self, values: Ints, bits: Ints) -> Holding:
        """The index with what its points hold: as the arrays say when asked, for they may change in place. Contiguous,
        of 32-bit integers, as long as the points or longer; else ValueError, before their memory is read."""
        for given in (values, bits):
            if given.dtype != np.int32 or given.ndim != 1 or not given.flags.c_contiguous:
                raise ValueError(f"contiguous 32-bit integers are needed, not {given.ndim} x {given.dtype}")
        if len(values) < self._reach or len(bits) < self._reach:
            raise ValueError(f"{self._reach} values and bits are needed, not {len(values)} and {len(bits)}")
        return Holding(self, values, bits)

    def scanned(self, asked: Asked, k: int, values: Ints, bits: Ints) -> Found:
        """The answer by looking at every point: until the search is compiled, and to test it."""
        lon, lat, least, longest, bit = asked
        if not self.size or not (abs(lon) <= 540 and abs(lat) <= 90):
            return [], []
        line = self._points - np.array(wgs84.point(lon, lat))
        apart = line[:, 0] * line[:, 0] + line[:, 1] * line[:, 1] + line[:, 2] * line[:, 2]
        fits = (apart <= longest) & (values[self._places] >= least)
        if bit >= 0:
            own = bits[self._places]
            fits &= (own >= 0) & ((own >> bit) & 1 == 1)
        chosen = np.flatnonzero(fits)
        if len(chosen) > k:  # all that tie with the k-th stay in, to be ordered by place
            chosen = chosen[apart[chosen] <= np.partition(apart[chosen], k - 1)[k - 1]]
        places = self._places[chosen]
        order = np.lexsort((places, apart[chosen]))[:k]
        return places[order].tolist(), wgs84.arc(apart[chosen][order]).tolist()


class Holding:
    """A grid and what its points hold. All that is the same for every question is looked at once, when it is made: a
    compiled question takes 2 us, of which each array handed over would be a tenth."""

    def __init__(self, grid: Grid, values: Ints, bits: Ints) -> None:
        """As `Grid.holding` says."""
        self._grid, self._values, self._bits = grid, values, bits  # they live as long as their addresses are used
        self._held = np.array([one.ctypes.data for one in (grid.packed, values, bits)], np.int64)
        self._held_at = self._held.ctypes.data

    def nearest(
        self, lon: float, lat: float, k: int, *, least: int = 1, radius_m: float = math.inf, bit: int = -1
    ) -> Found:
        """The k nearest places in the arrays with `values[place] >= least`, within `radius_m`, with metres; ties by
        place. With `bit` >= 0 only those with that bit set in `bits[place]` (>= 0)."""
        asked = lon, lat, least, math.inf if radius_m == math.inf else wgs84.chord_squared(radius_m), bit
        if _search is None or k <= 0 or not self._grid.size:
            return self._grid.scanned(asked, max(k, 0), self._values, self._bits)
        room = _rooms.by_k.get(k) or _room(k)
        found = _search(self._held_at, room.at, k, asked)
        if found == k:
            return room.places.tolist(), room.metres.tolist()
        return room.places[:found].tolist(), room.metres[:found].tolist()


class _Room:
    """Where the search leaves k places and metres."""

    def __init__(self, k: int) -> None:
        self._all = np.empty(2 * k + 2)
        self.places, self.metres, self.at = self._all[:k].view(np.int64), self._all[k : 2 * k], self._all.ctypes.data


class _Rooms(threading.local):
    """A thread's own: another may ask between the search and the reading."""

    def __init__(self) -> None:
        self.by_k: dict[int, _Room] = {}


_rooms: Final = _Rooms()


def _room(k: int) -> _Room:
    """A new one, kept unless it is of an unusual size."""
    made = _Room(k)
    if k <= _ROOM_KEPT:
        _rooms.by_k[k] = made
    return made


def _packed(lon: Floats, lat: Floats, places: Ints) -> tuple[Floats, Floats, Ints]:
    """One array for the search (each argument costs it 0.1 us): head, points by cell, then as 32-bit integers their
    places and where each cell starts. Also the points and the places in it, as views."""
    size = len(places)
    west = _behind_widest_gap(lon)
    x = (lon - west) % 360.0
    (x_low, x_high), (y_low, y_high) = np.quantile(x, (_OUTER, 1 - _OUTER)), np.quantile(lat, (_OUTER, 1 - _OUTER))
    columns, rows = _shape((x_high - x_low) * math.cos((y_low + y_high) / 2 * wgs84.DEGREE), y_high - y_low, size)
    width = max(x_high - x_low, _NARROWEST) / columns
    height = max(y_high - y_low, _NARROWEST) / rows
    x -= x_low
    column = np.clip(np.floor(x / width), 0, columns - 1).astype(np.int64)
    cell = np.clip(np.floor((lat - y_low) / height), 0, rows - 1).astype(np.int64) * columns + column
    order = np.argsort(cell, kind="stable")
    ints = np.zeros((size + columns * rows + 2) // 2 * 2, np.int32)
    ints[:size] = places[order]
    ints[size + 1 : size + columns * rows + 1] = np.cumsum(np.bincount(cell, minlength=columns * rows))
    points = wgs84.points(lon[order], lat[order])
    extent = (x.min(), x.max(), lat.min() - y_low, lat.max() - y_low, np.hypot(points[:, 0], points[:, 1]).min())
    head = np.array((size, columns, rows, west + x_low, y_low, width, height, *extent), np.float64)
    packed = np.concatenate((head, points.reshape(-1), ints.view(np.float64)))
    start, end = len(head), len(head) + 3 * size
    return packed, packed[start:end].reshape(-1, 3), packed[end:].view(np.int32)[:size]


def _behind_widest_gap(lon: Floats) -> float:
    """The westernmost longitude, going east from the widest empty gap: a country on the antimeridian is not torn."""
    turned = np.sort(lon % 360.0)
    gaps = np.diff(turned, append=turned[0] + 360.0)
    return float(turned[(int(np.argmax(gaps)) + 1) % len(turned)])


def _shape(across: float, along: float, size: int) -> tuple[int, int]:
    """Columns and rows of about square cells, for an extent in degrees of a meridian."""
    cells = max(1.0, size / _POINTS_A_CELL)
    side = math.sqrt(across * along / cells) or max(across, along, _NARROWEST) / cells
    columns, rows = (int(min(max(math.ceil(one / side), 1), cells)) for one in (across, along))
    return columns, rows


_search: Search | None = None
_warming: threading.Thread | None = None
_gate: Final = threading.Lock()


def warm() -> threading.Thread:
    """Compile the search in a thread, once a process; join it to be sure. Until then, and where numba cannot be loaded,
    `nearest` looks at every point: 0.1 ms at 6,700 points, 30 ms at a million."""
    global _warming  # noqa: PLW0603 - one compiled search a process
    with _gate:
        if _warming is None:
            # Not a daemon: a process that ends while LLVM is compiling would abort.
            _warming = threading.Thread(target=_load, name="compiling nearest")
            _warming.start()
        return _warming


def is_compiled() -> bool:
    return _search is not None


def _load() -> None:
    global _search  # noqa: PLW0603
    try:
        _search = importlib.import_module("banyan.craft.place.search").entry
    except ImportError:
        return  # every answer stays right without it
