"""Numbers in an area from an operator's table: the same as by hand, whatever its form; bounded; no row is told."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import duckdb
import pytest

from banyan.craft.subscribers import table as tables
from banyan.craft.subscribers.table import Wanted, numbers_in, table_at, wrong_rows
from banyan.errors import Invalid, Limit

CELLS = tuple(f"466-92-1-{one}" for one in range(6))
PLACES = ("10015010", "10015010001", "10015010002", "10015020", "10015020001", "63000010", "63000010005")
LANGS = ("zh-TW", "zh", "", "en", "vi")
Row = tuple[str, str, str]


def some_rows(random: Random, places: tuple[str, ...], count: int) -> list[Row]:
    """The same number may be in several places."""
    return [
        (f"{random.choice(('', '+'))}8869{random.randrange(300):08}", random.choice(places), random.choice(LANGS))
        for _ in range(count)
    ]


def written(folder: Path, kind: str, key: str, rows: list[Row]) -> Path:
    path = folder / f"t.{kind}"
    if kind == "parquet":
        with duckdb.connect() as engine:
            engine.execute(f"create table t (number varchar, {key} varchar, lang varchar)")
            engine.executemany("insert into t values (?, ?, ?)", rows)
            engine.execute(f"copy t to '{path}' (format parquet)")
        return path
    text = "\n".join([f"number,{key},lang", *(",".join(row) for row in rows), ""])
    path.write_bytes(gzip.compress(text.encode()) if kind == "csv.gz" else text.encode())
    return path


def by_hand(rows: list[Row], wanted: Wanted) -> set[tuple[str, str]]:
    def is_meant(place: str) -> bool:
        if "-" in place:
            return place in wanted.cells
        codes = set(wanted.codes)
        above = {place, place[:8], place[:5]} & codes
        below = len(place) == 8 and any(len(one) == 11 and one.startswith(place) for one in codes)
        return bool(above) or below

    return {
        ("+" + number.lstrip("+"), "zh-Hant" if lang.lower().startswith("zh") or not lang else "en")
        for number, place, lang in rows
        if is_meant(place)
    }


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize("key", ["cell", "area"])
def test_the_same_numbers_as_by_hand(tmp_path: Path, kind: str, key: str) -> None:
    random = Random(f"{kind} {key}")
    places = CELLS if key == "cell" else PLACES
    rows = some_rows(random, places, 900)
    path = written(tmp_path, kind, key, rows)
    table = table_at(path, "tables")
    assert (table.key, table.has_lang, wrong_rows(table)) == (key, True, 0)
    for _ in range(8):
        chosen = random.sample((*places, "10015", "63000"), random.randrange(4))
        wanted = Wanted(cells=chosen) if key == "cell" else Wanted(codes=chosen)
        slices = list(numbers_in(table, wanted, rows=100))
        assert all(len(one) <= 100 for one in slices)
        assert {one for some in slices for one in some} == by_hand(rows, wanted)


def test_rows_that_cannot_be_used_are_counted_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "number,area\n0912345678,10015010\n886912345678,10015010\n,10015010\nx,10015010\n886912345679,10015\n886912345670,\n"
    )
    table = table_at(path, "tables")
    assert wrong_rows(table) == 5
    assert list(numbers_in(table, Wanted(codes=["10015010"]), rows=9)) == [[("+886912345678", "zh-Hant")]]


@pytest.mark.parametrize(
    ("name", "text"),
    [("t.csv", "phone,cell\n1,2\n"), ("t.csv", "number\n1\n"), ("t.csv", "number,cell,area\n1,2,3\n"), ("t.txt", ""),
     ("t.parquet", "PAR1 no"), ("gone.csv", None)],
)  # fmt: skip
def test_what_is_no_table_is_refused_by_its_name(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(Invalid, match=name):
        table_at(tmp_path / name, "tables")


def test_a_file_that_breaks_off_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with duckdb.connect() as engine:
        engine.execute(
            f"copy (select '8869' || lpad(i::varchar, 8, '0') as number, '466-92-1-' || (i % 6) as cell "
            f"from range(50000) t(i)) to '{path}' (format parquet)"
        )
    table = table_at(path, "tables")
    octets = bytearray(path.read_bytes())
    octets[200 : len(octets) // 2] = b"\xff" * (len(octets) // 2 - 200)
    path.write_bytes(bytes(octets))
    with pytest.raises(Invalid) as refused:
        list(numbers_in(table, Wanted(cells=CELLS), rows=1_000))
    assert "8869" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "csv", "cell", some_rows(Random(1), CELLS, 300))
    table = table_at(path, "tables")
    monkeypatch.setattr(tables, "AREA_NUMBERS", 100)
    with pytest.raises(Limit):
        list(numbers_in(table, Wanted(cells=CELLS), rows=50))
    monkeypatch.setattr(tables, "AREA_TABLE_BYTES", 100)
    with pytest.raises(Limit):
        table_at(path, "tables")
