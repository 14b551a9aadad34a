"""The published figures of the fence, each set with the day from which it holds; an administrator adds later sets."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec

from banyan.service.fence.ladder import Waits

Seconds = Annotated[float, msgspec.Meta(ge=10, le=86_400)]


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set; the comments of `terms.toml` say what each figure is."""

    valid_from: Annotated[datetime, msgspec.Meta(tz=True)]
    reping_s: Seconds
    answer_s: Seconds
    weak_s: Seconds
    call_s: Seconds
    police_s: Seconds
    claim_s: Seconds
    days: Annotated[int, msgspec.Meta(ge=1, le=28)]
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=28)]
    calls: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=4)]
    call_late_s: Seconds
    appeal_days: Annotated[int, msgspec.Meta(ge=1, le=14)]
    code_s: Seconds
    small: Annotated[int, msgspec.Meta(ge=3, le=50)]

    @property
    def waits(self) -> Waits:
        return Waits(self.reping_s, self.answer_s, self.weak_s, self.call_s, self.police_s, self.claim_s)


@cache
def built_in() -> tuple[Terms, ...]:
    """The sets that come with the house."""
    text = files("banyan.service.fence").joinpath("terms.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, tuple[Terms, ...]])["terms"]


def in_force(sets: Sequence[Terms], now: float) -> Terms:
    """The newest whose day has come; before the first day the first. Of two from one moment the later added."""
    begun = [one for one in sets if one.valid_from.timestamp() <= now]
    return max(enumerate(begun), key=lambda one: (one[1].valid_from, one[0]))[1] if begun else sets[0]


def faults_of(terms: Terms) -> tuple[str, ...]:
    """Names of the figures that do not go together."""
    found = []
    if terms.keep_days < terms.days:
        found.append("keep_days")
    if terms.weak_s < terms.answer_s:
        found.append("weak_s")
    if not all(len(one) == 5 and one[2] == ":" and one[:2].isdigit() and one[3:].isdigit()
               and int(one[:2]) < 24 and int(one[3:]) < 60 for one in terms.calls):  # fmt: skip
        found.append("calls")
    return tuple(found)
