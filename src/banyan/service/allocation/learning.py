"""Every night the day that ended is read out of the stock map's record, item by item, and kept as a day of sales."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta, timezone
from functools import partial
from typing import Any, Final

import msgspec

from banyan.errors import NotFound, Problem
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import EpochS, Event, iso, timers
from banyan.limits_allocation import ALLOT_DEMAND
from banyan.service.allocation import records
from banyan.service.allocation.model import Day, ItemId
from banyan.service.allocation.sales import DayKept, SaleDay, day_of, keep_day
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.watching import END_S, FIRST_S, Watch
from banyan.service.allocation.wording import unknown

TAIPEI: Final = timezone(timedelta(hours=8))
TIMER: Final = "learn"
AFTER_S: Final = 1_200
"""Seconds after midnight: the day's last looks are in."""
SOON_S: Final = 60.0
WINDOW_S: Final = 3_600.0
"""Of the record asked for at once."""


class LearnDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A day that the stock map still has in its record."""

    item: ItemId
    day: Day


class _Tick(msgspec.Struct):
    """What we read of an event of the stock map's history."""

    type: str = ""
    items: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    counts: tuple[tuple[int, ...], ...] = ()
    gone: tuple[str, ...] = ()
    at: float = 0.0


class _Line(msgspec.Struct):
    event: msgspec.Raw


class _Item(msgspec.Struct):
    id: str
    count: list[int | None]
    status: str


class _Stock(msgspec.Struct):
    items: list[_Item]


class _Places(msgspec.Struct):
    code: list[str]


class _Pack(msgspec.Struct):
    stock: _Stock
    places: _Places


@SERVICE.operation(
    "learn_day",
    title={"zh-Hant": "從存量歷程讀一天的銷售", "en": "Read a day's sales from the stock map"},
    summary={
        "zh-Hant": "由存量地圖的歷程算出各點每半小時賣出幾個、何時賣完。",
        "en": "From the record of the stock map: what each outlet sold by half hour, and when it had none.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    purpose="administration",
    channels=("api",),
    time_s=120.0,
)
async def learn_day(ctx: Context, request: LearnDay) -> DayKept:
    """The same day twice is one. Raises NotFound for a day or an item that the record does not hold."""
    start = datetime.combine(day_of(request.day, "day"), time(), TAIPEI).timestamp()
    watch = Watch(await _stock_at(ctx, request.item, start + FIRST_S))
    at = start + FIRST_S
    while at < min(start + END_S, ctx.now):
        until = min(at + WINDOW_S, start + END_S, ctx.now)
        await _watch(ctx, watch, request.item, start, (at, until))
        at = until
    codes, sold, seen = await asyncio.to_thread(watch.end)
    if not codes:
        raise unknown("day")
    bounded = tuple(tuple(min(units, ALLOT_DEMAND) for units in row) for row in sold)
    return await keep_day(ctx.db, SaleDay(request.item, request.day, tuple(codes), bounded, tuple(map(tuple, seen))))


@SERVICE.start
async def set_timer(ctx: Context) -> None:
    """Soon after a start: a node that was down at night learns the day before then."""
    await ctx.db.sql.write(lambda tx: timers.set(tx, TIMER, "day", EpochS(ctx.now + SOON_S)))


@SERVICE.timer(TIMER)
async def night(ctx: Context, event: Event) -> None:
    """Learn what the day before gave, of every item of the map that nobody gave, and set the next night."""
    yesterday = (datetime.fromtimestamp(ctx.now, TAIPEI) - timedelta(days=1)).date().isoformat()
    for item in await _items(ctx):
        if await ctx.db.sql.read(partial(records.has_day, item=item, day=yesterday)):
            continue
        try:
            await learn_day(ctx, LearnDay(item, yesterday))
        except Problem as problem:  # a record that was pruned, or an item that is new: the next night learns again
            ctx.log("allocation.not_learnt", {"item": item, "kind": problem.kind})
    await ctx.db.sql.write(lambda tx: timers.set(tx, TIMER, "day", _next_night(ctx.now)))


async def _items(ctx: Context) -> list[str]:
    """The map's items; none on a node without a map."""
    try:
        views: Any = await ctx.call("supplies.items", {})
    except NotFound:
        return []
    return [str(view.item.id) for view in views]


async def _stock_at(ctx: Context, item: str, moment: float) -> dict[str, int]:
    """What each listed outlet had at a moment; of a day whose record begins later, nothing."""
    try:
        answer: Any = await ctx.call("supplies.board_at", {"time": iso(EpochS(moment)), "format": "pack"})
    except NotFound:
        return {}
    pack = await asyncio.to_thread(msgspec.json.decode, answer.made.body, type=_Pack)
    found = next((one for one in pack.stock.items if one.id == item), None)
    if found is None:
        return {}
    rows = zip(pack.places.code, found.count, found.status, strict=True)
    return {code: count for code, count, status in rows if count is not None and status not in "nu"}


async def _watch(ctx: Context, watch: Watch, item: str, start: float, stretch: tuple[float, float]) -> None:
    """Move the watch on by a stretch of the record."""
    after = 0
    while True:
        ask = {"from": iso(EpochS(stretch[0])), "to": iso(EpochS(stretch[1])), "after": after}
        answer: Any = await ctx.call("supplies.history", ask)
        for line in bytes(answer.made.body).splitlines():
            tick = msgspec.json.decode(msgspec.json.decode(line, type=_Line).event, type=_Tick)
            if tick.type == "stock" and item in tick.items:
                watch.look(tick.at - start, tick.codes, tick.counts[tick.items.index(item)], tick.gone)
        if not answer.next:
            return
        after = answer.next


def _next_night(now: EpochS) -> EpochS:
    local = datetime.fromtimestamp(now, TAIPEI)
    midnight = datetime.combine(local.date(), time(), TAIPEI)
    night = midnight + timedelta(seconds=AFTER_S)
    return EpochS((night if local < night else night + timedelta(days=1)).astimezone(UTC).timestamp())
