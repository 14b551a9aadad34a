"""What was foretold and how it came out: the forecast measured on itself, today.

Every so often a sample of the outlets a forecast is given for is written down with it; what ends it, or the time it has
lasted, is its fate. Pure but for the columns it holds: a table of at most 72 trials by SUPPLIES_FORECAST_SAMPLE rows,
3 MB, in which an end is one look-up.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from banyan.limits_supplies import SUPPLIES_FORECAST_SAMPLE
from banyan.service.supplies.forecast.curve import NO_FATES, Fates
from banyan.service.supplies.forecast.pace import Floats, Parts, service_hours

Rows = npt.NDArray[np.int64]
EVERY_H: Final = 1 / 3
"""Between two trials."""
MOST: Final = round(24 / EVERY_H) + 1
"""Trials of a day."""
NOTHING: Final = np.float32(np.nan)
"""Nothing foretold; or not ended yet."""


class Trials:
    """A day's trials. Row i of each table is the trial at `hours[i]`, column j the sampled row j * stride."""

    def __init__(self) -> None:
        self.hours: list[float] = []
        self._stride = 0
        self._need: Floats = np.empty((0, 0), np.float32)
        self._lasted: Floats = np.empty((0, 0), np.float32)
        self._told: Floats = np.empty((3, 0, 0), np.float32)
        self._is_out: npt.NDArray[np.bool_] = np.empty((0, 0), np.bool_)

    def is_due(self, before: float, now: float) -> bool:
        """Whether a trial's time lies between two looks."""
        return before > 0 and int(before / EVERY_H) != int(now / EVERY_H)

    def sample(self, size: int) -> Rows:
        """At most SUPPLIES_FORECAST_SAMPLE of so many rows, evenly over all; the same ones all day."""
        if not self._stride:
            self._stride = max(1, -(-size // SUPPLIES_FORECAST_SAMPLE))
            width = -(-size // self._stride)
            self._need = np.full((MOST, width), NOTHING)
            self._lasted = np.full((MOST, width), NOTHING)
            self._told = np.full((3, MOST, width), NOTHING)
            self._is_out = np.zeros((MOST, width), np.bool_)
        return np.arange(self._need.shape[1], dtype=np.int64) * self._stride

    def begin(self, hour: float, rows: Rows, need: Floats, told: Floats) -> None:
        """Write forecasts of sampled rows down."""
        place, columns = len(self.hours), rows // self._stride
        self.hours.append(hour)
        self._need[place, columns] = need
        self._told[:, place, columns] = told

    def foretold(self, place: int) -> Rows:
        """The rows of a trial."""
        return np.flatnonzero(~np.isnan(self._need[place])) * self._stride

    def end(self, rows: Rows, hour: float, parts: Parts, *, is_out: bool) -> None:
        """What ended for rows at `hour`; only the first end of a forecast counts."""
        if not self.hours or not len(rows):
            return
        rows = rows[(rows % self._stride == 0) & (rows // self._stride < self._need.shape[1])]
        columns, count = rows // self._stride, len(self.hours)
        running = ~np.isnan(self._need[:count, columns]) & np.isnan(self._lasted[:count, columns])
        trial, column = np.nonzero(running)
        begun = np.array(self.hours, np.float32)[trial]
        ended = np.maximum(begun, np.float32(hour))
        self._lasted[trial, columns[column]] = service_hours(begun, ended, parts[rows[column]])
        self._is_out[trial, columns[column]] = is_out

    def fates(self, hour: float, parts: Parts) -> Fates:
        """All forecasts of the day as they stand at `hour`."""
        if not self.hours:
            return NO_FATES
        count = len(self.hours)
        trial, column = np.nonzero(~np.isnan(self._need[:count]))
        begun = np.array(self.hours, np.float32)[trial]
        span = service_hours(begun, np.maximum(begun, np.float32(hour)), parts[column * self._stride])
        lasted, is_out = self._lasted[trial, column], self._is_out[trial, column]
        return Fates(
            need=self._need[trial, column],
            told=self._told[:, trial, column],
            lasted=np.where(np.isnan(lasted), span, lasted).astype(np.float32),
            span=span,
            is_out=is_out,
            is_cut=~np.isnan(lasted) & ~is_out,
        )
