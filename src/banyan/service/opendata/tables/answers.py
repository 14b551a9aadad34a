"""Bounded memories: what was used last stays, what was used longest ago goes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A map that keeps at most `weight` of what `weigh` says of its values. Not for use across threads."""

    def __init__(self, weight: int, weigh: Callable[[V], int], dropped: Callable[[K, V], None] | None = None) -> None:
        self._limit = weight
        self._weigh = weigh
        self._dropped = dropped
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def get(self, key: K) -> V | None:
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V) -> None:
        """Keep the value; one heavier than the whole limit is not kept."""
        self.drop(key)
        weight = self._weigh(value)
        if weight > self._limit:
            if self._dropped is not None:
                self._dropped(key, value)
            return
        self._held[key] = (value, weight)
        self.weight += weight
        while self.weight > self._limit:
            self.drop(next(iter(self._held)))

    def drop(self, key: K) -> None:
        found = self._held.pop(key, None)
        if found is None:
            return
        self.weight -= found[1]
        if self._dropped is not None:
            self._dropped(key, found[0])

    def drop_all(self, is_gone: Callable[[K], bool]) -> None:
        """Drop every key that `is_gone` says is gone."""
        for key in [key for key in self._held if is_gone(key)]:
            self.drop(key)

    def clear(self) -> None:
        self.drop_all(lambda _: True)
