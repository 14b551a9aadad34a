"""Disease control (疾管署) of the demonstration nation: the rule of the day by which a journey matters. Open data.

The areas and days are those that 2020 went through, moved to the demonstration's dates.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import called
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.operation import OPEN

EPIDEMIC: Final = Service(
    "epidemic", title={"zh-Hant": "疾病管制（示範）", "en": "Disease control (demo)"}, package="banyan.demo.agencies"
)
Day = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$"), called("day")]


class TravelRule(msgspec.Struct, frozen=True):
    """From `since` on, a stay in one of `areas` within the last `days` days is flagged."""

    id: str
    since: str
    areas: tuple[str, ...]
    days: int


RULES: Final = (
    TravelRule("R-1", "2020-01-21", ("武漢",), 14),
    TravelRule("R-2", "2020-02-06", ("武漢", "湖北", "廣東", "浙江"), 14),
    TravelRule("R-3", "2020-03-19", ("武漢", "湖北", "廣東", "浙江", "義大利", "伊朗", "韓國"), 14),
    TravelRule("R-4", "2026-11-01", ("榕嶼", "北港灣", "義大利"), 21),
)
"""The newest that has begun counts."""


class RuleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`day` empty: today, in Taiwan."""

    day: Day = ""


@EPIDEMIC.operation(
    "travel_rule",
    title={"zh-Hant": "當日旅遊史判定規則", "en": "Travel rule of the day"},
    summary={
        "zh-Hant": "哪些地區、幾天內的旅遊史要註記。",
        "en": "Which areas within how many days are flagged.",
    },
    data=OPEN,
    audience="public",
)
async def travel_rule(ctx: Context, request: RuleQuery) -> TravelRule:
    """Before the first rule, that one."""
    return rule_of(request.day or today(ctx.now).isoformat())


def rule_of(day: str) -> TravelRule:
    return next((rule for rule in reversed(RULES) if rule.since <= day), RULES[0])


def today(now: float) -> date:
    """The day in Taiwan."""
    return date(1970, 1, 1) + timedelta(days=int((now + 8 * 3_600) // 86_400))
