# Chinese characters count double; the tables of expectations read better whole
"""Headers, types, roles and places as guessed; and every option that decides otherwise."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from tests.service.opendata.ingest.workbench import codes_of, finding, read_one, rows_of, types_of

from banyan.errors import Invalid


def column(cells: list[str], *, header: str = "欄", other: str = "x") -> str:
    """A file of two columns, the first with these cells."""
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    return f"{header},其他\n" + "".join(f"{cell},{other}{number}\n" for number, cell in enumerate(quoted))


CASES: dict[str, tuple[str, list[str], str, list[Any]]] = {
    "integers": ("數量", ["1", "-2", "30"], "integer", [1, -2, 30]),
    "thousands": ("數量", ["1,234", "12", "1,234,567"], "integer", [1234, 12, 1234567]),
    "full-width": ("數量", ["１２", "３４", "５"], "integer", [12, 34, 5]),
    "numbers": ("雨量", ["1.5", "-0.25", "1e3", ".5"], "number", [1.5, -0.25, 1000.0, 0.5]),
    "percent": ("比率", ["12.5%", "３％", "0%"], "number", [12.5, 3.0, 0.0]),
    "money": ("金額", ["NT$1,234", "$5", "12元"], "number", [1234.0, 5.0, 12.0]),
    "iso": ("日", ["2020-02-14", "2020-12-01"], "date", [date(2020, 2, 14), date(2020, 12, 1)]),
    "slashes": ("日", ["2020/2/14", "2020/12/1"], "date", [date(2020, 2, 14), date(2020, 12, 1)]),
    "words": ("日", ["2020年2月14日", "2021年1月1日"], "date", [date(2020, 2, 14), date(2021, 1, 1)]),
    "digits": ("日期", ["20171024", "20171203"], "date", [date(2017, 10, 24), date(2017, 12, 3)]),
    "roc": ("日期", ["115/11/23", "民國99年1月2日", "民前1年1月2日"], "date",
            [date(2026, 11, 23), date(2010, 1, 2), date(1911, 1, 2)]),
    "roc-digits": ("日期", ["1151123", "991231"], "date", [date(2026, 11, 23), date(2010, 12, 31)]),
    "roc-month": ("統計年月", ["11410", "11411"], "month", [date(2025, 10, 1), date(2025, 11, 1)]),
    "month": ("年月", ["2021-02", "2021/3"], "month", [date(2021, 2, 1), date(2021, 3, 1)]),
    "year": ("年度", ["2019", "2020"], "year", [2019, 2020]),
    "roc-year": ("年度", ["108", "109"], "year", [2019, 2020]),
    "time": ("開門", ["9:05", "17:30:15"], "time", [time(9, 5), time(17, 30, 15)]),
    "datetime": ("時間", ["2020/02/14 09:05:34", "2020/2/14 下午 3:05"], "datetime",
                 [datetime(2020, 2, 14, 9, 5, 34), datetime(2020, 2, 14, 15, 5)]),  # noqa: DTZ001
    "zoned": ("時間", ["2020-02-14T08:55:35+08:00", "2020-02-14T00:55:35Z"], "datetime",
              [datetime(2020, 2, 14, 0, 55, 35)] * 2),  # noqa: DTZ001
    "day-first": ("日", ["31/12/2008", "01/02/2008"], "date", [date(2008, 12, 31), date(2008, 2, 1)]),
    "booleans": ("開放", ["true", "False", "TRUE"], "boolean", [True, False, True]),
    "yes-no-stays-text": ("開放", ["是", "否", "是"], "text", ["是", "否", "是"]),
    "leading-zeros": ("數量", ["007", "8", "012"], "text", ["007", "8", "012"]),
    "letters": ("編號", ["1213", "0164A", "77"], "text", ["1213", "0164A", "77"]),
    "late-letters": ("編號", [*map(str, range(100, 180)), "164A"], "text", [*map(str, range(100, 180)), "164A"]),
    "phones": ("電話", ["0912345678", "23456789"], "text", ["0912345678", "23456789"]),
    "fixed-width": ("物件", ["23456789", "12345678", "99345678"], "text", ["23456789", "12345678", "99345678"]),
    "too-long": ("數", ["1234567890123456789012", "2234567890123456789012"], "text",
                 ["1234567890123456789012", "2234567890123456789012"]),
    "ambiguous-dates": ("日", ["01/02/2008", "03/04/2008"], "text", ["01/02/2008", "03/04/2008"]),
    "no-year": ("日", ["2/14", "10/1"], "text", ["2/14", "10/1"]),
    "all-missing": ("值", ["NA", "-", "NA"], "text", ["NA", "-", "NA"]),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_types(case: str, tmp_path: Path) -> None:
    header, cells, wanted, values = CASES[case]
    table = read_one(tmp_path, column(cells, header=header))
    assert types_of(table)[header] == wanted
    assert [row[0] for row in rows_of(table, f'select "{header}" from t order by _id')] == values


@pytest.mark.parametrize(
    ("header", "cells", "code"),
    [
        ("日", ["2/14", "10/1"], "date-without-year"),
        ("日", ["01/02/2008", "03/04/2008"], "date-ambiguous"),
        ("資料量", ["1", "約1筆", "36KB", "2"], "mixed-numbers"),
        ("說明", ["有<b>粗</b>體", "無"], "html-cells"),
        ("說明", ["甲\\r\\n乙", "無"], "escaped-newlines"),
        ("說明", ["=1+2", "@x", "無"], "formula-cells"),
        ("說明", ["壞�字", "無"], "replacement-characters"),
        ("說明", ["\ue000字", "無"], "private-use-characters"),
        ("溫度", ["20.5", "-9999", "21.0"], "sentinel"),
        ("代碼", ["145080011", "2331170017"], "code-zeros-lost"),
    ],
)
def test_content_findings(header: str, cells: list[str], code: str, tmp_path: Path) -> None:
    assert (code, header) in codes_of(read_one(tmp_path, column(cells, header=header)))


def test_unfit_cells_are_kept_raw_and_counted(tmp_path: Path) -> None:
    table = read_one(tmp_path, column([*map(str, range(60)), "不詳", "-", "約3"], header="數量"))
    assert types_of(table)["數量"] == "integer"
    kept = rows_of(table, 'select "數量__raw" from t where 數量 is null order by _id')
    assert kept == [("不詳",), ("-",), ("約3",)]
    assert (finding(table, "cells-missing").count, finding(table, "cells-unfit").count) == (2, 1)
    assert (table.columns[0].nulls, table.columns[0].unfit, table.columns[0].raw) == (3, 1, "數量__raw")


HEADS = {
    "none": (
        "1,2020-01-01,a\n2,2020-01-02,b\n3,2020-01-03,c\n",
        0,
        ["column_1", "column_2", "column_3"],
        3,
        "header-none",
    ),
    "one": ("編號,日,名\n1,2020-01-01,a\n2,2020-01-02,b\n", 1, ["編號", "日", "名"], 2, ""),
    "two": ("id,day,name\n編號,日,名稱\n1,2020-01-01,a\n2,2020-01-02,b\n", 2, ["id", "day", "name"], 2, "header-two"),
    "preamble": (
        "某表\n製表日期：今天\n編號,日,名\n1,2020-01-01,a\n2,2020-01-02,b\n",
        1,
        ["編號", "日", "名"],
        2,
        "header-preamble",
    ),
    "groups": (
        ",男,,女,\n里,成,童,成,童\n甲,1,2,3,4\n乙,1,2,3,4\n",
        2,
        ["里", "男_成", "男_童", "女_成", "女_童"],
        2,
        "header-merged",
    ),
    "twice": ("名,值,值,值\na,1,2,3\nb,4,5,6\n", 1, ["名", "值", "值_2", "值_3"], 2, "header-duplicate"),
    "case": ("Name,name,n\na,b,1\nc,d,2\n", 1, ["Name", "name_2", "n"], 2, "header-duplicate"),
    "empty": ("名,,值\na,x,1\nb,y,2\n", 1, ["名", "column_2", "值"], 2, "header-empty"),
    "trailing": ("名,值,,\na,1,,\nb,2,,\n", 1, ["名", "值"], 2, "column-empty"),
    "years": ("縣市,2019,2020\n甲,1,2\n乙,3,4\n", 1, ["縣市", "2019", "2020"], 2, ""),
    "all-text": ("名,地\n甲,東\n乙,西\n丙,東\n", 1, ["名", "地"], 3, ""),
    "reserved": ("_id,_lon,x\na,b,1\nc,d,2\n", 1, ["id_", "lon_", "x"], 2, ""),
}


@pytest.mark.parametrize("case", list(HEADS))
def test_headers(case: str, tmp_path: Path) -> None:
    text, header_rows, names, rows, code = HEADS[case]
    table = read_one(tmp_path, text)
    assert (table.source.header_rows, [one.name for one in table.columns], table.rows) == (header_rows, names, rows)
    assert not code or code in {found for found, _ in codes_of(table)}


def test_ragged_rows(tmp_path: Path) -> None:
    table = read_one(tmp_path, "a,b,c\n1,2,3\n4,5\n\n6,7,8,9,十\n,,\n10,11,12\n")
    assert rows_of(table) == [
        (1, 1, 2, 3, None), (2, 4, 5, None, None), (3, 6, 7, 8, '["9", "十"]'), (5, 10, 11, 12, None),
    ]  # fmt: skip
    assert finding(table, "rows-short").examples == ("3",)
    assert finding(table, "rows-long").examples == ("5",)
    assert finding(table, "rows-blank").count == 1


def test_quoted_cells_with_everything_inside(tmp_path: Path) -> None:
    table = read_one(tmp_path, 'a,b\r\n1,"x\r\ny, ""z"""\r\n2,plain\r\n')
    assert rows_of(table) == [(1, 1, 'x\r\ny, "z"'), (2, 2, "plain")]


