"""Telling recipients that a consent ended: pushed to the endpoint that their officer declared, besides the pull.

What is pushed is a Security Event Token signed by the node's published key, with the day by which the data must be
gone and nothing of the person. It waits in the outbox, in the commit that notes the ending, until the recipient takes
it; the same token twice does no harm, its `jti` is the consent's. Sources: RFC 8417 (the token), RFC 8935 (delivery).
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, outbox, timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.events.outbox import Parcel
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_mydata import MYDATA_ENDPOINT_CHARS, MYDATA_TELL_AT_ONCE, MYDATA_TELL_LEASE_S
from banyan.service.mydata.asking import agency_of
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import Shelf, shelf_of

SQL: Final = load_statements("banyan.service.mydata", "mydata.sql")
TOPIC: Final = "consent-ended"
EVENT: Final = "urn:tw:banyan:event:consent-ended"
"""What the token's `events` calls it (RFC 8417 s2.2: a URI)."""


class Listening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The https address of the caller's agency that takes Security Event Tokens; empty: no more."""

    url: Annotated[str, msgspec.Meta(max_length=MYDATA_ENDPOINT_CHARS)] = ""


class Listens(msgspec.Struct, frozen=True):
    recipient: str
    url: str


@SERVICE.operation(
    "listen",
    title={"zh-Hant": "通知終止的網址", "en": "Where to be told of endings"},
    summary={"zh-Hant": "同意終止時，通知推送到機關登記的網址。",
             "en": "When a consent ends, the word of it is pushed to the address that its recipient declared."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="136",
)  # fmt: skip
async def listen(ctx: Context, request: Listening) -> Listens:
    """By an officer of the recipient, for the endings from now on. Raises Invalid for what is no https address."""
    agency, url = agency_of(ctx), request.url
    if url and not _is_fit(url, shelf_of(ctx)):
        raise Invalid.at("url", "an https address without a user or a fragment")
    if url:
        await ctx.db.sql.write(lambda tx: tx.run(SQL["listen_at"], recipient=agency, url=url, at=ctx.now))
    else:
        await ctx.db.sql.write(lambda tx: tx.run(SQL["listen_no_more"], recipient=agency))
    return Listens(agency, url)


def put(tx: Tx, consent: str, recipient: str, now: EpochS) -> None:
    """In the commit that notes an ending: tell its recipient, when it listens."""
    if tx.row(SQL["ear"], recipient=recipient) is not None:
        outbox.put(tx, TOPIC, consent, b"", due=now)
        timers.set(tx, TOPIC, "", now)


@SERVICE.timer(TOPIC)
async def tell(ctx: Context, event: Event) -> None:
    """Push what is due, and come again for what is not."""
    store, shelf = ctx.db.sql, shelf_of(ctx)
    claimed = await outbox.claim(store, now=ctx.now, lease_s=MYDATA_TELL_LEASE_S, limit=MYDATA_TELL_AT_ONCE)
    for parcel in claimed:
        await _tell(ctx, shelf, parcel)

    def again(tx: Tx) -> None:
        due = outbox.next_due(tx)
        if due is not None:
            timers.set(tx, TOPIC, "", due)

    await store.write(again)


async def _tell(ctx: Context, shelf: Shelf, parcel: Parcel) -> None:
    def found(tx: Tx) -> tuple[Row | None, Row | None]:
        ending = tx.row(SQL["to_tell"], consent=parcel.key)
        return ending, None if ending is None else tx.row(SQL["ear"], recipient=ending[0])

    ending, ear = await ctx.db.sql.read(found)
    status = 0
    if ending is not None and ear is not None and shelf.push is not None and shelf.sign_event is not None:
        token = await shelf.sign_event(_claims(shelf, parcel.key, ending, ctx.now))
        status = await shelf.push(str(ear[0]), token.encode())
    is_told = 200 <= status < 300

    def note(tx: Tx) -> None:
        if is_told:
            tx.run(SQL["told"], consent=parcel.key, at=ctx.now)
        if is_told or ear is None:
            outbox.done(tx, parcel)
        else:
            jitter = shelf.random(1)[0] / 255
            outbox.failed(tx, parcel, now=ctx.now, jitter=jitter, error=f"status {status}")

    await ctx.db.sql.write(note)


def _claims(shelf: Shelf, consent: str, ending: Row, now: EpochS) -> dict[str, Any]:
    recipient, purpose, state, at, delete_by = ending
    told = {
        "consent": consent,
        "purpose": str(purpose),
        "state": str(state),
        "ended_at": iso(EpochS(float(str(at)))),
        "delete_by": iso(EpochS(float(str(delete_by)))),
    }
    return {
        "iss": shelf.ledger.origin,
        "aud": str(recipient),
        "iat": int(now),
        "jti": f"{consent}.{told['state']}",
        "events": {EVENT: told},
    }


def _is_fit(url: str, shelf: Shelf) -> bool:
    """Where it leads is looked at again when something is sent there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    schemes = ("https", "http") if shelf.may_push_inside else ("https",)
    return parts.scheme in schemes and bool(parts.hostname) and parts.username is None and not parts.fragment
