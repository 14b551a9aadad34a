"""Pings as columns, and the rule that says who met whom.

A ping is one position of one phone at one second. Phones are slots (places in a table of numbers that is kept apart);
positions are WGS84 in whole micro-degrees, 0.11 m, which is finer than any mast tells.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.errors import Invalid
from banyan.limits_tracing import TRACE_BUCKET_S, TRACE_NEAR_S, TRACE_RADIUS_M

Slots = npt.NDArray[np.uint32]
Seconds = npt.NDArray[np.uint16]
Micro = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
HOUR_S: Final = 3_600
SPHERE_M: Final = 6_371_008.8
"""Mean radius of the Earth; distances are haversines on it."""


class Pings(msgspec.Struct, frozen=True, eq=False):
    """One hour's pings in columns of one length; `second` counts from the hour's start."""

    phone: Slots
    second: Seconds
    lon: Micro
    lat: Micro

    def __len__(self) -> int:
        return len(self.phone)

    def take(self, places: npt.NDArray[np.integer] | Flags) -> Pings:
        return Pings(self.phone[places], self.second[places], self.lon[places], self.lat[places])


class Fixes(msgspec.Struct, frozen=True, eq=False):
    """Positions over any time: `at` is epoch seconds, UTC. `phone` is a slot, or of cases the case's number."""

    phone: Slots
    at: Longs
    lon: Micro
    lat: Micro

    def __len__(self) -> int:
        return len(self.phone)

    def take(self, places: npt.NDArray[np.integer] | Flags) -> Fixes:
        return Fixes(self.phone[places], self.at[places], self.lon[places], self.lat[places])


Edge = Literal["same-bucket", "within"]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who counts as a contact. A phone has met a case in one of its own time buckets (`bucket_s`, counted from the
    hour) when a ping of hers lies within `radius_m` of a case's ping that is

    - `same-bucket`: in the same bucket, as the 2020 papers count;
    - `within`: at most `near_s` seconds away, on whichever side of a bucket's edge.

    A contact has met for `dwell_s` at least: her buckets times their length.
    """

    radius_m: float
    bucket_s: int
    dwell_s: int
    edge: Edge = "same-bucket"
    near_s: int = 0

    @property
    def least(self) -> int:
        """Buckets that make a contact."""
        return max(1, -(-self.dwell_s // self.bucket_s))


def check_rule(rule: Rule) -> Rule:
    """The rule. Raises Invalid naming the field and the fix."""
    low, high = TRACE_RADIUS_M
    if not low <= rule.radius_m <= high:
        raise Invalid.at("radius_m", f"{low:g} to {high:g} metres")
    shortest, longest = TRACE_BUCKET_S
    if not shortest <= rule.bucket_s <= longest or HOUR_S % rule.bucket_s:
        raise Invalid.at("bucket_s", f"{shortest} to {longest} seconds, and a divisor of an hour: 300, 600, 900")
    if not 0 <= rule.dwell_s <= 86_400:
        raise Invalid.at("dwell_s", "0 to 86,400 seconds")
    if not 0 <= rule.near_s <= TRACE_NEAR_S or (rule.edge == "same-bucket" and rule.near_s):
        raise Invalid.at("near_s", f"0 to {TRACE_NEAR_S} seconds, and only with edge 'within'")
    return rule


def fixes(phone: npt.ArrayLike, at: npt.ArrayLike, lon: npt.ArrayLike, lat: npt.ArrayLike) -> Fixes:
    """From columns in degrees: rounded to the micro-degree, once, here."""
    east, north = (np.rint(np.asarray(one, np.float64) * 1e6).astype(np.int32) for one in (lon, lat))
    return Fixes(np.asarray(phone, np.uint32), np.asarray(at, np.int64), east, north)


def hours_of(given: Fixes) -> dict[int, Pings]:
    """The same pings by hour (epoch hours, UTC), in each in the order given."""
    if not len(given):
        return {}
    hour = given.at // HOUR_S
    order = np.argsort(hour, kind="stable")
    numbers, starts = np.unique(hour[order], return_index=True)
    found = {}
    for number, places in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        second = (given.at[places] - number * HOUR_S).astype(np.uint16)
        found[int(number)] = Pings(given.phone[places], second, given.lon[places], given.lat[places])
    return found
