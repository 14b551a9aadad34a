"""Immigration (移民署) of the demonstration nation: whether a journey matters to a doctor, never where it went.

The itinerary stays sealed here; what leaves is one flag by disease control's rule of the day, and the rule's name.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Final
from weakref import WeakKeyDictionary

import msgspec

from banyan.demo.agencies.asking import Code, Fields, Number, Why, called
from banyan.demo.agencies.sealed import find, subject_of
from banyan.demo.federation.epidemic import today
from banyan.errors import NotFound, Unavailable
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage import Store

SCOPE: Final = "register:border"
BASIS: Final = "CDC-31-travel"
MOST_DAYS: Final = 30
BORDER: Final = Service(
    "border", title={"zh-Hant": "入出國（示範）", "en": "Immigration (demo)"}, package="banyan.demo.agencies"
)


class Stay(msgspec.Struct, frozen=True):
    """One stay abroad; `until` is the day of entry (ISO 8601)."""

    area: str
    until: str


class Itinerary(msgspec.Struct, frozen=True):
    """What the register holds of a person; no operation answers it."""

    stays: tuple[Stay, ...]


class FlagQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`days` 0: as many as the rule says; fewer narrows it."""

    person: Number
    days: Annotated[int, msgspec.Meta(ge=0, le=MOST_DAYS), called("days")] = 0
    fields: Fields = ()
    purpose: Code = ""
    reason: Why = ""


class TravelFlag(msgspec.Struct, frozen=True):
    """`flag`: a stay that the rule names, within its days before `as_of`. `rule_heard`: when disease control said the
    rule, empty when it was just now; it may be out of reach, and a doctor cannot wait."""

    as_of: str
    rule: str
    rule_heard: str = ""
    flag: Annotated[bool, personal("C034")] | UnsetType = UNSET


@BORDER.operation(
    "travel_flag",
    title={"zh-Hant": "旅遊史註記", "en": "Travel flag"},
    summary={
        "zh-Hant": "依當日規則，近日是否有需要留意的旅遊史；不提供行程。",
        "en": "By the rule of the day, whether a recent journey matters; never where it went.",
    },
    data=("border",),
    audience="hospital",
    purpose="012",
    subject="person",
    channels=("web", "api"),
)
async def travel_flag(ctx: Context, request: FlagQuery) -> TravelFlag:
    """Nobody of that number is no journey: whether somebody is in this register is itself a fact about them."""
    rule, heard = await _rule(ctx)
    day = today(ctx.now)
    try:
        known = await find(ctx.db, SCOPE, subject_of(ctx, request.person), Itinerary)
    except NotFound:
        known = Itinerary(())
    days = min(request.days, rule.days) if request.days else rule.days
    return TravelFlag(day.isoformat(), rule.id, heard, is_flagged(known, rule.areas, days, day))


async def _rule(ctx: Context) -> tuple[Any, str]:
    """The rule of the day; while disease control is out of reach the last one heard, and when that was. Raises
    Unavailable when none was heard since this node started."""
    try:
        rule = await ctx.call("epidemic.travel_rule", {})
    except Unavailable:
        kept = _heard.get(ctx.db.sql)
        if kept is None:
            raise
        return kept[0], iso(kept[1])
    _heard[ctx.db.sql] = (rule, ctx.now)
    return rule, ""


_heard: WeakKeyDictionary[Store, tuple[Any, EpochS]] = WeakKeyDictionary()


def is_flagged(known: Itinerary, areas: tuple[str, ...], days: int, day: date) -> bool:
    """Pure."""
    first = (day - timedelta(days=days)).isoformat()
    return any(stay.area in areas and first <= stay.until <= day.isoformat() for stay in known.stays)
