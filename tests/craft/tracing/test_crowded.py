"""A ship's passengers in one place: the small cells' answers are those of every pair compared."""

from __future__ import annotations

import numpy as np
import pytest

from banyan.craft.tracing import crowded
from banyan.craft.tracing.crowded import CROWD
from banyan.craft.tracing.model import HOUR_S, SPHERE_M, Fixes, Floats, Rule, fixes, hours_of
from banyan.craft.tracing.tracing import cases_of, hours_asked, in_memory, joined, merged, question, trace

GUESTS = 120
PHONES = 500
RULES = [
    Rule(300, 900, 900), Rule(500, 3_600, 0), Rule(40, 300, 0), Rule(300, 900, 0, "within", 120),
    Rule(300, 900, 0, "within", 1_700), Rule(2_000, 900, 900),
]  # fmt: skip


def a_landing(seed: int, lat: float, radius_m: float, *, far: float = 0.0) -> Fixes:
    """Guests at three places, four fixes an hour, over two hours; everybody else around the places, at distances that
    the radius lies within; two guests are `far` degrees away."""
    random = np.random.default_rng(seed)
    degree = radius_m / 111_195
    phone = np.repeat(np.arange(PHONES), 8)
    at = 1_580_400_000 + np.tile(np.arange(8) * 900, PHONES) + random.integers(0, 900, len(phone))
    place = (phone + at // 1_800) % 3
    spread = np.where(phone < GUESTS, 0.3, 2.2) * degree
    lon = 121.0 + place * 3 * degree + random.normal(0, 1, len(phone)) * spread / np.cos(np.radians(lat))
    north = lat + place * degree + random.normal(0, 1, len(phone)) * spread
    for axis in (lon, north):
        axis[phone < 2] += far
    return fixes(phone, at, lon, north)


def of_each_pair(day: Fixes, rule: Rule) -> np.ndarray:
    """Buckets by phone, by the rule's own words: every ping with every case's ping."""
    guests, others = day.take(np.flatnonzero(day.phone < GUESTS)), day.take(np.flatnonzero(day.phone >= GUESTS))
    met = np.zeros(len(others), bool)
    for start in range(0, len(others), 500):
        one = others.take(np.arange(start, min(start + 500, len(others))))
        near = apart(one, guests) <= rule.radius_m
        if rule.edge == "within":
            near &= np.abs(one.at[:, None] - guests.at) <= rule.near_s
        else:
            near &= one.at[:, None] // rule.bucket_s == guests.at // rule.bucket_s
        met[start : start + len(one)] = near.any(axis=1)
    pairs = np.unique(np.stack([others.phone[met], others.at[met] // rule.bucket_s]), axis=1)
    return np.bincount(pairs[0], minlength=PHONES)


def apart(one: Fixes, other: Fixes) -> Floats:
    east, north = (np.radians(getattr(one, name) / 1e6)[:, None] for name in ("lon", "lat"))
    to_east, to_north = np.radians(other.lon / 1e6), np.radians(other.lat / 1e6)
    share = np.sin((north - to_north) / 2) ** 2
    share = share + np.cos(north) * np.cos(to_north) * np.sin((east - to_east) / 2) ** 2
    found: Floats = 2 * SPHERE_M * np.arcsin(np.sqrt(share))
    return found


def traced(day: Fixes, rule: Rule) -> np.ndarray:
    own = np.arange(GUESTS, dtype=np.uint32)
    asked = question(day.take(np.flatnonzero(day.phone < GUESTS)), rule, phones=PHONES, own=own)
    return merged(trace(asked, in_memory(hours_of(day)), hours_asked(asked)), PHONES)


@pytest.mark.parametrize("lat", [25.0, -0.002, 69.0])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_equals_every_pair(rule: Rule, lat: float) -> None:
    day = a_landing(int(lat * 10) % 97, lat, rule.radius_m)
    expected = of_each_pair(day, rule)
    assert 0 < expected.sum() < day.at[day.phone >= GUESTS].size // (rule.bucket_s // 900 or 1)
    assert traced(day, rule).tolist() == expected.tolist()


def test_cells_wider_than_the_radius() -> None:
    """Cases far apart: the grid's cells grow, and with them the number of small ones."""
    rule = Rule(60, 900, 0)
    day = a_landing(1, 25.0, rule.radius_m, far=14.0)
    asked = question(day.take(np.flatnonzero(day.phone < GUESTS)), rule, phones=PHONES)
    index = cases_of(asked, int(day.at.min()) // HOUR_S)
    assert asked.grid.factor >= 4
    assert index is not None
    assert index.crowded.across == crowded.FINEST
    assert traced(day, rule).tolist() == of_each_pair(day, rule).tolist()


@pytest.mark.parametrize(
    ("name", "most"), [("TRACE_FINE_CELLS", 640), ("TRACE_FINE_CELLS", 0), ("TRACE_FINE_ITEMS", 900)]
)
def test_what_is_beyond_the_bounds_is_found_by_rows(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule(300, 900, 900)
    day = a_landing(2, 25.0, rule.radius_m)
    monkeypatch.setattr(crowded, name, most)
    asked = question(day.take(np.flatnonzero(day.phone < GUESTS)), rule, phones=PHONES)
    index = cases_of(asked, int(day.at.min()) // HOUR_S)
    assert index is not None
    assert len(index.crowded) <= 20
    assert traced(day, rule).tolist() == of_each_pair(day, rule).tolist()


def test_the_work_is_small_where_many_stand() -> None:
    """Of the small cells that are answered at all, most are so without a distance; few cases cut nothing."""
    rule = Rule(300, 900, 900)
    day = a_landing(3, 25.0, rule.radius_m)
    guests = day.take(np.flatnonzero(day.phone < GUESTS))
    hour = int(day.at.min()) // HOUR_S
    index = cases_of(question(guests, rule, phones=PHONES), hour)
    assert index is not None
    cut = index.crowded
    lists = np.diff(cut.starts)
    is_sure = (lists == 1) & (cut.items[np.minimum(cut.starts[:-1], len(cut.items) - 1)] < 0)
    edges = (lists > 0) & ~is_sure
    assert is_sure.sum() > edges.sum()
    assert lists[edges].mean() < 0.2 * GUESTS  # instead of all of them
    few = guests.take(np.flatnonzero(guests.phone < CROWD // 8))
    alone = cases_of(question(few, rule, phones=PHONES), hour)
    assert alone is not None
    assert len(alone.crowded) == 0


def test_the_case_that_is_told_is_one_who_was_near() -> None:
    rule = Rule(300, 900, 900)
    day = a_landing(4, 25.0, rule.radius_m)
    guests = day.take(np.flatnonzero(day.phone < GUESTS))
    asked = question(guests, rule, phones=PHONES, own=np.arange(GUESTS, dtype=np.uint32))
    hits = joined(trace(asked, in_memory(hours_of(day)), hours_asked(asked), keep=True))
    assert len(hits)
    for at in range(0, len(hits), 29):
        one = Fixes(hits.phone[at : at + 1], hits.at[at : at + 1], hits.lon[at : at + 1], hits.lat[at : at + 1])
        same = guests.take(np.flatnonzero((guests.phone == hits.case[at]) & (guests.at // 900 == hits.at[at] // 900)))
        assert (apart(one, same) <= rule.radius_m).any()
