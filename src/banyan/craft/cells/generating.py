"""An invented operator's cells over given towns: masts as dense as real ones, the same for the same seed.

Spacing as measured on real masts (field notes s2): the median nearest neighbour is 235 m in Tel Aviv and 974 m in
Galilee. Points spread at random have their median neighbour at 0.47 of the spacing of a square grid of the same
density; real masts keep apart more, so a grid that is shaken a little is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from banyan.craft.cells.model import METRES_A_DEGREE, CellTable, cell_table

URBAN_M: Final = 235.0
RURAL_M: Final = 974.0
SHAKEN: Final = 0.38
"""Of the grid's step, each way at most: the median neighbour is then 0.72 of the step."""
_NEIGHBOUR: Final = 0.72
RANGE_SHARE: Final = 2.5
"""A cell's reach in neighbours' distances: what overlaps is where hand-over may go."""


class Cover(msgspec.Struct, frozen=True):
    """Masts in a square around a point: `half_km` each way, the nearest neighbour in the median at `spacing_m`."""

    lon: float
    lat: float
    half_km: float
    spacing_m: float = URBAN_M


def generated(covers: Sequence[Cover], *, seed: int, mcc: str = "466", mnc: str = "99") -> CellTable:
    """Three sectors a mast. One tracking area a cover; ids are the same for the same covers and seed."""
    dice = np.random.default_rng(seed)
    lon: list[np.ndarray] = []
    lat: list[np.ndarray] = []
    ids: list[str] = []
    turns: list[np.ndarray] = []
    reach: list[np.ndarray] = []
    for number, cover in enumerate(covers, 1):
        step = cover.spacing_m / _NEIGHBOUR
        across = np.arange(-cover.half_km * 1000 + step / 2, cover.half_km * 1000, step)
        x, y = (axis.ravel() for axis in np.meshgrid(across, across))
        x = x + dice.uniform(-SHAKEN, SHAKEN, x.size) * step
        y = y + dice.uniform(-SHAKEN, SHAKEN, y.size) * step
        east = cover.lon + x / (METRES_A_DEGREE * math.cos(math.radians(cover.lat)))
        north = cover.lat + y / METRES_A_DEGREE
        lon.append(np.repeat(east.round(6), 3))
        lat.append(np.repeat(north.round(6), 3))
        first = dice.uniform(0, 120, x.size).round()
        turns.append((first[:, None] + np.array([0.0, 120.0, 240.0])).ravel())
        reach.append(np.full(3 * x.size, cover.spacing_m * RANGE_SHARE))
        ids += [
            f"{mcc}-{mnc}-{11000 + number}-{(256 * mast) + sector}" for mast in range(x.size) for sector in (1, 2, 3)
        ]
    site = np.arange(len(ids)) // 3
    return cell_table(
        ids, np.concatenate(lon), np.concatenate(lat), site=site, azimuth=np.concatenate(turns),
        range_m=np.concatenate(reach),
    )  # fmt: skip
