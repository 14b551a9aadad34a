"""What was asked at the border in 2020 of who came from where: dated announcements as data, beside the rules of cards.

A measure is of the day of arrival, a rule of cards of the day of a visit. Nothing is decided by these: they are read,
on the page of rules and by whoever writes the next.
Source: Taiwan's CDC and ministries, as border.toml cites them one by one.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import msgspec

from banyan.limits_travel import TRAVEL_AREAS
from banyan.service.travel.rules import Region, Words, is_within

Kind = Literal["self-health", "level-3", "quarantine", "no-entry"]


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`since` and `until` are its first and last days, None while it was never replaced; `cite` says where its day
    stands, by title and address."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$")]
    zh: Words
    en: Words
    measure: Kind
    areas: Annotated[tuple[Region, ...], msgspec.Meta(min_length=1, max_length=TRAVEL_AREAS)]
    announced: date
    since: date
    cite: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    until: date | None = None

    def holds(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


@cache
def measures() -> tuple[Measure, ...]:
    """The sequence, in the order of time."""
    text = files("banyan.service.travel").joinpath("border.toml").read_text(encoding="utf-8")
    return tuple(sorted(msgspec.convert(tomllib.loads(text)["measure"], list[Measure]), key=lambda one: one.since))


def asked_of(area: str, day: date) -> tuple[Measure, ...]:
    """What was asked of who came from there on that day."""
    return tuple(one for one in measures() if one.holds(day) and any(is_within(area, where) for where in one.areas))
