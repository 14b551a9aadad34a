"""How long an outlet really lasts for each hour foretold: Kaplan-Meier curves of log(actual / predicted), by horizon.

An outlet that sells out gives the truth. One that is restocked, vanishes, or still sells is censored: it lasted at
least so long. Leaving those out would make all forecasts look too long. The curve starts as 14 February 2020 had it
and takes in the day's own outcomes as they come (`Fates`).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.service.supplies.forecast.pace import Floats
from banyan.service.supplies.forecast.shipped import SHARES, SPREAD

Doubles = npt.NDArray[np.float64]
HORIZONS_H: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Upper bounds of the horizons, service hours foretold by the rate; what is longer is the last."""
HORIZONS: Final = len(HORIZONS_H) + 1
DEFAULT_WEIGHT: Final = 300.0
"""Forecasts of a horizon that the shipped curve weighs: about what half an hour of a nation's day brings."""
EARLY, MIDDLE, LATE = 0.1, 0.5, 0.9
"""Shares of outlets sold out at the earliest, the expected and the latest time told."""
LEAST_H: Final = 0.01
"""Shorter lives are taken as this one, 36 s: the logarithm of nothing says nothing."""


def horizon_of(need: Floats | np.float32) -> npt.NDArray[np.int64]:
    """The place among HORIZONS_H; HORIZONS - 1 when longer than all."""
    return np.digitize(need, HORIZONS_H)


class Fates(msgspec.Struct, frozen=True):
    """Forecasts and what became of them, one an element. `need`: service hours foretold by the rate; `told`: the
    earliest, expected and latest told for it, service hours (3 rows; infinite: not today); `lasted`: service hours seen
    until it ended or until now; `span`: service hours since it was told; `is_out`: it ended in a sell-out; `is_cut`: a
    delivery or a vanishing ended it."""

    need: Floats
    told: Floats
    lasted: Floats
    span: Floats
    is_out: npt.NDArray[np.bool_]
    is_cut: npt.NDArray[np.bool_]


NO_FATES: Final = Fates(
    need=np.empty(0, np.float32),
    told=np.empty((3, 0), np.float32),
    lasted=np.empty(0, np.float32),
    span=np.empty(0, np.float32),
    is_out=np.empty(0, np.bool_),
    is_cut=np.empty(0, np.bool_),
)


class Curve(msgspec.Struct, frozen=True):
    """By horizon: `logs` ascending, and `gone`, the share sold out when that much of log(actual / predicted) passed."""

    logs: tuple[Doubles, ...]
    gone: tuple[Doubles, ...]

    def told(self, need: Floats) -> Floats:
        """Earliest, expected and latest service hours (3 rows) for hours foretold by the rate; infinite: never."""
        horizon = horizon_of(need)
        factors = np.array(
            [[self._factor(place, share) for place in range(HORIZONS)] for share in (EARLY, MIDDLE, LATE)]
        )
        told: Floats = (need * factors[:, horizon]).astype(np.float32)
        return told

    def chance(self, need: float, within_h: float) -> float:
        """The share of outlets like this that sell out within so many service hours."""
        if within_h <= 0 or not np.isfinite(need):
            return 0.0
        horizon = int(horizon_of(np.float32(need)))
        place = int(np.searchsorted(self.logs[horizon], np.log(within_h / max(need, LEAST_H)), side="right"))
        return float(self.gone[horizon][place - 1]) if place else 0.0

    def _factor(self, horizon: int, share: float) -> float:
        place = int(np.searchsorted(self.gone[horizon], share))
        return float(np.exp(self.logs[horizon][place])) if place < len(self.gone[horizon]) else np.inf


def learn(fates: Fates, *, default_weight: float = DEFAULT_WEIGHT) -> Curve:
    """The curve of outcomes added to the shipped one (weight 0: of the outcomes alone)."""
    horizon = horizon_of(fates.need)
    logs = np.log(np.maximum(fates.lasted, LEAST_H) / np.maximum(fates.need, LEAST_H)).astype(np.float64)
    seen = fates.lasted > 0
    curves = []
    for place in range(HORIZONS):
        chosen = (horizon == place) & seen
        shipped = np.array(SPREAD[place])
        ends = shipped[np.isfinite(shipped)]
        each = default_weight / len(SHARES)
        never = each * (len(SHARES) - len(ends))
        curves.append(
            _kaplan_meier(
                np.concatenate((ends, logs[chosen])),
                np.concatenate((np.ones(len(ends), bool), fates.is_out[chosen])),
                np.concatenate((np.full(len(ends), each), np.ones(int(chosen.sum())))),
                never,
            )
        )
    return Curve(tuple(logs for logs, _ in curves), tuple(gone for _, gone in curves))


def _kaplan_meier(
    logs: Doubles, is_out: npt.NDArray[np.bool_], weight: Doubles, never: float
) -> tuple[Doubles, Doubles]:
    """Times of ends in order and the share ended by then; `never` is weight that outlives all times."""
    order = np.lexsort((~is_out, logs))
    logs, is_out, weight = logs[order], is_out[order], weight[order]
    at_risk = never + weight[::-1].cumsum()[::-1]
    gone = 1 - np.cumprod(1 - np.where(is_out, weight / np.maximum(at_risk, 1e-9), 0))
    return logs[is_out], gone[is_out]
