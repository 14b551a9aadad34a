"""Rates of grants against a bucket that is counted out plainly."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.kernel.exchange.road.admission_quota import Quotas, whole_seconds


class Plain:
    """Tokens as exact numbers."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.tokens, self.at = Fraction(per_minute), Fraction(0)

    def take(self, now: Fraction) -> bool:
        self.tokens = min(Fraction(self.per_minute), self.tokens + (now - self.at) * self.per_minute / 60)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.booleans()), max_size=120),
)
@settings(max_examples=200, deadline=None)
def test_a_quota_is_a_plain_bucket_of_a_minutes_calls(per_minute: int, walk: list[tuple[str, int, bool]]) -> None:
    quotas = Quotas()
    plain = {key: Plain(per_minute) for key in "abc"}
    now = 0.0
    for key, quarters, is_given_back in walk:
        now += quarters / 4
        spent = quotas.take(key, per_minute, now)
        exact = Fraction(now)
        assert (spent is None) == plain[key].take(exact)
        if spent is not None:
            assert abs(spent.retry_s - float((1 - plain[key].tokens) * 60 / per_minute)) < 1e-6
            later = Quotas()
            later._new = dict(quotas._new)
            later._swap_at = 1e18
            assert later.take(key, per_minute, now + spent.retry_s + 1e-6) is None
        elif is_given_back:
            quotas.give_back(key, per_minute)
            plain[key].tokens += 1
        assert quotas.left(key, per_minute, now) == int(plain[key].tokens)


def test_buckets_that_are_full_again_are_forgotten() -> None:
    quotas = Quotas()
    for at in range(10_000):
        quotas.take(at, 60, at / 10)
    assert len(quotas) <= 1_300
    quotas.take("one", 60, 100_000.0)
    assert len(quotas) == 1


def test_seconds_to_wait_are_whole_and_never_none() -> None:
    assert [whole_seconds(s, 60) for s in (0.0, 0.2, 1.0, 1.1, 600.0)] == [1, 1, 1, 2, 60]