def test_quote_that_never_closes(tmp_path: Path) -> None:
    table = read_one(tmp_path, 'a,b\n1,"open\n2,y\n3,z\n')
    assert rows_of(table) == [(1, 1, '"open'), (2, 2, "y"), (3, 3, "z")]
    assert finding(table, "quote-broken").values == {"line": "2"}


def test_totals_and_notes_at_the_foot_stay_and_are_named(tmp_path: Path) -> None:
    table = read_one(tmp_path, "里,人\n" + "".join(f"第{n}里,{n}\n" for n in range(30)) + "合計,435\n註：本表為試作,\n")
    assert table.rows == 32
    assert finding(table, "rows-foot").count == 2


POINTS = "名,經度,緯度\n甲,121.5654,25.0330\n乙,120.6820,24.1400\n丙,24.1400,120.6820\n丁,2.3,48.9\n戊,0,0\n己,,\n"


def test_points_swapped_outside_zero_and_missing(tmp_path: Path) -> None:
    table = read_one(tmp_path, POINTS)
    assert {"points-swapped", "points-outside", "points-zero", "points-missing"} <= {
        code for code, _ in codes_of(table)
    }
    assert rows_of(table, "select _lon, _lat from t where 名 = '丙'") == [(120.682, 24.14)]
    assert rows_of(table, "select count(_lon) from t") == [(4,)]


