"""The whole board for map clients, as columns. Row j of every column is the same outlet.

A first visit takes `GET /api/supplies/pack` (all in one, `Pack`). A client that keeps data takes only the small part,
`GET /api/supplies/stock.json` (`StockPack`, 26 KB gzip for 6,823 outlets), and looks at its two links: when
`places.hash` or `notices.hash` is not the one it holds, it takes that document, whose address never changes content:

    GET /api/supplies/places/HASH.json      PlacesPack     immutable, 190 KB gzip
    GET /api/supplies/notices/HASH.json     NoticesPack    immutable

Then it follows `GET /api/supplies/stream` (SSE) or polls `GET /api/supplies/changes?after=SEQ` (`deltas.py`).
What never changes without 30 days' notice: names, types and meaning of fields (docs/stock-map.md). Fields may be added.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from banyan.kernel.events.clock import EpochS, iso
from banyan.service.supplies.columns import NOT_LISTED, UNKNOWN
from banyan.service.supplies.feeds.view import View
from banyan.service.supplies.model import Located

VERSION: Final = 1
STATUSES: Final = {
    "i": "in_stock",
    "f": "few",
    "r": "reserved",
    "s": "sold_out",
    "n": "not_listed",
    "u": "unknown",
}
"""One letter a row in `status`, as `model.Status` has them. Never show n or u as 0 or sold out, nor r as in stock."""
LETTERS: Final = "".join(STATUSES)
COORDINATE_DECIMALS: Final = 6
"""0.1 m; the geocodings are not better than 10 m."""
Span = tuple[int, int] | None
"""Minutes of Taiwan's day: from, until."""
_encode: Final = msgspec.json.Encoder().encode


class Linked(msgspec.Struct, frozen=True):
    """A document by the hash of its content, and where it is (a path of this site)."""

    hash: str
    href: str


