"""The truth an app is compared with: the board of a reference node, before and after the app was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urljoin

import msgspec

from banyan.errors import UNREADABLE, Invalid
from banyan.kit.fetching import Take
from banyan.kit.times import epoch_of
from banyan.kit.wording import refusal
from banyan.service.supplies.feeds.pack import ItemPack, Pack

PACK: Final = "/api/supplies/pack"
_pack: Final = msgspec.json.Decoder(Pack)


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """One item at one outlet as the node has it; `as_of` epoch seconds, 0 never."""

    status: str
    count: int | None
    reserved: int
    available: int | None
    as_of: float


class Spot(msgspec.Struct, frozen=True):
    """Where an outlet is, and how sure that is."""

    lon: float | None
    lat: float | None
    located: str
    apart_m: int


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the node. `names` are all names an item may go by, to its id; `max_age_s` is how long its feeds may
    be kept unasked."""

    url: str
    seq: int
    items: Mapping[str, float]
    names: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Truth]]
    spots: Mapping[str, Spot]
    max_age_s: float

    def truth(self, code: str, item: str) -> Truth | None:
        return self.rows.get(code, {}).get(item)


def looked_at(url: str, take: Take) -> Reference:
    """The board of the node at `url`. Raises Invalid when that is no node with a stock map, or has no items."""
    taken = take(urljoin(url, PACK))
    try:
        pack = _pack.decode(taken.body)
    except UNREADABLE:
        raise refusal(Invalid, "no_reference", url=url) from None
    if not pack.stock.items:
        raise refusal(Invalid, "empty_reference", url=url)
    return reference_of(pack, url, _max_age_s(taken.headers.get("cache-control", "")))


def reference_of(pack: Pack, url: str, max_age_s: float) -> Reference:
    places, gone = pack.places, set(pack.places.gone)
    rows: dict[str, dict[str, Truth]] = {code: {} for row, code in enumerate(places.code) if row not in gone}
    for item in pack.stock.items:
        own = dict(item.row_as_of)
        for row, letter in enumerate(item.status):
            if row not in gone:
                rows[places.code[row]][item.id] = _truth(item, row, pack.stock.statuses[letter], own)
    return Reference(
        url=url,
        seq=pack.seq,
        items={item.id: epoch_of(item.as_of) or 0.0 for item in pack.stock.items},
        names=_names(pack.stock.items),
        rows=rows,
        spots={
            code: Spot(places.lon[row], places.lat[row], places.located[row], places.apart_m[row])
            for row, code in enumerate(places.code)
        },
        max_age_s=max_age_s,
    )


def _truth(item: ItemPack, row: int, status: str, own: Mapping[int, str]) -> Truth:
    return Truth(
        status=status,
        count=item.count[row],
        reserved=item.reserved[row] if item.reserved else 0,
        available=item.available[row],
        as_of=epoch_of(own.get(row) or item.as_of) or 0.0,
    )


def _names(items: Sequence[ItemPack]) -> dict[str, str]:
    """Ids, ids with underscores (points.json), titles, and column names of the official list. An empty name is the
    first item: an app that shows one thing need not name it."""
    names = {"": items[0].id}
    for item in items:
        title = item.title.get("zh-Hant", "")
        for name in (item.id, item.id.replace("-", "_"), *item.title.values(), title + "剩餘數", title + "總剩餘數"):
            names.setdefault(name, item.id)
    return names


def _max_age_s(cache: str) -> float:
    for part in cache.split(","):
        name, _, seconds = part.strip().partition("=")
        if name == "max-age" and seconds.isdecimal():
            return float(seconds)
    return 0.0
