"""Which stay is flagged on a day, by rules that are data: region, window, since, until. Values in, values out.

A rule speaks from its day `since` to its day `until`; while it speaks, a stay in one of its areas that ended at most
`days` days ago is flagged, and for `after_days` more it is told as having been. What was flagged yesterday may not be
today: the rule, not the register, says so. Areas are paths, so that CN-HB is within CN and Wuhan within CN-HB.
Sources: NHIA's notices and the press of 27 January 2020 to 17 May 2021, as rules.toml cites them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

from banyan.limits_travel import TRAVEL_AREAS, TRAVEL_WINDOW

AREA: Final = r"^[A-Z]{2}(-[A-Z0-9]{1,3}){0,2}$"
"""ISO 3166-1, an ISO 3166-2 subdivision, a place in it (UN/LOCODE): CN, CN-HB, CN-HB-WUH. XA to XZ are nobody's, for
drills; TW-SHM is no place but self-health management (自主健康管理)."""
Area = Annotated[str, msgspec.Meta(pattern=AREA)]
ABROAD: Final = "*"
"""As a rule's area: anywhere but Taiwan, which is how cards were marked from 27 February 2020 on."""
Region = Annotated[str, msgspec.Meta(pattern=rf"{AREA}|^\*$")]
State = Literal["now", "was"]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Cite = Annotated[str, msgspec.Meta(max_length=400)]
Reasoning = Annotated[str, msgspec.Meta(max_length=300)]


class Stay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where somebody was. `until` is the day they left it; `is_direct`: and came straight here."""

    area: Area
    until: date
    is_direct: bool = True


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`until` is the last day on which it speaks, None while nobody has ended it; `left_since` the first day of leaving
    that counts. `dated`: whether its days were seen in a source or inferred from the order that the source gives; then
    `inferred_zh` and `inferred_en` say from what."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$")]
    zh: Words
    en: Words
    areas: Annotated[tuple[Region, ...], msgspec.Meta(min_length=1, max_length=TRAVEL_AREAS)]
    since: date
    days: Annotated[int, msgspec.Meta(ge=1, le=TRAVEL_WINDOW)]
    until: date | None = None
    after_days: Annotated[int, msgspec.Meta(ge=0, le=TRAVEL_WINDOW)] = 0
    left_since: date | None = None
    routes: Literal["direct", "any"] = "any"
    source: Words = "疾病管制署"
    cite: Cite = ""
    dated: Literal["seen", "inferred", "set"] = "set"
    inferred_zh: Reasoning = ""
    inferred_en: Reasoning = ""

    def speaks(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


class Mark(msgspec.Struct, frozen=True):
    """A stay is flagged: by which rule, and its window, both days within. `was`: the window is over."""

    rule: str
    start: date
    end: date
    state: State


def marks_on(stays: Iterable[Stay], rules: Iterable[Rule], day: date) -> tuple[Mark, ...]:
    """What is flagged on `day`, one mark a rule: that of the stay which ended last. The windows that end last come
    first; what is over comes after what is not."""
    known = tuple(stays)
    found = [mark for rule in rules if rule.speaks(day) and (mark := _mark(known, rule, day)) is not None]
    return tuple(sorted(found, key=lambda one: (one.state == "was", -one.end.toordinal(), one.rule)))


def _mark(stays: Sequence[Stay], rule: Rule, day: date) -> Mark | None:
    ended = [stay.until for stay in stays if counts(rule, stay) and stay.until <= day]
    if not ended:
        return None
    start = max(ended)
    end = start + timedelta(days=rule.days)
    if day <= end:
        return Mark(rule.id, start, end, "now")
    return Mark(rule.id, start, end, "was") if day <= end + timedelta(days=rule.after_days) else None


def counts(rule: Rule, stay: Stay) -> bool:
    """Whether the rule speaks of such a stay, whenever it was."""
    return (
        any(is_within(stay.area, area) for area in rule.areas)
        and (rule.routes == "any" or stay.is_direct)
        and (rule.left_since is None or rule.left_since <= stay.until)
    )


def is_within(area: str, region: str) -> bool:
    if region == ABROAD:
        return not is_within(area, "TW")
    return area == region or area.startswith(region + "-")


def kept(stays: Iterable[Stay], day: date) -> tuple[Stay, ...]:
    """The stays that some rule may yet speak of, once each."""
    first = day - timedelta(days=2 * TRAVEL_WINDOW)
    return tuple(sorted({one for one in stays if one.until >= first}, key=lambda one: (one.until, one.area)))


def published() -> tuple[Rule, ...]:
    """The sequence of 2020 and 2021, in the order of time."""
    text = files("banyan.service.travel").joinpath("rules.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert(tomllib.loads(text)["rule"], list[Rule]))


def day_of(now: float) -> date:
    """The day in Taiwan."""
    return date(1970, 1, 1) + timedelta(days=int((now + 8 * 3_600) // 86_400))
