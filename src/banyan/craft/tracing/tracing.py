"""Who met the cases: hour by hour through the compiled scan, added up. Exact, and the same for any order of the pings,
any split into partitions and any number of workers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.tracing.cases import Cases, cases_in
from banyan.craft.tracing.grid import Grid, grid_over
from banyan.craft.tracing.model import HOUR_S, Fixes, Longs, Micro, Pings, Rule, Slots, check_rule
from banyan.errors import Invalid
from banyan.limits_tracing import TRACE_CASE_PINGS, TRACE_PHONES, TRACE_WINDOW_H

Counts = npt.NDArray[np.uint16]
Words = npt.NDArray[np.uint64]
ALL: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


class Hits(msgspec.Struct, frozen=True, eq=False):
    """Meetings, one a phone and time bucket: when and where the phone was, and which case (by its number)."""

    phone: Slots
    at: Longs
    lon: Micro
    lat: Micro
    case: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.phone)

    def take(self, places: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Hits:
        return Hits(self.phone[places], self.at[places], self.lon[places], self.lat[places], self.case[places])


class Part(msgspec.Struct, frozen=True, eq=False):
    """What one partition tells: phones with their buckets, to be added; `hits` when they were asked for."""

    phone: Slots
    buckets: Counts
    pings: int
    hits: Hits | None = None


class Question(msgspec.Struct, frozen=True, eq=False):
    """What is asked of every partition. `cases` are in the order of time; `own` are the slots of the cases' phones,
    which are no contacts of theirs; phones are below `phones`."""

    cases: Fixes
    rule: Rule
    grid: Grid
    phones: int
    own: Slots


class Desk:
    """A worker's own memory: a word and a count for each phone, all zero between partitions but for the cases."""

    def __init__(self, asked: Question) -> None:
        self.seen: Words = np.zeros(asked.phones, np.uint64)
        self.seen[asked.own] = ALL
        self.counts: Counts = np.zeros(asked.phones, np.uint16)


def question(cases: Fixes, rule: Rule, *, phones: int, own: Slots | None = None) -> Question:
    """Raises Invalid naming what is out of its bound."""
    check_rule(rule)
    if not len(cases):
        raise Invalid.at("cases", "no position of any case in the window")
    if len(cases) > TRACE_CASE_PINGS:
        raise Invalid.at("cases", f"at most {TRACE_CASE_PINGS:,} positions: fewer cases or a shorter window")
    if not 0 < phones <= TRACE_PHONES:
        raise Invalid.at("phones", f"1 to {TRACE_PHONES:,}")
    if (np.abs(cases.lat) > 89_000_000).any() or (np.abs(cases.lon) > 180_000_000).any():
        raise Invalid.at("cases", "positions are WGS84, not at the poles")
    at = np.sort(cases.at)
    if (at[-1] - at[0]) // HOUR_S > TRACE_WINDOW_H:
        raise Invalid.at("window", f"at most {TRACE_WINDOW_H} hours")
    mine = np.unique(own) if own is not None else np.empty(0, np.uint32)
    if len(mine) and int(mine[-1]) >= phones:
        raise Invalid.at("own", "a case's slot is below the number of phones")
    return Question(
        cases.take(np.argsort(cases.at, kind="stable")), rule, grid_over(cases, rule.radius_m), phones, mine
    )


