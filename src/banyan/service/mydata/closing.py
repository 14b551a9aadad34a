"""Closing a purpose: nothing is released for it any more, every consent ends with notice, recipients get a deadline.

The purpose is closed in one commit with its public entry, and from then on the gate refuses. The consents of everybody
follow in batches that a timer carries on after a crash: each is ended, its tokens die, the log says so, the recipient
is told by when to have deleted, and its giver sees on `/mydata` that it ended and why. Model: Estonia's consent
service, where invalidating a purpose invalidates its consents.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger import log
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import records
from banyan.kernel.policy.consents import DAY_S, Consent, Purpose
from banyan.kernel.storage.store import Tx
from banyan.limits_mydata import MYDATA_CLOSING, MYDATA_CLOSING_AGAIN_S, MYDATA_DELETE_DAYS
from banyan.service.mydata import artefacts
from banyan.service.mydata.apps import is_noted, note_ending
from banyan.service.mydata.asking import Name, agency_of
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import said, shelf_of

CLOSING: Final = "purpose-closing"


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A purpose of the caller's agency, or one that uses what the caller's agency offers."""

    purpose: Name


class Closed(msgspec.Struct, frozen=True):
    """The purpose is closed. `is_done` once every consent under it was looked at; else the rest follows in seconds."""

    purpose: str
    is_done: bool


@SERVICE.operation(
    "close_purpose",
    title={"zh-Hant": "結束使用目的", "en": "Close a purpose"},
    summary={
        "zh-Hant": "結束後不再提供任何資料；這個目的下的同意全部終止並通知。",
        "en": "Nothing is released any more; every consent under it ends with notice.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="136",
)
async def close_purpose(ctx: Context, request: Closing) -> Closed:
    """By an officer of the recipient, who needs it no more, or of the provider, who gives it no more. For ever: it can
    be declared anew under another id. Raises NotFound alike for none and for other agencies'."""
    agency, shelf = agency_of(ctx), shelf_of(ctx)
    again = EpochS(ctx.now + MYDATA_CLOSING_AGAIN_S)
    await ctx.db.sql.write(lambda tx: timers.set(tx, CLOSING, request.purpose, again, b'""'))

    def job(tx: Tx) -> None:
        purpose = records.purpose_by_id(tx, request.purpose)
        offer = records.declaration_by_id(tx, purpose.declaration) if purpose is not None else None
        if purpose is None or agency not in (purpose.recipient, offer.provider if offer is not None else ""):
            raise NotFound(said("no_purpose"), remedy=said("no_purpose_remedy"))
        if purpose.is_open:
            records.put_purpose(tx, msgspec.structs.replace(purpose, is_open=False))
            log.append(tx, act_entry("purpose", state="closed", id=purpose.id, agency=agency, at=int(ctx.now)))

    await shelf.policy.write(job)
    return Closed(request.purpose, await end_some(ctx, request.purpose, after=""))


@SERVICE.timer(CLOSING)
async def go_on(ctx: Context, event: Event) -> None:
    """The next batch, from where the last one came to; a purpose that was not closed after all needs nothing."""
    await end_some(ctx, event.subject, after=msgspec.json.decode(event.data, type=str))


async def end_some(ctx: Context, id: str, *, after: str) -> bool:
    """End one batch of a closed purpose's consents, each with its notice; True when none are left. May be repeated."""
    shelf = shelf_of(ctx)

    def job(tx: Tx) -> tuple[Purpose | None, list[Consent]]:
        purpose = records.purpose_by_id(tx, id)
        if purpose is None or purpose.is_open:
            return None, []
        return purpose, records.end_consents(tx, purpose, ctx.now, after=after, most=MYDATA_CLOSING)

    purpose, found = await shelf.policy.write(job)
    for consent in found:
        if purpose is not None and consent.state == "invalidated":
            await _notify(ctx, consent, purpose)
    if len(found) < MYDATA_CLOSING:
        await ctx.db.sql.write(partial(timers.cancel, name=CLOSING, key=id))
        return True
    cursor = msgspec.json.encode(found[-1].id)
    await ctx.db.sql.write(lambda tx: timers.set(tx, CLOSING, id, ctx.now, cursor))
    return False


async def _notify(ctx: Context, consent: Consent, purpose: Purpose) -> None:
    """Tokens, log, recipient; the note of the ending comes last, so that a crash before it repeats all of them."""
    if not consent.given_at or await is_noted(ctx, consent.id, purpose.recipient):
        return
    shelf = shelf_of(ctx)
    for ended in shelf.on_ended:
        await ended(consent.id, consent.subject)
    await artefacts.note_once(ctx, shelf, consent)
    due = iso(EpochS(ctx.now + MYDATA_DELETE_DAYS * DAY_S))
    told = {"consent": consent.id, "recipient": purpose.recipient, "state": consent.state, "delete_by": due}
    await ctx.emit(Event("consent.ended", purpose.recipient, msgspec.Raw(msgspec.json.encode(told))))
    await note_ending(ctx, consent.id, consent.state, recipient=purpose.recipient, purpose=purpose.id)
