"""The lapse: at an order's last second the keys of what was collected under it are destroyed, with a public receipt.

A timer fires at that second; the start of the node looks at every order again, for one that ended while it was down
and for keys that an old copy of the keys folder brought back. Every step may be repeated.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import records
from banyan.kernel.policy.orders import Order
from banyan.kernel.storage.store import Tx
from banyan.service.powers.service import SERVICE
from banyan.service.powers.shelf import Shelf, shelf_of

LAPSE: Final = "lapse"


def scope_of(order: str) -> str:
    """The vault's scope for what is collected under an order."""
    return f"order:{order}"


@SERVICE.start
async def sweep(ctx: Context) -> None:
    """Finish what ended, set the clock for what has not, and drop the counts of days that are over."""
    shelf = shelf_of(ctx.db)
    await shelf.policy.write(partial(records.forget_counts, now=ctx.now))
    found = await shelf.policy.read_long(records.all_orders)
    running = [order for order in found if order.state(ctx.now) != "ended"]

    def set_all(tx: Tx) -> None:
        for order in running:
            timers.set(tx, LAPSE, order.id, order.last_second)

    await ctx.db.sql.write(set_all)
    for order in found:
        await lapse(shelf, order.id, ctx.now)


@SERVICE.timer(LAPSE)
async def at_last_second(ctx: Context, event: Event) -> None:
    """Lapse the order that the timer names, or wait on when it was extended."""
    order = await lapse(shelf_of(ctx.db), event.subject, ctx.now)
    if order is not None:
        at = order.last_second
        await ctx.db.sql.write(lambda tx: timers.set(tx, LAPSE, order.id, at))


async def lapse(shelf: Shelf, id: str, now: EpochS) -> Order | None:
    """Destroy the keys of an order that has ended and write the receipt, once; the order when it has not ended yet."""
    order = await shelf.policy.read(partial(records.order_by_id, id=id))
    if order is None:
        return None
    if order.state(now) != "ended":
        return order
    gone = await shelf.scopes.destroy_scope(scope_of(id), at=now)
    if order.approved_by is None and not gone.keys:
        return None  # never in force: there was nothing to promise an end of
    entry = act_entry("deletion", order=id, keys=gone.keys, at=int(now))
    await shelf.ledger.append_once(f"deletion/{id}", entry)
    return None
