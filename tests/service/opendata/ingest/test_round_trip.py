# ruff: noqa: E501  # Chinese characters count double
"""Any table of strings, in any encoding and dialect, comes back cell by cell: typed with the same meaning, or raw."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tests.service.opendata.ingest.workbench import read_one, rows_of
from tests.thorough import examples

from banyan.errors import Invalid
from banyan.service.opendata.ingest import Table

CHINESE = "臺台北市藥局數量年月日中華民國第一二三四號樓之、，。（）１２３％"
LATIN = "abcXYZ0123456789-+=@'\"<>/\\., ;|\t\n\r%$#_:"
CELL = st.one_of(
    st.text(CHINESE + LATIN, max_size=12),
    st.integers(-(10**19), 10**19).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(str),
    st.dates().map(str),
    st.sampled_from(["", "-", "NA", "007", "1,234", "１２", "12.5%", "115/11/23", "1151123", "true", "是", "1_000", "1e5",
                     "2020/02/14 09:05:34", "24:00", "inf", "nan", "0x1F", "145080011.0", " x", "x　"]),
)  # fmt: skip
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=12)
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp950", "big5hkscs")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking would read thousands of files; the first failing table is small enough."""
DELIMITERS = (",", "\t", ";", "|")


def written(rows: list[list[str]], delimiter: str, quoting: Any) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
    writer.writerow([f"欄{number}" for number in range(len(rows[0]))])
    writer.writerows(rows)
    return text.getvalue()


def as_read(table: Table) -> dict[int, list[tuple[Any, Any]]]:
    """(value, raw) of every cell by row number; a column of nothing is (None, None)."""
    raws = [f'"{one.raw}"' if one.raw else "null" for one in table.columns]
    names = ", ".join(f'"{one.name}", {raw}' for one, raw in zip(table.columns, raws, strict=True))
    return {
        row[0]: list(zip(row[1::2], row[2::2], strict=True)) for row in rows_of(table, f"select _id, {names} from t")
    }


def same_meaning(cell: str, value: Any, kind: str) -> bool:
    """Whether a typed value says what the text said; numbers and text are checked, dates by their own tests."""
    if kind == "text":
        return value == cell or (value is None and cell == "")
    if value is None:
        return cell == ""
    if kind in {"integer", "number"}:
        plain = (
            cell.translate(str.maketrans("０１２３４５６７８９，．％", "0123456789,.%"))
            .replace(",", "")
            .strip(" \t\r\n　%元$NT")
        )
        return float(plain) == float(value)
    return True


@settings(
    max_examples=examples(16, 50),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=PHASES,
)
@given(rows=TABLES, encoding=st.sampled_from(ENCODINGS), delimiter=st.sampled_from(DELIMITERS),
       quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))  # fmt: skip
@example(rows=[["1_000", "1"], ["2", "1"]], encoding="utf-8", delimiter=",", quoting=csv.QUOTE_MINIMAL)
@example(rows=[["1.5"], ["2"]], encoding="utf-8", delimiter=",", quoting=csv.QUOTE_MINIMAL)
@example(rows=[["x\r\ny", "a\rb"]], encoding="cp950", delimiter=";", quoting=csv.QUOTE_MINIMAL)
@example(rows=[["9007199254740993"], ["9223372036854775807"]], encoding="utf-8", delimiter=",", quoting=csv.QUOTE_ALL)
def test_cells_come_back(rows: list[list[str]], encoding: str, delimiter: str, quoting: Any) -> None:
    content = written(rows, delimiter, quoting).encode(encoding)
    filled = {number: row for number, row in enumerate(rows, 1) if any(row)}
    with tempfile.TemporaryDirectory() as folder:
        options = {"encoding": encoding.removesuffix("-sig") if encoding != "utf-16" else "", "delimiter": delimiter}
        if not filled:
            with pytest.raises(Invalid):
                read_one(Path(folder), content, header_rows=1, **options)
            return
        found = as_read(table := read_one(Path(folder), content, header_rows=1, **options))
    assert len(found) == len(filled)
    for cells, row in zip((found[number] for number in sorted(found)), filled.values(), strict=True):
        for (value, raw), cell, column in zip(cells, row, table.columns, strict=True):
            assert raw == cell or (raw is None and same_meaning(cell, value, column.type)), (
                cell,
                value,
                raw,
                column.type,
            )


WORD = st.text("臺北高雄藥局數量甲乙丙丁", min_size=1, max_size=6)


@settings(max_examples=examples(10, 25), deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
@given(rows=st.lists(st.tuples(WORD, WORD, st.integers(0, 99999).map(str)), min_size=4, max_size=15),
       encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp950")), delimiter=st.sampled_from(DELIMITERS))  # fmt: skip
def test_sane_tables_come_back_without_any_option(rows: list[tuple[str, ...]], encoding: str, delimiter: str) -> None:
    content = written([list(row) for row in rows], delimiter, csv.QUOTE_MINIMAL).encode(encoding)
    with tempfile.TemporaryDirectory() as folder:
        table = read_one(Path(folder), content, name="-")
        found = as_read(table)
    assert (table.source.delimiter, table.source.header_rows, table.rows) == (delimiter, 1, len(rows))
    for number, row in enumerate(rows, 1):
        for (value, raw), cell, column in zip(found[number], row, table.columns, strict=True):
            assert raw == cell or (raw is None and same_meaning(cell, value, column.type))
