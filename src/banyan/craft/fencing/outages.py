"""Masts out of order: when most phones of a mast fall silent or jump at once it is the network, not the people.

A mast is dark from the slot in which at least `outage_phones` were there before and more than `outage_share` of them
went, until half as many are served by it again, or `outage_s` passed. The whole network counts as one more mast
(`ALL`): a node that stood still, or an operator's feed that broke, is no mass escape either.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.fencing.rule import Rule

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
ALL: Final = -1
"""The site of an outage of the whole network."""
HOME_SHARE: Final = 0.25
"""Of a phone's home at dark masts: then its jumps are excused."""
_EXCUSES_AT_ONCE: Final = 100_000


class Outages:
    """The dark masts: since which slot, and how many phones each served before."""

    def __init__(self, rule: Rule, x: Floats, y: Floats) -> None:
        self._rule, self._x, self._y = rule, x, y
        self.dark: dict[int, tuple[int, int]] = {}

    @property
    def is_any(self) -> bool:
        return bool(self.dark)

    def close(self, slot: int, sights: tuple[Ints, Ints, Bools]) -> tuple[list[int], list[int]]:
        """Take one slot in; the masts that are dark from now, and those no longer. `sights`: the mast of each phone
        heard in the slot before, the mast of each fix of this one, and which of the former are gone."""
        before, now, gone = sights
        sites = len(self._x)
        there = np.append(np.bincount(before[before >= 0], minlength=sites), len(before))
        left = np.append(np.bincount(before[gone & (before >= 0)], minlength=sites), np.count_nonzero(gone))
        served = np.append(np.bincount(now[now >= 0], minlength=sites), len(now))
        lit = [site for site, (since, phones) in self.dark.items() if self._is_over(slot, since, phones, served[site])]
        for site in lit:
            del self.dark[site]
        fell = (there >= self._rule.outage_phones) & (left > self._rule.outage_share * there)
        found = []
        for place in np.flatnonzero(fell).tolist():
            site = place if place < sites else ALL
            if site not in self.dark and site not in lit:
                self.dark[site] = slot, int(there[place])
                found.append(site)
        return found, sorted(lit)

    def _is_over(self, slot: int, since: int, phones: int, served: int) -> bool:
        return bool(2 * served >= phones) or (slot - since) * self._rule.slot_s >= self._rule.outage_s

    def near(self, sites: Ints) -> Bools:
        """Which sites lie within `outage_reach_m` of a dark one."""
        if ALL in self.dark:
            return np.ones(len(sites), np.bool_)
        found = np.zeros(len(sites), np.bool_)
        for dark in self.dark:
            apart = np.hypot(self._x[sites] - self._x[dark], self._y[sites] - self._y[dark])
            found |= apart <= self._rule.outage_reach_m
        return found

    def excuses(self, last: Ints, homes: Ints, counts: npt.NDArray[np.uint16]) -> Bools:
        """For each phone whether its last mast is dark, or HOME_SHARE of its home."""
        if ALL in self.dark:
            return np.ones(len(last), np.bool_)
        is_dark = np.zeros(len(self._x) + 1, np.bool_)  # the last entry is for -1: no site
        is_dark[list(self.dark)] = True
        found = is_dark[last]
        for start in range(0, len(last), _EXCUSES_AT_ONCE):
            part = slice(start, start + _EXCUSES_AT_ONCE)
            lost = np.where(is_dark[homes[part]], counts[part], 0).sum(axis=1)
            found[part] |= (lost > 0) & (lost >= HOME_SHARE * counts[part].sum(axis=1))
        return found

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(sorted((site, *one) for site, one in self.dark.items()))

    def load(self, dump: bytes) -> None:
        rows = msgspec.msgpack.decode(dump, type=list[tuple[int, int, int]])
        self.dark = {site: (since, phones) for site, since, phones in rows}
