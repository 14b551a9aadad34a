"""Redistribution moves whole boxes from who cannot sell them to who can, the shortest way first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.allot.moving import Move, Stand, held_by_top, moves


@st.composite
def stands(draw: st.DrawFn) -> Stand:
    count = draw(st.integers(0, 15))

    def column(numbers: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(numbers, min_size=count, max_size=count))

    degrees = st.floats(0, 0.2).map(lambda part: 120 + round(part, 4)) | st.just(float("nan"))
    lon, lat = column(degrees), column(st.floats(23, 23.2).map(lambda part: round(part, 4)))
    stock, expected = column(st.integers(0, 600)), column(st.integers(0, 600))
    room = column(st.integers(0, 6))
    codes = draw(st.permutations([f"{number:03d}" for number in range(count)]))
    whole = (np.array(one, np.int64) for one in (stock, expected, room))
    return Stand(tuple(codes), np.array(lon, np.float64), np.array(lat, np.float64), *whole)


def told(stand: Stand, found: list[Move]) -> list[tuple[str, str, int, int]]:
    return sorted((stand.codes[one.give], stand.codes[one.take], one.boxes, one.metres) for one in found)


@given(stands(), st.integers(0, 30))
def test_givers_keep_what_they_sell_and_takers_have_room(stand: Stand, most: int) -> None:
    found = moves(stand, 50, radius_m=10_000, most=most)
    given_away = np.zeros(len(stand.codes), np.int64)
    taken = np.zeros(len(stand.codes), np.int64)
    for one in found:
        given_away[one.give] += one.boxes
        taken[one.take] += one.boxes
        assert one.boxes > 0
        assert one.metres <= 10_001
    assert len(found) <= most
    is_giver = given_away > 0
    assert (stand.stock - given_away * 50 >= stand.expected)[is_giver].all()
    assert (taken <= stand.room).all()
    assert not (is_giver & (taken > 0)).any()
    assert ((stand.expected - stand.stock)[taken > 0] >= 25).all()


@given(stands(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(stand: Stand, random: object) -> None:
    order = list(range(len(stand.codes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    columns = (stand.lon, stand.lat, stand.stock, stand.expected, stand.room)
    turned = Stand(tuple(stand.codes[place] for place in order), *(column[order] for column in columns))
    assert told(stand, moves(stand, 50, radius_m=10_000, most=99)) == told(
        turned, moves(turned, 50, radius_m=10_000, most=99)
    )


def test_the_nearest_gets_it_until_nobody_near_is_short() -> None:
    stand = Stand(
        ("a", "b", "c", "d"),
        np.array([120.0, 120.01, 120.02, 121.0]),
        np.full(4, 23.0),
        np.array([300, 0, 0, 0]),
        np.array([80, 60, 140, 500]),
        np.full(4, 9),
    )
    assert [(one.take, one.boxes) for one in moves(stand, 50, radius_m=10_000, most=9)] == [(1, 1), (2, 3)]


def test_a_tenth_may_hold_nearly_all() -> None:
    assert held_by_top([78, *[2] * 8, 6]) == 78 / 100
    assert held_by_top([]) == 0.0
