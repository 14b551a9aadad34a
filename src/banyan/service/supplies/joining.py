"""One outlet out of what several registers know of it: pure.

Two geocodings are compared; a point whose town contradicts the written address is doubted. Registers are asked in
their rank: a name that the places register has goes before the one of the stock list.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from banyan.craft.place import (
    Named,
    county_names,
    load_atlas,
    official,
    parse_address,
    plain,
    town_by_name,
    town_names,
    towns_of,
)
from banyan.limits_supplies import SUPPLIES_AGREE_M
from banyan.service.supplies.model import Located, Notice, Place, Window
from banyan.service.supplies.notes import read_note

EARTH_M = 6_371_008.8
Point = tuple[float, float]


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one register says of one outlet; empty where it says nothing."""

    code: str
    name: str = ""
    address: str = ""
    phone: str = ""
    county: str = ""
    town: str = ""
    lon: float | None = None
    lat: float | None = None
    hours: str = ""
    note: str = ""

    @property
    def point(self) -> Point | None:
        return None if self.lon is None or self.lat is None else (self.lon, self.lat)


class Announced(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a notices register, or a remark of a stock list, says: minutes of the day, words, promised by item."""

    code: str
    sale: Window | None = None
    plate: Window | None = None
    text: str = ""
    reserved: tuple[int, ...] = ()
    """By item of its source; -1 where it tells none."""


Facts = Mapping[str, Fact]


def joined(codes: Sequence[str], layers: Sequence[Facts]) -> list[Place]:
    """The outlets of `codes`; `layers` in rank: places registers, hours, stock lists. A code that no layer has is
    known by its code alone."""
    found = [[layer[code] for layer in layers if code in layer] for code in codes]
    points = [[point for fact in facts if (point := fact.point) is not None][:2] for facts in found]
    by_point = _towns([point for few in points for point in few])
    return [
        _joined(code, facts, [(point, next(by_point)) for point in few])
        for code, facts, few in zip(codes, found, points, strict=True)
    ]


def _joined(code: str, facts: Sequence[Fact], points: Sequence[tuple[Point, str]]) -> Place:
    written = _written_town(facts)
    point, by_point, located, apart_m = _chosen(points, written)
    town_code = by_point or written.town
    hours = next((fact for fact in facts if fact.hours or fact.note), Fact(code))
    return Place(
        code=code,
        name=_first(facts, "name") or code,
        address=_first(facts, "address"),
        phone=_first(facts, "phone"),
        county=county_names().get(town_code[:5] or written.county, "") or official(_first(facts, "county")),
        town=town_names().get(town_code, "") or ("" if town_code else official(_first(facts, "town"))),
        town_code=town_code,
        lon=point[0] if point else None,
        lat=point[1] if point else None,
        located=located,
        apart_m=apart_m,
        hours=hours.hours,
        hours_note=hours.note,
    )


def _chosen(points: Sequence[tuple[Point, str]], written: Named) -> tuple[Point | None, str, Located, int]:
    """The point to show, the town it gives (empty when the address is to be believed instead), how sure, and how far
    two lie apart. Of two that differ the one in the address's own town, else in its county, else the first."""
    if not points:
        return None, "", "none", 0
    best = max(points, key=lambda one: _fits(one[1], written))  # the first of equals
    point, town = best
    contradicts = _fits(town, written) < 0
    if len(points) == 1:
        return point, "" if contradicts else town, "differ" if contradicts else "single", 0
    apart_m = metres(points[0][0], points[1][0])
    if apart_m > SUPPLIES_AGREE_M:
        return point, "" if contradicts else town, "differ", round(apart_m)
    return point, "" if contradicts else town, "differ" if contradicts else "agree", 0


def _fits(town: str, written: Named) -> int:
    """How a point's town goes with the address: 2 the same, 1 the same county, 0 one of them is not known, -1 not."""
    if not town or not written.county:
        return 0
    if town == written.town:
        return 2
    return 1 if town[:5] == written.county else -1


def _written_town(facts: Sequence[Fact]) -> Named:
    """The county and town that the first register with an address or a town name writes."""
    for fact in facts:
        if fact.address:
            address = parse_address(fact.address, county=fact.county, town=fact.town)
            if address.county:
                return Named(address.county, address.town)
        if fact.county and (named := town_by_name(plain(fact.county) + plain(fact.town))) is not None:
            return Named(named.county, named.town)
    return Named("")


def _towns(points: Sequence[Point]) -> Iterator[str]:
    """The town code of each point, empty for none; by polygon."""
    if not points:
        return iter(())
    lon, lat = np.array(points, np.float64).T
    places, atlas = towns_of(lon, lat), load_atlas()
    if places is None or atlas is None:
        return iter([""] * len(points))
    return iter([atlas.towns[place].code if place >= 0 else "" for place in places.tolist()])


def _first(facts: Sequence[Fact], field: str) -> str:
    return next((value for fact in facts if (value := getattr(fact, field))), "")


def metres(one: Point, other: Point) -> float:
    """Between two points on the sphere (haversine); 0.3 % off the ellipsoid at most."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))


def notice_of(code: str, told: Sequence[Announced], hours_note: str = "") -> Notice | None:
    """What an outlet announces. Fields of a notices register go before what is read out of words; the words are those
    of its notice, else its remark in the stock list, else the note beside its hours. None when there is nothing."""
    sale = next((one.sale for one in told if one.sale is not None), None)
    plate = next((one.plate for one in told if one.plate is not None), None)
    text = next((one.text for one in told if one.text), "")
    parsed = False
    for words in (*(one.text for one in told), hours_note):
        read = read_note(words)
        if sale is None and read.sale is not None:
            sale, parsed = read.sale.window, True
        if plate is None and read.plate is not None:
            plate, parsed = read.plate.window, True
    if sale is None and plate is None and not text:
        return None
    return Notice(code, sale, plate, text, is_parsed=parsed)
