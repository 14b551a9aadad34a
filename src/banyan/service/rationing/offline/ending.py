"""What time ends: leases past their grace, receipts that a crash left untold, marks and sealed cards nobody needs."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import OFFLINE_EVIDENCE_S, OFFLINE_SWEEP_S
from banyan.service.rationing.offline import records
from banyan.service.rationing.offline.marking import flush, oldest_epoch
from banyan.service.rationing.offline.merging import give_back, settle
from banyan.service.rationing.offline.shelf import keys_of
from banyan.service.rationing.service import SERVICE

SWEEP = "offline-sweep"


@SERVICE.start
async def begin(ctx: Context) -> None:
    """The first turn is at once: a lease may have ended while the node was down."""
    await ctx.db.sql.write(lambda tx: timers.set(tx, SWEEP, "all", ctx.now))


@SERVICE.stop
async def end(ctx: Context) -> None:
    """Marks that wait are written down."""
    await flush(ctx.db)


@SERVICE.timer(SWEEP)
async def sweep(ctx: Context, event: Event) -> None:
    """Receipts first: what was sold must not go back."""
    while await settle(ctx):
        pass
    due = await ctx.db.sql.read(lambda tx: records.overdue(tx, ctx.now, keys_of(ctx.db).member))
    for lease in due:
        await give_back(ctx, lease.jti)

    await flush(ctx.db)

    def forget(tx: Tx) -> None:
        tx.run(records.SQL["forget_marks"], before=oldest_epoch(ctx.now))
        tx.run(records.SQL["forget_cards"], before=ctx.now - OFFLINE_EVIDENCE_S)
        timers.set(tx, SWEEP, "all", EpochS(ctx.now + OFFLINE_SWEEP_S))

    await ctx.db.sql.write(forget)
