"""Things ordered by a small whole number, and within one number by when they came to it: each step is O(1).

A bit for each number that has somebody finds the lowest and the highest at once; an `OrderedDict` for each keeps the
order and forgets from anywhere (a plain dict walks over the places of those that left).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Levels(Generic[K]):
    """Each key stands on one level. The caller says on which when it takes a key out: it knows."""

    __slots__ = ("_bits", "_rows")

    def __init__(self) -> None:
        self._rows: list[OrderedDict[K, None]] = []
        self._bits = 0

    def put(self, key: K, level: int) -> None:
        """Last of its level."""
        while len(self._rows) <= level:
            self._rows.append(OrderedDict())
        row = self._rows[level]
        assert key not in row, "a key stands on one level, once"
        row[key] = None
        self._bits |= 1 << level

    def take(self, key: K, level: int) -> None:
        row = self._rows[level]
        del row[key]
        if not row:
            self._bits &= ~(1 << level)

    def lowest(self) -> K:
        """The first of the lowest level; there must be one."""
        return next(iter(self._rows[(self._bits & -self._bits).bit_length() - 1]))

    def highest(self) -> tuple[K, int]:
        """The last of the highest level, and that level; there must be one."""
        level = self._bits.bit_length() - 1
        return next(reversed(self._rows[level])), level

    def __bool__(self) -> bool:
        return self._bits != 0
