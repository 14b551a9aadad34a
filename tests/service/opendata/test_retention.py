"""Which versions of a live source are kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.make import NOW

from banyan.kernel.events import EpochS
from banyan.limits import KEEP_ALL_S, KEEP_DAILY_S, KEEP_HOURLY_S
from banyan.service.opendata.retention import DAY_S, HOUR_S, Age, surplus


def ages(*seconds_ago: float, lasting: tuple[int, ...] = ()) -> list[Age]:
    """Versions numbered from 1, the oldest first."""
    ordered = sorted(seconds_ago, reverse=True)
    return [Age(number, EpochS(NOW - ago), number in lasting) for number, ago in enumerate(ordered, 1)]


def test_all_of_the_last_hour_are_kept() -> None:
    assert surplus(ages(*range(0, KEEP_ALL_S, 30)), NOW) == []


def test_then_the_last_of_each_hour() -> None:
    hour = NOW - NOW % HOUR_S - 3 * HOUR_S
    made = [Age(n + 1, EpochS(hour + n * 60), False) for n in range(60)] + [Age(61, NOW, False)]
    assert set(range(1, 61)) - set(surplus(made, NOW)) == {60}


def test_then_the_last_of_each_day() -> None:
    day = NOW - NOW % DAY_S - 10 * DAY_S
    made = [Age(n + 1, EpochS(day + n * HOUR_S), False) for n in range(24)] + [Age(25, NOW, False)]
    assert set(range(1, 25)) - set(surplus(made, NOW)) == {24}


def test_beyond_the_last_span_only_what_lasts() -> None:
    made = ages(KEEP_DAILY_S + 10, KEEP_DAILY_S + 5, 0, lasting=(1,))
    assert surplus(made, NOW) == [2]


@given(st.lists(st.tuples(st.floats(0, KEEP_DAILY_S * 1.1), st.booleans()), min_size=1, max_size=60))
def test_the_newest_and_the_lasting_are_never_dropped(made: list[tuple[float, bool]]) -> None:
    ordered = sorted(made, reverse=True)
    versions = [Age(n, EpochS(NOW - ago), lasting) for n, (ago, lasting) in enumerate(ordered, 1)]
    dropped = set(surplus(versions, NOW))
    assert versions[-1].number not in dropped
    assert not dropped & {age.number for age in versions if age.is_lasting}
    assert not dropped & {age.number for age in versions if NOW - age.at <= KEEP_ALL_S}
    left = [age for age in versions if age.number not in dropped]
    assert surplus(left, NOW) == [], "pruning twice is pruning once"
    assert KEEP_ALL_S < KEEP_HOURLY_S < KEEP_DAILY_S
