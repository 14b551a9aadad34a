"""Noise: as wide as what was paid says, by OpenDP's own account and by counting draws; bounds ten deviations wide."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import exp, sqrt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from banyan.craft.privacy import MICRO, noise, noisy_counts, noisy_sums
from banyan.errors import Invalid

DRAWS = 20_000


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 10 * MICRO), st.integers(1, 10**9))
@example(12_717, 3)
def test_noise_costs_no_more_than_was_paid(micro_epsilon: int, reach: int) -> None:
    mechanism = noise._mechanism(3, reach, micro_epsilon)
    paid, cost = Fraction(micro_epsilon, MICRO), Fraction(mechanism.map(d_in=reach))
    assert paid * Fraction(999, 1_000) < cost <= paid


@pytest.mark.parametrize("micro_epsilon", [MICRO // 2, MICRO, 2 * MICRO])
def test_counts_are_off_by_the_discrete_laplace_distribution(micro_epsilon: int) -> None:
    off = [count - 1_000 for count in noisy_counts([1_000] * DRAWS, micro_epsilon=micro_epsilon)]
    ratio = exp(-micro_epsilon / MICRO)
    variance = 2 * ratio / (1 - ratio) ** 2
    assert abs(sum(off) / DRAWS) < 10 * sqrt(variance / DRAWS)
    for size, times in Counter(off).items():
        chance = (1 - ratio) / (1 + ratio) * ratio ** abs(size)
        assert abs(times - DRAWS * chance) < 10 * sqrt(DRAWS * chance) + 10, (size, times, DRAWS * chance)


def test_the_noise_of_a_sum_is_as_wide_as_one_person_reaches() -> None:
    near = noisy_sums([0] * DRAWS, least=0, most=1, micro_epsilon=MICRO)
    far = noisy_sums([0] * DRAWS, least=-100, most=3, micro_epsilon=MICRO)
    mean = {name: sum(map(abs, values)) / DRAWS for name, values in (("near", near), ("far", far))}
    assert 0.75 < mean["near"] < 0.95  # 2e^-1 / (1 - e^-2) = 0.851
    assert 92 < mean["far"] < 108  # 100, within ten deviations of 0.7


def test_a_count_is_never_below_nobody_and_a_sum_may_be() -> None:
    assert min(noisy_counts([0] * 1_000, micro_epsilon=MICRO)) == 0
    assert min(noisy_sums([0] * 1_000, least=0, most=1, micro_epsilon=MICRO)) < 0


@pytest.mark.parametrize(("values", "micro_epsilon"), [([1], 0), ([1], -1), ([1], 10 * MICRO + 1), ([], MICRO)])
def test_what_protects_nobody_is_refused(values: list[int], micro_epsilon: int) -> None:
    with pytest.raises(Invalid):
        noisy_counts(values, micro_epsilon=micro_epsilon)


def test_bounds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(Invalid, match="least"):
        noisy_sums([1], least=2, most=1, micro_epsilon=MICRO)
