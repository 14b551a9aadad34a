"""What the stock map must answer, worked out again from the list itself: plain Python, no index, no board.

Only the outlets' points come from elsewhere (`outlets.csv.gz`); distances are geodesics.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec

EARTH_M = 6_371_008.8
ADULT = ("成人口罩剩餘數", "成人口罩總剩餘數")
CHILD = "兒童口罩剩餘數"
CLOSE = 40
"""Nearest on the sphere, of which the ten nearest on the ellipsoid are chosen: the two differ by 0.6 % at most."""
ITEMS = ("mask-adult", "mask-child")
Truth = Mapping[str, tuple[int, int]]
Points = Mapping[str, tuple[float, float]]


class Compared(msgspec.Struct):
    """Answers asked for and looked at, and every one that was not as the list says."""

    answers: int = 0
    wrong: list[str] = []

    def check(self, is_right: bool, what: str) -> None:
        if not is_right:
            self.wrong.append(what)


def truth_of(body: bytes) -> dict[str, tuple[int, int]]:
    """(adult, child) by code, as an official list says."""
    rows = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    found = {}
    for row in rows:
        adult = next(row[name] for name in ADULT if name in row)
        found[row["醫事機構代碼"]] = (int(adult), int(row[CHILD]))
    return found


def points_of(outlets: Path) -> dict[str, tuple[float, float]]:
    with gzip.open(outlets, "rt", encoding="utf-8") as file:
        return {row["id"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file) if row["lon"]}


def compare(url: str, truth: Truth, points: Points, before: Truth, *, sample: int, random: Random) -> Compared:
    """Ask for `sample` outlets, as many nearest lists of each item, and the towns of these outlets."""
    compared = Compared()
    listed = sorted(truth)
    vanished = sorted(before.keys() - truth.keys())
    towns: dict[str, list[str]] = {}
    for code in [*random.sample(listed, sample), *vanished[:sample]]:
        shown = ask(url, f"outlet/{code}")["outlet"]
        compared.answers += 1
        _outlet(shown, truth, before, compared)
        if shown["town_code"]:
            towns.setdefault(shown["town_code"], []).append(code)
    for town, codes in sorted(towns.items())[: sample // 2]:
        compared.answers += 1
        _town(ask(url, f"town/{town}", item="mask-adult"), codes, truth, compared)
    for code in random.sample(sorted(points), sample):
        at = (points[code][0] + random.gauss(0, 0.01), points[code][1] + random.gauss(0, 0.01))
        for place, item in enumerate(ITEMS):
            least = random.choice((1, 1, 10, 50))
            asked = {"lon": at[0], "lat": at[1], "item": item, "k": 10, "least": least}
            compared.answers += 1
            _nearest(ask(url, "nearest_stock", **asked), at, (place, least), (truth, points), compared)
    return compared


def ask(url: str, what: str, **query: object) -> Any:
    with urlopen(f"{url}/api/supplies/{what}?{urlencode(query)}", timeout=30) as answer:
        return json.load(answer)


def _outlet(shown: Any, truth: Truth, before: Truth, compared: Compared) -> None:
    """Listed: the very numbers. Vanished: not listed, the last known numbers, and nothing to be had."""
    code = shown["code"]
    stocks = {stock["item"]: stock for stock in shown["stocks"]}
    for place, item in enumerate(ITEMS):
        stock = stocks[item]
        said = (stock["status"], stock["count"], stock["available"])
        if code in truth:
            count = truth[code][place]
            compared.check(stock["count"] == stock["available"] == count, f"{code} {item}: {said}, truly {count}")
            compared.check((stock["status"] == "sold_out") == (count == 0), f"{code} {item}: {said}, truly {count}")
        else:
            right = (
                stock["status"] == "not_listed" and stock["available"] is None and stock["count"] == before[code][place]
            )
            compared.check(right, f"{code} {item} vanished: {said}, last {before[code][place]}")


def _town(answer: Any, codes: Sequence[str], truth: Truth, compared: Compared) -> None:
    rows = {row["outlet"]["code"]: row["outlet"]["stocks"] for row in answer["places"]}
    compared.check(set(codes) <= rows.keys(), f"town {answer['town']} lacks {sorted(set(codes) - rows.keys())}")
    counts = [truth[code][0] for code in rows if code in truth]
    sums = (sum(counts), sum(count > 0 for count in counts), len(rows))
    said = (answer["available"], answer["in_stock"], answer["outlets"])
    compared.check(said == sums, f"town {answer['town']}: {said}, truly {sums}")
    for code, stocks in rows.items():
        shown = {stock["item"]: stock["available"] for stock in stocks}.get("mask-adult")
        true = truth[code][0] if code in truth else None
        compared.check(shown == true, f"town {answer['town']} {code}: {shown}, truly {true}")


def _nearest(
    answer: Any, at: tuple[float, float], asked: tuple[int, int], world: tuple[Truth, Points], compared: Compared
) -> None:
    """The ten nearest that have enough, in order; equals within a metre may change places."""
    (place, least), (truth, points) = asked, world
    fits = [code for code, counts in truth.items() if counts[place] >= least and code in points]
    close = sorted(fits, key=lambda code: great_circle_m(at, points[code]))[:CLOSE]
    far = {code: geodesic_m(at, points[code]) for code in close}
    wanted = sorted(far.values())[:10]
    found = [one["outlet"]["code"] for one in answer["places"]]
    strangers = [code for code in found if code not in far]
    compared.check(not strangers, f"nearest {at} {ITEMS[place]}: {strangers} have not {least}, or lie far")
    metres = [far[code] for code in found if code in far]
    same = len(metres) == len(wanted) and all(abs(a - b) <= 0.5 + b * 1e-5 for a, b in zip(metres, wanted, strict=True))
    compared.check(same, f"nearest {at} {ITEMS[place]}: {metres}, truly {wanted}")
    for one in answer["places"]:
        true_m = far.get(one["outlet"]["code"], math.inf)
        compared.check(abs(one["metres"] - true_m) <= 1 + true_m * 1e-4, f"{one['metres']} m, truly {true_m}")
        stock = next(stock for stock in one["outlet"]["stocks"] if stock["item"] == ITEMS[place])
        true = truth.get(one["outlet"]["code"], (-1, -1))[place]
        compared.check(
            stock["available"] == true, f"nearest {one['outlet']['code']}: {stock['available']}, truly {true}"
        )


def great_circle_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """On the sphere: within 0.6 % of the truth, which is enough to choose who is compared exactly."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))


