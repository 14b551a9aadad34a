"""How much an outlet would sell in a day, from days on which it often sold out: those bound its demand from below only.

A day of an outlet is cut into slots; `seen` says how much of a slot it could have sold in (open, listed, with stock).
Sales of outlet i on weekday w in slot t are taken as Poisson-like with mean rate_i * week_w * pace_t * seen; a slot
after the sell-out is not seen and says nothing: the shop that sold out at 10:00 is judged by its rate until then.
Few sales say little: each rate is drawn towards that of the outlets of its town on that weekday, as far as the outlets
of one town differ (a gamma prior; empirical Bayes). The dispersion of the counts (packs, queues) widens the error.
Sources: Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data, s4 (exposure under right censoring);
Efron & Morris, JASA 70:311, 1975 (shrinkage).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from banyan.craft.allot.model import Amounts, Counts
from banyan.limits_allocation import ALLOT_ROUNDS

SETTLED: Final = 1e-6
"""Largest relative change of the pace at which the alternation ends."""
WEEKDAYS: Final = 7
TOWN_WEIGHT: Final = 10.0
"""Days' worth of sales of one outlet by which the nation speaks in a town's mean: small towns have few outlets."""
SPREAD: Final = (0.2, 50.0)
"""Bounds of the prior's shape: outlets of a town that differ wildly, and that hardly differ."""


class Observed(msgspec.Struct, frozen=True):
    """Days of outlets, one a row. `outlet` numbers from 0 to `outlets`, `town` by outlet, from 0; `weekday` 0 is
    Monday. `sold[row, slot]` units; `seen[row, slot]` from 0 to 1."""

    outlets: int
    town: Counts
    outlet: Counts
    weekday: Counts
    sold: Counts
    seen: Amounts

    def __post_init__(self) -> None:
        assert self.sold.shape == self.seen.shape, "a slot is not seen"
        assert len(self.outlet) == len(self.weekday) == len(self.sold), "a day lacks its outlet"
        assert len(self.town) == self.outlets, "an outlet lacks its town"


class Estimate(msgspec.Struct, frozen=True):
    """`expected[outlet, weekday]`: units a day with enough stock; `error` its standard error, of the mean and not of a
    single day. `pace`: the share of a day's demand by slot; `week`: a weekday's part of the mean day; `dispersion`:
    variance over mean of the counts; `unseen`: share of all outlet-days that ended sold out or unseen."""

    expected: Amounts
    error: Amounts
    pace: Amounts
    week: Amounts
    dispersion: float
    unseen: float


def estimate(seen: Observed) -> Estimate:
    """Of no sales at all, nothing: expected and error are zero."""
    slots = seen.sold.shape[1]
    total = int(seen.sold.sum())
    if not total:
        nothing = np.zeros((seen.outlets, WEEKDAYS))
        return Estimate(nothing, nothing, np.full(slots, 1 / max(slots, 1)), np.ones(WEEKDAYS), 1.0, 0.0)
    rate, pace, week = _alternate(seen)
    exposed = seen.seen @ pace
    dispersion = _dispersion(seen, rate, pace, week)
    mean, shape = _prior(seen, exposed, week, dispersion)
    sold = _sums(seen.outlet, seen.sold.sum(axis=1), seen.outlets)
    days = _sums(seen.outlet, exposed * week[seen.weekday], seen.outlets)
    town = mean[seen.town]
    held = shape / np.maximum(town, 1e-9) + days / dispersion
    level = (shape + sold / dispersion) / held
    error = np.sqrt(shape + sold / dispersion) / held
    factor = _weeks_of_towns(seen, level, exposed, week)[seen.town]
    return Estimate(
        level[:, None] * factor, error[:, None] * factor, pace, week, dispersion, float(1 - np.mean(exposed))
    )


