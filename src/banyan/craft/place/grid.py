"""The k nearest points that hold enough of something, exactly. (Flat grid; see docs/decisions.)"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

EARTH_M = 6_371_008.8


class Grid:
    """An index over points, WGS84 degrees. Points with NaN are never found."""

    def __init__(self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> None:
        self._lon, self._lat = lon.copy(), lat.copy()

    def nearest(
        self,
        at: tuple[float, float],
        k: int,
        *,
        values: npt.NDArray[np.int32],
        least: int,
        radius_m: float,
        bits: npt.NDArray[np.int32],
        bit: int,
    ) -> list[tuple[int, float]]:
        """The k nearest places in the arrays with `values[place] >= least`, within `radius_m`, nearest first, with
        metres; ties by place. With `bit` >= 0 only those with that bit set in `bits[place]` (>= 0)."""
        size = len(self._lon)
        fits = (values[:size] >= least) & np.isfinite(self._lon)
        if bit >= 0:
            fits &= (bits[:size] >= 0) & ((bits[:size] >> bit) & 1 == 1)
        places = np.flatnonzero(fits)
        middle = np.radians((self._lat[places] + at[1]) / 2)
        east = np.radians(self._lon[places] - at[0]) * np.cos(middle)
        north = np.radians(self._lat[places] - at[1])
        metres = np.hypot(east, north) * EARTH_M
        order = np.lexsort((places, metres))[:k]
        return [(int(places[one]), float(metres[one])) for one in order if metres[one] <= radius_m]
