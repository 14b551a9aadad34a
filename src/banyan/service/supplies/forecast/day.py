"""The day's course of one item at every outlet, as columns: what a forecast is made of.

Row j is the board's row j. Made of stock events alone and reset at Taiwan's midnight; an event costs what it changes,
not what there is (52 bytes a row: 52 MB for a million outlets).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from banyan.limits_supplies import SUPPLIES_FORECAST_DROPS
from banyan.service.supplies.forecast.curve import Curve, learn
from banyan.service.supplies.forecast.pace import (
    MEMORY_H,
    Floats,
    Parts,
    after_service,
    pack_of,
    rate,
    remnant_of,
    service_hours,
)
from banyan.service.supplies.forecast.trials import Rows, Trials

Ints = npt.NDArray[np.int32]
NONE: Final = -1
"""In a column of stocks: not known."""
NEVER: Final = np.float32(np.nan)
"""In a column of hours: it did not happen today."""
GAP_H: Final = 0.5
"""Of an outlet that sold out between two looks further apart than this nobody knows when."""
QUIET_H: Final = 1.0
"""An outlet that sold nothing in so many service hours is not selling, and nothing is foretold for it."""
PACK_AFTER: Final = 200
"""Drops to have seen before the pack is taken from them."""


class Day:
    """One item's day. `few`: a rise of at least so many is a delivery, a smaller one a correction."""

    def __init__(self, few: int) -> None:
        self.few = few
        self.number = NONE
        """Days since 1970 in Taiwan; NONE before the first event."""
        self.hour = 0.0
        """The newest look."""
        self.curve = learn(Trials().fates(0, np.empty(0, np.uint8)))
        self.trials = Trials()
        self.pack = 1
        """Units a person takes, as today's sales tell; 1 while too few were seen."""
        self.first: Ints = np.empty(0, np.int32)
        self.left: Ints = np.empty(0, np.int32)
        self.sold: Ints = np.empty(0, np.int32)
        self.delivered_at: Floats = np.empty(0, np.float32)
        self.empty_since: Floats = np.empty(0, np.float32)
        self.sold_at: Floats = np.empty(0, np.float32)
        self.is_listed: npt.NDArray[np.bool_] = np.empty(0, np.bool_)
        self.parts: Parts = np.empty(0, np.uint8)
        self._seen: Floats = np.empty(0, np.float32)
        self._sold: Floats = np.empty(0, np.float32)
        self._served: Floats = np.empty(0, np.float32)
        self._drops: Ints = np.empty(0, np.int32)
        self._nation = (-1.0, 0.0)

    @property
    def remnant(self) -> int:
        """With this much or less left an outlet is as good as sold out."""
        return remnant_of(self.pack, self.few)

    def begin(self, number: int) -> None:
        """A new day: what stood last stays, what was told of the day before is forgotten."""
        self.number, self.hour, self.pack = number, 0.0, 1
        self.first[:], self.sold[:] = NONE, 0
        for hours in (self.delivered_at, self.empty_since, self.sold_at):
            hours[:] = NEVER
        for weighted in (self._seen, self._sold, self._served):
            weighted[:] = 0
        self._drops, self._nation, self.trials = np.empty(0, np.int32), (-1.0, 0.0), Trials()

    def grow(self, size: int) -> None:
        """Room for `size` rows, the new ones unknown and open all day."""
        more = size - len(self.left)
        if more <= 0:
            return
        for name in ("first", "left", "sold"):
            empty = np.full(more, 0 if name == "sold" else NONE, np.int32)
            setattr(self, name, np.append(getattr(self, name), empty))
        for name in ("delivered_at", "empty_since", "sold_at"):
            setattr(self, name, np.append(getattr(self, name), np.full(more, NEVER, np.float32)))
        for name in ("_seen", "_sold", "_served"):
            setattr(self, name, np.append(getattr(self, name), np.zeros(more, np.float32)))
        self.is_listed = np.append(self.is_listed, np.zeros(more, np.bool_))
        self.parts = np.append(self.parts, np.full(more, 7, np.uint8))

    def know(self, rows: Rows, left: Ints) -> None:
        """What rows had before the day began, or since nobody knows when: nothing is sold or delivered by it."""
        self.left[rows], self.is_listed[rows] = left, True

    def look(self, rows: Rows, left: Ints, hour: float) -> None:
        """Rows that are new or changed at `hour`, with what one can get of the item there. What became less overnight
        was not sold today; what became more was delivered."""
        hour = max(hour, self.hour)
        self._try(hour)
        before, known = self.left[rows], self.is_listed[rows] & (self.first[rows] != NONE)
        drop = np.where(known, np.maximum(before - left, 0), 0).astype(np.int32)
        self._settle(rows, drop, hour)
        is_delivery = (before >= 0) & (left - before >= self.few)
        self.sold[rows] += drop
        self.first[rows] = np.where(self.first[rows] == NONE, left, self.first[rows])
        self._mark(rows, hour, sold_at=drop > 0, delivered_at=is_delivery, empty_since=(left == 0) & (before > 0))
        self.empty_since[rows[left > 0]] = NEVER
        self.left[rows], self.is_listed[rows] = left, True
        self._weigh(drop[drop > 0])
        self._end(rows, known & (before > self.remnant) & (left <= self.remnant), is_delivery, hour)
        self.hour = hour

    def vanish(self, rows: Rows, hour: float) -> None:
        """Rows that left the list: not zero, not known any more."""
        rows = rows[self.is_listed[rows]]
        self._settle(rows, np.zeros(len(rows), np.int32), max(hour, self.hour))
        self.is_listed[rows] = False
        self.empty_since[rows] = NEVER
        self.trials.end(rows, self.hour, self.parts, is_out=False)

    def nation(self) -> float:
        """Units an hour of service at the mean selling outlet of late, at the newest look."""
        if self._nation[0] != self.hour:
            served = float(self._served.sum(dtype=np.float64))
            self._nation = (self.hour, float(self._sold.sum(dtype=np.float64)) / served if served > 0 else 0.0)
        return self._nation[1]

    def rates(self, rows: Rows) -> Floats:
        """Units an hour of service now."""
        return rate(*self._aged(rows, self.hour), self.nation())

    def needs(self, rows: Rows) -> Floats:
        """Service hours until no more than the remnant is left, at the rate; infinite without any sale."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.maximum(self.left[rows] - self.remnant, 0) / self.rates(rows)).astype(np.float32)

    def is_selling(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Rows a forecast can be given for: on the list, with more than a remnant, sold some in the last hour."""
        quiet = service_hours(self.sold_at[rows], np.float32(self.hour), self.parts[rows])
        has_sold = ~np.isnan(self.sold_at[rows])
        return self.is_listed[rows] & (self.left[rows] > self.remnant) & has_sold & (quiet < QUIET_H)

    def times(self, rows: Rows, hours: Floats) -> Floats:
        """The hour of the day after so many more service hours; NaN: not today."""
        return after_service(np.float32(self.hour), hours, self.parts[rows])

    def _mark(self, rows: Rows, hour: float, **happened: npt.NDArray[np.bool_]) -> None:
        for name, where in happened.items():
            getattr(self, name)[rows[where]] = np.float32(hour)

    def _weigh(self, drops: Ints) -> None:
        if len(drops):
            self._drops = np.append(self._drops, drops)[-SUPPLIES_FORECAST_DROPS:]

    def _end(self, rows: Rows, is_out: npt.NDArray[np.bool_], is_delivery: npt.NDArray[np.bool_], hour: float) -> None:
        """Tell the trials what ended: sell-outs at the middle of the gap in which they fell."""
        is_timed = is_out if hour - self.hour <= GAP_H else np.zeros_like(is_out)
        self.trials.end(rows[is_timed], (hour + self.hour) / 2, self.parts, is_out=True)
        self.trials.end(rows[is_delivery | (is_out & ~is_timed)], self.hour, self.parts, is_out=False)

    def _faded(self, rows: Rows, hour: float) -> tuple[Floats, Floats]:
        """How much of a weight is left at `hour` of rows last settled before, and the weight of the service between.
        A shelf that is empty or off the list serves nobody."""
        sells = self.is_listed[rows] & (self.left[rows] > 0)
        span = np.where(sells, service_hours(self._seen[rows], np.float32(hour), self.parts[rows]), np.float32(0))
        fade = np.exp(-span / np.float32(MEMORY_H)).astype(np.float32)
        return fade, np.float32(MEMORY_H) * (1 - fade)

    def _aged(self, rows: Rows, hour: float) -> tuple[Floats, Floats]:
        """Weighted sales and service of rows, faded to `hour`."""
        fade, served = self._faded(rows, hour)
        return self._sold[rows] * fade, self._served[rows] * fade + served

    def _settle(self, rows: Rows, drop: Ints, hour: float) -> None:
        """Take in what was sold since the rows were settled last; it was sold evenly over that time, and fades so."""
        fade, served = self._faded(rows, hour)
        span = np.maximum(-np.log(np.maximum(fade, np.float32(1e-30))) * np.float32(MEMORY_H), np.float32(1e-6))
        evenly = np.where(fade < 1, served / span, np.float32(1))
        self._sold[rows] = self._sold[rows] * fade + drop * evenly
        self._served[rows] = self._served[rows] * fade + served
        self._seen[rows] = np.float32(hour)

    def _try(self, hour: float) -> None:
        """Before the look that crosses a trial's time: learn from what came out, and write down what is foretold."""
        if not self.trials.is_due(self.hour, hour):
            return
        if self._drops.size >= PACK_AFTER:
            self.pack = pack_of(self._drops)
        self.curve = learn(self.trials.fates(self.hour, self.parts))
        rows = self.trials.sample(len(self.left))
        rows = rows[self.is_selling(rows)]
        need = self.needs(rows)
        self.trials.begin(self.hour, rows, need, self.curve.told(need))


def curve_of(day: Day) -> Curve:
    """The day's curve with everything that has come out until its newest look."""
    return learn(day.trials.fates(day.hour, day.parts))
