"""How wrong the forecast is: measured on its own outcomes, without leaving out the ones that make it look bad.

Only forecasts whose told time has passed are judged, all of them: an outlet that still sells then is off by at least
the time since. Those that a delivery or a vanishing cut short before are nobody's fault and left out.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.service.supplies.forecast.curve import Fates

AHEAD_H: Final = (0.5, 1.0, 2.0, 4.0, 24.0)
"""Errors are told by how far ahead the expected time lay, service hours; upper bounds."""
LEAST_JUDGED: Final = 20
"""Fewer judged forecasts give no figure."""


class Error(msgspec.Struct, frozen=True):
    """Of forecasts whose expected time lay up to `ahead_h` ahead (and beyond the bound before): `minutes` is the median
    of how far off they were, `judged` how many were judged."""

    ahead_h: float
    minutes: int
    judged: int


class Interval(msgspec.Struct, frozen=True):
    """How often the interval told was right, percent. `early`: sold out before the earliest time told (10 is meant);
    `late`: later than the latest (10 is meant); `covered`: the rest. Of `judged` forecasts."""

    covered: int
    early: int
    late: int
    judged: int


def errors_of(fates: Fates) -> tuple[Error, ...]:
    """The errors by how far ahead was told; bounds with too few judged are left out."""
    expected = fates.told[1]
    judged = _is_judged(fates, expected)
    short = np.where(fates.is_out, np.abs(fates.lasted - expected), fates.lasted - expected)
    found, floor = [], 0.0
    for bound in AHEAD_H:
        chosen = judged & (expected > floor) & (expected <= bound)
        if chosen.sum() >= LEAST_JUDGED:
            found.append(Error(bound, round(float(np.median(short[chosen])) * 60), int(chosen.sum())))
        floor = bound
    return tuple(found)


def interval_of(fates: Fates) -> Interval | None:
    """How often the interval was right; None with too few judged at either end."""
    earliest, _, latest = fates.told
    begun, ended = _is_judged(fates, earliest), _is_judged(fates, latest)
    if begun.sum() < LEAST_JUDGED or ended.sum() < LEAST_JUDGED:
        return None
    early = float((fates.is_out & (fates.lasted < earliest))[begun].mean())
    late = float((fates.lasted > latest)[ended].mean())
    covered = round(100 * (1 - early - late))
    return Interval(covered, round(100 * early), round(100 * late), int(ended.sum()))


def _is_judged(fates: Fates, told: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Whether the told time has passed and nothing but a sale ended it before."""
    return np.isfinite(told) & (fates.span >= told) & ~(fates.is_cut & (fates.lasted < told))
