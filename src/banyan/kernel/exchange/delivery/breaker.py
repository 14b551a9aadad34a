"""The breaker of one peer: after failures in a row it is left alone, then asked once, before all are sent again.

closed -> (DELIVERY_FAILURES in a row) -> open -> (its rest is over) -> half open: one probe -> closed, or open for
twice as long. Values in, values out. Source: the circuit breaker of Nygard, Release It! (2007).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.limits_road import DELIVERY_FAILURES, DELIVERY_REST_MOST_S, DELIVERY_REST_S

State = Literal["closed", "open", "half-open"]


class Breaker(msgspec.Struct, frozen=True):
    failures: int = 0
    until: float = 0.0
    """Until when it rests, once it is open."""

    @property
    def is_tripped(self) -> bool:
        return self.failures >= DELIVERY_FAILURES

    def state(self, now: float) -> State:
        if not self.is_tripped:
            return "closed"
        return "open" if now < self.until else "half-open"

    def places(self, now: float, width: int) -> int:
        """How many may be under way at once."""
        return {"closed": width, "open": 0, "half-open": 1}[self.state(now)]

    def failed(self, now: float, jitter: float) -> Breaker:
        """`jitter` is random in 0..1. A failure of what was under way when it opened changes nothing."""
        assert 0 <= jitter <= 1, f"jitter {jitter} is not in 0..1"
        if self.state(now) == "open":
            return self
        failures = self.failures + 1
        doubled = DELIVERY_REST_S * 2.0 ** min(max(0, failures - DELIVERY_FAILURES), 16)
        return Breaker(failures, now + min(DELIVERY_REST_MOST_S, doubled) * (0.5 + jitter / 2))

    def worked(self) -> Breaker:
        return Breaker()


def backoff_s(tries: int, jitter: float, *, first: float, most: float) -> float:
    """The wait before the next try: doubling from `first`, spread over its upper half."""
    assert 0 <= jitter <= 1, f"jitter {jitter} is not in 0..1"
    return min(most, first * 2.0 ** min(tries, 32)) * (0.5 + jitter / 2)
