"""Who is there is looked up in the operator's tables and given to the sender, slice by slice, until something ends it.

Begun again after a crash it goes from the start: the sender takes each number of a campaign once, for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from banyan.craft.notify.model import Lane, Message
from banyan.craft.subscribers.table import Language, Wanted, numbers_in, wrong_rows
from banyan.errors import Conflict, Problem
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_alerts import ALERT_SMS_SLICE, AREA_KEPT_S
from banyan.service.areasms.asking import SQL, WORK, campaign_of, message, stop_earlier
from banyan.service.areasms.ground import ground_of, wanted_in
from banyan.service.areasms.judging import Order, order_of
from banyan.service.areasms.service import SERVICE
from banyan.service.areasms.shelf import Shelf, shelf_of

FORGET: Final = "forget"
DAY_S: Final = 86_400.0


@SERVICE.timer(WORK)
async def give(ctx: Context, event: Event) -> None:
    """One message. A table that cannot be read fails this turn: the attendant tries again, later each time."""
    shelf, id = shelf_of(ctx.db), event.subject
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["document"], id=id))
    if row is None:
        return
    try:
        order = order_of(bytes(row[0]) if isinstance(row[0], bytes | memoryview) else b"", shelf.register, ctx.now)
        ground = await asyncio.to_thread(ground_of, order.alert)
    except Problem as problem:  # it was judged when it came: it is over now, or its sender is pinned no more
        ctx.log("areasms.dropped", {"id": id, "kind": problem.kind})
        await _settled(ctx, id, f"dropped: {problem.title}"[:200])
        return
    await stop_earlier(shelf, order)
    wanted = await asyncio.to_thread(wanted_in, ground, shelf.cells)
    if await _all_given(ctx, shelf, order, wanted):
        passed_over = await asyncio.to_thread(lambda: sum(map(wrong_rows, shelf.tables)))
        if passed_over:  # a table that was put there since the start
            ctx.log("areasms.rows_passed_over", {"id": id, "count": passed_over})
        notes = {"area_unknown": ground.unknown, "rows_passed_over": passed_over}
        await _settled(ctx, id, ", ".join(note for note, count in notes.items() if count))


@SERVICE.timer(FORGET)
async def forget(ctx: Context, event: Event) -> None:
    """Rows of warnings that are long over; their campaigns' keys are gone by then."""

    def job(tx: Tx) -> None:
        tx.run(SQL["drop_messages"], before=ctx.now - AREA_KEPT_S)
        tx.run(SQL["drop_ended"], before=ctx.now - AREA_KEPT_S)
        timers.set(tx, FORGET, "", EpochS(ctx.now + DAY_S))

    await ctx.db.sql.write(job)


@SERVICE.start
async def wake(ctx: Context) -> None:
    await ctx.db.sql.write(lambda tx: timers.set(tx, FORGET, "", ctx.now))


async def _all_given(ctx: Context, shelf: Shelf, order: Order, wanted: Wanted) -> bool:
    """False when it was stopped on the way."""
    for table in shelf.tables:
        slices = numbers_in(table, wanted, rows=ALERT_SMS_SLICE)
        try:
            while (some := await asyncio.to_thread(next, slices, None)) is not None:
                if not await _given(ctx, shelf, order, some):
                    return False
        finally:
            await asyncio.to_thread(slices.close)  # type: ignore[attr-defined]  # numbers_in is a generator
    return True


async def _given(ctx: Context, shelf: Shelf, order: Order, some: list[tuple[str, Language]]) -> bool:
    """One slice, unless something stopped the message meanwhile: `turn` keeps the two apart."""
    texts: Mapping[Language, str] = order.texts
    async with shelf.turn:
        kept = await ctx.db.sql.read(lambda tx: message(tx, order.id))
        if kept is None or kept.state != "waiting":
            return False
        messages = [
            Message(
                campaign=campaign_of(order.id), to=to, text=texts[lang], lane=Lane.ALERT, lang=lang,
                expires=order.expires,
            )
            for to, lang in some
        ]  # fmt: skip
        try:
            await shelf.sender.accept(messages)
        except Conflict:  # the operator's own hand stopped it: ./banyan notify stop
            await ctx.db.sql.write(lambda tx: tx.run(SQL["stop"], id=order.id, empty=b""))
            return False
    return True


async def _settled(ctx: Context, id: str, note: str) -> None:
    await ctx.db.sql.write(lambda tx: tx.run(SQL["settle"], id=id, state="given", note=note, empty=b""))
