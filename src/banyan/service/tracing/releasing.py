"""The release: an officer of a second agency lets the contacts be told; names and numbers go to the campaign only.

Before anybody is told, each contact's own list says that her positions were used. What a crash cut off is finished by
asking again: lists are written in batches that are remembered, and a campaign tells each number once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
import numpy as np

from banyan.craft.notify.model import Lane, Message
from banyan.craft.tracing.lake import Row
from banyan.craft.tracing.model import Slots
from banyan.craft.tracing.places import rounded
from banyan.errors import Conflict, Denied, NotFound, Unavailable
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.ledger.entries import act_entry
from banyan.limits_tracing import TRACE_LEAST
from banyan.service.tracing.asking import Counted, release_record, told
from banyan.service.tracing.keeping import lake_of
from banyan.service.tracing.law import PURPOSE, under_order
from banyan.service.tracing.records import SQL, Request, request_of, result_of
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import MESSAGES, Shelf, both, shelf_of

BATCH: Final = 500
"""Lists written in one go: one commit of the ledger takes about as many."""
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", title="比對代號 Request")]


class Releasing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id


class Released(msgspec.Struct, frozen=True):
    """`campaign` is where the numbers went; `told` how many were accepted, rounded as the counts are."""

    request: Counted
    campaign: str
    told: int | None


@SERVICE.operation(
    "release", title={"zh-Hant": "放行並通知接觸者", "en": "Release, and tell the contacts"},
    summary={"zh-Hant": "另一機關的人員放行後，簡訊才寄給接觸者；名單不會顯示在任何畫面。",
             "en": "Contacts are told by SMS only once an officer of another agency releases it; no list is shown."},
    data=OPEN, audience="officer", effect="write", purpose=PURPOSE, channels=("api",), time_s=120.0,
)  # fmt: skip
async def release(ctx: Context, request: Releasing) -> Released:
    """Again answers the same. Raises Denied for the agency that asked, NotFound, Conflict for one that is over, and for
    so few contacts that the count was not told."""
    order, basis = await under_order(ctx)
    shelf = shelf_of(ctx.db)
    async with shelf.turn:
        found = await ctx.db.sql.read(lambda tx: request_of(tx, request.id))
        if found is None or found.order_id != order.reference:
            raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
        _check(ctx, found, shelf)
        if found.state == "counted":
            agencies = f"{found.agency},{ctx.caller.agency}"
            entry = act_entry("trace", id=found.id, step="released", order=order.reference, agencies=agencies)
            await shelf.ledger.append_once(f"tracing/{found.id}/released", entry)
            who, agency = ctx.caller.id, ctx.caller.agency
            await ctx.db.sql.write(
                lambda tx: tx.run(SQL["begin_release"], id=request.id, officer=who, agency=agency, at=ctx.now)
            )
        if found.state != "released":
            hits = await result_of(shelf, found)
            phones: Slots = np.unique(hits.phone)
            lake = await lake_of(ctx.db, order.reference, ())
            table = await asyncio.to_thread(lake.numbers)
            record = release_record(ctx, basis, order.reference, "release")
            persons = [bytes(one) for one in table["person"][phones].tolist()]
            for start in range(found.noted, len(persons), BATCH):
                batch = [one for one in persons[start : start + BATCH] if any(one)]
                await asyncio.gather(*(shelf.ledger.release(one, record) for one in batch))
                noted = min(start + BATCH, len(persons))
                await ctx.db.sql.write(lambda tx, noted=noted: tx.run(SQL["note"], id=found.id, noted=noted))  # type: ignore[misc]
            assert shelf.notifier is not None, "checked above"
            accepted = await shelf.notifier.accept(_messages(found.id, table, phones))
            count = accepted.count + accepted.already
            await ctx.db.sql.write(lambda tx: tx.run(SQL["end_release"], id=found.id, told=count))
        after = await ctx.db.sql.read(lambda tx: request_of(tx, request.id))
    assert after is not None, "it was read above"
    return Released(told(after), campaign_of(after.id), rounded(after.told))


def campaign_of(id: str) -> str:
    """The campaign's id: nothing personal in it."""
    return f"tracing/{id}"


def _check(ctx: Context, found: Request, shelf: Shelf) -> None:
    if found.state == "dropped":
        raise Conflict(both("dropped"), remedy=both("dropped_remedy"), kind="dropped")
    if ctx.caller.agency == found.agency or ctx.caller.id == found.officer:
        raise Denied(both("same_agency"), remedy=both("same_agency_remedy"), kind="same-agency")
    if found.contacts < TRACE_LEAST:
        raise Conflict(both("too_few"), remedy=both("too_few_remedy"), kind="too-few")
    if shelf.notifier is None:
        raise Unavailable(both("no_sender"), remedy=both("no_sender_remedy"))


def _messages(id: str, table: Row, phones: Slots) -> Iterator[Message]:
    home, abroad = (MESSAGES.text("tracing.sms", lang) for lang in ("zh-Hant", "en"))
    for number in table["number"][phones].tolist():
        is_home = str(number).startswith("886")
        yield Message(
            campaign=campaign_of(id), to=f"+{number}", text=home if is_home else abroad, lane=Lane.BULK,
            lang="zh-Hant" if is_home else "en",
        )  # fmt: skip
