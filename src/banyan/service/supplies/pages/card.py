"""One outlet as a page says it: which sentence stands for each fact. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.confidence import FRESH_S, OLD_S
from banyan.service.supplies.hours import SLOTS, minute_at, slots_of
from banyan.service.supplies.model import Confidence, Item, Located, Shown, Status, Stocked, Window
from banyan.service.supplies.pages.asked import Asked

State = Literal["before", "now", "after"]
"""Where a window of the day stands."""
Reason = Literal["not_listed", "unknown", "old", "differ", "ageing", "few", "closed", "fresh"]
DAYS = 7
METRES_ROUGH = 1_000


class Spell(msgspec.Struct, frozen=True):
    """A window of the day in words, and where it stands now. `end` is empty when it is a moment."""

    start: str
    end: str
    state: State


class Card(msgspec.Struct, frozen=True):
    """An outlet with one item. `as_of` is RFC 3339 UTC as the operation gave it, `as_of_s` the same in seconds (0
    never); `weeks` the hours as three parts of seven days, empty when not known."""

    outlet: Shown
    item: Item
    status: Status
    count: int | None
    reserved: int
    available: int | None
    as_of: str
    as_of_s: float
    confidence: Confidence
    reason: Reason
    open: bool | None
    metres: int | None
    sale: Spell | None
    plate: Spell | None
    weeks: tuple[tuple[bool, ...], ...]
    number: int = 0

    @property
    def is_placed(self) -> bool:
        return self.outlet.lon is not None and self.outlet.lat is not None

    @property
    def path(self) -> str:
        return Asked(item=self.item.id).address(f"/supplies/outlet/{self.outlet.code}")

    @property
    def tel(self) -> str:
        """The number to dial: digits only, an extension left out; empty when it has none."""
        own = self.outlet.phone.split("轉")[0].split("#")[0]
        digits = "".join(mark for mark in own if mark.isascii() and (mark.isdigit() or mark == "+"))
        return digits if len(digits) >= 7 else ""

    @property
    def route(self) -> str:
        """A map of others with the way there, without where the reader is; empty without a point."""
        if not self.is_placed:
            return ""
        return f"https://www.openstreetmap.org/directions?to={self.outlet.lat:.6f}%2C{self.outlet.lon:.6f}"

    @property
    def geo(self) -> str:
        """The point for a phone's own map (RFC 5870)."""
        return f"geo:{self.outlet.lat:.6f},{self.outlet.lon:.6f}" if self.is_placed else ""


class Stands(msgspec.Struct, frozen=True):
    """What an answer says of the moment of asking, for one item of an outlet."""

    open: bool | None
    as_of: str
    confidence: Confidence
    metres: int | None = None


def card_of(outlet: Shown, item: Item, stands: Stands, now: EpochS, *, number: int = 0) -> Card:
    """The outlet with one item at a moment; `number` is its place in a list, 0 outside one."""
    stock = next((one for one in outlet.stocks if one.item == item.id), Stocked(item.id, "unknown", None, 0, None))
    as_of_s = seconds_of(stands.as_of)
    return Card(
        outlet=outlet,
        item=item,
        status=stock.status,
        count=stock.count,
        reserved=stock.reserved,
        available=stock.available,
        as_of=stands.as_of,
        as_of_s=as_of_s,
        confidence=stands.confidence,
        reason=reason_of(now - as_of_s, stock.status, outlet.located, is_open=stands.open),
        open=stands.open,
        metres=stands.metres,
        sale=spell_of(outlet.sale, now),
        plate=spell_of(outlet.plate, now),
        weeks=weeks_of(outlet.hours),
        number=number,
    )


def reason_of(age_s: float, status: Status, located: Located, *, is_open: bool | None) -> Reason:
    """Why the confidence is what it is: the first rule of `confidence` that holds."""
    if status in ("not_listed", "unknown"):
        return status
    if age_s > OLD_S:
        return "old"
    if located == "differ":
        return "differ"
    if age_s > FRESH_S:
        return "ageing"
    if status == "few":
        return "few"
    return "closed" if is_open is False else "fresh"


def spell_of(window: Window | None, now: EpochS) -> Spell | None:
    """A window in words. One of a minute or less is a moment: plates are often told with their start alone."""
    if window is None:
        return None
    minute = minute_at(now)
    state: State = "before" if minute < window.start else "now" if minute < window.end else "after"
    return Spell(clock(window.start), clock(window.end) if window.end > window.start + 1 else "", state)


def clock(minute: int) -> str:
    """A minute of the day as a clock says it: 8:30."""
    return f"{minute // 60}:{minute % 60:02d}"


def weeks_of(hours: str) -> tuple[tuple[bool, ...], ...]:
    """Mornings, afternoons and evenings from Monday; empty when the code is not known."""
    slots = slots_of(hours)
    if slots < 0:
        return ()
    marks = [bool(slots >> place & 1) for place in range(SLOTS)]
    return tuple(tuple(marks[part * DAYS : part * DAYS + DAYS]) for part in range(SLOTS // DAYS))


def far(metres: int) -> str:
    """A distance as people say it, with its unit: 350 m, 1.2 km, 14 km."""
    if metres < METRES_ROUGH:
        return f"{(metres + 5) // 10 * 10 if metres >= 100 else metres} m"
    tenths = (metres + 50) // 100
    if tenths % 10 and metres < 10 * METRES_ROUGH:
        return f"{tenths // 10}.{tenths % 10} km"
    return f"{(metres + 500) // 1_000} km"


def seconds_of(at: str) -> float:
    """Epoch seconds of an RFC 3339 time; 0 for an empty one."""
    return datetime.fromisoformat(at).timestamp() if at else 0.0
