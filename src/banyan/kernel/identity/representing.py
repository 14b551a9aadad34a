"""Who may act for whom: a parent for a child, a guardian for a ward, a person for a company. Values in, values out.

An officer grants it on a ground that the law knows, from when until when. It ends on its day, at a child's 18th
birthday, or when it is withdrawn, at that second. Source: 民法 s12 (18 since 2023-01-01), s1086, s1089 (both parents),
s1098, s1113 (guardian); 公司法 s8, s208 (who represents a company).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.limits_identity import REPRESENTATION_DAYS

Relation = Literal["child", "guardian", "company"]
Ground = Literal["household", "both-parents", "court", "company-register"]
RELATIONS: Final[tuple[Relation, ...]] = get_args(Relation)
GROUNDS: Final[Mapping[Relation, tuple[Ground, ...]]] = {
    "child": ("household", "both-parents"),
    "guardian": ("court",),
    "company": ("company-register",),
}
"""A parent whom the household register shows with the child; both parents, present and agreed; a court's ruling; the
company's entry in the register."""
ADULT_YEARS: Final = 18
TAIPEI: Final = ZoneInfo("Asia/Taipei")
DAY_S: Final = 86_400.0


class Representation(msgspec.Struct, frozen=True, kw_only=True):
    """`document` names the paper that was shown, `by` the officer (a pseudonym) of `agency`; `other_parent` is the
    account of the second parent who agreed, or empty."""

    id: str
    relation: Relation
    ground: Ground
    document: str
    representative: str
    represented: str
    by: str
    agency: str
    at: EpochS
    start: EpochS
    until: EpochS
    other_parent: str = ""
    ended_at: EpochS = EpochS(0)
    ended_by: str = ""

    def is_in_force(self, now: float) -> bool:
        return not self.ended_at and self.start <= now < self.until


class Unfit(msgspec.Struct, frozen=True):
    """Why it is not granted: the field, and the word for what to do."""

    field: str
    why: str


def granted(asked: Representation, born: date | None) -> Representation | Unfit:
    """The representation as it is kept: a child's ends at 18. Of the birthday only that day stays."""
    if asked.ground not in GROUNDS[asked.relation]:
        return Unfit("ground", "ground")
    if asked.representative == asked.represented:
        return Unfit("represented", "self")
    if (asked.ground == "both-parents") != bool(asked.other_parent) or asked.other_parent == asked.representative:
        return Unfit("other_parent", "other_parent")
    until = asked.until
    if asked.relation == "child":
        if born is None or born > datetime.fromtimestamp(asked.at, TAIPEI).date():
            return Unfit("born", "born")
        if eighteenth(born) <= asked.at:
            return Unfit("born", "adult")
        until = min(until, eighteenth(born))
    elif born is not None:
        return Unfit("born", "no_born")
    most = asked.start + REPRESENTATION_DAYS[asked.relation] * DAY_S
    if not max(asked.start, asked.at) < until <= most:
        return Unfit("until", "until")
    return msgspec.structs.replace(asked, until=until)


def eighteenth(born: date) -> EpochS:
    """The first second of the 18th birthday in Taipei; of who was born on 29 February, 1 March (民法 s121)."""
    year = born.year + ADULT_YEARS
    try:
        day = born.replace(year=year)
    except ValueError:
        day = date(year, 3, 1)
    return EpochS(datetime(day.year, day.month, day.day, tzinfo=TAIPEI).timestamp())


def ended(one: Representation, by: str, now: EpochS) -> Representation:
    """Withdrawn; ended ones stay as they ended."""
    return one if one.ended_at else msgspec.structs.replace(one, ended_at=now, ended_by=by)
