"""What anybody may know of this power: the order, its sunset, how often it is used, where it was stopped, how cards
fared. Counts only, and none that is small enough to point at somebody.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import iso
from banyan.kernel.policy import records as policy
from banyan.kernel.storage.store import Tx
from banyan.limits import EMERGENCY_CELL_LEAST
from banyan.service.travel import clients, contests, counting, records
from banyan.service.travel.contesting import Nothing
from banyan.service.travel.law import FLAG, order_of, scope_of
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import shelf_of

WEEK: Final = 7


class Outcome(msgspec.Struct, frozen=True):
    """What became of cards; `outcome` empty: nobody said. `cards` null: fewer than `least`."""

    outcome: str
    reason: str
    cards: int | None


class Standing(msgspec.Struct, frozen=True):
    """`order` empty: none in force, and nothing is told. `until` is its last second (RFC 3339). `people` whose stays
    are kept under it. Null: fewer than `least`. `stops`: how often a bound of use was met in a month."""

    order: str
    title: Text
    until: str
    days_left: int
    people: int | None
    today: int | None
    week: int | None
    stops: int
    waiting: int | None
    outcomes: tuple[Outcome, ...]
    least: int


class Stop(msgspec.Struct, frozen=True):
    """`day` counts from 1970 in Taiwan."""

    officer: str
    day: int
    why: str
    times: int


@SERVICE.operation(
    "standing", title={"zh-Hant": "旅遊史註記使用情形", "en": "How travel flags are used"},
    summary={
        "zh-Hant": "依據的命令、到期日、使用次數、停止次數與卡片回饋。",
        "en": "The order, its sunset, counts of use, stops, and how cards fared.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def standing(ctx: Context, request: Nothing) -> Standing:
    order = await order_of(ctx, FLAG)
    scope = scope_of(order.reference) if order is not None else ""
    title: Text = {"zh-Hant": "", "en": ""}
    if order is not None:
        found = await shelf_of(ctx.db).policy.read(lambda tx: policy.order_by_id(tx, order.reference))
        assert found is not None, "an order in force is on record"
        title = found.title

    def job(tx: Tx) -> Standing:
        days = counting.uses_by_day(tx, ctx.now, WEEK)
        people = records.people_under(tx, scope) if scope else 0
        told = tuple(Outcome(what, why, _told(many)) for what, why, many in clients.outcomes(tx, ctx.now))
        return Standing(
            order=order.reference if order is not None else "",
            title=title,
            until=iso(order.until) if order is not None else "",
            days_left=int((order.until - ctx.now) // 86_400) if order is not None else 0,
            people=_told(people),
            today=_told(days.get(counting.day_number(ctx.now), 0)),
            week=_told(sum(days.values())),
            stops=counting.stops_of_all(tx, ctx.now),
            waiting=_told(len(contests.waiting(tx))),
            outcomes=told,
            least=EMERGENCY_CELL_LEAST,
        )

    return await ctx.db.sql.read(job)


@SERVICE.operation(
    "stops", title={"zh-Hant": "本機關的查詢停止紀錄", "en": "Stops of your agency's look-ups"},
    summary={
        "zh-Hant": "哪一天、哪位人員（代號）因何被停止。",
        "en": "On which day which officer (by pseudonym) was stopped, and why.",
    },
    data=OPEN, audience="officer", purpose="012",
)  # fmt: skip
async def stops(ctx: Context, request: Nothing) -> tuple[Stop, ...]:
    found = await ctx.db.sql.read(lambda tx: counting.stops_of(tx, ctx.caller.agency, ctx.now))
    return tuple(Stop(officer[:12], day, why, times) for officer, day, why, times in found)


def _told(many: int) -> int | None:
    return many if many == 0 or many >= EMERGENCY_CELL_LEAST else None
