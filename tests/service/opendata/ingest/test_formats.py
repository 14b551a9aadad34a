# Chinese characters count double; the tables of expectations read better whole
"""Every container and format, known by content and never by name."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.service.opendata.ingest.workbench import codes_of, finding, read, read_one, rows_of, types_of

from banyan.service.opendata.ingest import write

PLAIN = "代碼,名稱,數量\n0145080011,豐濱分院,166\n592202A296,某藥局,0\n"
CELLS = [(1, "0145080011", "豐濱分院", 166), (2, "592202A296", "某藥局", 0)]


def zipped(members: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def workbook(sheets: dict[str, list[list[Any]]], merged: dict[str, list[str]] | None = None) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for area in (merged or {}).get(name, []):
            sheet.merge_cells(area)
    whole = io.BytesIO()
    made.save(whole)
    return whole.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp950", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_text_in_every_encoding_and_dialect(tmp_path: Path, encoding: str, delimiter: str, ends: str) -> None:
    text = PLAIN.replace(",", delimiter).replace("\n", ends)
    table = read_one(tmp_path, text.encode(encoding), name="-")
    assert rows_of(table) == CELLS
    assert table.source.delimiter == delimiter


def test_old_mac_line_ends(tmp_path: Path) -> None:
    assert rows_of(read_one(tmp_path, PLAIN.replace("\n", "\r"))) == CELLS


@pytest.mark.parametrize("name", ["data.csv.gz", "-", "wrong.xlsx"])
def test_gzip_is_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    table = read_one(tmp_path, gzip.compress(PLAIN.encode()), name=name)
    assert rows_of(table) == CELLS
    assert table.source.container == "gz"


def test_zip_members_are_tables(tmp_path: Path) -> None:
    content = zipped({"a/甲.csv": PLAIN.encode(), "乙.csv.gz": gzip.compress(PLAIN.encode()), "__MACOSX/x": b"junk"})
    first, second = read(tmp_path, content, name="all.zip")
    assert [(one.name, one.source.member, one.source.container) for one in (first, second)] == [
        ("甲", "a/甲.csv", "zip"),
        ("乙", "乙.csv.gz", "zip+gz"),
    ]
    assert rows_of(first) == rows_of(second) == CELLS
    assert rows_of(read_one(tmp_path, content, member="a/甲.csv")) == CELLS


def test_workbook_sheets_types_and_merged_headers(tmp_path: Path) -> None:
    content = workbook(
        {
            "口罩": [
                ["代碼", "數量", "日期", "時間", "比率"],
                [
                    "0145080011",
                    166,
                    date(2020, 2, 14),
                    datetime(2020, 2, 14, 9, 5, 34, tzinfo=UTC).replace(tzinfo=None),
                    0.5,
                ],
                [
                    "592202A296",
                    0,
                    date(2020, 2, 15),
                    datetime(2020, 2, 15, 9, 5, 34, tzinfo=UTC).replace(tzinfo=None),
                    1,
                ],
            ],
            "人口": [
                ["人口統計表"],
                ["", "男", "", "女", ""],
                ["里", "成人", "兒童", "成人", "兒童"],
                ["甲里", 1, 2, 3, 4],
                ["乙里", 5, 6, 7, 8],
            ],
            "空": [],
        },
        {"人口": ["A1:E1", "B2:C2", "D2:E2"]},
    )
    masks, people = read(tmp_path, content, name="x.bin")
    assert masks.name == masks.source.sheet == "口罩"
    assert types_of(masks) == {"代碼": "text", "數量": "integer", "日期": "date", "時間": "datetime", "比率": "number"}
    assert rows_of(masks, "select 代碼, 數量, 日期, 比率 from t where _id = 1") == [
        ("0145080011", 166, date(2020, 2, 14), 0.5)
    ]
    assert list(types_of(people)) == ["里", "男_成人", "男_兒童", "女_成人", "女_兒童"]
    assert rows_of(people, "select * from t where _id = 2") == [(2, "乙里", 5, 6, 7, 8)]
    assert {"header-preamble", "header-merged"} <= {code for code, _ in codes_of(people)}
    assert [one.name for one in read(tmp_path, content, sheet="人口")] == ["人口"]


@pytest.mark.parametrize(
    "text",
    [
        '[{"代碼":"0145080011","名稱":"豐濱分院","數量":166},{"代碼":"592202A296","名稱":"某藥局","數量":0}]',
        '{"代碼":"0145080011","名稱":"豐濱分院","數量":166}\n{"代碼":"592202A296","名稱":"某藥局","數量":0}\n',
        '{"代碼":["0145080011","592202A296"],"名稱":["豐濱分院","某藥局"],"數量":[166,0]}',
        '{"success":true,"records":[{"代碼":"0145080011","名稱":"豐濱分院","數量":166},{"代碼":"592202A296","名稱":"某藥局","數量":0}],"n":2}',
        '{"result":{"records":[{"代碼":"0145080011","名稱":"豐濱分院","數量":166},{"代碼":"592202A296","名稱":"某藥局","數量":0}]}}',
    ],
    ids=["array", "lines", "columns", "under-key", "two-down"],
)
def test_json_layouts(tmp_path: Path, text: str) -> None:
    assert rows_of(read_one(tmp_path, text, name="-")) == CELLS


def test_json_nests_one_level_and_keeps_the_rest(tmp_path: Path) -> None:
    text = json.dumps([{"a": {"b": 1, "c": {"d": [1]}}, "e": [1, 2], "f": None}, {"a": {"b": 2}, "late": "晚"}])
    table = read_one(tmp_path, text)
    assert types_of(table) == {"a.b": "integer", "a.c": "json", "e": "json", "f": "text", "late": "text"}
    assert rows_of(table) == [(1, 1, '{"d":[1]}', "[1,2]", None, None), (2, 2, None, None, None, "晚")]
    assert finding(table, "json-nested").examples == ("a.c", "e")


def test_json_records_longer_than_a_window(tmp_path: Path) -> None:
    records = [{"n": number, "文": "長" * (number % 7) * 50_000} for number in range(40)]
    table = read_one(tmp_path, json.dumps(records, ensure_ascii=False))
    assert rows_of(table, "select n, coalesce(length(文), 0) from t order by _id") == [
        (number, (number % 7) * 50_000) for number in range(40)
    ]


def feature(geometry: dict[str, Any] | None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_geojson_points_lines_and_areas(tmp_path: Path) -> None:
    square = {
        "type": "Polygon",
        "coordinates": [[[121.5, 25.0], [121.6, 25.0], [121.6, 25.1], [121.5, 25.1], [121.5, 25.0]]],
    }
    collection = {"type": "FeatureCollection", "features": [feature(square, 名="方"), feature(None, 名="無")]}
    table = read_one(tmp_path, json.dumps(collection))
    assert table.geometry == "shape"
    ((lon, lat, shape),) = rows_of(table, "select _lon, _lat, _geometry from t where _id = 1")
    assert (lon, lat) == pytest.approx((121.55, 25.05), abs=0.01)
    assert json.loads(shape) == square
    points = {
        "type": "FeatureCollection",
        "features": [feature({"type": "Point", "coordinates": [121.5, 25.0]}, 名="點")],
    }
    table = read_one(tmp_path, json.dumps(points))
    assert (table.geometry, table.bbox) == ("point", (121.5, 25.0, 121.5, 25.0))
    assert rows_of(table, "select 名, _lon, _lat from t") == [("點", 121.5, 25.0)]


def test_geojson_in_twd97(tmp_path: Path) -> None:
    collection = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3826"}},
        "features": [
            feature({"type": "LineString", "coordinates": [[307000, 2769500], [307100, 2769600]]}, n=1),
        ],
    }
    table = read_one(tmp_path, json.dumps(collection))
    ((lon, lat, shape),) = rows_of(table, "select _lon, _lat, _geometry from t")
    assert (lon, lat) == pytest.approx((121.5655, 25.0330), abs=0.002)
    assert json.loads(shape)["coordinates"][0] == pytest.approx([121.565, 25.0325], abs=0.002)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    source = pa.table(
        {
            "text": ["007", "8", None],
            "whole": [1, 2, None],
            "real": [1.5, None, 0.1],
            "yes": [True, None, False],
            "day": [date(2020, 2, 14), None, date(2020, 1, 1)],
            "list": [[1, 2], None, []],
        }
    )
    whole = io.BytesIO()
    pq.write_table(source, whole)
    table = read_one(tmp_path, whole.getvalue(), name="x.csv")
    assert types_of(table) == {
        "text": "text", "whole": "integer", "real": "number", "yes": "boolean", "day": "date", "list": "json",
    }  # fmt: skip
    assert rows_of(table) == [
        (1, "007", 1, 1.5, True, date(2020, 2, 14), "[1,2]"),
        (2, "8", 2, None, None, None, None),
        (3, None, None, 0.1, False, date(2020, 1, 1), "[]"),
    ]


def test_mixed_encodings_line_by_line(tmp_path: Path) -> None:
    lines = ["名稱,數\n".encode(), "甲地,1\n".encode(), "乙地,2\n".encode("cp950"), "丙地,3\n".encode(), b"ascii,4\n"]
    table = read_one(tmp_path, b"".join(lines))
    assert [row[1] for row in rows_of(table)] == ["甲地", "乙地", "丙地", "ascii"]
    found = finding(table, "encoding-mixed")
    assert (found.count, found.examples) == (1, ("cp950: 3",))


def test_bytes_that_fit_nothing_are_kept(tmp_path: Path) -> None:
    table = read_one(tmp_path, "名稱,數\n甲地,1\n".encode() + b"\xff\xfe\x41,2\n" + "丙地,3\n".encode())
    assert [row[1] for row in rows_of(table)] == ["甲地", "��A", "丙地"]
    found = finding(table, "bytes-unfit")
    assert found.count == 1
    assert found.examples[0].startswith("3: ff fe 41")


def test_hong_kong_and_japanese_text(tmp_path: Path) -> None:
    assert (
        rows_of(read_one(tmp_path, "名,數\n香港嘅啲嘢㗎,1\n佢哋喺度嚟,2\n".encode("big5hkscs")))[0][1] == "香港嘅啲嘢㗎"
    )
    japanese = ("名前,数\n" + "東京都千代田区のデータです,1\n大阪府の施設について,2\n" * 20).encode("shift_jis")
    assert rows_of(read_one(tmp_path, japanese))[0][1] == "東京都千代田区のデータです"


def test_a_large_table_is_sorted_and_holds_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of writing: places beside their rows, and joined where the rows are sorted."""
    cells = "".join(
        f"{121.5 + number % 7 / 100:.2f},{25 + number % 5 / 100:.2f},類{number % 3}\n\n" for number in range(400)
    )
    kept = read_one(tmp_path, "經度,緯度,類別\n" + cells)
    rows = rows_of(kept)
    monkeypatch.setattr(write, "SORT_ROWS", 1)
    ordered = read_one(tmp_path, "經度,緯度,類別\n" + cells)
    assert (kept.sort, ordered.sort) == ((), ("類別",))
    assert rows_of(ordered) == rows
    assert [row[0] for row in rows_of(kept, "select 類別 from t")] != sorted(row[3] for row in rows)
    assert [row[0] for row in rows_of(ordered, "select 類別 from t")] == sorted(row[3] for row in rows)
