"""Writes make the next version: equal to writing the records one by one into a Python list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.opendata.tables.made import PHARMACIES, PHARMACY_ROWS, Columns, a_version

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.storage.lake import Lake
from banyan.service.opendata.tables.apply import Applied, apply_rows, delete_rows
from banyan.service.opendata.tables.filters import parse_filters

COLUMNS: Columns = {"k": "text", "n": "integer", "d": "date"}


def rows_of(applied: Applied) -> list[tuple[Any, ...]]:
    connection = duckdb.connect()
    return connection.execute(f"SELECT * FROM '{applied.parquet}' ORDER BY _id").fetchall()


def apply(
    folder: Path, rows: list[Any], records: list[dict[str, Any]], method: Any, key: tuple[str, ...] = ("k",)
) -> Applied:
    lake = Lake(folder / "lake", folder / "work")
    version = a_version(lake, COLUMNS, rows, aliases={"n": ("舊名",)}, order="n")
    return apply_rows(version, lake.path(version.parquet), records, method=method, key=key, work=folder / "work")


def test_upsert_changes_given_fields_and_appends(tmp_path: Path) -> None:
    rows = [["a", 1, "2020-01-01"], ["b", 2, None]]
    records = [{"k": "b", "舊名": 5}, {"k": "c", "d": "2020-02-29"}, {"k": "c", "n": "7"}]
    applied = apply(tmp_path, rows, records, "upsert")
    found = [(at, k, n, str(d) if d else None) for at, k, n, d in rows_of(applied)]
    assert found == [(1, "a", 1, "2020-01-01"), (2, "b", 5, None), (3, "c", 7, "2020-02-29")]
    assert (applied.rows, applied.added, applied.changed) == (3, 1, 1)


def test_refusals(tmp_path: Path) -> None:
    rows = [["a", 1, None]]
    with pytest.raises(Conflict):
        apply(tmp_path, rows, [{"k": "a"}], "insert")
    with pytest.raises(Conflict):
        apply(tmp_path, rows, [{"k": "z"}, {"k": "z"}], "insert")
    with pytest.raises(NotFound):
        apply(tmp_path, rows, [{"k": "z", "n": 1}], "update")
    with pytest.raises(Invalid):
        apply(tmp_path, rows, [{"n": 1}], "upsert")
    with pytest.raises(Invalid):
        apply(tmp_path, rows, [{"k": "a", "n": "many"}], "upsert")
    with pytest.raises(Invalid):
        apply(tmp_path, rows, [{"k": "a", "x": 1}], "upsert")
    with pytest.raises(Invalid):
        apply(tmp_path, rows, [{"k": "a"}], "update", key=())


def test_delete_keeps_what_does_not_match(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", tmp_path / "work")
    version = a_version(lake, PHARMACIES, PHARMACY_ROWS)
    where = parse_filters({"縣市": "花蓮縣"})
    assert where is not None
    applied = delete_rows(version, lake.path(version.parquet), where, work=tmp_path / "work")
    assert [row[0] for row in rows_of(applied)] == [1, 4]
    assert (applied.rows, applied.gone) == (2, 2)


RECORDS = st.lists(
    st.fixed_dictionaries({"k": st.sampled_from("abcd")}, optional={"n": st.none() | st.integers(-9, 9)}), max_size=6
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from("abcd"), unique=True), RECORDS)
def test_upsert_equals_one_by_one(tmp_path: Path, there: list[str], records: list[dict[str, Any]]) -> None:
    rows = [[k, at, None] for at, k in enumerate(there)]
    truth = {k: [k, at] for at, k in enumerate(there)}
    for record in records:
        row = truth.setdefault(record["k"], [record["k"], None])
        row[1] = record.get("n", row[1])
    found = rows_of(apply(tmp_path, rows, records, "upsert"))
    assert [row[1:3] for row in found] == [tuple(row) for row in truth.values()]
    assert [row[0] for row in found] == list(range(1, len(truth) + 1))
