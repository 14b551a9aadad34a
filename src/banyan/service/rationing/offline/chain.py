"""A terminal's chain as far as its receipts have come: what is missing, forked or torn. A view of a set: the order in
which receipts come, and how often, changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec


class Link(msgspec.Struct, frozen=True, order=True):
    """What a chain knows of a receipt. `prev` and `id` are digests; `at` is the terminal's clock, POSIX seconds."""

    counter: int
    id: bytes
    prev: bytes
    at: int


class Seen(msgspec.Struct, frozen=True):
    """`missing` counters below the highest; `forked` counters that two receipts claim (a cloned or restored terminal);
    `torn` counters whose receipt points at none of its forerunners'; `backward` counters whose clock went back."""

    links: int
    highest: int
    missing: tuple[int, ...]
    forked: tuple[int, ...]
    torn: tuple[int, ...]
    backward: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        return not (self.missing or self.forked or self.torn)


def looked_at(links: Iterable[Link], start: bytes, most: int) -> Seen:
    """The chain of one terminal; `start` is what its first receipt points at. `most` missing counters are named."""
    by_counter: dict[int, set[Link]] = defaultdict(set)
    for link in links:
        by_counter[link.counter].add(link)
    highest = max(by_counter, default=0)
    torn, backward = [], []
    for counter, here in sorted(by_counter.items()):
        before = by_counter.get(counter - 1, set())
        known = {link.id: link for link in before}
        if counter == 1:
            torn += [1] if any(link.prev != start for link in here) else []
        elif before:
            torn += [counter] if any(link.prev not in known for link in here) else []
            backward += [counter] if any(link.prev in known and link.at < known[link.prev].at for link in here) else []
    forked = [counter for counter, here in sorted(by_counter.items()) if len(here) > 1]
    return Seen(
        links=sum(len(here) for here in by_counter.values()),
        highest=highest,
        missing=_missing(by_counter, highest, most),
        forked=tuple(forked),
        torn=tuple(torn),
        backward=tuple(backward),
    )


def _missing(known: dict[int, set[Link]], highest: int, most: int) -> tuple[int, ...]:
    """The first `most` counters that never came; a counter may be as high as a liar likes, so no range is walked."""
    missing: list[int] = []
    last = 0
    for counter in sorted(known):
        missing += range(last + 1, min(counter, last + 1 + most - len(missing)))
        last = counter
        if len(missing) >= most:
            break
    return tuple(missing)
