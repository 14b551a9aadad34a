"""Columns held as values while a large text is read: the table is the same as of a reading that holds all as text."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.opendata.ingest.workbench import read_one, rows_of, types_of
from tests.thorough import examples

from banyan.service.opendata.ingest import Table, delimited, held, write
from banyan.service.opendata.ingest.dialect import Dialect
from banyan.service.opendata.ingest.held import Held, guess_held

ROWS = 1_200
KINDS = {
    "whole": lambda draw: str(draw.choice([0, draw.randrange(-50, 5_000), draw.randrange(10**17)])),
    "year": lambda draw: str(draw.randrange(1_990, 2_030)),
    "code": lambda draw: f"{draw.randrange(10**7, 10**8)}",
    "long": lambda draw: f"{draw.randrange(10**17, 10**18)}",
    "decimal": lambda draw: f"{draw.uniform(-3, 125):.5f}",
    "money": lambda draw: f"{draw.randrange(10**9)}.0",
    "moment": lambda draw: f"2020-0{draw.randrange(1, 10)}-1{draw.randrange(10)} 0{draw.randrange(10)}:30:00",
    "word": lambda draw: draw.choice(["臺北市", "台北市", "O'Brien", " led", "=SUM(A1)", "<b>", 'a "b"', "x,y", "\\n"]),
    "number word": lambda draw: draw.choice(["1", "01", "-", "3"]),
    "day word": lambda draw: draw.choice(["2020-02-14", "2020-02-15", "115/11/23"]),
    "text": lambda draw: f"第{draw.randrange(10**6)}站",
}
ODD = ["", "-0", "-0.00000", "007", "1.5", "1.500000", "1e5", " 1", "+1", "1,234", "１２", "infinity", "nan", "N/A",
       "-", "2020-02-30 00:00:00", "10000-01-01 00:00:00", "2020-02-14 05:30:00.5", "2020-02-14", "9" * 19, "0001",
       "123456789012.12345", "00000000.12345", "臺中市", "a\nb", "'"]  # fmt: skip


def cells(kind: str, odd: list[str], seed: int) -> list[str]:
    """A column of one kind, with odd cells anywhere."""
    draw = random.Random(f"{kind} {odd} {seed}")
    column = [KINDS[kind](draw) for _ in range(ROWS)]
    for cell in odd:
        column[draw.randrange(ROWS)] = cell
    return column


def written(columns: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(f"欄{number}" for number in range(len(columns)))
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def outcome(content: str, **options: Any) -> tuple[Table, list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The table as it is told, its rows, and the types of the Parquet file's columns."""
    with tempfile.TemporaryDirectory() as folder:
        table = read_one(Path(folder), content, **options)
        told = msgspec.structs.replace(table, parquet=Path())
        return told, rows_of(table), rows_of(table, "describe t")


def both(content: str, patch: pytest.MonkeyPatch, **options: Any) -> tuple[Any, Any]:
    """Held as far as a sample of every size tells, and all as text."""
    patch.setattr(held, "HELD_LEAST_BYTES", 0)
    as_held = outcome(content, **options)
    patch.setattr(delimited, "guess_held", lambda *_: {})
    return as_held, outcome(content, **options)


COLUMNS = st.lists(
    st.tuples(st.sampled_from(sorted(KINDS)), st.lists(st.sampled_from(ODD), max_size=2)), min_size=2, max_size=4
)


@settings(max_examples=examples(10, 25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(COLUMNS, st.integers(0, 9), st.sampled_from([400, 72 * 1024]))
def test_a_table_is_the_same_however_it_is_held(columns: list[tuple[str, list[str]]], seed: int, stripe: int) -> None:
    """Also where a small sample hides what does not fit."""
    content = written([cells(kind, odd, seed) for kind, odd in columns])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held, "STRIPE_BYTES", stripe)
        patch.setattr(held, "WORD_CELLS", 10)
        as_held, as_text = both(content, patch)
    assert as_held == as_text


def test_every_kind_is_held(tmp_path: Path) -> None:
    content = written([cells(kind, [""], 1) for kind in KINDS])
    (tmp_path / "data.csv").write_text(content, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held, "HELD_LEAST_BYTES", 0)
        guessed = guess_held(tmp_path / "data.csv", Dialect(",", len(KINDS), 1.0), len(KINDS))
        as_held, as_text = both(content, patch)
    names = list(KINDS)
    assert {names[place] for place in guessed} == set(KINDS) - {"text"}
    assert [one.kind for one in guessed.values() if not one.words] == [
        "bigint", "bigint", "bigint", "bigint", "decimal(15, 5)", "decimal(15, 1)", "timestamp",
    ]  # fmt: skip
    assert as_held == as_text


def test_a_rare_misfit_costs_another_reading_and_nothing_else(tmp_path: Path) -> None:
    """Three columns break their promise late in the file: two readings end, the third holds nothing."""
    columns = [cells(kind, [], 2) for kind in ("whole", "moment", "word", "text")]
    columns[0][-1], columns[1][-2], columns[2][-3] = "1e5", "infinity", "新北市"
    content = written(columns)
    readings: list[set[int]] = []
    load = delimited._load

    def counted(*known: Any, held: dict[int, Held], **options: Any) -> None:
        readings.append(set(held))
        load(*known, held=held, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held, "STRIPES", 1)
        patch.setattr(held, "STRIPE_BYTES", len(content) // 3)
        patch.setattr(held, "WORD_CELLS", 10)
        patch.setattr(delimited, "_load", counted)
        as_held, as_text = both(content, patch)
    assert as_held == as_text
    assert [len(one) for one in readings] == [3, 2, 0, 0]


def test_sorted_by_a_held_word_as_by_its_text(tmp_path: Path) -> None:

    content = written([cells(kind, [""], 3) for kind in ("word", "whole")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "SORT_ROWS", 0)
        patch.setattr(held, "HELD_LEAST_BYTES", 0)
        one = read_one(tmp_path, content)
        assert one.sort == ("欄0",)
        words = [row[0] for row in rows_of(one, "select 欄0 from t")]
        assert words == sorted((word for word in words if word), key=str.encode) + [None] * words.count(None)
        assert types_of(one) == {"欄0": "text", "欄1": "integer"}


def test_blank_rows_are_left_out_of_what_is_held() -> None:
    columns = [cells(kind, [], 4) for kind in ("whole", "word", "text")]
    for column in columns:
        column[500] = ""
    content = written(columns)
    with pytest.MonkeyPatch.context() as patch:
        as_held, as_text = both(content, patch)
    assert as_held == as_text
    assert as_held[0].rows == ROWS - 1
