"""Reminders in a linked chat: what the SMS says, when it says it, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from banyan.errors import Unavailable
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_rationing import PREORDER_BATCH
from banyan.service.rationing.preorder import chats, records
from banyan.service.rationing.preorder.chats import Chats, chats_of
from banyan.service.rationing.preorder.phones import Language
from banyan.service.rationing.preorder.records import CHAT, Kept
from banyan.service.rationing.preorder.texting import (
    Spoken,
    campaign_of,
    holding,
    is_night,
    morning_after,
    said,
    spoken_after,
)

AGAIN_S: Final = 30.0
"""Before a chat that cannot be reached is tried again."""


async def chat(ctx: Context, kept: Kept) -> bool:
    """One batch; True when anything was passed on. Passed on again after a crash it is said once. What a chat does not
    take now stays for the next look, as long as it holds."""
    lent = chats_of(ctx.db)
    if lent is None or is_night(ctx.now):
        return False
    is_busy = False
    for row in await ctx.db.sql.read(lambda tx: tx.rows(CHAT["waiting"], round=kept.round.id, limit=PREORDER_BATCH)):
        id, done = str(row[0]), int(str(row[3]))
        messages = await ctx.db.sql.read(lambda tx, id=id, done=done: spoken_after(tx, id, done))  # type: ignore[misc]  # bound now, for the loop goes on
        try:
            await _say(ctx, lent, kept, row, messages)
        except Unavailable:
            ctx.log("preorder.chat_waits", {"round": kept.round.id})
            return is_busy
        newest = max((one.n for one in messages), default=done)
        await ctx.db.sql.write(lambda tx, id=id, n=newest: tx.run(CHAT["done"], preorder=id, n=n))  # type: ignore[misc]
        is_busy = True
    return is_busy


def next_at(tx: Tx, round: str, now: EpochS) -> EpochS | None:
    """When a chat may be told next; None when none waits."""
    row = tx.row(CHAT["any_waits"], round=round)
    if row is None or not int(str(row[0])):
        return None
    return morning_after(now) if is_night(now) else EpochS(now + AGAIN_S)


async def _say(ctx: Context, lent: Chats, kept: Kept, row: Row, messages: Sequence[Spoken]) -> None:
    order: Any = await ctx.db.sql.read(lambda tx: records.order_by_id(tx, str(row[0])))
    if order is None:
        return
    lang: Language = "en" if row[2] == "en" else "zh-Hant"
    holds = holding(order, messages, ctx.now)
    to = await chats.opened(lent, order, row[1]) if holds else ""
    for one in holds if to else ():
        key = chats.key_of(lent, campaign_of(kept.round.id, one.kind, one.at), to)
        if not await lent.chat.say(to, said(one.kind, one.facts, lang, order.word), key):
            ctx.log("preorder.chat_refused", {"round": kept.round.id})  # her page says it all the same
