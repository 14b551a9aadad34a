"""The k nearest places by great circle, exactly.

Points are kept as unit vectors on the sphere: the nearest point is the one with the largest dot product, one pass of
multiplications without trigonometry (1M points: see docs/decisions/0042). Distances are metres on a sphere
of the mean Earth radius (IUGG), within 0.5 % of the ellipsoid's.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy
from numpy.typing import NDArray

from banyan.limits import NEAREST

EARTH_M: Final = 6_371_008.8
Vectors = NDArray[numpy.float64]
_BLOCK: Final = 262_144
"""Points scored at a time: the scores stay in the processor's cache."""


class Points(msgspec.Struct, frozen=True, eq=False):
    """The rows of a version that have a place: their `_id` in rising order, and unit vectors x, y, z."""

    ids: NDArray[numpy.int64]
    x: Vectors
    y: Vectors
    z: Vectors

    @property
    def size(self) -> int:
        return int(self.ids.nbytes + self.x.nbytes + self.y.nbytes + self.z.nbytes)


class Near(msgspec.Struct, frozen=True):
    """A row and its distance."""

    id: int
    metres: float


def points(ids: NDArray[numpy.int64], lon: Vectors, lat: Vectors) -> Points:
    """Points from degrees (WGS84). Rows without a finite place, or with one off the globe, are left out."""
    is_placed = numpy.isfinite(lon) & numpy.isfinite(lat) & (numpy.abs(lat) <= 90) & (numpy.abs(lon) <= 360)
    east, north = numpy.radians(lon[is_placed]), numpy.radians(lat[is_placed])
    flat = numpy.cos(north)
    return Points(ids[is_placed], flat * numpy.cos(east), flat * numpy.sin(east), numpy.sin(north))


def nearest(
    among: Points, place: tuple[float, float], *, k: int, radius_m: float = math.inf, only: NDArray[numpy.int64] | None
) -> list[Near]:
    """The `k` nearest points to `place` (lon, lat in degrees) within `radius_m`, nearest first, ties by `_id`.

    `only` are the `_id`s that a filter lets through, in rising order; None lets all through.
    """
    assert 0 < k <= NEAREST, "the operation bounds k"
    if only is not None:
        kept = numpy.isin(among.ids, only, assume_unique=True)
        among = Points(among.ids[kept], among.x[kept], among.y[kept], among.z[kept])
    east, north = math.radians(place[0]), math.radians(place[1])
    at = (math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north))
    best = _best(among, at, k)
    metres = _metres(among, at, best)
    order = numpy.lexsort((among.ids[best], metres))
    found = [Near(int(among.ids[best[one]]), float(metres[one])) for one in order]
    return [near for near in found if near.metres <= radius_m][:k]


def _best(among: Points, at: tuple[float, float, float], k: int) -> NDArray[numpy.intp]:
    """Positions of the k best scores, and of all that tie with the last of them."""
    found: list[NDArray[numpy.intp]] = []
    floor = -math.inf
    for start in range(0, len(among.ids), _BLOCK):
        end = min(start + _BLOCK, len(among.ids))
        score = among.x[start:end] * at[0]
        score += among.y[start:end] * at[1]
        score += among.z[start:end] * at[2]
        if end - start > k:
            floor = max(floor, float(numpy.partition(score, len(score) - k)[len(score) - k]))
        # The dot product loses digits for near points; a hair of slack keeps every true neighbour for the exact step.
        found.append(numpy.flatnonzero(score >= floor - 1e-12) + start)
    return numpy.concatenate(found) if found else numpy.empty(0, dtype=numpy.intp)


def _metres(among: Points, at: tuple[float, float, float], which: NDArray[numpy.intp]) -> Vectors:
    """Great-circle distances by the chord, exact for near points where the dot product is not."""
    chord = numpy.sqrt((among.x[which] - at[0]) ** 2 + (among.y[which] - at[1]) ** 2 + (among.z[which] - at[2]) ** 2)
    metres: Vectors = 2 * EARTH_M * numpy.arcsin(numpy.minimum(chord / 2, 1.0))
    return metres
