"""Hot spots and crowds beside the same counted one by one."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from banyan.craft.tracing.layout import STEP_X, STEP_Y
from banyan.craft.tracing.model import HOUR_S, Pings
from banyan.craft.tracing.places import PHONE_BITS, box_of, crowds, hot_spots, rounded, strength
from banyan.craft.tracing.tracing import Hits
from banyan.limits_tracing import TRACE_LEAST, TRACE_PHONES

HOUR = 439_000


def pings(size: int = 3_000, phones: int = 60) -> Pings:
    random = np.random.default_rng(9)
    lon, lat = (121_500_000 + random.integers(0, 15_000, size)), (25_000_000 + random.integers(0, 9_000, size))
    second = random.integers(0, HOUR_S, size).astype(np.uint16)
    return Pings(
        random.integers(0, phones, size).astype(np.uint32), second, *(one.astype(np.int32) for one in (lon, lat))
    )


def cell(lon: int, lat: int) -> tuple[int, int]:
    return (int(lon) + 180_000_000) // STEP_X, (int(lat) + 90_000_000) // STEP_Y


def test_crowds_are_phones_by_cell_and_quarter() -> None:
    """Of any split into groups the same; a phone that pings twice is one."""
    given = pings()
    expected: dict[tuple[int, tuple[int, int]], set[int]] = defaultdict(set)
    for phone, second, lon, lat in zip(given.phone, given.second, given.lon, given.lat, strict=True):
        expected[int(second) // 900, cell(lon, lat)].add(int(phone))
    told = sorted((HOUR * HOUR_S + quarter * 900, rounded(len(one))) for (quarter, _), one in expected.items()
                  if len(one) >= TRACE_LEAST)  # fmt: skip
    assert len(told) > 4
    found = crowds(HOUR, [given])
    assert sorted((one.at, one.phones) for one in found) == told
    halves = [given.take(np.arange(at, len(given), 2)) for at in (0, 1)]
    assert crowds(HOUR, halves) == found
    assert crowds(HOUR, []) == ()
    assert crowds(HOUR, [given.take(np.arange(TRACE_LEAST - 1))]) == ()


def test_hot_spots_by_contact_minutes() -> None:
    given = pings(400)
    hits = Hits(given.phone, given.second.astype(np.int64), given.lon, given.lat, np.zeros(len(given), np.int32))
    minutes: dict[tuple[int, int], int] = defaultdict(int)
    phones: dict[tuple[int, int], set[int]] = defaultdict(set)
    for phone, lon, lat in zip(given.phone, given.lon, given.lat, strict=True):
        minutes[cell(lon, lat)] += 5
        phones[cell(lon, lat)].add(int(phone))
    expected = sorted((rounded(minutes[one], least=0), rounded(len(who))) for one, who in phones.items()
                      if len(who) >= TRACE_LEAST)  # fmt: skip
    found = hot_spots(hits, 300)
    assert sorted((one.minutes, one.phones) for one in found) == expected
    assert [one.minutes for one in found] == sorted((one.minutes for one in found), reverse=True)
    assert hot_spots(hits, 300, most=2) == found[:2]


def test_the_box_of_a_cell_holds_its_middle() -> None:
    for one in crowds(HOUR, [pings()]):
        west, south, east, north = box_of(one.lon, one.lat)
        assert west < one.lon < east
        assert south < one.lat < north
        assert round((east - west) * 1e6) == STEP_X
        assert box_of((west + east) / 2, (south + north) / 2) == (west, south, east, north)


def test_a_key_has_room_for_every_phone() -> None:
    assert TRACE_PHONES < 1 << PHONE_BITS
    assert 360_000_000 // STEP_X < 1 << 17
    assert 180_000_000 // STEP_Y < 1 << 16


def test_how_firm_the_evidence_is() -> None:
    """Twelve met for 10 minutes in one cell, eleven for 45 in three; a band of three is not told."""
    phone = np.r_[np.repeat(np.arange(12), 2), np.repeat(np.arange(12, 23), 9), np.repeat(np.arange(23, 26), 40)]
    lon = 121_500_000 + np.where((phone >= 12) & (phone < 23), np.arange(len(phone)) % 3 * 10_000, 0)
    at = np.arange(len(phone), dtype=np.int64)
    same = np.full(len(phone), 25_000_000, np.int32)
    hits = Hits(phone.astype(np.uint32), at, lon.astype(np.int32), same, np.zeros(len(phone), np.int32))
    found = strength(hits, 300)
    assert [(one.least, one.most, one.contacts) for one in found.minutes] == [
        (1, 14, 10), (15, 29, None), (30, 59, 10), (60, 179, None), (180, 0, None),
    ]  # fmt: skip
    assert [one.contacts for one in found.cells] == [20, 10, None]
    assert {one.contacts for one in strength(hits.take(np.arange(0)), 300).minutes} == {None}
