"""How many calls may run at once, and how long one holds its place: what the gateway learns about itself. Pure.

The bound moves by additive increase and multiplicative decrease (Chiu and Jain 1989), and its signal is how late the
event loop comes, not how long calls take. A gradient on the calls' latency reads a change of the mix (a report of 30 s
after thousand questions of 5 ms) or a slow provider as congestion, and would cut every other agency's calls for it; the
loop is late only when this process has more work than it can do, and cutting then helps.
"""

from __future__ import annotations

from banyan.limits_road import (
    ADMISSION_CUT,
    ADMISSION_HOLD_CALLS,
    ADMISSION_LAG_S,
    ADMISSION_LEAST,
    ADMISSION_MOST,
    ADMISSION_START,
    ADMISSION_STEP,
)


class Pace:
    """`limit`: calls that may run at once, between `least` and `most`. `hold_s`: mean time that one holds a place; 0
    before the first."""

    __slots__ = ("_least", "_most", "_seen", "hold_s", "limit")

    def __init__(
        self, limit: int = ADMISSION_START, *, least: int = ADMISSION_LEAST, most: int = ADMISSION_MOST
    ) -> None:
        self.limit = limit
        self._least, self._most = min(least, limit), max(most, limit)
        self.hold_s = 0.0
        self._seen = 0

    def ended(self, held_s: float) -> None:
        """A call gave its place back."""
        if self._seen < ADMISSION_HOLD_CALLS:
            self._seen += 1
        self.hold_s += (held_s - self.hold_s) / self._seen

    def looked(self, lag_s: float, *, is_held_up: bool) -> int:
        """The new bound. `is_held_up`: since the last look a call had to wait for a place."""
        if lag_s > ADMISSION_LAG_S:
            self.limit = max(self._least, int(self.limit * ADMISSION_CUT))
        elif is_held_up:
            self.limit = min(self._most, self.limit + ADMISSION_STEP)
        return self.limit
