"""The rule book: who may buy how much of what, from which day on. A TOML file of editions, each a whole law.

The edition in force on a day is the newest whose `from` is not after it. Days are the calendar's in Taipei. A rule
names one item and an age band; the first rule of an edition that fits the buyer's age is hers.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from banyan.limits_rationing import (
    RATION_EDITIONS,
    RATION_NAME,
    RATION_PROXIES,
    RATION_QTY,
    RATION_RULES,
    RATION_WINDOW_DAYS,
)

Kind = Literal["citizen", "resident", "entry_permit", "no_card"]
"""What she shows: a national's card, a residence permit, an entry permit, or another paper (ID, household register)."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=RATION_NAME, pattern="^[a-z0-9_.-]+$")]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7, description="ISO: 1 is Monday, 7 is Sunday")]
KINDS: tuple[Kind, ...] = ("citizen", "resident", "entry_permit", "no_card")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """At most `quantity` units within any `window_days` days, counting every item of `counts` (the item itself when
    empty).

    `odd_weekdays` and `even_weekdays` are the days of a number's parity, all days when both are empty; `closed` the
    weekdays on which a channel rests. `proxies`: how many other persons' cards one may bring in a day. Without
    `takes_stock` it is a permission (masks mailed to relatives abroad), not a good.
    """

    item: Name
    quantity: Annotated[int, msgspec.Meta(ge=0, le=RATION_QTY)]
    window_days: Annotated[int, msgspec.Meta(ge=1, le=RATION_WINDOW_DAYS)]
    least_age: Annotated[int, msgspec.Meta(ge=0, le=200)] = 0
    most_age: Annotated[int, msgspec.Meta(ge=0, le=200)] = 200
    counts: Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)] = ()
    kinds: tuple[Kind, ...] = KINDS
    channels: Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)] = ("pharmacy", "health_centre")
    odd_weekdays: tuple[Weekday, ...] = ()
    even_weekdays: tuple[Weekday, ...] = ()
    closed: dict[Name, tuple[Weekday, ...]] = {}
    proxies: Annotated[int, msgspec.Meta(ge=0, le=RATION_PROXIES)] = 1
    takes_stock: bool = True


class Edition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}):
    """A whole law from a day on; `source` is where it was announced."""

    since: date
    source: Annotated[str, msgspec.Meta(max_length=500)] = ""
    rule: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=RATION_RULES)] = ()


class RuleBook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Editions in the order of their days."""

    edition: Annotated[tuple[Edition, ...], msgspec.Meta(max_length=RATION_EDITIONS)] = ()
