"""The nouns of supplies: item, place, notice, and the events of which a board is made.

Times are epoch seconds, UTC; minutes are minutes of Taiwan's day (UTC+8); coordinates are WGS84 degrees; a code is text
of 10 characters with leading zeros and letters (醫事機構代碼, 592202A296), never a number.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.kernel.events.clock import EpochS

Located = Literal["agree", "differ", "single", "none"]
"""How sure a place's point is: two geocodings that agree, two that differ, only one, or none at all."""
Status = Literal["in_stock", "few", "reserved", "sold_out", "not_listed", "unknown"]
"""What a row means. `reserved`: some are left and all of them are promised (號碼牌). `not_listed`: the outlet was on
the list and is not now, which is neither zero nor closed. `unknown`: it was never listed with this item."""
Confidence = Literal["high", "medium", "low"]


class Item(msgspec.Struct, frozen=True):
    """Something handed out (成人口罩, 快篩試劑, 沙包). Below `few` an outlet is shown as nearly out. `family` groups
    sizes of one good, in the order they are offered."""

    id: str
    title: dict[str, str]
    unit: dict[str, str]
    few: int = 20
    family: str = ""


class Window(msgspec.Struct, frozen=True):
    """From minute to minute of the day (時段): `start` <= t < `end`; `end` is 1440 when nobody told one."""

    start: int
    end: int


class Place(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An outlet (特約機構) as its registers know it, without its stock."""

    code: str
    name: str
    address: str = ""
    phone: str = ""
    county: str = ""
    town: str = ""
    town_code: str = ""
    """8 digits; by the point when there is one, else by the address."""
    lon: float | None = None
    lat: float | None = None
    located: Located = "none"
    apart_m: int = 0
    """Between the two geocodings, when they differ."""
    hours: str = ""
    """看診星期: 21 characters, 7 mornings from Monday, 7 afternoons, 7 evenings; N open, Y closed; empty unknown."""
    hours_note: str = ""
    """看診備註, as written."""


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an outlet announces for its sale: when it sells, when it hands out number plates (號碼牌), its own words."""

    code: str
    sale: Window | None = None
    plate: Window | None = None
    text: str = ""
    is_parsed: bool = False
    """Read out of free text by us, not filled in as fields."""


class ItemsSet(msgspec.Struct, frozen=True, tag="items"):
    """The items of the board, all of them, in their order. An item is never removed: its numbers stay readable."""

    at: EpochS
    items: tuple[Item, ...]


class PlacesChanged(msgspec.Struct, frozen=True, tag="places"):
    """Places that are new or changed, and codes that no register has any more."""

    at: EpochS
    upsert: tuple[Place, ...] = ()
    gone: tuple[str, ...] = ()


class NoticesChanged(msgspec.Struct, frozen=True, tag="notices"):
    """Notices that are new or changed, and codes whose notice was taken back."""

    at: EpochS
    upsert: tuple[Notice, ...] = ()
    gone: tuple[str, ...] = ()


class StockTick(msgspec.Struct, frozen=True, tag="stock"):
    """One look at the stock: rows that are new or changed, and those that left the list.

    `as_of` is the source's own time; it holds for every listed row of `items`, changed or not, except rows with a
    time of their own in `row_as_of` (parallel to `codes`, or empty). `counts[i][j]` is what outlet `codes[j]` has of
    `items[i]`, promised ones included; `reserved` has the same shape, or is empty when nobody told.
    """

    at: EpochS
    as_of: EpochS
    source: str
    items: tuple[str, ...]
    codes: tuple[str, ...] = ()
    counts: tuple[tuple[int, ...], ...] = ()
    reserved: tuple[tuple[int, ...], ...] = ()
    row_as_of: tuple[float, ...] = ()
    gone: tuple[str, ...] = ()
    is_own: bool = False
    """Told by outlets that count themselves (`tills.py`): `as_of` is these rows' own time and of no other row."""


class ReservedSet(msgspec.Struct, frozen=True, tag="reserved"):
    """How many an outlet holds back for plate holders, told apart from the stock (a notices register)."""

    at: EpochS
    items: tuple[str, ...]
    codes: tuple[str, ...]
    reserved: tuple[tuple[int, ...], ...]


BoardEvent = ItemsSet | PlacesChanged | NoticesChanged | StockTick | ReservedSet


class Stocked(msgspec.Struct, frozen=True):
    """One item at one outlet. `count` is what the outlet reported, `reserved` what of it is promised, `available` what
    a person who comes now can get; null when not listed or unknown. `changed` is when the number last changed (RFC 3339
    UTC), empty when it never did. Of a row that is not listed now, `count` is the last one known."""

    item: str
    status: Status
    count: int | None
    reserved: int
    available: int | None
    changed: str = ""


class Shown(msgspec.Struct, frozen=True):
    """An outlet and everything it has, as every answer gives it. Nothing in it depends on the time of asking."""

    code: str
    name: str
    address: str
    phone: str
    county: str
    town: str
    town_code: str
    lon: float | None
    lat: float | None
    located: Located
    stocks: tuple[Stocked, ...]
    hours: str
    hours_note: str
    sale: Window | None
    plate: Window | None
    notice: str
