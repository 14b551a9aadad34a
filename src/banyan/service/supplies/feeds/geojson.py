"""The board as GeoJSON (RFC 7946): a feature an outlet, its numbers as properties.

`names=2020` gives the properties that the maps of 2020 read (kiang/pharmacies' points.json): id, mask_adult,
mask_child, updated, available (service hours in words), note, custom_note, service_periods. There a number is what one
can get, promised ones taken off, since those maps know no other; an outlet not listed, or without a point, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.columns import NOT_LISTED
from banyan.service.supplies.feeds.official import local
from banyan.service.supplies.feeds.pack import COORDINATE_DECIMALS, STATUSES, letters, said
from banyan.service.supplies.feeds.view import View
from banyan.service.supplies.hours import SLOTS
from banyan.service.supplies.model import Located, Place, Status

MEDIA_TYPE: Final = "application/geo+json"
_DAYS: Final = "一二三四五六日"
_PARTS: Final = ("上午", "下午", "晚上")
_encode: Final = msgspec.json.Encoder().encode
_STATUS: Final[dict[str, Status]] = {
    "i": "in_stock", "f": "few", "r": "reserved", "s": "sold_out", "n": "not_listed", "u": "unknown",
}  # fmt: skip


class Point(msgspec.Struct, frozen=True, tag="Point"):
    coordinates: tuple[float, float]


class Numbers(msgspec.Struct, frozen=True):
    """One item at an outlet, as `model.Stocked`; `as_of` (RFC 3339 UTC) is the source's own time."""

    available: int | None
    reserved: int
    count: int | None
    status: Status
    as_of: str


class Properties(msgspec.Struct, frozen=True):
    """`stocks` by item id. With `?item=` its numbers stand beside the rest too, for tools that read flat properties."""

    code: str
    name: str
    address: str
    phone: str
    county: str
    town: str
    town_code: str
    located: Located
    apart_m: int
    hours: str
    notice: str
    stocks: dict[str, Numbers]


class FlatProperties(Properties, frozen=True):
    item: str
    available: int | None
    reserved: int
    count: int | None
    status: Status
    as_of: str


class Feature(msgspec.Struct, frozen=True, tag="Feature"):
    id: str
    geometry: Point | None
    properties: Properties | FlatProperties | dict[str, object]


class Collection(msgspec.Struct, frozen=True, tag="FeatureCollection"):
    """`seq`, `as_of` (by item) are foreign members (RFC 7946 s6.1)."""

    seq: int
    as_of: dict[str, str]
    features: list[Feature]


def stock_geojson(view: View, items: Sequence[int], *, is_flat: bool) -> bytes:
    """Outlets that some register has and that were ever listed with one of `items`."""
    status = {item: letters(view, item) for item in items}
    features = []
    for row, place in enumerate(view.places):
        known = [item for item in items if status[item][row] != "u"]
        if known and not view.is_gone[row]:
            stocks = {view.items[item].id: _numbers(view, item, row, status[item][row]) for item in known}
            notice = view.notices[row]
            about = _properties(place, notice.text if notice is not None else "", stocks, is_flat=is_flat)
            features.append(Feature(place.code, _point(place), about))
    return _collection(view, items, features)


def _properties(place: Place, notice: str, stocks: dict[str, Numbers], *, is_flat: bool) -> Properties:
    outlet = (
        place.code, place.name, place.address, place.phone, place.county, place.town, place.town_code,
        place.located, place.apart_m, place.hours, notice, stocks,
    )  # fmt: skip
    if not is_flat:
        return Properties(*outlet)
    item, one = next(iter(stocks.items()))
    return FlatProperties(*outlet, item, one.available, one.reserved, one.count, one.status, one.as_of)


def points_of_2020(view: View, items: Sequence[int]) -> bytes:
    """Listed outlets with a point, in the property names of 2020."""
    features = []
    for row, place in enumerate(view.places):
        point = _point(place)
        if point is not None and any(view.available[item][row] != NOT_LISTED for item in items):
            features.append(Feature(place.code, point, _of_2020(view, row, items)))
    return _collection(view, items, features)


def _of_2020(view: View, row: int, items: Sequence[int]) -> dict[str, object]:
    place, notice = view.places[row], view.notices[row]
    listed = [item for item in items if view.available[item][row] != NOT_LISTED]
    return {
        "id": place.code,
        "name": place.name,
        "phone": place.phone,
        "address": place.address,
        **{view.items[item].id.replace("-", "_"): int(view.available[item][row]) for item in listed},
        "updated": local(max(_as_of(view, item, row) for item in listed)),
        "available": in_words(place.hours),
        "note": place.hours_note,
        "custom_note": notice.text if notice is not None else "",
        "website": "",
        "county": place.county,
        "town": place.town,
        "cunli": "",
        "service_periods": place.hours,
    }


def in_words(hours: str) -> str:
    """`星期一上午看診、…星期日下午休診`, as points.json said 看診星期."""
    if len(hours) != SLOTS:
        return ""
    return "、".join(
        f"星期{_DAYS[slot % 7]}{_PARTS[slot // 7]}{'看診' if mark == 'N' else '休診'}"
        for slot, mark in enumerate(hours)
    )


def _collection(view: View, items: Sequence[int], features: list[Feature]) -> bytes:
    as_of = {view.items[item].id: said(view.as_of[item]) for item in items}
    return _encode(Collection(view.seq, as_of, features))


def _numbers(view: View, item: int, row: int, letter: str) -> Numbers:
    available = int(view.available[item][row])
    return Numbers(
        available=available if available != NOT_LISTED else None,
        reserved=int(view.reserved[item][row]),
        count=int(view.count[item][row]),
        status=_STATUS[letter],
        as_of=said(_as_of(view, item, row)),
    )


def _as_of(view: View, item: int, row: int) -> EpochS:
    return EpochS(float(view.row_as_of[item][row]) or view.as_of[item])


def _point(place: Place) -> Point | None:
    if place.lon is None or place.lat is None:
        return None
    return Point((round(place.lon, COORDINATE_DECIMALS), round(place.lat, COORDINATE_DECIMALS)))


assert STATUSES == _STATUS, "one legend"
