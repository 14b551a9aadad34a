"""The pressing go first, and nobody waits for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.notify.lanes import WEIGHTS, Lanes
from banyan.craft.notify.model import Lane
from banyan.craft.notify.pace import Pace


def test_full_lanes_share_by_weight() -> None:
    lanes, total = Lanes(), dict.fromkeys(Lane, 0)
    for _ in range(649):
        for lane, count in lanes.share(dict.fromkeys(Lane, 10**6), 10).items():
            total[lane] += count
    whole = sum(WEIGHTS.values())
    assert all(abs(total[lane] - 6490 * WEIGHTS[lane] / whole) <= 2 for lane in Lane)
    assert total[Lane.BULK] >= 9


def test_a_lane_cannot_save_up_turns() -> None:
    lanes = Lanes()
    for _ in range(100):
        lanes.share({Lane.BULK: 1000}, 50)
    first = lanes.share({Lane.FENCE: 3, Lane.BULK: 1000}, 4)
    assert first[Lane.FENCE] == 3
    for _ in range(1000):
        lanes.share({Lane.FENCE: 1000}, 50)
    assert lanes.share({Lane.FENCE: 1000, Lane.BULK: 1000}, 50)[Lane.FENCE] >= 49


@given(st.lists(st.tuples(st.dictionaries(st.sampled_from(Lane), st.integers(0, 40)), st.integers(0, 60)), max_size=20))
def test_a_share_is_what_waits_and_no_more(rounds: list[tuple[dict[Lane, int], int]]) -> None:
    lanes = Lanes()
    for waiting, most in rounds:
        share = lanes.share(waiting, most)
        assert sum(share.values()) == min(most, sum(waiting.values()))
        assert all(0 < count <= waiting[lane] for lane, count in share.items())
        assert list(share) == sorted(share)


@given(st.floats(1, 2000), st.lists(st.floats(0, 2), min_size=1, max_size=50))
def test_never_faster_than_the_rate(rate: float, waits: list[float]) -> None:
    pace, now, sent = Pace(rate, 0.0), 0.0, 0
    for wait in waits:
        now += wait
        room = pace.room(now)
        pace.spend(room)
        sent += room
        assert sent <= rate * now + max(1.0, rate / 5) + 1e-6


def test_a_refusal_pauses_twice_as_long_each_time_until_one_is_taken() -> None:
    pace = Pace(100, 0.0)
    pace.refused(0.0)
    pace.refused(0.1)  # of the same burst
    assert pace.room(0.4) == 0
    assert pace.room(0.5) > 0
    pace.refused(0.6)
    assert pace.ready_in(0.6) == 1.0
    pace.took(2.0)
    pace.refused(2.0)
    assert pace.ready_in(2.0) == 0.5
