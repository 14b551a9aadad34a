"""The generated ship: its guests meet people at the places they go to, the same at every start."""

from __future__ import annotations

import numpy as np

from banyan.demo.tracing import (
    ASHORE_H,
    BUSY,
    CASES,
    DOCK,
    GUESTS,
    PLACES,
    delivery,
    hour_of_nation,
    nation,
    numbers_of,
)


def test_the_same_day_again() -> None:
    who = nation(1_000, 20, busy=BUSY)
    one, two = delivery(who, 0.0), delivery(nation(1_000, 20, busy=BUSY), 0.0)
    assert all(
        np.array_equal(getattr(one.pings, name), getattr(two.pings, name)) for name in ("phone", "at", "lon", "lat")
    )
    assert len(one.pings) == 1_000 * 6 * (ASHORE_H[1] - ASHORE_H[0])
    numbers = numbers_of(who).astype(str)
    assert all(one.startswith("81") for one in numbers[:20])
    assert set(numbers[20:22]) == {one[1:] for one in CASES.values()}


def test_guests_are_at_the_dock_first_and_last() -> None:
    who = nation(1_000, GUESTS)
    for hour, is_docked in ((ASHORE_H[0], True), (12, False), (ASHORE_H[1] - 1, True)):
        pings = hour_of_nation(who, hour)
        lon = pings.lon[pings.phone < GUESTS] / 1e6
        assert (np.abs(lon - DOCK[0]) < 0.01).all() == is_docked
    assert not (hour_of_nation(who, 3).phone < GUESTS).any()
    assert len(np.unique(who.way)) > PLACES // 2
