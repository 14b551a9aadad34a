"""Leaving a witness alone that keeps failing, so that it costs no checkpoint its waiting time; asked again later.

Source: the circuit breaker of Nygard, Release It! (2007); the wait doubles.
"""

from __future__ import annotations

from collections.abc import Callable

from banyan.limits import WITNESS_FAILURES, WITNESS_REST_MOST_S, WITNESS_REST_S


class Breaker:
    """By name: failures in a row, and until when it rests. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def rests(self, name: str) -> bool:
        return self._clock() < self._until.get(name, 0.0)

    def worked(self, name: str) -> None:
        self._failures.pop(name, None)
        self._until.pop(name, None)

    def failed(self, name: str) -> None:
        """One more failure; from WITNESS_FAILURES on each is followed by a rest twice as long as the one before."""
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        over = failures - WITNESS_FAILURES
        if over >= 0:
            rest_s = min(WITNESS_REST_S * 2.0 ** min(over, 16), WITNESS_REST_MOST_S)
            self._until[name] = self._clock() + rest_s
