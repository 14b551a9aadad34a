"""What ends by the clock: time to pay, the reserve list, time to collect, the round, and what is kept of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from banyan.errors import Unavailable
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_rationing import PREORDER_KEEP_S, PREORDER_SILENT_S, PREORDER_TELL_S
from banyan.service.rationing.preorder import chats, counting, phones, records
from banyan.service.rationing.preorder.charging import hear
from banyan.service.rationing.preorder.desk import desk_of, turn_of
from banyan.service.rationing.preorder.moving import NewId, moved
from banyan.service.rationing.preorder.pledging import clear, settle
from banyan.service.rationing.preorder.records import CHAT, SQL, Kept, Order
from banyan.service.rationing.preorder.rounds import moves_up_until
from banyan.service.rationing.preorder.states import Happening

LAST_DAY_S = 86_400.0
CALLED_OFF = "the round was called off"
Said = Callable[[Tx, Order], None]


async def remind(ctx: Context, kept: Kept) -> bool:
    """Before each end, to those who have not paid: in 2020 some 180,000 lost their masks because they forgot."""
    if kept.state != "allotted":
        return False
    round, now = kept.round, ctx.now
    found = False
    for nth, before in enumerate(sorted(round.reminders_s, reverse=True), 1):

        def job(tx: Tx, nth: int = nth, before: int = before) -> int:
            due = records.orders(tx, "remind", round=round.id, nth=nth, before=now + before)
            for one in due:
                tx.run(SQL["reminded"], id=one.id, nth=nth)
                if one.pay_by > now and is_last(nth, one, round.reminders_s, now):
                    records.tell(tx, one, "remind", now, until=int(one.pay_by), amount=round.amount - one.held)
            return len(due)

        found |= bool(await ctx.db.sql.write(job))
    return found


def is_last(nth: int, order: Order, reminders_s: Sequence[int], now: EpochS) -> bool:
    """Whether this is the newest of the reminders that are due: who moved up late is not told twice at once."""
    due = sum(order.pay_by - before <= now for before in reminders_s)
    return nth == due


async def lapse(ctx: Context, kept: Kept) -> bool:
    """End what was not paid. Where a charge was asked for, the provider is heard first: a payment made in time whose
    word was lost counts. One that says nothing for hours ends it all the same; what it tells later is sent back."""
    if kept.state != "allotted":
        return False
    now, id = ctx.now, kept.round.id

    def look(tx: Tx) -> tuple[list[Order], list[Order]]:
        free = records.orders(tx, "ended_uncharged", round=id, before=now)
        return free, records.orders(tx, "ended_charged", round=id, before=now - PREORDER_TELL_S)

    free, charged = await ctx.db.sql.read(look)
    over = list(free)
    for one in charged:
        try:
            await hear(ctx, one)
        except Unavailable:
            if now < one.pay_by + PREORDER_SILENT_S:
                continue
        over.append(one)
    ended = await _moved(ctx, over, "lapse", said=lambda tx, one: records.tell(tx, one, "lapsed", now))
    return bool(ended)


async def miss(ctx: Context, kept: Kept) -> bool:
    """Close the reserve list when no whole window to pay is left."""
    if kept.state != "allotted" or moves_up_until(kept.round, ctx.now) is not None:
        return False
    waiting = await ctx.db.sql.read(
        lambda tx: [one for one in records.orders(tx, "next_waiting", round=kept.round.id) if one.place >= kept.cut]
    )
    ended = await _moved(ctx, waiting, "miss", said=lambda tx, one: records.tell(tx, one, "lost", ctx.now))
    return bool(ended)


async def collectable(ctx: Context, kept: Kept) -> bool:
    """Say that the goods are there, and once more on the last day."""
    round, now = kept.round, ctx.now
    if kept.state != "allotted" or not round.pickup_from <= now < round.pickup_until:
        return False
    nth, kind = (2, "last_day") if now >= round.pickup_until - LAST_DAY_S else (1, "ready")

    def job(tx: Tx) -> int:
        due = records.orders(tx, "not_told", round=round.id, nth=nth)
        for one in due:
            tx.run(SQL["told"], id=one.id, nth=nth)
            records.tell(tx, one, kind, now, since=int(round.pickup_from), until=int(round.pickup_until))
        return len(due)

    return bool(await ctx.db.sql.write(job))


async def forfeit(ctx: Context, kept: Kept) -> bool:
    """What was paid and not collected is given up (2020: forfeited); the round says what comes back."""
    if kept.state != "allotted" or ctx.now < kept.round.pickup_until:
        return False
    paid = await _in_state(ctx, kept, "paid")
    ended = await _moved(ctx, paid, "forfeit", said=lambda tx, one: records.tell(tx, one, "forfeited", ctx.now))
    return bool(ended)


async def call_off(ctx: Context, kept: Kept) -> bool:
    """A cancelled round: every living order ends and every payment goes back."""
    if kept.state != "cancelled":
        return False
    if kept.round.mode == "draw":
        await desk_of(ctx.db).lots.give_up(ctx, kept.round, CALLED_OFF)
    found = False
    for state in ("registered", "waiting", "won", "paid"):
        live = await _in_state(ctx, kept, state)
        said: Said = lambda tx, one: records.tell(tx, one, "cancelled", ctx.now)  # noqa: E731 - one word for all
        found |= bool(await _moved(ctx, live, "cancel", said=said))
    return found


async def finish(ctx: Context, kept: Kept) -> bool:
    """The round is over once nobody can pay, collect or be owed a word; what is left of the goods goes back."""
    if kept.state not in ("allotted", "cancelled") or (kept.state == "allotted" and ctx.now < kept.round.pickup_until):
        return False
    for state in ("registered", "waiting", "won", "paid"):
        if await _in_state(ctx, kept, state):
            return False
    await settle(ctx, kept)
    if kept.pool:
        await clear(ctx, kept)
    if kept.state == "cancelled":
        return False
    id = kept.round.id
    await phones.destroy(ctx.db, id, ctx.now)
    await chats.destroy(ctx.db, id, ctx.now)
    return bool(await ctx.db.sql.write(lambda tx: tx.run(SQL["move_round"], id=id, state="allotted", to="over")))


async def forget(ctx: Context, kept: Kept) -> bool:
    """After the time for complaints a round keeps its figures and nobody's order. Refunds that are not done stay."""
    is_due = kept.state in ("over", "cancelled") and ctx.now >= kept.round.pickup_until + PREORDER_KEEP_S
    if not is_due or kept.figures:
        return False
    id = kept.round.id

    def job(tx: Tx) -> bool:
        if records.count(tx, "unfinished_refunds", round=id):
            return False
        figures = msgspec.json.encode(counting.counted(tx, kept))
        tx.run(SQL["keep_figures"], id=id, figures=figures)
        for statement in (
            "forget_phones",
            "forget_messages",
            "forget_words",
            "forget_charges",
            "forget_refunds",
            "forget",
        ):
            tx.run(SQL[statement], round=id)
        tx.run(CHAT["forget"], round=id)
        tx.run(CHAT["forget_codes"], round=id)
        return True

    await phones.destroy(ctx.db, id, ctx.now)
    await chats.destroy(ctx.db, id, ctx.now)
    return await ctx.db.sql.write(job)


async def _in_state(ctx: Context, kept: Kept, state: SqlValue) -> list[Order]:
    return await ctx.db.sql.read(lambda tx: records.orders(tx, "in_state", round=kept.round.id, state=state))


async def _moved(ctx: Context, orders: Sequence[Order], happening: Happening, *, said: Said) -> int:
    """A step of many orders in one commit; who took another step meanwhile stays."""
    if not orders:
        return 0
    job = partial(_move, orders=orders, happening=happening, said=said, now=ctx.now, new_id=desk_of(ctx.db).new_id)
    async with turn_of(ctx.db, orders[0].round):
        return await ctx.db.sql.write(job)


def _move(tx: Tx, *, orders: Sequence[Order], happening: Happening, said: Said, now: EpochS, new_id: NewId) -> int:
    steps = 0
    for one in orders:
        fresh = records.order_by_id(tx, one.id)  # a payment may have come since it was looked at
        after = (
            moved(tx, fresh, happening, now, new_id=new_id) if fresh is not None and fresh.turn == one.turn else None
        )
        if after is not None:
            said(tx, after)
            steps += 1
    return steps
