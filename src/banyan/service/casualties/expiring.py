"""The end of records: a timer makes tombstones of hospitals' persons and of the peers', and starts with the node."""

from __future__ import annotations

from functools import partial

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.service.casualties import records
from banyan.service.casualties.exchanging import bury_persons
from banyan.service.casualties.filing import DAY_S, EXPIRE
from banyan.service.casualties.looking import SQL as LOOKS
from banyan.service.casualties.service import SERVICE

LOOK_S = 3_600.0
"""Between looks: a record may outlive its end by so much."""


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Look once at the start, for what ended while the node was down; then every hour."""
    await ctx.db.sql.write(partial(_look, now=ctx.now))


@SERVICE.timer(EXPIRE)
async def expire(ctx: Context, event: Event) -> None:
    """Bury what is over, and look again in an hour."""
    await ctx.db.sql.write(partial(_look, now=ctx.now))


def _look(tx: Tx, *, now: float) -> None:
    for one in records.everybody(tx):
        if one.expires <= now:
            records.bury(tx, one.id, now)
    bury_persons(tx, now)
    tx.run(LOOKS["forget_nobody"])
    tx.run(records.SQL["forget_tries"], day=int(now // DAY_S))
    timers.set(tx, EXPIRE, "all", EpochS(now + LOOK_S))