def hours_asked(asked: Question) -> list[int]:
    """The epoch hours in which somebody can have met a case."""
    near = asked.rule.near_s if asked.rule.edge == "within" else 0
    found = np.concatenate([(asked.cases.at - near) // HOUR_S, (asked.cases.at + near) // HOUR_S])
    return np.unique(found).tolist()  # type: ignore[no-any-return]


def cases_of(asked: Question, hour: int) -> Cases | None:
    """The question's index for one hour."""
    near = asked.rule.near_s if asked.rule.edge == "within" else 0
    low, high = np.searchsorted(asked.cases.at, (hour * HOUR_S - near, (hour + 1) * HOUR_S + near))
    nearby = asked.cases.take(np.arange(low, high))
    return cases_in(hour, nearby, asked.grid, asked.rule) if len(nearby) else None


def scan_hour(
    asked: Question, hour: int, groups: Iterable[Pings], desk: Desk, *, keep: bool = False, index: Cases | None = None
) -> Part:
    """One hour, given as one or more groups of its pings. A phone's bucket counts once though two groups tell of it."""
    from banyan.craft.tracing.scan import scan

    found = index or cases_of(asked, hour)
    pings, phones, hits = 0, [], []
    if found is not None:
        shape, law, cases = _for_kernel(asked, found)
        for group in groups:
            pings += len(group)
            places, which = np.empty(len(group), np.uint32), np.empty(len(group), np.int32)
            columns = (group.phone, group.second, group.lon, group.lat)
            n = scan(columns, cases, (shape, law), (desk.seen, desk.counts), (places, which))
            phones.append(group.phone[places[:n]])
            if keep and n:
                hits.append(_hits(hour, group, places[:n], which[:n]))
    return closed(desk, phones, pings, hits if keep else None)


def closed(desk: Desk, met: list[Slots], pings: int, hits: list[Hits] | None) -> Part:
    """The hour's part, and the desk as it was before it."""
    from banyan.craft.tracing.scan import close

    phones = np.concatenate(met) if met else np.empty(0, np.uint32)
    once, buckets = np.empty(len(phones), np.uint32), np.empty(len(phones), np.uint16)
    n = close(phones, desk.seen, desk.counts, once, buckets)
    return Part(once[:n].copy(), buckets[:n].copy(), pings, None if hits is None else _together(hits))


def trace(
    asked: Question,
    read: Callable[[int], Iterable[Pings]],
    hours: Sequence[int],
    *,
    workers: int = 1,
    keep: bool = False,
) -> list[Part]:
    """Every hour's part. `read(hour)` gives its pings in groups; it is called in the workers' threads."""
    local = threading.local()

    def one(hour: int) -> Part:
        if not hasattr(local, "desk"):
            local.desk = Desk(asked)
        index = cases_of(asked, hour)
        if index is None:
            return closed(local.desk, [], 0, [] if keep else None)
        return scan_hour(asked, hour, read(hour), local.desk, keep=keep, index=index)

    if workers == 1:
        return [one(hour) for hour in hours]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, hours))


def merged(parts: Iterable[Part], phones: int) -> npt.NDArray[np.uint32]:
    """Buckets by phone, over all partitions: they are added."""
    total = np.zeros(phones, np.uint32)
    for part in parts:
        total[part.phone] += part.buckets  # a part names each phone once
    return total


def contacts(buckets: npt.NDArray[np.uint32], rule: Rule) -> Slots:
    """The phones that met for long enough, in order."""
    return np.flatnonzero(buckets >= rule.least).astype(np.uint32)


def joined(parts: Iterable[Part]) -> Hits:
    """The hits of all parts, in the order of phone and time."""
    found = _together([part.hits for part in parts if part.hits is not None])
    if not len(found):
        return found
    key = found.phone.astype(np.int64) << 32 | found.at - found.at.min()  # a phone has one a bucket: all differ
    return found.take(np.argsort(key))


def _together(found: Sequence[Hits]) -> Hits:
    if not found:
        empty = np.empty(0, np.int32)
        return Hits(np.empty(0, np.uint32), np.empty(0, np.int64), empty, empty, empty)
    return Hits(*(np.concatenate([getattr(one, name) for one in found]) for name in Hits.__struct_fields__))


def in_memory(hours: dict[int, Pings]) -> Callable[[int], Iterable[Pings]]:
    """A reader over hours that are in memory."""
    return partial(_given, hours)


def _given(hours: dict[int, Pings], hour: int) -> Iterable[Pings]:
    return (hours[hour],) if hour in hours else ()


def _for_kernel(asked: Question, found: Cases) -> tuple[Any, Any, Any]:
    """As `scan` takes them: the grid's shape, the rule, the cases."""
    grid, rule, full = found.grid, asked.rule, found.crowded
    shape = (grid.lon, grid.lat, grid.wide, grid.high, grid.columns, grid.rows)
    near = rule.near_s if rule.edge == "within" else -1
    law = (grid.step_x, grid.step_y, rule.bucket_s, float(rule.radius_m), near)
    cut = (full.words, full.ranks, full.starts, full.items, full.across)
    return shape, law, (found.bits, found.starts, found.entries, *cut)


def _hits(hour: int, group: Pings, places: Slots, which: npt.NDArray[np.int32]) -> Hits:
    at = group.second[places].astype(np.int64) + hour * HOUR_S
    return Hits(group.phone[places], at, group.lon[places], group.lat[places], which)
