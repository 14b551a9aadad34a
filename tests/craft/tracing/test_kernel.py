"""Who met whom, beside what DuckDB says of the same pings in SQL, and beside the truth of real tracks."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime
from itertools import combinations

import duckdb
import numpy as np
import pytest
from tests.make import shared_data

from banyan.craft.tracing.grid import cell_of, grid_over, reach
from banyan.craft.tracing.masts import CellPings, Dock, at_dock, cells_near, metres, trace_cells, ways_of
from banyan.craft.tracing.minutes import to_minutes
from banyan.craft.tracing.model import HOUR_S, Fixes, Pings, Rule, check_rule, fixes, hours_of
from banyan.craft.tracing.tracing import contacts, hours_asked, in_memory, joined, merged, question, trace
from banyan.errors import Invalid

SQL = """
select p.phone, count(distinct p.at // {bucket}) as n from pings p join cases c on {when}
and 2 * 6371008.8 * asin(sqrt(pow(sin(radians((p.lat - c.lat) / 1e6) / 2), 2) + cos(radians(p.lat / 1e6))
* cos(radians(c.lat / 1e6)) * pow(sin(radians((p.lon - c.lon) / 1e6) / 2), 2))) <= {radius} group by 1
"""
PHONES = 300
CASES = 12
TRUTH = {"000-009": 5, "003-004": 100, "003-005": 142, "003-007": 5, "003-008": 7, "005-007": 51, "005-008": 6,
         "008-009": 58, "000-001": 4, "000-003": 4, "000-008": 4, "001-005": 1, "001-009": 4, "002-006": 1}  # fmt: skip


def a_day(seed: int, lat: float = 24.0, lon: float = 121.0) -> Fixes:
    """Phones that wander about a few places at uneven seconds, over four hours around a midnight."""
    random = np.random.default_rng(seed)
    size = PHONES * 30
    phone = random.integers(0, PHONES, size)
    place = random.normal(0, 0.02, (20, 2))[(phone + random.integers(0, 3, size)) % 20]
    at = 1_580_400_000 - 2 * HOUR_S + random.integers(0, 4 * HOUR_S, size)
    return fixes(
        phone, at, lon + place[:, 0] + random.normal(0, 0.004, size), lat + place[:, 1] + random.normal(0, 0.004, size)
    )


def ours(day: Fixes, rule: Rule, workers: int = 1) -> np.ndarray:
    own = np.arange(CASES, dtype=np.uint32)
    asked = question(day.take(np.flatnonzero(day.phone < CASES)), rule, phones=PHONES, own=own)
    return merged(trace(asked, in_memory(hours_of(day)), hours_asked(asked), workers=workers), PHONES)


def theirs(day: Fixes, rule: Rule) -> np.ndarray:
    import pyarrow

    def table(one: Fixes) -> pyarrow.Table:
        columns = {name: np.asarray(getattr(one, name), np.int64) for name in Fixes.__struct_fields__}
        return pyarrow.table(columns)

    when = (
        f"abs(p.at - c.at) <= {rule.near_s}"
        if rule.edge == "within"
        else f"p.at // {rule.bucket_s} = c.at // {rule.bucket_s}"
    )
    with duckdb.connect() as db:
        db.register("pings", table(day.take(np.flatnonzero(day.phone >= CASES))))
        db.register("cases", table(day.take(np.flatnonzero(day.phone < CASES))))
        found = db.execute(SQL.format(bucket=rule.bucket_s, radius=rule.radius_m, when=when)).fetchnumpy()
    total = np.zeros(PHONES, np.uint32)
    total[found["phone"]] = found["n"]
    return total


@pytest.mark.parametrize("lat", [24.0, -0.001, 63.0])
@pytest.mark.parametrize(
    "rule",
    [Rule(500, 300, 300), Rule(100, 900, 900), Rule(2_000, 60, 600), Rule(500, 300, 300, "within", 300),
     Rule(300, 900, 0, "within", 59), Rule(500, 3_600, 3_600, "within", 3_600)],
    ids=str,
)  # fmt: skip
def test_equals_sql(rule: Rule, lat: float) -> None:
    day = a_day(int(rule.radius_m), lat)
    expected = theirs(day, rule)
    assert expected.any()
    assert ours(day, rule).tolist() == expected.tolist()


def test_order_split_and_workers_change_nothing() -> None:
    """Partitions are added: pings in any order, an hour in pieces of any size, and by two workers."""
    day, rule = a_day(3), Rule(500, 300, 600)
    expected = ours(day, rule)
    shuffled = day.take(np.random.default_rng(4).permutation(len(day)))
    assert ours(shuffled, rule, workers=2).tolist() == expected.tolist()
    asked = question(
        day.take(np.flatnonzero(day.phone < CASES)), rule, phones=PHONES, own=np.arange(CASES, dtype=np.uint32)
    )
    hours = hours_of(shuffled)

    def pieces(hour: int) -> list[Pings]:
        return [
            hours[hour].take(np.arange(start, min(start + 777, len(hours[hour]))))
            for start in range(0, len(hours[hour]), 777)
        ]

    parts = trace(asked, pieces, hours_asked(asked), keep=True)
    assert merged(parts, PHONES).tolist() == expected.tolist()
    hits = joined(parts)
    assert np.bincount(hits.phone, minlength=PHONES).tolist() == expected.tolist()
    assert len(np.unique(np.stack([hits.phone, hits.at // rule.bucket_s]), axis=1).T) == len(hits)


def test_the_ends_of_a_bucket() -> None:
    """Two people pass each other at 12:04:59 and 12:05:01: one bucket's rule does not see it, the other does."""
    at = 1_580_400_000
    both = fixes([0, 1], [at + 299, at + 301], [121.5, 121.5], [25.0, 25.0])
    for rule, met in ((Rule(500, 300, 0), 0), (Rule(500, 300, 0, "within", 2), 1), (Rule(500, 300, 0, "within", 1), 0)):
        asked = question(both.take([0]), rule, phones=2, own=np.array([0], np.uint32))
        assert merged(trace(asked, in_memory(hours_of(both)), hours_asked(asked)), 2)[1] == met
    hour = fixes([0, 1], [at - 1, at], [121.5, 121.5], [25.0, 25.0])  # and over the end of an hour
    asked = question(hour.take([0]), Rule(500, 300, 0, "within", 1), phones=2, own=np.array([0], np.uint32))
    assert merged(trace(asked, in_memory(hours_of(hour)), hours_asked(asked)), 2)[1] == 1


def test_the_bucket_by_multiplication_is_the_quotient() -> None:
    for bucket in (one for one in range(60, HOUR_S + 1) if HOUR_S % one == 0):
        magic = -(-(1 << 26) // bucket)
        assert magic * (HOUR_S - 1) < 1 << 32
        second = np.arange(HOUR_S)
        assert ((second * magic >> 26) == second // bucket).all()


@pytest.mark.parametrize("span", [0.0, 0.3, 60.0])
def test_whoever_is_near_stands_beside(span: float) -> None:
    """In the kernel's own arithmetic: no two within the radius differ by more than a cell, wherever the edges fall."""
    random = np.random.default_rng(5)
    corner = fixes([0, 0], [0, 0], [100.0, 100.0 + span], [0.0, min(span, 70.0)])
    grid = grid_over(corner, 500.0)
    lon, lat = random.uniform(100.0, 100.0 + span, 20_000), random.uniform(0.0, min(span, 70.0), 20_000)
    lon[:5_000] = (grid.lon + grid.step_x * random.integers(0, grid.columns, 5_000)) / 1e6
    across, up = reach(500.0, 0.0)
    one = fixes(np.zeros(20_000), np.zeros(20_000), lon, lat)
    wide = reach(500.0, min(span, 70.0) + 0.01)[0] / np.cos(0.0)
    other = Fixes(one.phone, one.at, one.lon + np.minimum(wide, across).astype(np.int32), one.lat + np.int32(up))
    (x, y), (to_x, to_y) = cell_of(grid, one.lon, one.lat), cell_of(grid, other.lon, other.lat)
    assert (abs(to_x - x) <= 1).all()
    assert (abs(to_y - y) <= 1).all()


def test_the_truth_of_real_tracks() -> None:
    """GeoLife: the minutes that any two of eleven people spent within 500 m of one another."""
    path = shared_data("tracing/gps/geolife_11users.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [(row["user"], row["lat"], row["lon"], row["time_utc"]) for row in csv.DictReader(file)]
    users = sorted({row[0] for row in rows})
    at = [int(datetime.fromisoformat(row[3].replace("Z", "") + "+00:00").timestamp()) for row in rows]
    minutes = to_minutes(
        fixes(
            [users.index(row[0]) for row in rows], at, [float(row[2]) for row in rows], [float(row[1]) for row in rows]
        )
    )
    hours = hours_of(minutes)
    found = {}
    for place, name in enumerate(users):
        mine = minutes.take(np.flatnonzero(minutes.phone == place))
        weeks = mine.at // (86_400 * 7)
        total = np.zeros(len(users), np.uint32)
        for week in np.unique(weeks):
            asked = question(
                mine.take(np.flatnonzero(weeks == week)),
                Rule(500, 60, 300),
                phones=len(users),
                own=np.array([place], np.uint32),
            )
            total += merged(trace(asked, in_memory(hours), hours_asked(asked)), len(users))
        found |= {(name, users[other]): int(total[other]) for other in range(len(users))}
    assert all(found[one, two] == found[two, one] for one, two in combinations(users, 2))
    assert {f"{one}-{two}": found[one, two] for one, two in combinations(users, 2) if found[one, two]} == TRUTH


def test_the_passengers_at_a_dock() -> None:
    day = a_day(6)
    hours, is_foreign = hours_of(day), np.arange(PHONES) % 5 == 0
    dock = Dock(121.0, 24.0, 800.0, 1_580_400_000 - 900, 1_580_400_000 + 1_200)
    there = metres(day.lon / 1e6, day.lat / 1e6, dock.lon, dock.lat) <= dock.radius_m
    there &= (day.at >= dock.start) & (day.at < dock.end) & is_foreign[day.phone]
    found = at_dock(dock, in_memory(hours), is_foreign)
    assert len(found)
    assert found.tolist() == np.unique(day.phone[there]).tolist()
    ways = ways_of(found, in_memory(hours), sorted(hours), size=PHONES)
    assert len(ways) == np.isin(day.phone, found).sum()
    assert (np.diff(ways.at) >= 0).all()


def test_cells_alone() -> None:
    """Pings that are a cell's number: the bit test equals a plain comparison of every pair."""
    random = np.random.default_rng(8)
    lon, lat = random.uniform(121.0, 121.05, 50), random.uniform(24.0, 24.05, 50)
    near = cells_near(lon, lat, 700.0)
    size = 20_000
    phone, second = (
        random.integers(0, PHONES, size).astype(np.uint32),
        random.integers(0, HOUR_S, size).astype(np.uint16),
    )
    cell = random.integers(-1, 50, size).astype(np.int32)
    own, hour = np.arange(3, dtype=np.uint32), 439_000
    is_case = (phone < 3) & (cell >= 0)
    cases = second[is_case].astype(np.int64) + hour * HOUR_S, cell[is_case]
    parts = trace_cells({hour: CellPings(phone, second, cell)}, cases, near, 900, own=own, phones=PHONES)
    served = {(at % HOUR_S // 900, other) for at, one in zip(*cases, strict=True) for other in near[one].tolist()}
    met = {(who, at // 900) for who, at, one in zip(phone.tolist(), second.tolist(), cell.tolist(), strict=True)
           if who >= 3 and (at // 900, one) in served}  # fmt: skip
    assert merged(parts, PHONES).tolist() == np.bincount([who for who, _ in met], minlength=PHONES).tolist()
    assert all(place in near[place] for place in range(50))


def test_who_met_long_enough() -> None:
    assert contacts(np.array([0, 1, 2, 3], np.uint32), Rule(500, 300, 600)).tolist() == [2, 3]
    assert Rule(500, 300, 301).least == 2


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (Rule(0, 300, 0), "radius_m"),
        (Rule(500, 7, 0), "bucket_s"),
        (Rule(500, 500, 0), "bucket_s"),
        (Rule(500, 300, -1), "dwell_s"),
        (Rule(500, 300, 0, "same-bucket", 5), "near_s"),
        (Rule(500, 300, 0, "within", 3_601), "near_s"),
    ],
)
def test_rules_that_cannot_be(rule: Rule, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_rule(rule)
    assert caught.value.fields[0].field == field
