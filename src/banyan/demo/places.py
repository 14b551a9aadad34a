"""Where the demonstration nation's people live: town, approximate centre, and share of the outlets.

Coordinates are rounded to about 100 m and only serve to scatter invented points on land.
"""

from __future__ import annotations

from random import Random

import msgspec


class Town(msgspec.Struct, frozen=True):
    """Centre in WGS84 degrees; `spread_km` is the standard deviation of invented points around it."""

    county: str
    name: str
    lon: float
    lat: float
    weight: int
    spread_km: float


TOWNS: tuple[Town, ...] = (
    Town("臺北市", "大安區", 121.543, 25.026, 9, 0.9),
    Town("臺北市", "信義區", 121.567, 25.033, 7, 0.8),
    Town("臺北市", "士林區", 121.525, 25.093, 8, 1.0),
    Town("臺北市", "內湖區", 121.589, 25.069, 7, 1.0),
    Town("臺北市", "北投區", 121.502, 25.132, 6, 0.9),
    Town("新北市", "板橋區", 121.466, 25.012, 11, 1.1),
    Town("新北市", "三重區", 121.487, 25.062, 9, 0.9),
    Town("新北市", "中和區", 121.499, 24.999, 9, 0.9),
    Town("新北市", "新莊區", 121.450, 25.036, 9, 1.0),
    Town("新北市", "淡水區", 121.445, 25.172, 5, 0.8),
    Town("基隆市", "仁愛區", 121.742, 25.124, 4, 0.5),
    Town("桃園市", "桃園區", 121.301, 24.993, 10, 1.3),
    Town("桃園市", "中壢區", 121.225, 24.965, 10, 1.3),
    Town("新竹市", "東區", 120.975, 24.802, 6, 1.0),
    Town("新竹縣", "竹北市", 121.010, 24.833, 5, 1.0),
    Town("苗栗縣", "苗栗市", 120.821, 24.560, 3, 0.8),
    Town("苗栗縣", "頭份市", 120.903, 24.688, 3, 0.8),
    Town("臺中市", "西屯區", 120.644, 24.181, 10, 1.2),
    Town("臺中市", "豐原區", 120.723, 24.252, 6, 1.0),
    Town("臺中市", "大里區", 120.681, 24.100, 7, 1.0),
    Town("彰化縣", "彰化市", 120.540, 24.080, 6, 1.0),
    Town("彰化縣", "員林市", 120.574, 23.959, 5, 0.9),
    Town("南投縣", "南投市", 120.676, 23.912, 3, 0.9),
    Town("南投縣", "埔里鎮", 120.968, 23.964, 3, 0.9),
    Town("雲林縣", "斗六市", 120.543, 23.709, 4, 0.9),
    Town("雲林縣", "虎尾鎮", 120.432, 23.708, 3, 0.8),
    Town("嘉義市", "西區", 120.441, 23.480, 5, 0.8),
    Town("嘉義縣", "民雄鄉", 120.429, 23.551, 3, 0.9),
    Town("臺南市", "中西區", 120.203, 22.993, 7, 0.7),
    Town("臺南市", "永康區", 120.257, 23.026, 8, 1.1),
    Town("臺南市", "新營區", 120.317, 23.310, 3, 0.9),
    Town("高雄市", "三民區", 120.317, 22.648, 10, 0.9),
    Town("高雄市", "鳳山區", 120.357, 22.627, 10, 1.0),
    Town("高雄市", "岡山區", 120.296, 22.797, 4, 0.9),
    Town("屏東縣", "屏東市", 120.489, 22.669, 6, 1.0),
    Town("屏東縣", "潮州鎮", 120.543, 22.551, 3, 0.8),
    Town("屏東縣", "恆春鎮", 120.745, 22.002, 1, 0.5),
    Town("宜蘭縣", "宜蘭市", 121.753, 24.757, 4, 0.8),
    Town("宜蘭縣", "羅東鎮", 121.767, 24.677, 3, 0.7),
    Town("花蓮縣", "花蓮市", 121.602, 23.985, 4, 0.6),
    Town("花蓮縣", "玉里鎮", 121.313, 23.335, 1, 0.4),
    Town("臺東縣", "臺東市", 121.139, 22.758, 3, 0.7),
    Town("澎湖縣", "馬公市", 119.580, 23.567, 2, 0.4),
    Town("金門縣", "金城鎮", 118.318, 24.434, 1, 0.4),
    Town("連江縣", "南竿鄉", 119.945, 26.156, 1, 0.2),
)
KM_PER_DEGREE = 111.2
ZONE_119_EAST = 120.0


def pick_town(random: Random, *, outlying: bool = True) -> Town:
    """A town by its weight. Without `outlying`, none of the islands that lie in TM2 zone 119."""
    towns = [town for town in TOWNS if outlying or town.lon > ZONE_119_EAST]
    return random.choices(towns, weights=[town.weight for town in towns])[0]


def scatter(random: Random, town: Town) -> tuple[float, float]:
    """An invented (lon, lat) near the town's centre, 6 decimals."""
    lon = town.lon + random.gauss(0, town.spread_km) / (KM_PER_DEGREE * 0.91)
    lat = town.lat + random.gauss(0, town.spread_km) / KM_PER_DEGREE
    return round(lon, 6), round(lat, 6)
