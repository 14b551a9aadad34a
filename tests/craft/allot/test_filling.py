"""Water-filling holds what it promises, for any outlets and any supply."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.allot import Asked, Shared, fill


@st.composite
def askings(draw: st.DrawFn, most: int = 12) -> Asked:
    """Outlets with small and large demand, floors above their room among them."""
    count = draw(st.integers(0, most))
    numbers = st.integers(0, 400) | st.integers(0, 2**20)
    demand = draw(st.lists(numbers, min_size=count, max_size=count))
    floor = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    cap = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
    codes = draw(st.permutations([f"59{number:08d}" for number in range(count)]))
    return asked(codes, demand, floor, cap, box=draw(st.sampled_from((1, 7, 50))))


def asked(codes: list[str], demand: list[int], floor: list[int], cap: list[int], box: int) -> Asked:
    columns = (np.array(column, np.int64) for column in (demand, floor, cap))
    return Asked(tuple(codes), *columns, box)


def room_of(one: Asked) -> int:
    return int(np.where(one.demand > 0, one.cap, one.floor).sum())


@given(askings(), st.integers(0, 150))
def test_every_box_is_given_or_accounted_for(one: Asked, supply: int) -> None:
    shared = fill(one, supply)
    assert int(shared.boxes.sum()) + shared.left == supply
    assert shared.left == max(0, supply - room_of(one))
    assert shared.short == max(0, int(one.floor.sum()) - supply)


@given(askings(), st.integers(0, 150))
def test_floors_and_caps_hold(one: Asked, supply: int) -> None:
    shared = fill(one, supply)
    assert (shared.boxes <= one.cap).all()
    if not shared.short:
        assert (shared.boxes >= one.floor).all()
    else:
        assert (shared.boxes <= one.floor).all()


@given(askings(), st.integers(0, 150), st.integers(0, 5))
def test_more_supply_gives_nobody_less(one: Asked, supply: int, more: int) -> None:
    assert (fill(one, supply + more).boxes >= fill(one, supply).boxes).all()


@given(askings(), st.integers(0, 150))
def test_nobody_envies_another_by_more_than_a_box(one: Asked, supply: int) -> None:
    shared = fill(one, supply)
    goal = one.floor if shared.short else one.demand
    start = np.zeros_like(one.floor) if shared.short else one.floor
    top = one.floor if shared.short else one.cap
    rows = list(zip(shared.boxes.tolist(), goal.tolist(), start.tolist(), top.tolist(), strict=True))
    for mine, want, _, room in rows:
        for theirs, wanted, least, _ in rows:
            if want and wanted and mine < room and theirs > least:
                assert Fraction(theirs - 1, wanted) <= Fraction(mine, want)


@given(askings(), st.integers(0, 150), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(one: Asked, supply: int, random: object) -> None:
    order = list(range(len(one.codes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    turned = Asked(
        tuple(one.codes[place] for place in order), one.demand[order], one.floor[order], one.cap[order], one.box
    )
    assert told(turned, fill(turned, supply)) == told(one, fill(one, supply))


@given(askings(most=6), st.integers(0, 40))
def test_it_is_the_slow_way_one_box_at_a_time(one: Asked, supply: int) -> None:
    """The reference: each next box to the smallest fraction, ties to the larger demand, then to the code."""
    shared = fill(one, supply)
    goal = one.floor if shared.short else one.demand
    top = one.floor if shared.short else np.where(one.demand > 0, one.cap, one.floor)
    boxes = [0] * len(one.codes) if shared.short else one.floor.tolist()
    for _ in range(supply - sum(boxes)):
        below = [place for place, held in enumerate(boxes) if held < top[place]]
        if below:
            chosen = min(below, key=lambda at: (Fraction(boxes[at], int(goal[at])), -int(goal[at]), one.codes[at]))
            boxes[chosen] += 1
    assert shared.boxes.tolist() == boxes


def test_a_flat_share_is_what_equal_outlets_get() -> None:
    shared = fill(asked(["a", "b", "c"], [200] * 3, [0] * 3, [9] * 3, 50), 7)
    assert shared.boxes.tolist() == [3, 2, 2]


def test_a_nation_of_large_numbers_stays_exact() -> None:
    """At the bounds, where ratios differ by 2**-40: sums of products must not overflow."""
    demand = [2**20, 2**20 - 1, 2**20 - 3, 1]
    shared = fill(asked(["a", "b", "c", "d"], demand, [0] * 4, [2**20] * 4, 1), 3 * 2**19 + 1)
    assert int(shared.boxes.sum()) == 3 * 2**19 + 1
    assert shared.boxes.tolist() == [524289, 524288, 524287, 1]


def told(one: Asked, shared: Shared) -> dict[str, int]:
    return dict(zip(one.codes, shared.boxes.tolist(), strict=True))
