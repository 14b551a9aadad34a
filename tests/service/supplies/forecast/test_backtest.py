"""The forecast against what really happened: 9 and 14 February and 3 March 2020, and against naive peers.

Bounds are what was measured, with little room; docs/decisions/0074 gives the figures and what they mean.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from tests.service.supplies.forecast.series import Series, a_series, play

from banyan.service.supplies.forecast import trials
from banyan.service.supplies.forecast.curve import HORIZONS, NO_FATES, Curve, Fates, learn
from banyan.service.supplies.forecast.errors import errors_of, interval_of
from banyan.service.supplies.forecast.pace import PARTS
from banyan.service.supplies.forecast.shipped import INF, SHARES, SPREAD

FRIDAY = "2020-02-14"
NIGHT_H = PARTS[-1][1]


@pytest.fixture(autouse=True)
def every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge all outlets, not a sample."""
    monkeypatch.setattr(trials, "SUPPLIES_FORECAST_SAMPLE", 1_000_000)


def fates(series: Series) -> Fates:
    day = play(series)
    return day.trials.fates(day.hour, day.parts)


def told_by(curve: Curve, judged: Fates) -> Fates:
    return msgspec.structs.replace(judged, told=curve.told(judged.need))


def test_the_shipped_spread_is_what_14_february_gives() -> None:
    curve = learn(fates(a_series(FRIDAY)), default_weight=0)
    for horizon in range(HORIZONS):
        for share, shipped in zip(SHARES, SPREAD[horizon], strict=True):
            place = int(np.searchsorted(curve.gone[horizon], share))
            now = float(curve.logs[horizon][place]) if place < len(curve.logs[horizon]) else INF
            assert now == shipped or abs(now - shipped) < 0.011, (horizon, share, now, shipped)


def test_learnt_on_one_half_of_the_outlets_it_holds_for_the_other() -> None:
    series = a_series(FRIDAY)
    for one, other in ((0, 1), (1, 0)):
        judged = told_by(learn(fates(series.half(one)), default_weight=0), fates(series.half(other)))
        minutes = {error.ahead_h: error.minutes for error in errors_of(judged)}
        assert minutes[0.5] <= 16
        assert minutes[1.0] <= 34
        assert minutes[2.0] <= 54
        assert minutes[4.0] <= 150
        interval = interval_of(judged)
        assert interval is not None
        assert 70 <= interval.covered <= 90, interval
        assert 7 <= interval.early <= 13, interval


@pytest.mark.parametrize(("day", "near", "further"), [("2020-02-09", 16, 100), ("2020-03-03", 12, 32)])
def test_shipped_and_learning_it_holds_on_days_it_never_saw(day: str, near: int, further: int) -> None:
    minutes = {error.ahead_h: error.minutes for error in errors_of(fates(a_series(day)))}
    assert minutes[0.5] <= near
    assert minutes[1.0] <= further


def test_better_than_the_naive_ways() -> None:
    """Against a straight line from the opening stock, the last interval's rate, and "it will not", at the same outlets
    and moments: how often was "it sells out within ..." answered wrongly; and of the times that were told and have
    passed, how far off were they."""
    series = a_series(FRIDAY)
    learnt, judged = fates(series.half(0)), fates(series.half(1))
    peers = naive(series.half(1))
    ours = told_by(learn(learnt, default_weight=0), judged)
    never = np.full(len(judged.need), 1e9)
    for within_h in (0.5, 1.0, 2.0):
        wrong = wrong_within(ours, ours.told[1], within_h)
        others = [wrong_within(ours, told, within_h) for told in (peers.line, peers.last, never)]
        assert wrong < 0.9 * min(others), (within_h, wrong, others)
    minutes = {error.ahead_h: error.minutes for error in errors_of(ours)}
    for told in (peers.line, peers.last):
        theirs = {error.ahead_h: error.minutes for error in errors_of(expecting(judged, told))}
        assert all(minutes[bound] <= theirs[bound] for bound in (0.5, 1.0, 2.0)), (minutes, theirs)


def expecting(judged: Fates, told: npt.NDArray[np.float64]) -> Fates:
    """The same outcomes with a peer's expected times."""
    return msgspec.structs.replace(judged, told=np.tile(told.astype(np.float32), (3, 1)))


class Naive(msgspec.Struct, frozen=True):
    """What the peers say of each of the day's forecasts, in the trials' order: service hours to go, to tonight."""

    line: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]


def naive(series: Series) -> Naive:
    found: list[tuple[float, float]] = []
    held = play(series).trials
    for place, now in enumerate(held.hours):
        step, rows = series.hours.index(now), held.foretold(place)
        seen = np.where(series.left[:, rows] >= 0, series.left[:, rows], np.nan)
        drops = np.maximum(np.nan_to_num(seen[:-1] - seen[1:]), 0)
        with np.errstate(divide="ignore"):
            line = seen[step] * (now - series.hours[0]) / drops[:step].sum(axis=0)
            last = seen[step] * (now - series.hours[step - 1]) / drops[step - 1]
        night = NIGHT_H - now
        found += zip(np.minimum(line, night), np.minimum(last, night), strict=True)
    line, last = np.array(found).T
    return Naive(line, last)


def wrong_within(judged: Fates, told: npt.NDArray[np.floating], within_h: float) -> float:
    """Of forecasts watched so long: how often `sold out within the time` was told wrongly."""
    watched = (judged.span >= within_h) & ~(judged.is_cut & (judged.lasted < within_h))
    was = judged.is_out & (judged.lasted <= within_h)
    return float(((told <= within_h) != was)[watched].mean())


def test_nothing_foretold_is_nothing_measured() -> None:
    assert errors_of(NO_FATES) == ()
    assert interval_of(NO_FATES) is None
