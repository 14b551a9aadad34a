"""What the law in force needs to know of a person before it can say what she may buy: of many items, nothing."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.rationing.counter.saying import called
from banyan.service.rationing.engine.days import date_of, day_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.rulebook import Rule, RuleBook
from banyan.service.rationing.service import SERVICE

OLDEST = 130
"""The end of the last age band, as people read it."""


class Band(msgspec.Struct, frozen=True):
    """Ages that one rule holds for, both ends included."""

    least: int
    most: int


class ItemInForce(msgspec.Struct, frozen=True):
    """`ages` is empty where age makes no difference. `asks_digit`: some days are for odd numbers, others for even."""

    item: str
    title: dict[str, str]
    ages: tuple[Band, ...]
    asks_digit: bool


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks nothing."""


@SERVICE.operation(
    "in_force",
    title={"zh-Hant": "現行實名制品項", "en": "What is rationed now"},
    summary={
        "zh-Hant": "現在實名販售的品項，以及要知道什麼才能回答可以買多少。",
        "en": "The items rationed now, and what must be known of a person to say how much she may buy.",
    },
    data=OPEN,
    audience="public",
    channels=("api",),
)
async def in_force(ctx: Context, request: Nothing) -> tuple[ItemInForce, ...]:
    return items_in_force(await engine_of(ctx.db).rules(), ctx.now)


def items_in_force(book: RuleBook, now: float) -> tuple[ItemInForce, ...]:
    """The goods of the edition in force, in its order."""
    today = date_of(day_of(now))
    edition = next((one for one in reversed(book.edition) if one.since <= today), None)
    rules: dict[str, list[Rule]] = {}
    for rule in edition.rule if edition is not None else ():
        if rule.takes_stock:
            rules.setdefault(rule.item, []).append(rule)
    return tuple(_item(item, of) for item, of in rules.items())


def titles_of(book: RuleBook) -> dict[str, dict[str, str]]:
    """What the goods of any edition are called: people ask for what is rationed no more, too."""
    return {rule.item: _title(rule.item) for one in reversed(book.edition) for rule in one.rule if rule.takes_stock}


def _title(item: str) -> dict[str, str]:
    return {lang: called(item, lang) for lang in LANGUAGES}


def _item(item: str, rules: list[Rule]) -> ItemInForce:
    asks_digit = any(rule.odd_weekdays or rule.even_weekdays for rule in rules)
    starts = {0}
    for rule in rules:
        starts |= {rule.least_age, rule.most_age + 1}
    ordered = sorted(start for start in starts if start <= OLDEST)
    ends = [*(start - 1 for start in ordered[1:]), OLDEST]
    bands = tuple(Band(least, most) for least, most in zip(ordered, ends, strict=True))
    return ItemInForce(item, _title(item), bands if len(bands) > 1 else (), asks_digit)
