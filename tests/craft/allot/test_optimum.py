"""Greedy by gain is the optimum: HiGHS finds nothing better, and where stops cost something no full search does."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.craft.allot import Asked, by_gain
from banyan.craft.allot.marginal import expected
from banyan.craft.allot.solving import Costs, Ways, solve

DAYS = 3


@st.composite
def newsvendors(draw: st.DrawFn, most: int = 6) -> tuple[Asked, np.ndarray, int]:
    count = draw(st.integers(1, most))
    rows = [draw(st.lists(st.integers(0, 300), min_size=count, max_size=count)) for _ in range(DAYS)]
    days = np.array(rows, np.int64)
    floor = np.array(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), np.int64)
    cap = np.array(draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)), np.int64)
    one = Asked(tuple(map(str, range(count))), days.max(axis=0), floor, cap, 50)
    return one, days, int(one.floor.sum()) + draw(st.integers(0, 12))


@settings(max_examples=60)
@given(newsvendors())
def test_greedy_sells_what_the_integer_programme_sells(given: tuple[Asked, np.ndarray, int]) -> None:
    one, days, supply = given
    greedy, solved = by_gain(one, days, supply), solve(one, days, supply)
    assert int(greedy.boxes.sum()) + greedy.left == supply
    assert expected(greedy.boxes, days, one.box) == pytest.approx(solved.worth)
    assert expected(solved.boxes, days, one.box) == pytest.approx(solved.worth)


@settings(max_examples=40)
@given(newsvendors(most=4), st.integers(1, 60))
def test_stops_are_made_only_where_they_pay(given: tuple[Asked, np.ndarray, int], stop: int) -> None:
    one, days, supply = given
    solved = solve(one, days, supply, costs=Costs(stop=stop))
    best = max(
        expected(np.array(boxes), days, one.box) - stop * sum(1 for held in boxes if held)
        for boxes in product(*(range(low, high + 1) for low, high in zip(one.floor, one.cap, strict=True)))
        if sum(boxes) <= supply
    )
    assert solved.worth == pytest.approx(best, abs=0.02 + best * 1e-4)


def test_a_box_is_carried_where_that_is_worth_the_way() -> None:
    """A has 100 nobody buys; B, 2 km on, would sell 60; C, 90 km on, too."""
    one = Asked(("a", "b", "c"), np.array([0, 60, 60]), np.zeros(3, np.int64), np.array([4, 4, 4]), 50)
    ways = Ways(np.array([0, 0]), np.array([1, 2]), np.array([2.0, 90.0]))
    solved = solve(one, np.array([[0, 60, 60]]), 0, stock=np.array([100, 0, 0]), costs=Costs(trip=10, km=6), ways=ways)
    assert solved.carried.tolist() == [1, 0]
    assert solved.worth == pytest.approx(50 - 10 - 12)


def test_nobody_carries_more_than_there_is() -> None:
    one = Asked(("a", "b"), np.array([0, 400]), np.zeros(2, np.int64), np.array([9, 9]), 50)
    ways = Ways(np.array([0]), np.array([1]), np.array([1.0]))
    solved = solve(one, np.array([[0, 400]]), 2, stock=np.array([120, 30]), costs=Costs(trip=1), ways=ways)
    assert (solved.boxes.tolist(), solved.carried.tolist()) == ([0, 2], [2])
    assert solved.worth == pytest.approx(30 + 200 - 1)


@given(newsvendors(), st.randoms(use_true_random=False))
def test_greedy_does_not_mind_the_order_of_the_rows(given: tuple[Asked, np.ndarray, int], random: object) -> None:
    one, days, supply = given
    order = list(range(len(one.codes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    codes = tuple(one.codes[place] for place in order)
    turned = Asked(codes, one.demand[order], one.floor[order], one.cap[order], one.box)
    mine, theirs = by_gain(one, days, supply), by_gain(turned, days[:, order], supply)
    assert dict(zip(one.codes, mine.boxes.tolist(), strict=True)) == dict(
        zip(codes, theirs.boxes.tolist(), strict=True)
    )


@given(newsvendors(), st.integers(0, 3))
def test_more_supply_gives_nobody_less_by_gain(given: tuple[Asked, np.ndarray, int], more: int) -> None:
    one, days, supply = given
    assert (by_gain(one, days, supply + more).boxes >= by_gain(one, days, supply).boxes).all()
