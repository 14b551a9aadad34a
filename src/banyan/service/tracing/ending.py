"""The end: days whose time is over, requests that nobody released, and everything of an order that lapsed.

Keys go first, then files, then the receipt on the public ledger. A timer looks every hour and at every start; each step
may be repeated.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from typing import Final

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import records as policy
from banyan.kernel.policy.orders import Order
from banyan.limits_tracing import LAKE_DAYS, TRACE_AWAIT_S
from banyan.service.tracing.keeping import NUMBERS, day_scope, lake_folder
from banyan.service.tracing.law import BASIS, DAY_S, basis_here
from banyan.service.tracing.noticing import end_notices
from banyan.service.tracing.records import SQL, result_path
from banyan.service.tracing.releasing import campaign_of
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import Shelf, shelf_of

SWEEP: Final = "sweep"
LOOK_S: Final = 3_600.0
"""Between looks: what is over is out of reach at once (its order is refused, its key is the order's); only files
and the day's receipt wait so long."""


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Finish what ended while the node was down."""
    await _sweep(ctx)


@SERVICE.timer(SWEEP)
async def again(ctx: Context, event: Event) -> None:
    await _sweep(ctx)


async def _sweep(ctx: Context) -> None:
    from banyan.errors import Unavailable

    try:
        shelf = shelf_of(ctx.db)
    except Unavailable:
        return
    orders = [one for one in await shelf.policy.read_long(policy.all_orders) if BASIS in one.bases]
    await end_days(ctx, shelf, orders)
    await end_requests(ctx, shelf, orders)
    await end_notices(ctx, {one.id for one in orders if one.state(ctx.now) == "ended"})
    running = [one.last_second + 1 for one in orders if one.state(ctx.now) != "ended"]
    due = min([ctx.now + LOOK_S, *(at for at in running if at > ctx.now)])
    await ctx.db.sql.write(lambda tx: timers.set(tx, SWEEP, "all", EpochS(due)))


async def end_days(ctx: Context, shelf: Shelf, orders: Sequence[Order]) -> int:
    """Days over by the basis' retention, or with their order; how many ended."""
    basis = await basis_here(ctx)
    keep = min(basis.retention_days, LAKE_DAYS) if basis is not None else LAKE_DAYS
    ended = {one.id for one in orders if one.state(ctx.now) == "ended"}
    oldest = _iso_day(ctx.now - keep * DAY_S)
    rows = await ctx.db.sql.read(lambda tx: tx.rows(SQL["day_keys"]))
    gone = 0
    for row in rows:
        day, order = str(row[0]), str(row[1])
        if order not in ended and (day == NUMBERS or day >= oldest):
            continue
        others = {str(other[1]) for other in rows if str(other[0]) == day} - {order}
        if day != NUMBERS and not others:  # another order's key of the same day would go with the scope
            await shelf.scopes.destroy_scope(day_scope(day), at=ctx.now)
        await asyncio.to_thread(_drop, shelf, order, day)
        if day != NUMBERS:
            entry = act_entry("deletion", order=order, what="positions", day=day, at=int(ctx.now))
            await shelf.ledger.append_once(f"tracing/deletion/{order}/{day}", entry)
        await ctx.db.sql.write(lambda tx, day=day, order=order: tx.run(SQL["drop_key"], day=day, order_id=order))  # type: ignore[misc]
        gone += 1
    return gone


async def end_requests(ctx: Context, shelf: Shelf, orders: Sequence[Order]) -> int:
    """Requests that waited too long, and those of orders that are over: results and campaigns' numbers; how many."""
    ended = {one.id for one in orders if one.state(ctx.now) == "ended"}
    gone = 0
    for row in await ctx.db.sql.read(lambda tx: tx.rows(SQL["open"])):
        id, at, order, state = str(row[0]), float(str(row[1])), str(row[2]), str(row[3])
        is_late = state == "counted" and at + TRACE_AWAIT_S <= ctx.now
        if not is_late and order not in ended:
            continue
        await asyncio.to_thread(result_path(shelf, id).unlink, missing_ok=True)
        if state != "counted" and shelf.notifier is not None:
            await shelf.notifier.forget(campaign_of(id))
        await ctx.db.sql.write(lambda tx, id=id: tx.run(SQL["drop"], id=id, key=b""))  # type: ignore[misc]
        gone += 1
    return gone


def _drop(shelf: Shelf, order: str, day: str) -> None:
    folder = lake_folder(shelf, order)
    shutil.rmtree(folder if day == NUMBERS else folder / day, ignore_errors=True)


def _iso_day(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).date().isoformat()
