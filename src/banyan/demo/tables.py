"""The nation's files, as agencies really hand them in: Big5, two header rows, ROC dates, metres without a CRS.

Each function takes a seeded Random and a moment, and returns the bytes of one file. All names and numbers are invented.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import xlsxwriter

from banyan.craft.place import wgs84_to_twd97
from banyan.demo.course import TAIPEI
from banyan.demo.outlets import HOPES, ROADS
from banyan.demo.places import TOWNS, pick_town, scatter
from banyan.demo.supplies import table


def shelters(random: Random, now: float) -> bytes:
    """Evacuation shelters in Big5 with TWD97 metres and no stated CRS, dates as 1151123."""
    header = [
        "編號",
        "收容處所名稱",
        "縣市別",
        "鄉鎮市區",
        "地址",
        "X坐標",
        "Y坐標",
        "可容納人數",
        "適用災害",
        "更新日期",
    ]
    kinds = ("國民小學", "活動中心", "體育館", "里民會堂", "文化中心")
    day = datetime.fromtimestamp(now, TAIPEI)
    rows = []
    for number in range(900):
        town = pick_town(random, outlying=False)
        x, y = _twd97(*scatter(random, town))
        date = day - timedelta(days=random.randint(0, 400))
        rows.append(
            [
                f"SV{number:04d}",
                f"{town.name[:-1]}{random.choice(HOPES)}{random.choice(kinds)}",
                town.county,
                town.name,
                f"{town.county}{town.name}{random.choice(ROADS)}{random.randint(1, 300)}號",
                f"{x:.2f}",
                f"{y:.2f}",
                f"{random.randint(30, 2400):,}",
                random.choice(("水災", "震災", "水災、土石流", "水災、震災")),
                f"{date.year - 1911}{date:%m%d}",
            ]
        )
    return table([header, *rows], encoding="cp950")


def rainfall(random: Random, now: float) -> bytes:
    """Hourly rain of 300 stations as JSON records, ISO times with the zone."""
    at = datetime.fromtimestamp(now, TAIPEI).replace(minute=0, second=0, microsecond=0)
    records = []
    for number in range(300):
        town = pick_town(random)
        lon, lat = scatter(random, town)
        storm = random.random() < 0.2
        records.append(
            {
                "測站代碼": f"C0{number:03d}{random.choice('0A')}",
                "測站名稱": f"{town.name[:-1]}{number % 7 + 1}站",
                "縣市": town.county,
                "鄉鎮": town.name,
                "經度": lon,
                "緯度": lat,
                "時雨量": {"value": round(random.expovariate(0.05 if storm else 1.2), 1), "unit": "mm"},
                "觀測時間": at.isoformat(),
            }
        )
    return json.dumps({"success": True, "records": records}, ensure_ascii=False).encode()


def population(random: Random, now: float) -> bytes:
    """Population of each town: two header rows (codes, then Chinese), ROC year and month, thousands separators."""
    day = datetime.fromtimestamp(now, TAIPEI)
    codes = ["statistic_yyymm", "county", "town", "household_no", "people_total", "people_male", "people_female"]
    names = ["統計年月", "縣市別", "鄉鎮市區別", "戶數", "人口數", "男性人口數", "女性人口數"]
    rows = []
    for back in range(12):
        month = (day.replace(day=1) - timedelta(days=28 * back)).replace(day=1)
        for town in TOWNS:
            people = int(town.weight * 24_000 * (1 + 0.02 * random.random()))
            male = int(people * random.uniform(0.485, 0.505))
            counts = [people * 10 // 26, people, male, people - male]
            rows.append([f"{month.year - 1911}{month:%m}", town.county, town.name, *(f"{n:,}" for n in counts)])
    return table([codes, names, *rows], encoding="utf-8-sig")


def bus_stops(random: Random, now: float) -> bytes:
    """Bus stops as GeoJSON points."""
    features = []
    for number in range(2_400):
        town = pick_town(random)
        lon, lat = scatter(random, town)
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [lon, lat]},
                "properties": {
                    "站牌編號": f"BS{number:05d}",
                    "站名": f"{random.choice(ROADS)}{random.choice(('口', '站', '國小', '公園'))}",
                    "縣市": town.county,
                    "鄉鎮市區": town.name,
                    "候車亭": random.choice(("有", "無")),
                    "無障礙": random.choice(("是", "否")),
                },
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def air_quality(random: Random, now: float) -> bytes:
    """Air quality with `-` and `儀器校正` where a station had no value."""
    header = ["測站", "縣市", "AQI", "PM2.5", "PM10", "O3", "經度", "緯度", "發布時間"]
    at = datetime.fromtimestamp(now, TAIPEI).strftime("%Y/%m/%d %H:00")
    rows: list[list[object]] = []
    for number in range(86):
        town = TOWNS[number % len(TOWNS)]
        lon, lat = scatter(random, town)
        pm25: object = "儀器校正" if number == 41 else random.randint(3, 78)
        o3: object = "-" if number % 29 == 0 else random.randint(8, 90)
        station = f"{town.name[:-1]}{number // len(TOWNS) + 1}"
        rows.append([station, town.county, random.randint(18, 160), pm25, random.randint(9, 120), o3, lon, lat, at])
    return table([header, *rows], encoding="utf-8")


def service_cases(random: Random, now: float) -> bytes:
    """1999 hot-line cases by month and kind: UTF-16, tabs, full-width padding."""
    day = datetime.fromtimestamp(now, UTC)
    kinds = ("路面坑洞", "路燈故障", "積水排水", "噪音", "違規停車", "樹木修剪", "動物救援", "環境髒亂")
    rows: list[Sequence[object]] = [("年度", "月份", "案件類別", "受理件數", "平均處理天數", "滿意度")]
    for back in range(24):
        month = day.replace(day=1) - timedelta(days=30 * back)
        for kind in kinds:
            cases = int(random.gauss(620, 160))
            days = round(random.uniform(0.8, 9.5), 1)
            rows.append(
                (month.year - 1911, month.month, kind + "　", max(cases, 12), days, f"{random.randint(61, 97)}%")
            )
    return table(rows, encoding="utf-16", delimiter="\t")


def budget(random: Random, now: float) -> bytes:
    """A budget workbook with a title line above merged headers."""
    year = datetime.fromtimestamp(now, TAIPEI).year - 1911
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("歲出")
    sheet.merge_range(0, 0, 0, 4, f"榕市中華民國{year}年度總預算 歲出機關別預算表")
    sheet.write_row(1, 0, ["機關", "科目", "本年度預算數(千元)", "上年度預算數(千元)", "比較增減(千元)"])
    row = 2
    for agency in ("衛生局", "消防局", "交通局", "環境保護局", "社會局", "教育局", "工務局", "民政局"):
        for subject in ("一般行政", "業務管理", "建築及設備", "防災整備"):
            this, last = random.randint(8_000, 900_000), random.randint(8_000, 900_000)
            sheet.write_row(row, 0, [agency, subject, this, last, this - last])
            row += 1
    book.close()
    return buffer.getvalue()


def flood_points(random: Random, now: float) -> bytes:
    """Recorded flooding, TWD97 metres, dates with ROC text."""
    header = ["編號", "發生日期", "縣市", "鄉鎮市區", "X_97", "Y_97", "淹水深度(公分)", "來源"]
    day = datetime.fromtimestamp(now, TAIPEI)
    rows = []
    for number in range(1_200):
        town = pick_town(random, outlying=False)
        x, y = _twd97(*scatter(random, town))
        date = day - timedelta(days=random.randint(1, 1_800))
        deep: object = f"約{random.randint(1, 9)}0" if number % 97 == 0 else random.randint(10, 160)
        said = f"民國{date.year - 1911}年{date.month}月{date.day}日"
        rows.append(
            [
                number + 1,
                said,
                town.county,
                town.name,
                f"{x:.1f}",
                f"{y:.1f}",
                deep,
                random.choice(("EMIC", "淹水感測", "公民回報")),
            ]
        )
    return table([header, *rows], encoding="cp950")


def _twd97(lon: float, lat: float) -> tuple[float, float]:
    x, y = wgs84_to_twd97(np.array([lon]), np.array([lat]), zone=121)
    return float(x[0]), float(y[0])


Maker = Callable[[Random, float], bytes]