def _alternate(seen: Observed) -> tuple[Amounts, Amounts, Amounts]:
    """Rates, pace and weekdays that fit each other: the maximum of the Poisson likelihood over what was seen."""
    sold_of_outlet = _sums(seen.outlet, seen.sold.sum(axis=1), seen.outlets)
    sold_of_slot = seen.sold.sum(axis=0).astype(np.float64)
    sold_of_day = _sums(seen.weekday, seen.sold.sum(axis=1), WEEKDAYS)
    pace, week = np.full(seen.sold.shape[1], 1 / seen.sold.shape[1]), np.ones(WEEKDAYS)
    rate = sold_of_outlet.astype(np.float64)
    for _ in range(ALLOT_ROUNDS):
        exposed = seen.seen @ pace
        rate = _over(sold_of_outlet, _sums(seen.outlet, exposed * week[seen.weekday], seen.outlets))
        week = _over(sold_of_day, _sums(seen.weekday, exposed * rate[seen.outlet], WEEKDAYS), empty=1.0)
        week /= np.average(week, weights=np.maximum(sold_of_day, 1e-9))
        fresh = _over(sold_of_slot, (rate[seen.outlet] * week[seen.weekday]) @ seen.seen)
        fresh /= fresh.sum()
        change = float(np.abs(fresh - pace).max())
        pace = fresh
        if change <= SETTLED * float(pace.max()):
            break
    return rate, pace, week


def _dispersion(seen: Observed, rate: Amounts, pace: Amounts, week: Amounts) -> float:
    """Pearson's: mean squared difference over the mean expected, at least 1."""
    means = (rate[seen.outlet] * week[seen.weekday])[:, None] * pace * seen.seen
    is_told = means > 1e-6
    squares = (seen.sold - means)[is_told] ** 2
    free = int(is_told.sum()) - int((rate > 0).sum()) - len(pace)
    return max(1.0, float((squares / means[is_told]).sum()) / max(free, 1)) if len(squares) else 1.0


def _prior(seen: Observed, exposed: Amounts, week: Amounts, dispersion: float) -> tuple[Amounts, float]:
    """The mean rate of each town's outlets, drawn a little to the nation's; and the gamma's shape by the method of
    moments: how much outlets of one town differ beyond what chance explains."""
    towns = int(seen.town.max(initial=-1)) + 1
    sold = _sums(seen.outlet, seen.sold.sum(axis=1), seen.outlets)
    days = _sums(seen.outlet, exposed * week[seen.weekday], seen.outlets)
    nation = sold.sum() / max(days.sum(), 1e-9)
    town_sold, town_days = _sums(seen.town, sold, towns), _sums(seen.town, days, towns)
    mean = (town_sold + TOWN_WEIGHT * nation) / (town_days + TOWN_WEIGHT)
    expected = mean[seen.town] * days
    beyond = float(((sold - expected) ** 2 - dispersion * expected).sum())
    square = float((expected**2).sum())
    shape = square / beyond if beyond > 0 else SPREAD[1]
    return mean, float(np.clip(shape, *SPREAD))


def _weeks_of_towns(seen: Observed, level: Amounts, exposed: Amounts, week: Amounts) -> Amounts:
    """A weekday's part in each town: its own sales over what its outlets' levels promise, drawn to the nation's."""
    towns = int(seen.town.max(initial=-1)) + 1
    cell = seen.town[seen.outlet] * WEEKDAYS + seen.weekday
    sold = _sums(cell, seen.sold.sum(axis=1), towns * WEEKDAYS).reshape(towns, WEEKDAYS)
    hoped = _sums(cell, exposed * level[seen.outlet], towns * WEEKDAYS).reshape(towns, WEEKDAYS)
    weight = TOWN_WEIGHT * float(np.mean(level))
    found: Amounts = (sold + weight * week) / (hoped + weight)
    return found


def _sums(place: Counts, weight: Amounts | Counts, count: int) -> Amounts:
    """The weights added up by place."""
    return np.bincount(place, weight, count).astype(np.float64)


def _over(part: Amounts, whole: Amounts, *, empty: float = 0.0) -> Amounts:
    """part / whole, `empty` where nothing was seen."""
    return np.where(whole > 1e-12, part / np.maximum(whole, 1e-12), empty)