def test_columns_named_the_wrong_way_round(tmp_path: Path) -> None:
    table = read_one(tmp_path, "名,經度,緯度\n甲,25.0330,121.5654\n乙,24.1400,120.6820\n")
    assert ("points-all-swapped", "") in codes_of(table)
    assert table.bbox == (120.682, 24.14, 121.5654, 25.033)


def test_twd67_is_not_guessed(tmp_path: Path) -> None:
    text = "名,TWD67_X,TWD67_Y\n甲,307000.5,2769500.5\n乙,306000.5,2768500.5\n"
    table = read_one(tmp_path, text)
    assert table.bbox is None
    assert finding(table, "crs-twd67").override == "--crs EPSG:3828"
    named = read_one(tmp_path, text, crs="EPSG:3828")
    as97 = read_one(tmp_path, text, crs="EPSG:3826")
    assert named.bbox is not None
    assert as97.bbox is not None
    assert (named.bbox[0] - as97.bbox[0]) * 101_000 == pytest.approx(831, abs=15)
    assert (named.bbox[1] - as97.bbox[1]) * 110_750 == pytest.approx(-204, abs=15)


def test_zone_119_by_county(tmp_path: Path) -> None:
    """馬公市 is at 119.57 E; in zone 119 that is an easting of some 308 km, which zone 121 would put in Hualien."""
    table = read_one(tmp_path, "縣市,X坐標,Y坐標\n澎湖縣,308200,2606600\n臺北市,307000,2769500\n")
    points = rows_of(table, "select _lon, _county from t order by _id")
    assert points[0][0] == pytest.approx(119.57, abs=0.02)
    assert [county for _, county in points] == ["10016", "63000"]


