"""The course of a day's stock at every outlet, as numbers: a function of seed, item and moment, without memory.

Shaped after February 2020: delivery in the morning (a second one at noon for some), a rush and then steady sales while
the outlet is open, in packs and a few people at a time; some rise by correction, two in five stand at zero in the
afternoon, and outlets leave the list from noon on and come back the next morning.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

Hours = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
TAIPEI: Final = timezone(timedelta(hours=8))
SESSIONS: Final = ((8.5, 12.0), (13.5, 18.0), (18.5, 21.5))
"""When pharmacies really serve in the morning, afternoon and evening; 看診星期 says on which days."""
REMEMBERED_DAYS: Final = 3
"""Days whose leftovers still lie on the shelf; what is older was sent back at midnight."""
OFF_LIST: Final = 0.14
"""Share off the list by night; 5,925 of 6,144 were left at 16:25, 5,166 at two in the morning."""


class Ration(msgspec.Struct, frozen=True):
    """An item's daily ration: `allotted` an outlet in packs of `pack`, sold with a mean life of `life_h` hours; `peak`
    people at once at most before an outlet reports again."""

    name: str
    allotted: int
    pack: int
    life_h: float
    peak: int


ADULT: Final = Ration("mask-adult", 200, 2, 2.2, 24)
CHILD: Final = Ration("mask-child", 50, 2, 6.0, 8)
RAPID: Final = Ration("rapid-test", 78, 5, 3.0, 3)
SANDBAGS: Final = Ration("sandbag", 600, 10, 9.0, 4)


class Outlets(msgspec.Struct, frozen=True):
    """What the course needs to know of outlets, by place. `open_on[place, part, weekday]`; `starts` the hour selling
    may begin (0: on delivery); `pace` multiplies the speed of sales, 0 where nothing is ever sold or delivered."""

    open_on: npt.NDArray[np.bool_]
    starts: Hours
    pace: Hours


class _Drawn(msgspec.Struct, frozen=True):
    """What chance decides for a day, by outlet."""

    first: Counts
    first_at: Hours
    second: Counts
    second_at: Hours
    life_h: Hours
    chunk: Counts
    phase: Hours
    mended: Counts
    mended_at: Hours
    leaves_at: Hours
    returns_at: Hours


def of_weeks(weeks: Sequence[str]) -> npt.NDArray[np.bool_]:
    """`open_on` of 21-character codes: N open."""
    marks = np.array([[mark == "N" for mark in week] for week in weeks], np.bool_)
    return marks.reshape(len(weeks), 3, 7)


def left(seed: str, ration: Ration, outlets: Outlets, now: float) -> Counts:
    """How many each outlet has at a moment: what was left over the last days, deliveries and sales of today."""
    at = datetime.fromtimestamp(now, UTC).astimezone(TAIPEI)
    stock: Counts = np.zeros(len(outlets.starts), np.int64)
    for back in range(REMEMBERED_DAYS, 0, -1):
        stock = _day(seed, ration, outlets, stock, (at - timedelta(days=back)).replace(hour=23, minute=59))
    return _day(seed, ration, outlets, stock, at)


def _day(seed: str, ration: Ration, outlets: Outlets, carried: Counts, at: datetime) -> Counts:
    """The stock at a moment of a day that began with `carried`."""
    hour, weekday = at.hour + at.minute / 60 + at.second / 3_600, at.weekday()
    drawn = _drawn(seed, ration, len(carried), f"{at:%Y-%m-%d}")
    has = outlets.pace > 0
    served = _served(outlets, np.maximum(outlets.starts, drawn.first_at), hour, weekday)
    stock = carried + np.where(has & (hour >= drawn.first_at), drawn.first, 0)
    rest = stock - _sold(stock, served, drawn, outlets.pace, ration)
    later = np.where(has & (hour >= drawn.second_at), drawn.second, 0)
    again = _served(outlets, np.maximum(outlets.starts, drawn.second_at), hour, weekday)
    rest += later - _sold(later, again, drawn, outlets.pace, ration)
    rest += np.where((rest > 0) & (hour >= drawn.mended_at), drawn.mended, 0)
    kept: Counts = np.maximum(rest, 0)
    return kept


def through_day(seed: str, ration: Ration, outlets: Outlets, times: Sequence[datetime]) -> list[Counts]:
    """How many each outlet had at each of some times of one day; what `left` answers, the days before made once."""
    stock: Counts = np.zeros(len(outlets.starts), np.int64)
    for back in range(REMEMBERED_DAYS, 0, -1):
        stock = _day(seed, ration, outlets, stock, (times[0] - timedelta(days=back)).replace(hour=23, minute=59))
    return [_day(seed, ration, outlets, stock, at) for at in times]


def is_listed(seed: str, outlets: Outlets, now: float) -> npt.NDArray[np.bool_]:
    """Which outlets are on the list at a moment. Few leave at once: a list that lost many would not be believed."""
    at = datetime.fromtimestamp(now, UTC).astimezone(TAIPEI)
    hour = at.hour + at.minute / 60 + at.second / 3_600
    today = _drawn(seed, ADULT, len(outlets.starts), f"{at:%Y-%m-%d}")
    before = _drawn(seed, ADULT, len(outlets.starts), f"{at - timedelta(days=1):%Y-%m-%d}")
    is_off = (hour >= today.leaves_at) | ((before.leaves_at < 24) & (hour < today.returns_at))
    return ~is_off


def _sold(stock: Counts, served: Hours, drawn: _Drawn, pace: Hours, ration: Ration) -> Counts:
    """Of `stock`, after so many hours of service: a rush that fades, reported a few people at a time."""
    wish = stock * 1.06 * (1 - np.exp(-served * pace / drawn.life_h))
    chunk = drawn.chunk * ration.pack
    told = (np.floor(wish / chunk + drawn.phase) * chunk).astype(np.int64)
    sold: Counts = np.clip(np.where(served > 0, told, 0), 0, stock)
    return sold


def _served(outlets: Outlets, begins: Hours, hour: float, weekday: int) -> Hours:
    """Hours of service since selling began, today."""
    total = np.zeros(len(begins))
    for part, (opens, closes) in enumerate(SESSIONS):
        inside = np.minimum(hour, closes) - np.maximum(begins, opens)
        total += np.maximum(inside, 0) * outlets.open_on[:, part, weekday]
    return total


@lru_cache(maxsize=12)
def _drawn(seed: str, ration: Ration, size: int, day: str) -> _Drawn:
    random = np.random.default_rng(crc32(f"{seed}-{ration.name}-{day}".encode()))
    packs = ration.allotted // ration.pack
    second = np.where(random.random(size) < 0.12, random.integers(packs // 4, packs + 1, size), 0) * ration.pack
    is_mended = random.random(size) < 0.04
    leaves = random.random(size) < OFF_LIST
    return _Drawn(
        first=np.where(random.random(size) < 0.88, packs, 0) * ration.pack,
        first_at=np.clip(random.normal(8.8, 0.8, size), 7.0, 12.0),
        second=second,
        second_at=random.uniform(12.5, 14.5, size),
        life_h=ration.life_h * random.lognormal(0, 0.9, size),
        chunk=random.integers(1, ration.peak + 1, size),
        phase=random.random(size),
        mended=np.where(is_mended, random.integers(1, 20, size), 0),
        mended_at=random.uniform(9, 18, size),
        leaves_at=np.where(leaves, random.triangular(12, 19, 22, size), 99.0),
        returns_at=random.triangular(7, 8, 9.5, size),
    )
