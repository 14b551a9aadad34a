"""What a pharmacist's screen shows beside the answer: her outlet's items with what is left, and its queue."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits_rationing import COUNTER_ITEMS
from banyan.service.rationing.counter.outlets import Outlet, admitted, known_outlet
from banyan.service.rationing.counter.plates import holds_of
from banyan.service.rationing.counter.queueing import OutletOnly, QueueQuery, QueueView
from banyan.service.rationing.counter.registers import Sample, registers_of
from banyan.service.rationing.counter.telling import counted
from banyan.service.rationing.engine.days import date_of, day_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.rulebook import RuleBook
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import shelf_of


class OnSale(msgspec.Struct, frozen=True):
    """An item; `left` for who comes now, `held` promised."""

    item: str
    left: int
    held: int


class CounterView(msgspec.Struct, frozen=True):
    outlet: Outlet
    items: tuple[OnSale, ...]
    queue: QueueView
    terminal: str
    """Nobody else's yet: for acts from this very screen, counted from 1."""
    samples: tuple[Sample, ...] = ()


@SERVICE.operation(
    "counter",
    title={"zh-Hant": "櫃檯現況", "en": "The counter now"},
    summary={"zh-Hant": "據點可販售的品項、剩餘與叫號。", "en": "What an outlet sells, what is left, and its queue."},
    data=OPEN,
    audience="officer",
    purpose="012",
)
async def counter(ctx: Context, request: OutletOnly) -> CounterView:
    """Raises Denied at another's outlet."""
    outlet = await admitted(ctx, request.outlet)
    engine, holds = engine_of(ctx.db), holds_of(ctx.db)
    found = []
    for item in items_of(await engine.rules(), ctx.now):
        shown = counted((outlet.code, item), await engine.stock(outlet.code, item), holds((outlet.code, item)))
        found.append(OnSale(item, shown.count - shown.reserved, shown.reserved))
    queue = await ctx.call("rationing.queue", QueueQuery(outlet.code))
    terminal = shelf_of(ctx.db).random(8).hex()
    return CounterView(outlet, tuple(found), queue, terminal, registers_of(ctx.db).samples(ctx.now))


def items_of(book: RuleBook, now: float) -> tuple[str, ...]:
    """Goods that the edition in force names, in its order."""
    today = date_of(day_of(now))
    edition = next((one for one in reversed(book.edition) if one.since <= today), None)
    rules = edition.rule if edition is not None else ()
    return tuple(dict.fromkeys(rule.item for rule in rules if rule.takes_stock))[:COUNTER_ITEMS]


class QueuePage(msgspec.Struct, frozen=True):
    """What a page for the public shows of an outlet's queue."""

    name: dict[str, str]
    items: tuple[str, ...]
    queue: QueueView


@SERVICE.operation(
    "queue_page",
    title={"zh-Hant": "據點叫號看板", "en": "An outlet's queue board"},
    summary={
        "zh-Hant": "據點名稱、可抽號碼牌的品項與目前叫號。",
        "en": "An outlet's name, the items that numbers are given for, and the number served now.",
    },
    data=OPEN,
    audience="public",
    channels=("api",),
)
async def queue_page(ctx: Context, request: QueueQuery) -> QueuePage:
    """Raises NotFound for an outlet that is not there."""
    outlet = await known_outlet(ctx, request.outlet)
    queue = await ctx.call("rationing.queue", request)
    return QueuePage(outlet.name, items_of(await engine_of(ctx.db).rules(), ctx.now), queue)
