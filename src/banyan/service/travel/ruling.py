"""Rules as data: anybody reads them and asks what a stay would be on a day; disease control writes and ends them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec

from banyan.errors import Conflict, Invalid, Limit, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import TRAVEL_RULES
from banyan.service.travel import records, rules
from banyan.service.travel.law import RULING, on_duty
from banyan.service.travel.rules import Area, Mark, Rule, Stay
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import both

Day = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$", title="日期 Day")]
Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,39}$", title="規則代號 Rule")]


class RulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Empty: every rule; else those that speak on that day in Taiwan."""

    day: Day = ""


class Known(msgspec.Struct, frozen=True):
    """A rule and who wrote it; empty: it came with the programme, as the record of 2020."""

    rule: Rule
    by: str


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stay that is nobody's, and a day: what would be told. `until` is the day of leaving."""

    area: Area
    until: date
    is_direct: bool = True
    day: Day = ""


class Explained(msgspec.Struct, frozen=True):
    """By each rule that speaks on that day and counts such a stay: the window, or that it is over (`mark` null)."""

    rule: Rule
    mark: Mark | None


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last day on which it speaks."""

    id: Id
    until: date


@SERVICE.start
async def fill(ctx: Context) -> None:
    """Put the published sequence on record."""

    def job(tx: Tx) -> None:
        for one in to_fill(records.all_rules(tx)):
            records.put_rule(tx, one, by="", at=ctx.now)

    await ctx.db.sql.write(job)


def to_fill(known: Sequence[tuple[Rule, str]]) -> list[Rule]:
    """The published rules that are missing, or that a better source has corrected since; what an agency ended here is
    the agency's."""
    by_id = {rule.id: (rule, by) for rule, by in known}
    return [
        one for one in rules.published()
        if one.id not in by_id or (by_id[one.id][0] != one and not by_id[one.id][1])
    ]  # fmt: skip


@SERVICE.operation(
    "rules", title={"zh-Hant": "旅遊史規則", "en": "Travel rules"},
    summary={
        "zh-Hant": "哪些地區、幾天內的旅遊史會註記，何時起迄。",
        "en": "Which areas within how many days, from when until when.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def rules_of(ctx: Context, request: RulesQuery) -> tuple[Known, ...]:
    found = await ctx.db.sql.read(records.all_rules)
    day = read_day(request.day)
    return tuple(Known(rule, by) for rule, by in found if day is None or rule.speaks(day))


@SERVICE.operation(
    "explain", title={"zh-Hant": "試算旅遊史註記", "en": "Explain a travel flag"},
    summary={
        "zh-Hant": "某地區、某日離開，當天會不會註記、到哪一天。",
        "en": "For a stay that ended on a day: by which rule it is flagged, until when.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def explain(ctx: Context, request: Example) -> tuple[Explained, ...]:
    """Of nobody: the rules alone."""
    day = read_day(request.day) or rules.day_of(ctx.now)
    stay = Stay(request.area, request.until, request.is_direct)
    spoken = await ctx.db.sql.read(lambda tx: records.rules_on(tx, day))
    counted = [rule for rule in spoken if rules.counts(rule, stay)]
    return tuple(Explained(one, next(iter(rules.marks_on([stay], [one], day)), None)) for one in counted)


@SERVICE.operation(
    "set_rule", title={"zh-Hant": "訂定旅遊史規則", "en": "Write a travel rule"},
    summary={
        "zh-Hant": "疾管署訂定新規則；已訂的不能改，只能停止。",
        "en": "Disease control writes a rule; one that stands is ended, never changed.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012",
)  # fmt: skip
async def set_rule(ctx: Context, request: Rule) -> Rule:
    """The same again is the same. Raises Conflict when that id is another rule's."""
    await on_duty(ctx, RULING)
    if request.until is not None and request.until < request.since:
        raise Invalid.at("until", "not before since")

    def job(tx: Tx) -> Rule:
        known = records.rule_of(tx, request.id)
        if known is not None:
            if known != request:
                raise Conflict(both("rule_stands"), remedy=both("rule_stands_remedy"), kind="rule-stands")
            return known
        if len(records.all_rules(tx)) >= TRAVEL_RULES:
            raise Limit(f"over {TRAVEL_RULES} rules", remedy="make one rule of several areas")
        records.put_rule(tx, request, by=ctx.caller.agency, at=ctx.now)
        return request

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "end_rule", title={"zh-Hant": "停止旅遊史規則", "en": "End a travel rule"},
    summary={
        "zh-Hant": "規則到哪一天為止。",
        "en": "The last day on which a rule speaks.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012",
)  # fmt: skip
async def end_rule(ctx: Context, request: Ending) -> Rule:
    """It may end later than was said, while it has not ended: days that are over are not changed."""
    await on_duty(ctx, RULING)
    today = rules.day_of(ctx.now)

    def job(tx: Tx) -> Rule:
        known = records.rule_of(tx, request.id)
        if known is None:
            raise NotFound(both("no_rule"), remedy=both("no_rule_remedy"))
        if known.until is not None and known.until < today:
            raise Conflict(both("rule_ended"), remedy=both("rule_ended_remedy"), kind="rule-ended")
        if request.until < max(known.since, today.fromordinal(today.toordinal() - 1)):
            raise Invalid.at("until", "yesterday or later: what was told stands")
        ended = msgspec.structs.replace(known, until=request.until)
        records.put_rule(tx, ended, by=ctx.caller.agency, at=ctx.now)
        return ended

    return await ctx.db.sql.write(job)


def read_day(text: str) -> date | None:
    """None for an empty one. Raises Invalid."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid.at("day", "a day such as 2020-02-06") from error
