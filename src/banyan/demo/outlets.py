"""The nation's outlets: pharmacies with their hours and how they sell, and fire stations that hand out sandbags.

Invented, the same for the same seed. Names, roads and numbers are drawn from short lists; nobody real is meant.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.demo.places import TOWNS, Town, pick_town, scatter

SEED: Final = "20200206"
"""The day name-based rationing began; any number does."""
OUTLETS: Final = 6_700
STATIONS: Final = 120
RAPID_TESTS: Final = 4_000
APART: Final = 36
"""Outlets that the two geocodings put in different places; 31 of 5,079 real ones did so."""
SURNAMES: Final = "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐"
HOPES: Final = (
    "安康", "仁心", "永健", "惠生", "康福", "百齡", "保生", "和平",
    "長青", "德安", "明德", "新生", "杏林", "佑全", "家和",
)  # fmt: skip
ROADS: Final = (
    "中正路", "中山路", "民生路", "復興路", "和平路", "民權路", "成功路", "光復路", "建國路", "自強路",
)  # fmt: skip
DIVISIONS: Final = {"桃園市": 2, "新竹市": 2, "新竹縣": 2, "苗栗縣": 2, "臺中市": 3, "彰化縣": 3, "南投縣": 3,
    "雲林縣": 4, "嘉義市": 4, "嘉義縣": 4, "臺南市": 4, "高雄市": 5, "屏東縣": 5, "澎湖縣": 5, "花蓮縣": 6,
    "臺東縣": 6}  # fmt: skip
KINDS: Final = ("59", "59", "59", "02")
"""First digits of 醫事機構代碼: pharmacies begin with 59; some outlets were hospitals and begin with a zero."""
FULL_WIDTH: Final = str.maketrans("0123456789", "０１２３４５６７８９")
AREA_CODES: Final = {"臺北市": "02", "新北市": "02", "基隆市": "02", "桃園市": "03", "新竹市": "03", "新竹縣": "03",
    "宜蘭縣": "03", "花蓮縣": "03", "苗栗縣": "037", "臺中市": "04", "彰化縣": "04", "南投縣": "049", "雲林縣": "05",
    "嘉義市": "05", "嘉義縣": "05", "臺南市": "06", "澎湖縣": "06", "高雄市": "07", "屏東縣": "08", "臺東縣": "089",
    "金門縣": "082", "連江縣": "0836"}  # fmt: skip
Selling = Literal["open", "plates", "slow", "none"]
"""open: to whoever comes; plates: number plates first (號碼牌), then in a window; slow: hardly anybody comes; none: it
has quit, and stands at zero all day. In 2020 482 of 6,144 stood at zero all day and 153 with stock sold nothing."""

WEEKS: Final = (
    ("NNNNNNYNNNNNNYNNNNNYY", 40), ("NNNNNYYNNNNNYYNNNNNYY", 25), ("NNNNNNNNNNNNNNNNNNNNN", 15),
    ("NNNNNNYNNNNNNYYYYYYYY", 12), ("NNNNNNYNNNNNYYNNNNNYY", 5), ("YYYYYYYNNNNNNYNNNNNNY", 3),
)  # fmt: skip
"""看診星期 and how many of a hundred keep it: 7 mornings from Monday, 7 afternoons, 7 evenings; N open, Y closed."""
PLATE_NOTES: Final = (
    "早上{plate}發號碼牌，{sale}開始賣口罩", "號碼牌{plate}發放，發完為止，口罩{sale}起販售",
    "口罩 {sale} 開賣，{plate} 抽號碼牌，一人限一張", "{plate} 發號碼牌 / {sale} 憑號碼牌領取",
    "口罩販售：{sale}～售完為止；發號碼牌：{plate}",
)  # fmt: skip
OPEN_NOTES: Final = (
    "口罩{sale}開始販售，售完為止",
    "防疫口罩販售時間 {sale} 起，請依身分證末碼單雙號",
    "到貨後開賣，約{sale}",
)
OTHER_NOTES: Final = (
    "週六下午休息", "中午12:00-14:00休息", "國定假日休診", "可刷健保卡領慢性處方箋", "請由側門進入，內有停車位",
    "看診時間異動請來電", "-",
)  # fmt: skip


class Outlet(msgspec.Struct, frozen=True):
    """A pharmacy. `lon`, `lat` by the first geocoding, `other` by the second. `plate` and `sale` are minutes of the day
    at which plates are handed out and selling begins, 0 when nobody says; `slots` the 21 characters of its week."""

    code: str
    name: str
    town: Town
    address: str
    phone: str
    lon: float
    lat: float
    other: tuple[float, float]
    slots: str
    selling: Selling
    plate: int
    sale: int
    note: str

    @property
    def number_of_division(self) -> int:
        """業務組別: the NHI division of the county; 1 Taipei, 2 North, 3 Central, 4 South, 5 Kao-Ping, 6 East."""
        return DIVISIONS.get(self.town.county, 1)


class Station(msgspec.Struct, frozen=True):
    """A fire station."""

    code: str
    name: str
    town: Town
    address: str
    phone: str
    lon: float
    lat: float


@lru_cache(maxsize=2)
def outlets(seed: str) -> tuple[Outlet, ...]:
    """All pharmacies, the same for the same seed."""
    random = Random(f"{seed}-outlets")  # noqa: S311 - invented data
    apart = set(random.sample(range(OUTLETS), APART))
    return tuple(_outlet(random, number, is_apart=number in apart) for number in range(OUTLETS))


@lru_cache(maxsize=2)
def stations(seed: str) -> tuple[Station, ...]:
    """All fire stations."""
    random = Random(f"{seed}-stations")  # noqa: S311 - invented data
    found = []
    for number in range(STATIONS):
        town = TOWNS[number % len(TOWNS)]
        lon, lat = near(random, town)
        name = f"榕市消防局{town.name[:-1]}第{'一二三'[number // len(TOWNS)]}分隊"
        address = f"{town.county}{town.name}{random.choice(ROADS)}{random.randint(1, 300)}號"
        found.append(
            Station(f"FS{number:04d}", name, town, address, f"({AREA_CODES[town.county]}){number:04d}119", lon, lat)
        )
    return tuple(found)


def has_rapid_tests(seed: str) -> npt.NDArray[np.int64]:
    """Places of the outlets that also hand out rapid tests."""
    random = Random(f"{seed}-rapid-tests")  # noqa: S311 - invented data
    return np.array(sorted(random.sample(range(OUTLETS), RAPID_TESTS)), np.int64)


def near(random: Random, town: Town) -> tuple[float, float]:
    """A point well inside the town: not in the sea, nor over a county's border."""
    return scatter(random, msgspec.structs.replace(town, spread_km=min(town.spread_km, 0.7) * 0.6))


