"""The clock's worker: whatever is due in a round is done in small commits, in order, and again after a crash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_KEEP_S, PREORDER_TELL_S, PREORDER_TURNS
from banyan.service.rationing.preorder import charging, chatting, ending, filling, pledging, records, texting
from banyan.service.rationing.preorder.records import Kept
from banyan.service.rationing.service import SERVICE

TIMER: Final = "preorder"
LOOK_S: Final = 30.0
"""Between looks for what nobody tells: a seed that is awaited, a provider that is silent."""
Part = Callable[[Context, Kept], Awaitable[bool]]
PARTS: Final[Sequence[Part]] = (
    pledging.stock,
    filling.begin,
    filling.close,
    filling.seat,
    ending.remind,
    ending.lapse,
    pledging.settle,
    filling.fill,
    ending.miss,
    ending.collectable,
    texting.text,
    chatting.chat,
    ending.forfeit,
    ending.call_off,
    charging.cancel_idle,
    charging.reconcile,
    charging.send_refunds,
    ending.finish,
    ending.forget,
)
"""In this order: what ends gives back its place before somebody moves up. Each does one batch and says whether it did
anything."""


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Look at every round once, for what came due while the node was down."""

    def job(tx: Tx) -> None:
        for kept in records.rounds(tx):
            if kept.state != "draft" and not kept.figures:
                timers.set(tx, TIMER, kept.round.id, ctx.now)

    await ctx.db.sql.write(job)


@SERVICE.timer(TIMER)
async def advance(ctx: Context, event: Event) -> None:
    """Do what is due in a round, and come again when something is."""
    id = event.subject
    is_done = await advanced(ctx, id)
    await ctx.db.sql.write(partial(_again, id=id, now=ctx.now, is_done=is_done))


async def advanced(ctx: Context, id: str) -> bool:
    """True when nothing is due any more; False when there is more to do than one turn takes."""
    for _ in range(PREORDER_TURNS):
        is_busy = False
        for part in PARTS:
            kept = await ctx.db.sql.read(lambda tx: records.round_of(tx, id))
            if kept is None or kept.state == "draft":
                return True
            is_busy |= await part(ctx, kept)
        if not is_busy:
            return True
    return False


def wake(tx: Tx, id: str, now: EpochS) -> None:
    """Let the worker look at a round as soon as this commit is there."""
    timers.set(tx, TIMER, id, now)


def _again(tx: Tx, *, id: str, now: EpochS, is_done: bool) -> None:
    kept = records.round_of(tx, id)
    if kept is None or kept.figures:
        return
    at = next_at(tx, kept, now) if is_done else now
    if at is not None:
        timers.set(tx, TIMER, id, at)


def next_at(tx: Tx, kept: Kept, now: EpochS) -> EpochS | None:
    """When something is due next in a round; None when never again."""
    round, id = kept.round, kept.round.id
    fixed = (
        round.opens, round.closes, round.reserve_until - round.reserve_pay_s + 1.0, round.pickup_from,
        round.pickup_until - ending.LAST_DAY_S, round.pickup_until, round.pickup_until + PREORDER_KEEP_S,
    )  # fmt: skip
    found = [at for at in fixed if at > now]
    ends = records.moment(tx, "next_end", round=id)
    if ends is not None:
        is_over = ends <= now
        found += [ends] if not is_over else [min(ends + PREORDER_TELL_S, now + LOOK_S) if ends + PREORDER_TELL_S > now
                                             else now + LOOK_S]  # fmt: skip
    for nth, before in enumerate(sorted(round.reminders_s, reverse=True), 1):
        due = records.moment(tx, "next_reminder", round=id, nth=nth)
        found += [max(due - before, now + 1.0)] if due is not None else []
    refund = records.moment(tx, "next_refund", round=id)
    found += [max(refund, now + LOOK_S)] if refund is not None else []
    sms = texting.next_at(tx, id, now)
    found += [sms] if sms is not None else []
    chat = chatting.next_at(tx, id, now)
    found += [chat] if chat is not None else []
    unsettled = records.count(tx, "unsettled", round=id, nth=charging.times_due(round, now))
    found += [now + LOOK_S] if kept.state == "closed" or unsettled else []
    return EpochS(min(found)) if found else None
