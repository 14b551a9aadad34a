"""Calls a minute of each grant: a token bucket as one number, the time at which it will be full again (GCRA).

A bucket holds a minute's calls, so all of them may come at once; then they come back evenly. Source of the form: ITU-T
I.371 Annex A; one number is taken and given back in O(1) and is right at whatever rate the grant says next.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil
from typing import Final

import msgspec

WINDOW_S: Final = 60.0


class Spent(msgspec.Struct, frozen=True):
    """A quota that is used up: of how many a minute, and when the next call may come."""

    per_minute: int
    retry_s: float


class Quotas:
    """All buckets of a role. Those not touched for a window are full, hence forgotten: two generations, swapped."""

    __slots__ = ("_new", "_old", "_swap_at")

    def __init__(self) -> None:
        self._new: dict[Hashable, float] = {}
        self._old: dict[Hashable, float] = {}
        self._swap_at = 0.0

    def take(self, key: Hashable, per_minute: int, now: float) -> Spent | None:
        """Take one call of `per_minute`; None when there was one."""
        if now >= self._swap_at:
            self._swap(now)
        full_at = self._new.get(key)
        if full_at is None:
            full_at = self._old.pop(key, now)
        each = WINDOW_S / per_minute
        full_at = (full_at if full_at > now else now) + each
        over = full_at - now - WINDOW_S
        if over > each * 1e-6:
            self._new[key] = full_at - each
            return Spent(per_minute, over)
        self._new[key] = full_at
        return None

    def give_back(self, key: Hashable, per_minute: int) -> None:
        """The call that was taken did not run."""
        if key in self._new:
            self._new[key] -= WINDOW_S / per_minute
        elif key in self._old:
            self._old[key] -= WINDOW_S / per_minute

    def left(self, key: Hashable, per_minute: int, now: float) -> int:
        """Whole calls that may come at once."""
        full_at = self._new.get(key) or self._old.get(key, now)
        return min(per_minute, int((WINDOW_S - max(0.0, full_at - now)) * per_minute / WINDOW_S + 1e-6))

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def _swap(self, now: float) -> None:
        """Forget what was not touched for a window; after a long pause that is all."""
        self._old = self._new if now < self._swap_at + WINDOW_S else {}
        self._new = {}
        self._swap_at = now + WINDOW_S


def whole_seconds(seconds: float, most: int) -> int:
    """For `Retry-After` and `t`: at least 1."""
    return min(most, max(1, ceil(seconds)))