def test_towns_by_name_and_by_address(tmp_path: Path) -> None:
    table = read_one(tmp_path, "縣市,鄉鎮市區,數\n台北縣,板橋市,1\n臺東縣,台東市,2\n")
    assert rows_of(table, "select _town from t order by _id") == [("65000010",), ("10014010",)]
    table = read_one(tmp_path, "名,地址\n甲,220新北市板橋區文化路一段1號\n乙,台中巿西屯區中工三路２２０號\n")
    assert rows_of(table, "select _town from t order by _id") == [("65000010",), ("66000060",)]
    assert table.geometry == "towns"


def test_options_decide(tmp_path: Path) -> None:
    text = "代碼,值,日\n001,1,115/1/1\n002,2,115/1/2\n"
    assert types_of(read_one(tmp_path, text, types={"代碼": "integer", "值": "text", "日": "text"})) == {
        "代碼": "integer", "值": "text", "日": "text",
    }  # fmt: skip
    assert list(types_of(read_one(tmp_path, text, rename={"值": "數量"}))) == ["代碼", "數量", "日"]
    assert read_one(tmp_path, text, rename={"值": "數量"}).columns[1].header == "值"
    assert read_one(tmp_path, text, key=("值", "日")).key == ("值", "日")
    assert read_one(tmp_path, text, header_rows=0).rows == 3
    assert read_one(tmp_path, text, delimiter=";").rows == 2
    assert read_one(tmp_path, "名,數\n甲,1\n".encode("cp950"), encoding="cp950").source.encoding == "cp950"
    assert read_one(tmp_path, POINTS, geo="none").bbox is None
    assert read_one(tmp_path, "甲值,乙值\n121.5,25.0\n121.6,25.1\n", geo="甲值,乙值").bbox == (121.5, 25.0, 121.6, 25.1)


def test_damaged_codes_are_reported_and_repaired_on_request(tmp_path: Path) -> None:
    text = "醫事機構代碼,名稱\n145080011.0,甲\n2331170017.0,乙\n592202A296,丙\n"
    table = read_one(tmp_path, text)
    assert finding(table, "code-damaged").override == "--repair leading-zeros:醫事機構代碼"
    repaired = read_one(tmp_path, text, repair=("leading-zeros:醫事機構代碼",))
    assert rows_of(repaired, 'select 醫事機構代碼, "醫事機構代碼__raw" from t order by _id') == [
        ("0145080011", "145080011.0"), ("2331170017", "2331170017.0"), ("592202A296", None),
    ]  # fmt: skip
    assert finding(repaired, "code-repaired").count == 2


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"types": {"沒有": "text"}}, "types"),
        ({"rename": {"沒有": "x"}}, "rename"),
        ({"rename": {"a": "b"}}, "rename"),
        ({"key": ("沒有",)}, "key"),
        ({"key": ("b",)}, "key"),
        ({"geo": "a,沒有"}, "geo"),
        ({"geo": "a,b", "crs": "EPSG:9999"}, "crs"),
        ({"repair": ("wash:a",)}, "repair"),
        ({"repair": ("leading-zeros:沒有",)}, "repair"),
        ({"encoding": "klingon"}, "encoding"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"member": "x.csv"}, "member"),
    ],
)
def test_wrong_options_name_the_field(options: dict[str, Any], field: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        read_one(tmp_path, "a,b\n1,5\n2,5\n", **options)
    assert refused.value.fields[0].field == field
    assert refused.value.remedy
