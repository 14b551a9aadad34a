"""Shipments of an approved allocation plan become stock on the morning of its day: the allocation service says what was
sent, by its event and its operation; nothing of it is imported.

Each shipment brings its own key, so a plan that is told twice is delivered once. What really arrived otherwise, the
pharmacist corrects at the counter.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from itertools import islice
from typing import Any, Final

import msgspec

from banyan.errors import Unavailable
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import EpochS, Event, timers
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Deliver, Refusal
from banyan.service.rationing.service import SERVICE

ARRIVAL: Final = "arrival"
FROM: Final = "allocation"
HOUR: Final = time(6)
"""Before the first outlet opens."""
AT_ONCE: Final = 1_000
"""Deliveries that are decided together: one flush, and sales in between."""
TAIPEI: Final = timezone(timedelta(hours=8))


class _Approved(msgspec.Struct):
    """What we read of the event."""

    day: str


@SERVICE.on("plan.approved", of=FROM)
async def planned(ctx: Context, event: Event) -> None:
    """The plan arrives on its day; one approved late, at once."""
    day = datetime.fromisoformat(msgspec.json.decode(event.data, type=_Approved).day).date()
    at = EpochS(max(datetime.combine(day, HOUR, TAIPEI).timestamp(), ctx.now))
    await ctx.db.sql.write(lambda tx: timers.set(tx, ARRIVAL, event.subject, at))


@SERVICE.timer(ARRIVAL)
async def arrived(ctx: Context, event: Event) -> None:
    """Deliver every shipment of the plan; the event's subject is its id. Raises Unavailable when one is refused, which
    means that the timer runs again: those that were booked are booked once."""
    shipped = iter(await ctx.call(f"{FROM}.shipments", {"id": event.subject}))
    engine = engine_of(ctx.db)
    while part := [_delivery(one) for one in islice(shipped, AT_ONCE)]:
        answers = await engine.do_each(part)
        refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
        if refused:
            title = f"{len(refused)} shipments of plan {event.subject} were refused ({refused[0]})."
            raise Unavailable(title, remedy="See the engine's bounds; the plan is delivered again by itself.")


def _delivery(one: Any) -> Deliver:
    return Deliver(key=bytes.fromhex(one.key), outlet=one.outlet, item=one.item, qty=one.units)
