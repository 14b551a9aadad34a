"""Which lane goes next: stride scheduling, so that the pressing go first and nobody waits for ever.

Each lane has a weight; of any long run of messages a lane that always waits gets its weight's share. A lane that was
empty begins at the pace of the others: it cannot save up turns. Source: Waldspurger, Weihl, MIT/LCS/TM-528 (1995).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from banyan.craft.notify.model import Lane

WEIGHTS: Final = {Lane.FENCE: 512, Lane.ALERT: 128, Lane.REMINDER: 8, Lane.BULK: 1}
"""With all lanes full, bulk still gets one of 649 and reminders one of 81."""
_WHOLE: Final = 512


class Lanes:
    """The pace of each lane. One sender has one."""

    def __init__(self) -> None:
        self._passed: dict[Lane, int] = {}

    def share(self, waiting: Mapping[Lane, int], most: int) -> dict[Lane, int]:
        """How many of each lane to send now, `most` together; the order of the keys is the order to send in."""
        left = {lane: count for lane, count in sorted(waiting.items()) if count > 0}
        self._join(left)
        found: dict[Lane, int] = {}
        while most > 0 and left:
            lane = min(left, key=lambda one: (self._passed[one], one))
            found[lane] = found.get(lane, 0) + 1
            self._passed[lane] += _WHOLE // WEIGHTS[lane]
            most -= 1
            left[lane] -= 1
            if not left[lane]:
                del left[lane]
        return dict(sorted(found.items()))

    def _join(self, left: Mapping[Lane, int]) -> None:
        """Lanes that begin to wait start where the others are."""
        now = min((self._passed[lane] for lane in left if lane in self._passed), default=0)
        self._passed = {lane: max(self._passed.get(lane, now), now) - now for lane in left}
