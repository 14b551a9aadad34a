"""Every row decides: one odd row far behind the sample changes the guess, or is kept raw and counted; never lost."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.opendata.ingest.workbench import codes_of, finding, read_one, rows_of, types_of
from tests.thorough import examples

from banyan.service.opendata.ingest.choosing import choose
from banyan.service.opendata.ingest.facts import Facts
from banyan.service.opendata.ingest.sample import TESTS, worth_asking

ROWS = 20_001
LATE = 19_995
"""0-based; the sample takes each tenth row."""


def column(regular: str, late: str = "", *, header: str = "值") -> str:
    """ROWS rows of a column beside a plain one; `{n}` is the row number."""
    cells = [regular.format(n=number) for number in range(ROWS)]
    if late:
        cells[LATE] = late
    return f"{header},旁\n" + "".join(f"{cell},甲\n" for cell in cells)


@pytest.mark.parametrize(
    ("regular", "late", "kind", "raw"),
    [
        ("{n}", "x", "integer", "x"),
        ("{n}", "99999999999999999999", "integer", "99999999999999999999"),
        ("{n}", "7.5", "integer", "7.5"),
        ("{n}", "-", "integer", "-"),
        ("{n}.25", "1.5e999", "number", "1.5e999"),
        ("{n}.25", "inf", "number", "inf"),
        ("{n}.25", "1234567890123456789.5", "number", "1234567890123456789.5"),
        ("2020-02-14", "2020-02-31", "date", "2020-02-31"),
        ("2020-02-14 09:05:34", "infinity", "datetime", "infinity"),
        ("2020-02-14 09:05:34", "2020-02-14 24:05:34", "datetime", "2020-02-14 24:05:34"),
        ("true", "maybe", "boolean", "maybe"),
    ],
)
def test_a_late_cell_that_does_not_fit_is_kept_and_counted(
    regular: str, late: str, kind: str, raw: str, tmp_path: Path
) -> None:
    table = read_one(tmp_path, column(regular, late))
    assert types_of(table)["值"] == kind
    assert rows_of(table, "select _id, 值, 值__raw from t where 值 is null") == [(LATE + 1, None, raw)]
    kept = finding(table, "cells-missing" if late == "-" else "cells-unfit", "值")
    assert (kept.count, kept.examples, table.rows) == (1, (raw,), ROWS)


@pytest.mark.parametrize(
    ("regular", "late", "value"),
    [
        ("{n}", '"1,234"', 1234),
        ("{n}", "+12", 12),
        ("{n}.25", "１２.5", 12.5),
        ("{n}.25", "1e2", 100.0),
        ("2020-02-14", "2020/2/15", "2020-02-15"),
        ("2020-02-14 09:05:34", "2020-02-14 10:06", "2020-02-14 10:06:00"),
        ("2020-02-14 09:05:34", "2020-02-14 10:06:07.5", "2020-02-14 10:06:07.5"),
        ("2020-02-14 09:05:34", "2020/2/14 下午 10:06:07", "2020-02-14 22:06:07"),
    ],
)
def test_a_late_cell_written_otherwise_is_read(regular: str, late: str, value: Any, tmp_path: Path) -> None:
    table = read_one(tmp_path, column(regular, late))
    ((found, rows),) = rows_of(table, f"select max(值) filter (_id = {LATE + 1}), count(值) from t")
    assert (found if isinstance(value, int | float) else str(found).removesuffix("00000"), rows) == (value, ROWS)
    assert not any(one.raw for one in table.columns)


@pytest.mark.parametrize(
    ("late", "evidence"), [("0123", "leading-zeros"), ("A123", "letters"), ("000", "leading-zeros")]
)
def test_one_late_code_makes_the_column_text(late: str, evidence: str, tmp_path: Path) -> None:
    table = read_one(tmp_path, column("{n}", late))
    assert types_of(table)["值"] == "text"
    kept = finding(table, "code-kept", "值")
    assert kept.values == {"evidence": evidence, "count": "1"}
    assert rows_of(table, f"select 值 from t where _id = {LATE + 1}") == [(late,)]


@pytest.mark.parametrize("late", [" 乙", "乙 ", "\u3000乙", "乙\t"])
def test_a_late_space_is_trimmed_and_counted(late: str, tmp_path: Path) -> None:
    table = read_one(tmp_path, column("甲", late))
    assert finding(table, "cells-trimmed", "值").count == 1
    assert rows_of(table, "select _id, 值, 值__raw from t where 值__raw is not null") == [(LATE + 1, "乙", late)]


@pytest.mark.parametrize(
    ("line", "code", "cells"),
    [("7", "rows-short", ("7", None)), ("7,甲,丙", "rows-long", ("7", "甲")), ('"7\n8",甲', "", ("7\n8", "甲"))],
)
def test_late_ragged_rows_and_quoted_newlines(line: str, code: str, cells: tuple[str, ...], tmp_path: Path) -> None:
    lines = column("甲{n}").splitlines(keepends=True)
    lines[LATE + 1] = line + "\n"
    table = read_one(tmp_path, "".join(lines))
    assert table.rows == ROWS
    assert rows_of(table, f"select 值, 旁 from t where _id = {LATE + 1}") == [cells]
    assert not code or finding(table, code).count == 1


def test_late_bytes_of_another_encoding_are_read(tmp_path: Path) -> None:
    lines = column("甲{n}").encode().splitlines(keepends=True)
    lines[LATE + 1] = "臺北市,甲\n".encode("cp950")
    table = read_one(tmp_path, b"".join(lines))
    assert rows_of(table, f"select 值 from t where _id = {LATE + 1}") == [("臺北市",)]
    assert ("encoding-mixed", "") in codes_of(table)


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        ([f"K{number:08d}" for number in range(ROWS)], ("代碼",)),
        ([f"K{number * 7919 % ROWS:08d}" for number in range(ROWS)], ("代碼",)),
        ([f"K{min(number, ROWS - 2):08d}" for number in range(ROWS)], ()),
        ([f"K{number:08d}" if number != LATE else "" for number in range(ROWS)], ()),
        ([f"K{number:08d}" if number != LATE else "  " for number in range(ROWS)], ()),
    ],
    ids=["ascending", "in no order", "last one twice", "one empty", "one blank"],
)
def test_a_key_names_every_row(cells: list[str], key: tuple[str, ...], tmp_path: Path) -> None:
    table = read_one(tmp_path, "代碼,旁\n" + "".join(f"{cell},甲\n" for cell in cells))
    assert table.key == key


def test_the_foot_is_seen_behind_blank_rows(tmp_path: Path) -> None:
    table = read_one(tmp_path, column("{n}") + ",\n" * 8 + "總計,乙\n" + ",\n" * 8)
    assert (table.rows, finding(table, "rows-blank").count) == (ROWS + 1, 16)
    assert finding(table, "rows-foot").examples[0].endswith(": 總計")


def test_a_rare_column_is_sampled_and_shown_by_its_own_cells(tmp_path: Path) -> None:
    lines = ["代碼,稀\n"] + [f"K{number},{number if number > LATE else ''}\n" for number in range(ROWS)]
    table = read_one(tmp_path, "".join(lines))
    rare = table.columns[1]
    assert (rare.type, rare.nulls, rare.examples) == ("integer", LATE + 1, ("19996", "19997", "19998"))


CELL = st.one_of(
    st.integers(0, 10**15).map(str),
    st.integers(0, 9999).map(str),
    st.floats(0, 1e6, allow_nan=False).map(lambda value: f"{value:.3f}"),
    st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")),
    st.dates().map(str),
    st.sampled_from(["true", "FALSE", "115/1/2", "1150102", "20200102", "202001", "11501", "2020", "115", "115年",
                     "1/2", "第1站", "臺北市", "民國115年", "12%", "NT$5", "145080011.0", "09:30", "１２３",
                     "2020年1月", " 12 "]),
)  # fmt: skip


@settings(max_examples=examples(20, 60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(usual=CELL, others=st.lists(CELL, max_size=30), share=st.integers(0, 400), name=st.sampled_from(
    ["值", "日期", "年度", "年月", "代碼", "民國年"]))  # fmt: skip
def test_what_is_not_asked_would_not_have_changed_the_choice(
    usual: str, others: list[str], share: int, name: str
) -> None:
    cells = [usual] * (share + 1) + others
    with duckdb.connect() as con:
        con.execute(files("banyan.service.opendata.ingest").joinpath("macros.sql").read_text(encoding="utf-8"))
        counted = con.execute(f"select {', '.join(TESTS.values())} from (select unnest(?) as v)", [cells]).fetchall()
    every = dict(zip(TESTS, counted[0], strict=True))
    asked = worth_asking(cells)
    kept = asked | {"yearless", "damaged", "roc_mark"} if asked else set()
    few = {test: count if test in kept else 0 for test, count in every.items()}
    lengths = [len(cell.encode()) for cell in cells]
    facts = Facts(len(cells), len(set(cells)), min(lengths), max(lengths), sum(lengths))
    assert choose(few, len(cells), name, facts) == choose(every, len(cells), name, facts)
