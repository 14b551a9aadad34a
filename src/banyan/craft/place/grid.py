"""The k nearest points that hold enough of something, exactly. Why a flat grid: docs/decisions/0071.

Points are compared by the straight line between them through the WGS84 ellipsoid: no trigonometry a point, no seam at
the poles or the antimeridian, and the order of geodesics (field notes' trap: comparing degrees misses 3.5 % of true
neighbours). Metres are that line's arc on the mean sphere: within 500 km of the geodesic by less than 1 in 100,000.
"""

from __future__ import annotations

import importlib
import math
import struct
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
Search = Callable[[Floats, Ints, Ints, Floats, Asked], int]
_POINTS_A_CELL: Final = 0.5
_pairs: Final = struct.Struct("=qd").iter_unpack
"""How the search leaves its answer; read five times as fast as through numpy."""
_OUTER: Final = 0.005
"""The share of points at each side that do not stretch the grid: one geocoded to (0, 0) would make every cell huge."""
_NARROWEST: Final = 1e-6
"""Degrees; all points in one place still make a grid."""


class Grid:
    """An index over points, WGS84 degrees. Points with NaN are never found. It does not change: other points, another
    Grid; what they hold is given with each question."""

    def __init__(self, lon: Floats, lat: Floats) -> None:
        places = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat)).astype(np.int32)
        self.size = len(places)
        self._reach = int(places[-1]) + 1 if self.size else 0
        if self.size:
            self._packed, self._points, self._places = _packed(lon[places], lat[places], places)

    def nearest(
        self, at: tuple[float, float], k: int, *, values: Ints, least: int, radius_m: float, bits: Ints, bit: int
    ) -> list[tuple[int, float]]:
        """The k nearest places in the arrays with `values[place] >= least`, within `radius_m`, nearest first, with
        metres; ties by place. With `bit` >= 0 only those with that bit set in `bits[place]` (>= 0). `values` and `bits`
        are contiguous and as long as the points or longer."""
        if not self.size or k <= 0:
            return []
        if len(values) < self._reach or len(bits) < self._reach:
            raise ValueError(f"{self._reach} values and bits are needed, not {len(values)} and {len(bits)}")
        longest = math.inf if radius_m == math.inf else wgs84.chord_squared(radius_m)
        if _search is None:
            return self.scanned((at[0], at[1], least, longest, bit), k, values, bits)
        out = np.empty(2 * k)  # of this call: another thread may ask between the search and the reading
        found = _search(self._packed, values, bits, out, (at[0], at[1], least, longest, bit))
        return list(_pairs(out.data if found == k else out[: 2 * found].data))

    def scanned(self, asked: Asked, k: int, values: Ints, bits: Ints) -> list[tuple[int, float]]:
        """The same answer by looking at every point: until the search is compiled, and to test it."""
        lon, lat, least, longest, bit = asked
        if not (abs(lon) <= 540 and abs(lat) <= 90):
            return []
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
        metres = wgs84.arc(apart[chosen][order]).tolist()
        return list(zip(places[order].tolist(), metres, strict=True))


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
        _search = importlib.import_module("banyan.craft.place.rings").search
    except ImportError:
        return  # every answer stays right without it
