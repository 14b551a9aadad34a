"""Who waits for the disk: the loop itself where the disk is quick, a thread where it is not.

A write handed to a thread comes back when that thread was given the interpreter, several times, by a loop that has
other calls to do. Where the disk takes 0.1 ms that costs more than the disk (docs/decisions/0131).
"""

from __future__ import annotations

from collections.abc import Callable

from banyan.limits_road import MESSAGES_FLUSH_HERE_S, MESSAGES_FLUSH_SHARE


class Flushing:
    """Learns from each flush that the loop waited for. `stopwatch`: seconds that only run forward."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        self._stopwatch = stopwatch
        self._aside_until = stopwatch()

    def is_here(self) -> bool:
        """Whether the loop may wait for the next flush."""
        return self._stopwatch() >= self._aside_until

    def took(self, seconds: float) -> None:
        """The loop waited so long for one."""
        if seconds > MESSAGES_FLUSH_HERE_S:
            self._aside_until = self._stopwatch() + seconds * MESSAGES_FLUSH_SHARE
