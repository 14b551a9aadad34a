"""Content checks: every defect once, clean data never, evidence with its row, people's numbers masked, time bounded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import NOW, shared_data

from banyan.service.opendata.ingest import Options, Table, ingest
from banyan.service.opendata.model import Check, Version
from banyan.service.opendata.quality import content, look_before_publishing, personal, scan


def a_version(table: Table) -> Version:
    return Version(
        resource_id="r",
        number=1,
        at=NOW,
        as_of=NOW,
        rows=table.rows,
        columns=table.columns,
        source=table.source,
        parquet="",
        findings=table.findings,
    )


def checks_of(path: Path, work: Path, options: Options | None = None) -> dict[str, Check]:
    (table,) = ingest(
        path, path.name, options=options or Options(), work=work, progress=lambda _: None, cancelled=lambda: False
    )
    found = content.judge(a_version(table), scan.scan(table.parquet, table.columns, key=table.key))
    assert tuple(check.code for check in found) == content.CODES
    return {check.code: check for check in found if check.count}


def checks(tmp_path: Path, header: str, rows: Sequence[str], **options: object) -> dict[str, Check]:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    work = tmp_path / "work"
    work.mkdir()
    return checks_of(path, work, Options(**options))  # type: ignore[arg-type]


def rows_with(*odd: str, plain: str = "甲") -> list[str]:
    """Enough ordinary rows, and the odd ones among them; each row has its own number."""
    cells = [f"{plain}{number}" for number in range(30)]
    for at, cell in enumerate(odd):
        cells[5 + 3 * at] = cell
    return [f"n{number},{cell}" for number, cell in enumerate(cells)]


CELLS = {
    "literal-escape": r"地址、電話\r\n",
    "replacement": "臺北\ufffd市",
    "mojibake": "ï»¿代碼",
    "lost-character": "電話統計?市",
    "private-use": "瓦\U000fffa8里",
    "html": "見<br/>附件",
    "formula": "=HYPERLINK(A1)",
    "full-width": "松山１號",
}


def test_each_odd_cell_is_found_with_its_row(tmp_path: Path) -> None:
    found = checks(tmp_path, "編號,內容", rows_with(*CELLS.values()))
    assert set(found) == set(CELLS)
    for at, code in enumerate(CELLS):
        assert found[code].count == 1, code
        assert found[code].evidence[0].startswith(f"#{6 + 3 * at} 內容: "), code


def test_ordinary_text_is_no_defect(tmp_path: Path) -> None:
    cells = ["3-1號", "a < b", "R&D", "50%", "C:/temp", "A+", "何時?", "2026-11-23"]
    assert checks(tmp_path, "編號,內容", rows_with(*cells)) == {}


@pytest.mark.parametrize(
    ("code", "column", "cells"),
    [
        ("number-words", "資料量", ["約1筆", "12筆", "36KB", *map(str, range(100, 130))]),
        ("yearless", "日期", [f"{month}月{day}日" for month in range(1, 6) for day in range(1, 8)]),
        ("mixed-dates", "日期", [*(f"2026-11-{day:02}" for day in range(1, 18)),
                                 *(f"115年11月{day}日前後" for day in range(1, 12))]),
        ("missing-words", "內容", ["N/A", "無資料", *(f"甲{number}" for number in range(30))]),
    ],
)  # fmt: skip
def test_columns_of_one_kind_with_odd_cells(tmp_path: Path, code: str, column: str, cells: list[str]) -> None:
    found = checks(
        tmp_path, f"編號,{column}", [f"n{at},{cell}" for at, cell in enumerate(cells)], types={column: "text"}
    )
    assert code in found


def test_mixed_tai_counts_the_rarer_form(tmp_path: Path) -> None:
    found = checks(tmp_path, "編號,內容", rows_with("台北市信義區", plain="臺北市大安區"))
    assert (found["mixed-tai"].count, found["mixed-tai"].evidence[0]) == (1, "臺 29 / 台 1")


def test_footer_rows_empty_and_constant_columns(tmp_path: Path) -> None:
    rows = [f"n{number},{number},,同" for number in range(20)]
    found = checks(tmp_path, "編號,數量,空白,縣市", [*rows, "合計,190,,", "資料來源：主計處,,,"])
    assert found["footer"].count >= 1
    assert found["empty-columns"].evidence == ("空白",)
    constant = checks_of_rows(tmp_path / "second", "編號,縣市", [f"n{number},花蓮縣" for number in range(20)])
    assert constant["constant-columns"].passed is None, "a notice, no fault"


def checks_of_rows(folder: Path, header: str, rows: list[str]) -> dict[str, Check]:
    folder.mkdir()
    return checks(folder, header, rows)


def test_duplicates(tmp_path: Path) -> None:
    found = checks(tmp_path, "代號,內容", ["a,甲", "a,甲", "b,乙", "c,丙"] + [f"d{n},丁{n}" for n in range(20)])
    assert found["duplicate-rows"].count == 1


def test_people_are_found_by_check_digit_and_never_shown_whole(tmp_path: Path) -> None:
    found = checks(tmp_path, "編號,內容", rows_with("A123456789", "A123456788", "聯絡0912-345-678", "A800000014"))
    assert found["national-id"].count == 1
    assert found["national-id"].evidence == ("#6 內容: A12*****89",)
    assert found["mobile"].count == 1
    assert found["resident-id"].count == 1
    assert not any("A123456789" in line or "345-67" in line for check in found.values() for line in check.evidence)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("A123456789", ["national-id"]),
        ("身分證A123456789。", ["national-id"]),
        ("A123456780", []),
        ("XA1234567890", []),
        ("AA12345678", []),
        ("FA12345689", ["resident-id"]),
        ("0912345678", ["mobile"]),
        ("+886-912-345-678", ["mobile"]),
        ("10912345678", []),
        ("02-27065866", []),
    ],
)
def test_person_numbers(text: str, kinds: list[str]) -> None:
    assert [kind for kind, _ in personal.kinds(text)] == kinds


@given(st.text(max_size=40))
def test_looking_for_people_never_fails(text: str) -> None:
    personal.kinds(text)


def test_before_publication_it_is_said_loudly(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["編號,內容", *rows_with("A123456789", "=cmd|' /C calc'!A0")]), encoding="utf-8")
    (table,) = ingest(
        path, path.name, options=Options(), work=tmp_path, progress=lambda _: None, cancelled=lambda: False
    )
    found = look_before_publishing(table.parquet, table.columns)
    assert {finding.code for finding in found} == {"quality-national-id", "quality-formula"}
    assert all(finding.kind == "problem" for finding in found)


def test_a_scan_without_time_says_it_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["編號,內容", *rows_with()]), encoding="utf-8")
    (table,) = ingest(
        path, path.name, options=Options(), work=tmp_path, progress=lambda _: None, cancelled=lambda: False
    )
    hurried = scan.scan(table.parquet, table.columns, time_s=0.0)
    assert hurried.is_whole is False
    checks = {check.code: check for check in content.judge(a_version(table), hurried)}
    assert (checks["unfinished"].count, checks["unfinished"].passed) == (1, None)
    assert scan.scan(table.parquet, table.columns).is_whole is True


@pytest.mark.parametrize(
    ("file", "codes"),
    [
        ("education_2020_first900.csv", {"two-headers"}),
        ("taichung_catalog_2018.csv", {"literal-escape", "mixed-tai"}),
        ("taipei_catalog_2018_big5.csv", {"number-words", "lost-character", "mixed-tai", "unfit"}),
        ("tainan_catalog_2018.csv", {"mixed-tai", "empty-columns"}),
        ("taitung_shelters_2017.csv", {"no-crs"}),
        ("education_2013_first900_utf16.csv", {"padding", "private-use"}),
    ],
)
def test_real_files_of_agencies(tmp_path: Path, file: str, codes: set[str]) -> None:
    assert codes <= set(checks_of(shared_data(f"opendata/dirty/{file}"), tmp_path))