class PlacesPack(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about outlets that does not change by the minute. `town[j]` is a place in `towns` (code of 8 digits,
    county, town), -1 when not known. `lon`, `lat` are WGS84 degrees or null; `located` says how sure the point is:
    agree, differ (two geocodings `apart_m` metres apart: send nobody there unwarned), single, none. `hours` is
    看診星期, 21 characters: 7 mornings from Monday, 7 afternoons, 7 evenings; N open, Y closed; empty unknown. `gone`
    are rows no register has any more: do not show them."""

    version: int
    rows: int
    code: list[str]
    name: list[str]
    address: list[str]
    phone: list[str]
    towns: list[tuple[str, str, str]]
    town: list[int]
    lon: list[float | None]
    lat: list[float | None]
    located: list[Located]
    apart_m: list[int]
    hours: list[str]
    hours_note: list[str]
    gone: list[int]


class NoticesPack(msgspec.Struct, frozen=True, kw_only=True):
    """What outlets announced, one row a notice; `code` names the outlet. `sale` and `plate` (號碼牌) are minutes of
    Taiwan's day, `[from, until]` or null. `is_parsed`: we read the windows out of free text."""

    version: int
    code: list[str]
    sale: list[Span]
    plate: list[Span]
    text: list[str]
    is_parsed: list[bool]


class ItemPack(msgspec.Struct, frozen=True, kw_only=True):
    """One item at every row. `as_of` (RFC 3339 UTC) is the source's own time and holds for every listed row, but those
    in `row_as_of` (row, time): rows with a time of their own, and rows off the list (when they were last on it).

    `count` is what the outlet reported, `reserved` what of it is promised (empty list: nothing, anywhere), `available`
    what a person who comes now can get: count - reserved, null when not listed or unknown. `status` has one letter a
    row (`statuses`)."""

    id: str
    title: dict[str, str]
    unit: dict[str, str]
    few: int
    family: str
    as_of: str
    count: list[int | None]
    reserved: list[int]
    available: list[int | None]
    status: str
    row_as_of: list[tuple[int, str]]


class StockPack(msgspec.Struct, frozen=True, kw_only=True):
    """The part that changes by the minute. `seq` is the board's number; ask for changes after it."""

    version: int
    seq: int
    rows: int
    statuses: dict[str, str]
    places: Linked
    notices: Linked
    items: list[ItemPack]


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """All of it: `places` and `notices` are the very documents that `stock` links to."""

    version: int
    seq: int
    stock: StockPack
    places: PlacesPack
    notices: NoticesPack


def places_pack(view: View) -> bytes:
    towns: dict[tuple[str, str, str], int] = {}
    town = [
        towns.setdefault((place.town_code, place.county, place.town), len(towns)) if place.town_code else -1
        for place in view.places
    ]
    return _encode(
        PlacesPack(
            version=VERSION,
            rows=view.size,
            code=[place.code for place in view.places],
            name=[place.name for place in view.places],
            address=[place.address for place in view.places],
            phone=[place.phone for place in view.places],
            towns=list(towns),
            town=town,
            lon=[_rounded(place.lon) for place in view.places],
            lat=[_rounded(place.lat) for place in view.places],
            located=[place.located for place in view.places],
            apart_m=[place.apart_m for place in view.places],
            hours=[place.hours for place in view.places],
            hours_note=[place.hours_note for place in view.places],
            gone=[row for row, is_gone in enumerate(view.is_gone) if is_gone],
        )
    )


def notices_pack(view: View) -> bytes:
    notices = [notice for notice in view.notices if notice is not None]
    return _encode(
        NoticesPack(
            version=VERSION,
            code=[notice.code for notice in notices],
            sale=[(one.sale.start, one.sale.end) if one.sale else None for one in notices],
            plate=[(one.plate.start, one.plate.end) if one.plate else None for one in notices],
            text=[notice.text for notice in notices],
            is_parsed=[notice.is_parsed for notice in notices],
        )
    )


def stock_pack(view: View, places: str, notices: str) -> bytes:
    """`places` and `notices` are the hashes of the documents made from the same view."""
    return _encode(_stock(view, places, notices))


def whole_pack(view: View, places: tuple[str, bytes], notices: tuple[str, bytes]) -> bytes:
    """The hashes and bodies of the two documents, put in as they are."""
    stock = stock_pack(view, places[0], notices[0])
    head = b'{"version":%d,"seq":%d,"stock":' % (VERSION, view.seq)
    return b"".join((head, stock, b',"places":', places[1], b',"notices":', notices[1], b"}"))


def _stock(view: View, places: str, notices: str) -> StockPack:
    return StockPack(
        version=VERSION,
        seq=view.seq,
        rows=view.size,
        statuses=STATUSES,
        places=Linked(places, places_path(places)),
        notices=Linked(notices, notices_path(notices)),
        items=[_item(view, place) for place in range(len(view.items))],
    )


def places_path(content: str) -> str:
    return f"/api/supplies/places/{content}.json"


def notices_path(content: str) -> str:
    return f"/api/supplies/notices/{content}.json"


def _item(view: View, place: int) -> ItemPack:
    item, own, reserved = view.items[place], view.row_as_of[place], view.reserved[place]
    return ItemPack(
        id=item.id,
        title=item.title,
        unit=item.unit,
        few=item.few,
        family=item.family,
        as_of=said(view.as_of[place]),
        count=_or_null(view.count[place].tolist()),
        reserved=reserved.tolist() if reserved.any() else [],
        available=_or_null(view.available[place].tolist()),
        status=letters(view, place),
        row_as_of=[(int(row), iso(EpochS(float(own[row])))) for row in np.flatnonzero(own > 0)],
    )


def letters(view: View, place: int) -> str:
    """The status of every row, one letter each; the same rule as `Board.status`."""
    count, available = view.count[place], view.available[place]
    codes = np.where(available < view.items[place].few, 1, 0)
    codes = np.where(available == 0, np.where(count > 0, 2, 3), codes)
    codes = np.where(available == NOT_LISTED, 4, codes)
    codes = np.where(count == UNKNOWN, 5, codes)
    return "".join(map(LETTERS.__getitem__, codes.tolist()))


def said(at: EpochS) -> str:
    return iso(at) if at > 0 else ""


def _or_null(numbers: list[int]) -> list[int | None]:
    return [number if number >= 0 else None for number in numbers]


def _rounded(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, COORDINATE_DECIMALS)
