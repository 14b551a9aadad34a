"""Fixes from the wire and from files: good rows in, each bad one named, whoever is not watched dropped."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from banyan.craft.cells import cell_table
from banyan.craft.cells.streaming import decode_batch, decode_lines, replay_lines, replay_parquet
from banyan.errors import Invalid, Limit

TABLE = cell_table(["466-92-1-1", "466-92-1-2"], [121.5, 121.6], [25.0, 25.0])
PHONES = {"a": 0, "b": 1}
AT = 1_800_000_000
GOOD = {"phone": "a", "at": AT, "cell": "466-92-1-1"}


def slot_of(name: str) -> int:
    return PHONES.get(name, -1)


def test_each_bad_row_is_named_and_the_good_ones_come_in() -> None:
    rows: list[object] = [
        GOOD,
        {**GOOD, "phone": "b", "at": "2027-01-15T16:00:00+08:00", "cell": "466-92-1-2"},
        {**GOOD, "cell": "466-92-9-9"},
        {**GOOD, "at": AT * 1000},
        {**GOOD, "at": "2027-01-15T16:00:00"},
        {**GOOD, "at": True},
        {"phone": "a", "at": AT},
        {**GOOD, "lon": 121.5, "lat": 95},
        {**GOOD, "phone": 3},
        7,
        {**GOOD, "phone": "stranger", "cell": "nonsense"},
    ]
    read = decode_batch(json.dumps({"fixes": rows}).encode(), TABLE, slot_of)
    assert (read.fixes.phone.tolist(), read.fixes.cell.tolist()) == ([0, 1], [0, 1])
    assert read.fixes.at.tolist() == [AT, AT]
    assert read.unwatched == 1
    assert [(one.row, one.field) for one in read.bad] == [
        (3, "cell"), (4, "at"), (5, "at"), (6, "at"), (7, "cell"), (8, "lon"), (9, "phone"), (10, "row"),
    ]  # fmt: skip


def test_what_is_said_of_a_bad_row_holds_nothing_of_the_person() -> None:
    read = decode_lines(b'{"phone": "0912345678", "at": "x", "cell": "y"}', TABLE, lambda _: 0)
    assert "0912345678" not in repr(read.bad)


def test_positions_come_as_micro_degrees() -> None:
    read = decode_lines(json.dumps({"phone": "a", "at": AT, "lon": 121.5000004, "lat": -25.1}).encode(), TABLE, slot_of)
    assert (read.fixes.lon.tolist(), read.fixes.lat.tolist(), read.fixes.cell.tolist()) == (
        [121_500_000],
        [-25_100_000],
        [-1],
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"fixes": 3}', b'{"fixes"\xff: []}', b'{"x":' + b"[" * 5000])
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        decode_batch(body, TABLE, slot_of)


def test_bounds_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.craft.cells.streaming.FIX_ROWS", 2)
    line = json.dumps(GOOD).encode() + b"\n"
    assert len(decode_lines(line * 2, TABLE, slot_of).fixes) == 2
    with pytest.raises(Limit, match="FIX_ROWS"):
        decode_lines(line * 3, TABLE, slot_of)
    monkeypatch.setattr("banyan.craft.cells.streaming.FIX_BATCH_BYTES", 10)
    with pytest.raises(Limit, match="FIX_BATCH_BYTES"):
        decode_batch(line, TABLE, slot_of)


def test_files_are_replayed_in_batches(tmp_path: Path) -> None:
    rows = [{**GOOD, "phone": "ab"[row % 2], "at": AT + row} for row in range(7)]
    lines = tmp_path / "fixes.ndjson"
    lines.write_text("\n".join(map(json.dumps, rows)))
    parquet, stamped = tmp_path / "fixes.parquet", tmp_path / "stamped.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"COPY (SELECT * FROM read_json('{lines}')) TO '{parquet}'")
        stamps = f"""SELECT phone, to_timestamp("at") AS "at", cell FROM read_json('{lines}')"""
        engine.execute(f"COPY ({stamps}) TO '{stamped}'")
    expected = [(row % 2, AT + row) for row in range(7)]
    for read in (
        replay_lines(lines, TABLE, slot_of, rows=3), replay_parquet(parquet, TABLE, slot_of, rows=3),
        replay_parquet(stamped, TABLE, slot_of, rows=3),
    ):  # fmt: skip
        batches = list(read)
        assert [len(one.fixes) for one in batches] == [3, 3, 1]
        got = [pair for one in batches for pair in zip(one.fixes.phone.tolist(), one.fixes.at.tolist(), strict=True)]
        assert got == expected


def test_a_file_that_is_no_parquet_or_lacks_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"no")
    with pytest.raises(Invalid, match="Parquet"):
        list(replay_parquet(path, TABLE, slot_of))
    with duckdb.connect() as engine:
        engine.execute(f"""COPY (SELECT 'a' AS phone, 1 AS "at") TO '{path}\'""")
    with pytest.raises(Invalid, match="cell"):
        list(replay_parquet(path, TABLE, slot_of))
