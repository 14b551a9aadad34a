"""What outlets would have sold, from days on which they sold out: against worlds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from banyan.craft.allot.demand import Observed, estimate

SLOTS = 16


def world(seed: int, *, stock: int, outlets: int = 300, days: int = 14) -> tuple[Observed, np.ndarray]:
    """Outlets of 30 towns with true rates 40 to 400 a day that open with `stock` units; and those rates by weekday."""
    random = np.random.default_rng(seed)
    town = np.arange(outlets) % 30
    rate = random.gamma(4.0, 40.0, outlets) * (0.6 + 0.8 * random.random(30))[town]
    pace = np.array([9, 9, 7, 5, 4, 3, 2, 2, 5, 5, 4, 3, 2, 2, 1, 1]) / 64
    week = np.array([1.3, 1.1, 1.0, 0.9, 1.1, 0.9, 0.7])
    week /= week.mean()
    rows_of, weekday = np.tile(np.arange(outlets), days), np.repeat(np.arange(days) % 7, outlets)
    wish = random.poisson((rate[rows_of] * week[weekday])[:, None] * pace)
    before = np.minimum(np.cumsum(wish, axis=1) - wish, stock)
    sold = np.minimum(wish, stock - before)
    seen = np.where(sold < wish, sold / np.maximum(wish, 1), 1.0) * (before < stock)
    return Observed(outlets, town, rows_of, weekday, sold, seen), rate[:, None] * week


def test_it_sees_past_the_sell_out() -> None:
    """Half the demand goes unsold with 100 a day; the estimate finds it within a tenth, where sales say half."""
    seen, truth = world(1, stock=100)
    found = estimate(seen)
    sold = seen.sold.sum() / 14
    assert sold < 0.7 * truth.mean(axis=1).sum()
    assert found.expected.mean(axis=1).sum() == pytest.approx(truth.mean(axis=1).sum(), rel=0.1)
    apart = np.abs(found.expected - truth).mean() / truth.mean()
    assert apart < 0.2


def test_with_enough_stock_it_is_the_mean() -> None:
    seen, truth = world(2, stock=5_000)
    found = estimate(seen)
    assert found.unseen == pytest.approx(0.0, abs=1e-9)
    assert found.expected.sum() == pytest.approx(seen.sold.sum() / 2, rel=0.02)
    assert found.week == pytest.approx(truth.sum(axis=0) / truth.sum(axis=0).mean(), abs=0.1)


def test_its_error_covers_the_truth() -> None:
    """About 95 of 100 true rates lie within 1.96 standard errors."""
    seen, truth = world(3, stock=120)
    found = estimate(seen)
    level, error = found.expected.mean(axis=1), found.error.mean(axis=1)
    assert 0.85 < float((np.abs(level - truth.mean(axis=1)) < 1.96 * error).mean()) <= 1.0


def test_few_days_are_drawn_to_the_town() -> None:
    """An outlet that nobody saw is thought to be like its neighbours, with a wide error."""
    seen, _ = world(4, stock=5_000, outlets=60)
    kept = seen.outlet != 7
    part = Observed(60, seen.town, seen.outlet[kept], seen.weekday[kept], seen.sold[kept], seen.seen[kept])
    found = estimate(part)
    twin = found.expected[37]  # the other outlet of its town
    nation = found.expected.mean()
    assert min(twin.mean(), nation) * 0.8 < found.expected[7].mean() < max(twin.mean(), nation) * 1.2
    assert found.error[7].mean() > 3 * found.error[37].mean()


def test_nothing_sold_is_nothing_expected() -> None:
    nothing = Observed(
        2, np.zeros(2, np.int64), np.arange(2), np.zeros(2, np.int64), np.zeros((2, 4), np.int64), np.ones((2, 4))
    )
    assert estimate(nothing).expected.sum() == 0


def test_the_same_days_give_the_same_estimate_to_the_bit() -> None:
    seen, _ = world(5, stock=100)
    assert (estimate(seen).expected == estimate(seen).expected).all()
