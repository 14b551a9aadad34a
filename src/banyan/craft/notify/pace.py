"""How fast a bind may send: a bucket of tokens by its rate, and the pauses after "not now"."""

from __future__ import annotations

from banyan.limits_alerts import NOTIFY_PAUSE_S


class Pace:
    """`rate` submit_sm a second. `now` is a monotonic clock's seconds."""

    def __init__(self, rate: float, now: float) -> None:
        assert rate > 0, "a bind has a rate"
        self._rate, self._most = rate, max(1.0, rate / 5)
        self._tokens, self._at = self._most, now
        self._pause_s, self._until = 0.0, 0.0

    def ready_in(self, now: float) -> float:
        """Seconds until one may be sent; 0 when now."""
        self._fill(now)
        missing = max(0.0, 1.0 - self._tokens) / self._rate
        return max(missing, self._until - now, 0.0)

    def room(self, now: float) -> int:
        """How many may be sent now: at most a fifth of a second's."""
        self._fill(now)
        return int(self._tokens) if now >= self._until else 0

    def spend(self, count: int) -> None:
        """So many were sent. A text of several parts may overdraw; then the next wait is longer."""
        self._tokens -= count

    def refused(self, now: float) -> None:
        """The SMSC said "not now": pause, twice as long as the last time."""
        if now < self._until:
            return  # answers to what was under way already
        first, longest = NOTIFY_PAUSE_S
        self._pause_s = min(longest, max(first, self._pause_s * 2))
        self._until = now + self._pause_s

    def took(self, now: float) -> None:
        """The SMSC took one after the last pause: forget it."""
        if now >= self._until:
            self._pause_s = 0.0

    def _fill(self, now: float) -> None:
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
