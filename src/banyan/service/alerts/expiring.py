"""The end of an alert: at its last second the feeds change, and the end is noted in the public ledger, once."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.storage.store import Tx
from banyan.service.alerts import hub, keeping
from banyan.service.alerts.acting import EXPIRE
from banyan.service.alerts.keeping import Act
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import shelf_of


@SERVICE.timer(EXPIRE)
async def at_its_end(ctx: Context, event: Event) -> None:
    """Note the end, or wait on when an update moved it."""
    store, shelf = ctx.db.sql, shelf_of(ctx.db)
    alert = await store.read(lambda tx: keeping.alert_of(tx, event.subject))
    newest = alert.newest if alert is not None else None
    if alert is None or newest is None or newest.kind == "Cancel":
        return
    if ctx.now < newest.content.expires:
        await store.write(lambda tx: timers.set(tx, EXPIRE, alert.id, EpochS(newest.content.expires)))
        return
    entry = act_entry("alert", step="expire", id=alert.id, version=newest.number, digest=newest.digest,
                      agency=alert.agency)  # fmt: skip
    index = await shelf.ledger.append_once(f"alert/{alert.id}/expire/{newest.number}", entry)

    def job(tx: Tx) -> None:
        key = f"{alert.id}.{newest.number}.expire"
        if keeping.act_of(tx, key) is None:
            act = Act(alert.id, "expire", newest.digest, index)
            keeping.put_act(tx, key, act, at=ctx.now, agency=alert.agency, officer="")
            hub.owe(tx, ctx.now)

    await store.write(job)