def _outlet(random: Random, number: int, *, is_apart: bool) -> Outlet:
    town = pick_town(random)
    lon, lat = near(random, town)
    selling: Selling = random.choices(("open", "plates", "slow", "none"), (58, 24, 11, 7))[0]
    plate = random.choice((480, 490, 500, 510, 540, 840)) if selling == "plates" else 0
    sale = plate + random.choice((30, 60, 90)) if plate else random.choice((0, 0, 540, 570, 600))
    house = str(random.randint(1, 480)).translate(FULL_WIDTH)
    called = f"{random.choice(HOPES)}{random.choice(SURNAMES)}氏藥局" if number % 9 else f"{random.choice(HOPES)}藥局"
    return Outlet(
        code=f"{random.choice(KINDS)}{random.randint(0, 99):02d}{number:05d}{random.choice('0123456789A')}",
        name=called,
        town=town,
        address=f"{town.county}{town.name}{random.choice(ROADS)}{house}號",
        phone=f"({AREA_CODES[town.county]}){random.randint(2_000_000, 8_999_999)}",
        lon=lon,
        lat=lat,
        other=_other_point(random, lon, lat, is_apart=is_apart),
        slots=random.choices([week for week, _ in WEEKS], [share for _, share in WEEKS])[0],
        selling=selling,
        plate=plate,
        sale=sale,
        note=_note(random, plate, sale),
    )


def _other_point(random: Random, lon: float, lat: float, *, is_apart: bool) -> tuple[float, float]:
    """The second geocoding: a few metres off, or, where the address was misread, kilometres."""
    off = random.choice((-1, 1)) * random.uniform(0.012, 0.06) if is_apart else random.gauss(0, 0.0002)
    return round(lon + off, 6), round(lat + random.gauss(0, 0.0002), 6)


def _note(random: Random, plate: int, sale: int) -> str:
    if plate and random.random() < 0.8:
        return random.choice(PLATE_NOTES).format(plate=_spoken(random, plate), sale=_spoken(random, sale))
    if sale and random.random() < 0.4:
        return random.choice(OPEN_NOTES).format(sale=_spoken(random, sale))
    return random.choice(OTHER_NOTES) if random.random() < 0.3 else "-"


def _spoken(random: Random, minute: int) -> str:
    """A time as people write it: 8:30, 8點半, 08:30."""
    hour, rest = divmod(minute, 60)
    spoken = {0: f"{hour}點", 30: f"{hour}點半"}.get(rest, f"{hour}點{rest:02d}分")
    return random.choice((f"{hour}:{rest:02d}", f"{hour:02d}:{rest:02d}", spoken))
