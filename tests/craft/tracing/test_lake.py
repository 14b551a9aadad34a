"""The lake: what is written is read back, late and twice told pings, pruned reads, seals, and the end of a day."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from banyan.craft.tracing.importing import read_delivery
from banyan.craft.tracing.lake import ROW, Lake, day_of, hour_of, is_foreign
from banyan.craft.tracing.layout import (
    COLUMNS,
    EAST_BITS,
    ENCODINGS,
    SCHEMA,
    SECOND_BITS,
    STEP_X,
    STEP_Y,
    encoded,
    groups_of,
    near_codes,
    plan_of,
)
from banyan.craft.tracing.model import HOUR_S, Fixes, Pings, Rule, fixes, hours_of
from banyan.craft.tracing.places import crowds, hot_spots, rounded
from banyan.craft.tracing.sealed import SealedFile, read_sealed, write_sealed
from banyan.craft.tracing.tracing import hours_asked, in_memory, joined, merged, question, trace
from banyan.errors import Invalid, Unavailable

NOW = 1_580_500_000.0
PHONES = 4_000


def a_lake(folder: Path) -> Lake:
    random = Random(1)
    keys = {}

    def key_of(day: str) -> bytes:
        return keys.setdefault(day, random.randbytes(32))

    return Lake(folder, key_of, random=random.randbytes)


def pings(seed: int = 1, size: int = 150_000) -> Fixes:
    random = np.random.default_rng(seed)
    at = int(NOW) // HOUR_S * HOUR_S - 2 * HOUR_S + random.integers(0, 2 * HOUR_S, size)
    return fixes(random.integers(0, PHONES, size), at, random.normal(121.5, 0.3, size), random.normal(24.9, 0.3, size))


def rows_of(groups: object) -> set[tuple[int, ...]]:
    return {
        row
        for group in groups
        for row in zip(*(getattr(group, name).tolist() for name in Pings.__struct_fields__), strict=True)
    }  # type: ignore[attr-defined]


def test_round_trip_late_and_twice(tmp_path: Path) -> None:
    lake, given = a_lake(tmp_path / "lake"), pings()
    late = given.take(np.flatnonzero(np.arange(len(given)) % 10 == 0))
    on_time = given.take(np.flatnonzero(np.arange(len(given)) % 10 != 0))
    first = lake.add(on_time, now=NOW)
    second = lake.add(
        Fixes(*(np.concatenate([column, column[:5]]) for column in (late.phone, late.at, late.lon, late.lat))), now=NOW
    )
    assert first.rows + first.twice == len(on_time)
    assert second.twice >= 5
    hours = hours_of(given)
    assert lake.hours() == sorted(hours)
    for hour, expected in hours.items():
        assert rows_of(lake.read(hour)) == rows_of([expected])
        assert lake.pack(hour) == 2
        assert lake.pack(hour) == 1
        assert rows_of(lake.read(hour)) == rows_of([expected])
    strange = fixes([1, 2], [NOW + 3_600, NOW - 40 * 86_400], [121.5, 121.5], [25.0, 25.0])
    assert lake.add(strange, now=NOW) == msgspec.structs.replace(first, rows=0, twice=0, over=1, ahead=1)


def test_the_answer_from_the_lake_is_that_from_memory(tmp_path: Path) -> None:
    """With a delivery told twice in two files, and pruned: the same counts, from fewer groups."""
    lake, given, rule = a_lake(tmp_path / "lake"), pings(size=600_000), Rule(500, 300, 300)
    lake.add(given, now=NOW)
    lake.add(given.take(np.arange(1_000)), now=NOW)
    own = np.arange(3, dtype=np.uint32)
    cases = given.take(np.flatnonzero(given.phone < 3))
    asked = question(cases, rule, phones=PHONES, own=own)
    expected = merged(trace(asked, in_memory(hours_of(given)), hours_asked(asked)), PHONES)
    parts = trace(asked, lake.reader(asked.cases, rule.radius_m, 0), hours_asked(asked), workers=2, keep=True)
    assert expected.any()
    assert merged(parts, PHONES).tolist() == expected.tolist()
    one = cases.take(np.array([0]))
    read = lake.reader(one, rule.radius_m, 0)
    assert sum(map(len, read(int(one.at[0]) // HOUR_S))) < len(given) // 2
    assert len(joined(parts)) == expected.sum()


def test_the_file_is_parquet_that_others_prune(tmp_path: Path) -> None:
    """Whoever reads it otherwise masks two columns, and has each position from its cell."""
    hour = hours_of(pings(size=600_000))[int(NOW) // HOUR_S - 1]
    content, rows = encoded(hour)
    path = tmp_path / "hour.parquet"
    path.write_bytes(content)
    file = pq.ParquetFile(path)
    assert file.schema_arrow == SCHEMA
    assert file.metadata.num_rows == rows
    group = file.metadata.row_group(0)
    assert all(ENCODINGS[name] in group.column(at).encodings for at, name in enumerate(SCHEMA.names))
    table = {name: file.read().column(name).to_numpy() for name in SCHEMA.names}
    cells = table["cell"]
    assert (np.diff(cells) >= 0).all()
    x, y = (np.array([int(f"0{cell >> at:b}"[::-2][::-1], 2) for cell in cells.tolist()]) for at in (0, 1))
    lon = x * STEP_X + (table["east"] & (1 << EAST_BITS) - 1) - 180_000_000
    lat = y * STEP_Y + table["north"] - 90_000_000
    told = zip(table["phone"], table["second"] & (1 << SECOND_BITS) - 1, lon, lat, strict=True)
    assert {tuple(int(one) for one in row) for row in told} == rows_of([hour])
    place = fixes([0], [0], [121.9], [24.2])
    plan = plan_of(file, near_codes(place, 500.0))
    assert 0 < len(plan.groups) < plan.of == file.metadata.num_row_groups


@pytest.mark.parametrize("extent", ["earth", "corners", "one", "none"])
def test_any_positions_on_earth_come_back(extent: str) -> None:
    random = np.random.default_rng(3)
    size = {"earth": 300_000, "corners": 2_000, "one": 1, "none": 0}[extent]
    lon, lat = random.integers(-180_000_000, 180_000_001, size), random.integers(-89_000_000, 89_000_001, size)
    if extent == "corners":  # from one end of the Earth to the other at each row
        lon, lat = random.choice([-180_000_000, 180_000_000], size), random.choice([-89_000_000, 89_000_000], size)
    given = Pings(
        random.integers(0, 40_000_000, size).astype(np.uint32), random.integers(0, 3_600, size).astype(np.uint16),
        lon.astype(np.int32), lat.astype(np.int32),
    )  # fmt: skip
    content, rows = encoded(given)
    file = pq.ParquetFile(pa.BufferReader(content))
    assert rows_of(groups_of(file, tuple(range(file.metadata.num_row_groups)))) == rows_of([given])
    assert rows_of(groups_of(file, tuple(range(file.metadata.num_row_groups)), at_once=1)) == rows_of([given])
    assert rows == len(rows_of([given]))


def test_a_file_of_before_is_read_until_its_days_are_over() -> None:
    given = hours_of(pings())[int(NOW) // HOUR_S - 1]
    out = io.BytesIO()
    pq.write_table(pa.table({name: getattr(given, name).astype(np.int32) for name in COLUMNS}), out)
    file = pq.ParquetFile(pa.BufferReader(out.getvalue()))
    assert rows_of(groups_of(file, (0,))) == rows_of([given])


def test_a_seal_is_whole_or_refused(tmp_path: Path) -> None:
    random = Random(2)
    key, path, plain = random.randbytes(32), tmp_path / "a", random.randbytes(200_001)
    write_sealed(path, plain, key, random=random.randbytes)
    assert read_sealed(path, key) == plain
    with SealedFile(path, key) as file:
        file.seek(65_530)
        assert file.read(20) == plain[65_530:65_550]
        file.seek(-3, 2)
        assert file.read(9) == plain[-3:]
    write_sealed(tmp_path / "empty", b"", key, random=random.randbytes)
    assert read_sealed(tmp_path / "empty", key) == b""
    content = path.read_bytes()
    for broken in (
        content[:-1],
        content[:50] + bytes([content[50] ^ 1]) + content[51:],
        content[:24] + b"\1" + content[25:],
        b"x",
    ):
        path.write_bytes(broken)
        with pytest.raises(Unavailable):
            read_sealed(path, key)
    path.write_bytes(content)
    with pytest.raises(Unavailable):
        read_sealed(path, random.randbytes(32))


def test_days_end(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    lake.add(fixes([1], [NOW - 20 * 86_400], [121.5], [25.0]), now=NOW)
    lake.add(fixes([1], [NOW], [121.5], [25.0]), now=NOW)
    old, new = lake.days()
    assert lake.due(NOW, 14) == [old]
    assert lake.due(NOW, 21) == []
    assert lake.due(NOW + 30 * 86_400, 60) == [old, new]  # never longer than the house's bound
    assert lake.drop(old)
    assert not lake.drop(old)
    assert lake.days() == [new]
    assert hour_of(*day_of(439_040)) == 439_040


def test_numbers_get_slots_once(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    persons = np.zeros(3, ROW)["person"]
    assert lake.slots_of(np.array([886912345678, 85291234567, 886912345678]), persons).tolist() == [1, 0, 1]
    assert lake.slots_of(np.array([447700900123, 886912345678])).tolist() == [2, 1]
    assert is_foreign(lake.numbers()).tolist() == [True, False, True]


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_deliveries(tmp_path: Path, kind: str) -> None:
    import pyarrow as pa

    path = tmp_path / f"pings.{kind}"
    rows = [
        ("886912345678", "1580500000", "121.5", "25.0"),
        ("886987654321", "1580500060", "121.6", "25.1"),
        ("12", "1580500060", "0", "95"),
    ]
    if kind == "csv":
        path.write_text("number,at,lon,lat\n" + "\n".join(",".join(row) for row in rows))
    elif kind == "ndjson":
        lines = [
            msgspec.json.encode(dict(zip(("number", "at", "lon", "lat"), row, strict=True))).decode() for row in rows
        ]
        path.write_text("\n".join([*lines[:2], "", "[" * 2_000]))
    else:
        columns = [[float(row[at]) if at > 1 else int(row[at]) for row in rows] for at in range(4)]
        pq.write_table(pa.table(columns, ["number", "at", "lon", "lat"]), path)
    found = read_delivery(path)
    assert found.numbers[found.pings.phone].tolist() == [886912345678, 886987654321]
    assert found.pings.lon.tolist() == [121_500_000, 121_600_000]
    assert [place for place, _ in found.faults] == [3]


def test_deliveries_of_another_kind(tmp_path: Path) -> None:
    for name, content in (("a.txt", "x"), ("a.csv", "who,when\n1,2"), ("a.parquet", "no")):
        (tmp_path / name).write_text(content)
        with pytest.raises(Invalid):
            read_delivery(tmp_path / name)
    (tmp_path / "b.ndjson").write_text("{}\n" * 200)
    with pytest.raises(Invalid, match="rows"):
        read_delivery(tmp_path / "b.ndjson")


def test_small_cells_are_not_shown() -> None:
    given = fixes(
        np.arange(100) % 40, np.arange(100), np.where(np.arange(100) % 40 < 30, 121.5, 122.5), np.full(100, 25.0)
    )
    hours = hours_of(given)
    assert [(one.at, one.phones) for one in crowds(0, [hours[0]])] == [(0, 30), (0, 10)]
    few = hours_of(given.take(np.flatnonzero(given.phone < 39)))
    assert [one.phones for one in crowds(0, [few[0]])] == [30]
    asked = question(fixes([50], [5], [121.5], [25.0]), Rule(500, 300, 300), phones=51, own=np.array([50], np.uint32))
    hits = joined(trace(asked, in_memory(hours), [0], keep=True))
    assert [(one.phones, one.minutes) for one in hot_spots(hits, 300)] == [(30, 150)]
    assert [rounded(one) for one in (9, 10, 14, 15, 627_386)] == [None, 10, 10, 20, 627_390]
