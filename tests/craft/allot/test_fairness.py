"""Evenness by its textbook values and its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.allot import by_town, gini, lorenz

GROUPS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), max_size=30)


def test_textbook_values() -> None:
    ones = np.ones(4)
    assert gini(np.array([1, 1, 1, 1]), ones) == pytest.approx(0.0)
    assert gini(np.array([0, 0, 0, 1]), ones) == pytest.approx(0.75)
    assert gini(np.array([1, 2, 3, 4]), ones) == pytest.approx(0.25)


def test_residents_weigh() -> None:
    """A town of three with three is as even as three towns of one with one."""
    assert gini(np.array([3, 2]), np.array([3, 1])) == pytest.approx(gini(np.array([1, 1, 1, 2]), np.ones(4)))


@given(GROUPS)
def test_it_lies_between_even_and_all_to_one(groups: list[tuple[int, int]]) -> None:
    units, people = np.array([one for one, _ in groups]), np.array([one for _, one in groups])
    assert 0.0 <= gini(units, people) <= 1.0
    curve = lorenz(units, people)
    assert list(curve.people) == sorted(curve.people)
    assert list(curve.units) == sorted(curve.units)
    assert curve.people[0] == curve.units[0] == 0.0
    assert all(high <= wide + 1e-9 for wide, high in zip(curve.people, curve.units, strict=True))


def test_a_town_without_outlets_is_in_the_report() -> None:
    towns = by_town(
        ["臺東縣蘭嶼鄉", "臺東縣臺東市", "臺東縣臺東市"],
        np.array([50, 100, 300]),
        {"高雄市桃源區": 4_000, "臺東縣臺東市": 100_000},
    )
    assert [(one.town, one.outlets, one.units, one.per_1000) for one in towns] == [
        ("臺東縣臺東市", 2, 400, 4.0),
        ("臺東縣蘭嶼鄉", 1, 50, None),
        ("高雄市桃源區", 0, 0, 0.0),
    ]
