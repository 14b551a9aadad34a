"""The window's error curve, beside what the paper itself says of its distribution."""

from __future__ import annotations

import statistics
from itertools import pairwise
from random import Random

import pytest

from banyan.service.travel.erring import LOG_MEAN, LOG_SPREAD, onset_within, window


@pytest.mark.parametrize(("days", "share"), [(2.2, 0.025), (5.1, 0.5), (11.5, 0.975)])
def test_the_percentiles_are_those_that_the_paper_prints(days: float, share: float) -> None:
    """Lauer et al. 2020, results: 2.5 % by 2.2 days, median 5.1, 97.5 % by 11.5."""
    assert onset_within(days) == pytest.approx(share, abs=0.012)


def test_shares_are_those_of_drawn_infections() -> None:
    dice = Random(3)
    drawn = [dice.lognormvariate(LOG_MEAN, LOG_SPREAD) for _ in range(20_000)]
    for days in (3, 7, 14):
        assert statistics.mean(one <= days for one in drawn) == pytest.approx(onset_within(days), abs=0.015)


def test_a_longer_window_misses_fewer_and_none_catches_on_its_first_day() -> None:
    assert onset_within(0) == 0.0
    found = [window(days) for days in range(1, 31)]
    assert all(early.share < late.share for early, late in pairwise(found) if late.share < 1)
    assert 100 < (window(14).one_in or 0) < 200
