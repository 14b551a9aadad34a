"""The breaker and the waits: closed, open, half open; never a storm, never for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from banyan.kernel.exchange.delivery.breaker import Breaker, backoff_s
from banyan.limits_road import (
    DELIVERY_FAILURES,
    DELIVERY_LIFE_MOST_S,
    DELIVERY_REMEMBERED_S,
    DELIVERY_REST_MOST_S,
    DELIVERY_REST_S,
    DELIVERY_REVIVE_S,
    DELIVERY_WINDOW_S,
)


def tripped(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(DELIVERY_FAILURES):
        assert breaker.state(now) == "closed"
        breaker = breaker.failed(now, 1.0)
    return breaker


def test_it_opens_rests_probes_and_closes() -> None:
    breaker = tripped()
    assert (breaker.state(0.0), breaker.places(0.0, 32)) == ("open", 0)
    rest = DELIVERY_REST_S
    assert (breaker.state(rest), breaker.places(rest, 32)) == ("half-open", 1)
    again = breaker.failed(rest, 1.0)
    assert again.state(rest + 2 * DELIVERY_REST_S - 0.01) == "open"
    assert again.state(rest + 2 * DELIVERY_REST_S) == "half-open"
    assert again.worked().state(rest) == "closed"
    assert again.worked().places(rest, 32) == 32


def test_failures_of_what_was_under_way_when_it_opened_change_nothing() -> None:
    breaker = tripped()
    for _ in range(31):
        breaker = breaker.failed(0.1, 1.0)
    assert breaker == tripped()


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1), st.booleans()), max_size=60))
def test_a_rest_is_bounded_and_a_success_always_closes_it(steps: list[tuple[float, float, bool]]) -> None:
    breaker, now = Breaker(), 0.0
    for wait_s, jitter, works in steps:
        now += wait_s
        places = breaker.places(now, 32)
        assert places in (0, 1, 32)
        assert (places == 0) == (breaker.state(now) == "open")
        breaker = breaker.worked() if works and places else breaker.failed(now, jitter)
        assert breaker.until - now <= DELIVERY_REST_MOST_S
        assert breaker.places(now + DELIVERY_REST_MOST_S, 32) > 0


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_wait_grows_and_is_bounded(tries: int, jitter: float) -> None:
    wait_s = backoff_s(tries, jitter, first=1.0, most=300.0)
    assert 0.5 <= wait_s <= 300.0
    assert backoff_s(tries + 1, jitter, first=1.0, most=300.0) >= wait_s


def test_no_attempt_comes_after_the_other_side_forgot() -> None:
    """The promise of docs/decisions/0107, 2, in numbers."""
    assert DELIVERY_REVIVE_S + DELIVERY_LIFE_MOST_S <= DELIVERY_WINDOW_S
    assert DELIVERY_REMEMBERED_S >= 86_400