def geodesic_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """On the WGS84 ellipsoid, to millimetres. Source: T. Vincenty, Survey Review XXII, 176 (1975), inverse formula."""
    f, b = 1 / 298.257223563, 6_356_752.314245
    u1, u2 = (math.atan((1 - f) * math.tan(math.radians(lat))) for _, lat in (one, other))
    across = lam = math.radians(other[0] - one[0])
    for _ in range(50):
        sin_s = math.hypot(
            math.cos(u2) * math.sin(lam),
            math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lam),
        )
        if sin_s == 0:
            return 0.0
        cos_s = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(lam)
        sigma = math.atan2(sin_s, cos_s)
        sin_a = math.cos(u1) * math.cos(u2) * math.sin(lam) / sin_s
        cos2_a = 1 - sin_a**2
        mid = cos_s - 2 * math.sin(u1) * math.sin(u2) / cos2_a if cos2_a else 0.0
        c = f / 16 * cos2_a * (4 + f * (4 - 3 * cos2_a))
        before, turn = lam, mid + c * cos_s * (2 * mid**2 - 1)
        lam = across + (1 - c) * f * sin_a * (sigma + c * sin_s * turn)
        if abs(lam - before) < 1e-12:
            break
    squared = cos2_a * (6_378_137.0**2 / b**2 - 1)
    big_a = 1 + squared / 16384 * (4096 + squared * (-768 + squared * (320 - 175 * squared)))
    big_b = squared / 1024 * (256 + squared * (-128 + squared * (74 - 47 * squared)))
    cubic = big_b / 6 * mid * (4 * sin_s**2 - 3) * (4 * mid**2 - 3)
    delta = big_b * sin_s * (mid + big_b / 4 * (cos_s * (2 * mid**2 - 1) - cubic))
    return b * big_a * (sigma - delta)
