"""What was foretold and how it came out: the forecast measured on itself, today.

Every so often a sample of the outlets a forecast is given for is written down with it; what ends it, or the time it has
lasted, is its fate. Pure but for the columns it holds; at most 72 trials of SUPPLIES_FORECAST_SAMPLE rows a day.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.limits import SUPPLIES_FORECAST_SAMPLE
from banyan.service.supplies.forecast.curve import NO_FATES, Fates
from banyan.service.supplies.forecast.pace import Floats, Parts, service_hours

Rows = npt.NDArray[np.int64]
EVERY_H: Final = 1 / 3
"""Between two trials."""


class Trial(msgspec.Struct):
    """Rows in order, what was foretold at `hour`, and how long each lasted (NaN: nothing ended it yet)."""

    hour: float
    rows: Rows
    need: Floats
    told: Floats
    lasted: Floats
    is_out: npt.NDArray[np.bool_]


class Trials:
    """A day's trials."""

    def __init__(self) -> None:
        self.held: list[Trial] = []

    def is_due(self, before: float, now: float) -> bool:
        """Whether a trial's time lies between two looks."""
        return before > 0 and int(before / EVERY_H) != int(now / EVERY_H)

    def sample(self, size: int) -> Rows:
        """At most SUPPLIES_FORECAST_SAMPLE rows, evenly over all."""
        return np.arange(0, size, max(1, -(-size // SUPPLIES_FORECAST_SAMPLE)), dtype=np.int64)

    def begin(self, hour: float, rows: Rows, need: Floats, told: Floats) -> None:
        """Write forecasts down; `rows` in ascending order."""
        lasted = np.full(len(rows), np.nan, np.float32)
        self.held.append(Trial(hour, rows, need, told, lasted, np.zeros(len(rows), np.bool_)))

    def end(self, rows: Rows, hour: float, parts: Parts, *, is_out: bool) -> None:
        """What ended for rows at `hour`; only the first end of a forecast counts."""
        for trial in self.held if len(rows) else ():
            places = np.searchsorted(trial.rows, rows)
            fits = places < len(trial.rows)
            places, wanted = places[fits], rows[fits]
            places = places[(trial.rows[places] == wanted) & np.isnan(trial.lasted[places])]
            begun, ended = np.float32(trial.hour), np.float32(max(hour, trial.hour))
            trial.lasted[places] = service_hours(begun, ended, parts[trial.rows[places]])
            trial.is_out[places] = is_out

    def fates(self, hour: float, parts: Parts) -> Fates:
        """All forecasts of the day as they stand at `hour`."""
        if not self.held:
            return NO_FATES
        now = np.float32(hour)
        span = np.concatenate([service_hours(np.float32(one.hour), now, parts[one.rows]) for one in self.held])
        lasted = np.concatenate([one.lasted for one in self.held])
        is_out = np.concatenate([one.is_out for one in self.held])
        return Fates(
            need=np.concatenate([one.need for one in self.held]),
            told=np.concatenate([one.told for one in self.held], axis=1),
            lasted=np.where(np.isnan(lasted), span, lasted).astype(np.float32),
            span=span,
            is_out=is_out,
            is_cut=~np.isnan(lasted) & ~is_out,
        )
