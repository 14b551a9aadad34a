"""The nation's supplies: the registers that agencies keep of them, and which of them feed the map.

Shapes are the official ones: the stock list of February 2020 (BOM, CRLF, no coordinates), service hours with their
21-character week and what pharmacists write beside it, the rapid tests' list of 2022 with coordinates and brands.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import Final, Literal

import msgspec
import numpy as np

from banyan.demo.course import ADULT, CHILD, RAPID, SANDBAGS, TAIPEI, Outlets, is_listed, left, of_weeks
from banyan.demo.outlets import SEED, Outlet, Station, has_rapid_tests, outlets, stations

PACE: Final = {"open": 1.0, "plates": 2.5, "slow": 0.12, "none": 0.0}
PLATES_MINUTES: Final = 15
"""Minutes in which the plates of a morning are gone."""
SALE_MINUTES: Final = 120
WHOLE_WEEK: Final = "N" * 21
BRANDS: Final = ("榕一號家用抗原快篩", "榕二號家用抗原快篩", "安心家用抗原自我檢測套組", "平安家用抗原快篩")
ANNOUNCED: Final = (
    "今日口罩已到貨，歡迎選購", "口罩尚未到貨，請勿久候", "身分證末碼單號週一三五、雙號週二四六",
    "兒童口罩請帶小朋友健保卡",
    "藥師看診中，請稍候", "",
)  # fmt: skip
Role = Literal["stock", "places", "hours", "notices"]


class DemoItem(msgspec.Struct, frozen=True):
    """Something handed out, as `supplies.save_item` takes it."""

    id: str
    title: str
    title_en: str
    unit: str
    unit_en: str
    few: int
    family: str


class Followed(msgspec.Struct, frozen=True):
    """A register that feeds the map, as `supplies.follow_register` takes it."""

    source: str
    register: str
    role: Role
    items: dict[str, str] = {}
    rank: int = 0


ITEMS: Final = (
    DemoItem("mask-adult", "成人口罩", "Adult masks", "片", "pieces", 20, "mask"),
    DemoItem("mask-child", "兒童口罩", "Child masks", "片", "pieces", 10, "mask"),
    DemoItem("rapid-test", "家用快篩", "Rapid tests", "劑", "tests", 15, "rapid-test"),
    DemoItem("sandbag", "沙包", "Sandbags", "個", "bags", 60, "sandbag"),
)
FOLLOWED: Final = (
    Followed("pharmacies", "pharmacies", "places"),
    Followed("masks", "mask-stock", "stock"),
    Followed("service-hours", "service-hours", "hours"),
    Followed("pharmacies-geocoded", "pharmacies-geocoded", "places", rank=1),
    Followed("mask-notices", "mask-notices", "notices"),
    Followed("rapid-tests", "rapid-tests", "stock"),
    Followed("fire-stations", "sandbags", "places", rank=2),
    Followed("sandbags", "sandbags", "stock", items={"sandbag": "沙包剩餘數量"}),
)
"""Places before the stock they are of: a stock list of which no code is known would not be believed."""


def mask_stock(random: Random, now: float) -> bytes:
    """健保特約機構口罩剩餘數量明細清單 of the outlets on the list at a moment."""
    adult, child, listed = left(SEED, ADULT, _course(), now), left(SEED, CHILD, _course(), now), _listed(now)
    head = (
        "醫事機構代碼",
        "醫事機構名稱",
        "醫事機構地址",
        "醫事機構電話",
        "成人口罩剩餘數",
        "兒童口罩剩餘數",
        "來源資料時間",
    )
    said = f"{_local(now):%Y/%m/%d %H:%M:%S}"
    rows = [
        (one.code, one.name, one.address, one.phone, int(adult[place]), int(child[place]), said)
        for place, one in enumerate(outlets(SEED))
        if listed[place]
    ]
    return table([head, *rows], encoding="utf-8-sig")


def pharmacies(random: Random, now: float) -> bytes:
    """Where the pharmacies are, by the first geocoding."""
    head = ("醫事機構代碼", "醫事機構名稱", "縣市別", "鄉鎮市區", "醫事機構地址", "醫事機構電話", "經度", "緯度")
    rows = [
        (one.code, one.name, one.town.county, one.town.name, one.address, one.phone, one.lon, one.lat)
        for one in outlets(SEED)
    ]
    return table([head, *rows], encoding="utf-8-sig")


def pharmacies_geocoded(random: Random, now: float) -> bytes:
    """A second geocoding of the same addresses; a few dozen lie elsewhere."""
    rows = [(one.code, one.name, one.address, *one.other) for one in outlets(SEED)]
    return table([("醫事機構代碼", "醫事機構名稱", "醫事機構地址", "經度", "緯度"), *rows], encoding="utf-8")


def service_hours(random: Random, now: float) -> bytes:
    """全民健康保險特約院所固定服務時段."""
    head = (
        "醫事機構代碼", "醫事機構名稱", "業務組別", "特約類別", "看診年度", "看診星期", "看診備註", "開業狀況",
        "資料集更新時間",
    )  # fmt: skip
    day = _local(now)
    rows = [
        (one.code, one.name, one.number_of_division, 5, day.year, one.slots, one.note, 0, f"{day:%Y%m%d}080038")
        for one in outlets(SEED)
    ]
    return table([head, *rows], encoding="utf-8")


def mask_notices(random: Random, now: float) -> bytes:
    """What outlets fill in for the day: when plates are handed out, when they sell, what is promised, their words."""
    head = (
        "醫事機構代碼",
        "號碼牌開始",
        "號碼牌結束",
        "販售開始",
        "販售結束",
        "成人口罩保留數",
        "兒童口罩保留數",
        "公告",
    )
    adult, child = left(SEED, ADULT, _course(), now), left(SEED, CHILD, _course(), now)
    at, words = _local(now), Random(f"{SEED}-notices-{_local(now):%Y-%m-%d}")  # noqa: S311 - invented data
    minute = at.hour * 60 + at.minute
    rows: list[tuple[object, ...]] = []
    for place, one in enumerate(outlets(SEED)):
        text = words.choice(ANNOUNCED) if words.random() < 0.06 else ""
        if one.plate:
            is_promised = one.plate + PLATES_MINUTES <= minute < one.sale + SALE_MINUTES and _is_open(one, one.sale, at)
            held = (int(adult[place]), int(child[place])) if is_promised else (0, 0)
            plate = (_clock(one.plate), _clock(one.plate + PLATES_MINUTES))
            rows.append((one.code, *plate, _clock(one.sale), _clock(one.sale + SALE_MINUTES), *held, text))
        elif text:
            rows.append((one.code, "", "", "", "", 0, 0, text))
    return table([head, *rows], encoding="utf-8-sig")


def rapid_tests(random: Random, now: float) -> bytes:
    """防疫家用快篩剩餘數量明細, as of 2022: with coordinates, a brand and a remark."""
    head = (
        "醫事機構代碼", "醫事機構名稱", "醫事機構地址", "經度", "緯度", "醫事機構電話", "廠牌項目",
        "快篩試劑截至目前結餘存貨數量", "來源資料時間", "備註",
    )  # fmt: skip
    chosen, known = has_rapid_tests(SEED), outlets(SEED)
    course = msgspec.structs.replace(
        _course(), open_on=_course().open_on[chosen], starts=_course().starts[chosen], pace=_course().pace[chosen]
    )
    counts, listed, said = left(SEED, RAPID, course, now), _listed(now)[chosen], f"{_local(now):%Y/%m/%d %H:%M:%S}"
    rows = []
    for place, number in enumerate(chosen):
        one = known[number]
        if listed[place]:
            brand = BRANDS[int(number) % len(BRANDS)]
            remark = "每人限購一份（5劑）" if number % 7 == 0 else ""
            rows.append(
                (one.code, one.name, one.address, one.lon, one.lat, one.phone, brand, int(counts[place]), said, remark)
            )
    return table([head, *rows], encoding="utf-8-sig")


def sandbags(random: Random, now: float) -> bytes:
    """Sandbags at fire stations, and where these are."""
    head = ("代碼", "地點名稱", "縣市", "鄉鎮市區", "地址", "電話", "經度", "緯度", "沙包剩餘數量", "更新時間")
    known = stations(SEED)
    counts = left(SEED, SANDBAGS, _stations_course(), now)
    said = f"{_local(now):%Y/%m/%d %H:%M:%S}"
    rows = [_station_row(one, int(counts[place]), said) for place, one in enumerate(known)]
    return table([head, *rows], encoding="utf-8")


def table(rows: Iterable[Sequence[object]], *, encoding: str, delimiter: str = ",") -> bytes:
    """Rows as a file of separated values with CRLF."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def _station_row(one: Station, count: int, said: str) -> tuple[object, ...]:
    place = (one.town.county, one.town.name, one.address, one.phone, one.lon, one.lat)
    return (one.code, one.name, *place, count, said)


@lru_cache(maxsize=1)
def _course() -> Outlets:
    known = outlets(SEED)
    return Outlets(
        open_on=of_weeks([one.slots for one in known]),
        starts=np.array([one.sale / 60 for one in known]),
        pace=np.array([PACE[one.selling] for one in known]),
    )


@lru_cache(maxsize=1)
def _stations_course() -> Outlets:
    size = len(stations(SEED))
    return Outlets(open_on=of_weeks([WHOLE_WEEK] * size), starts=np.zeros(size), pace=np.ones(size))


def _listed(now: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return is_listed(SEED, _course(), now)


def _is_open(one: Outlet, minute: int, at: datetime) -> bool:
    part = 2 if minute >= 18 * 60 else 1 if minute >= 12 * 60 else 0
    return one.slots[part * 7 + at.weekday()] == "N"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _local(now: float) -> datetime:
    return datetime.fromtimestamp(now, TAIPEI)
