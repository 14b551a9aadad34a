"""What a person holds: credentials that were issued to their wallet, offers that wait, and revoking either.

The issuer keeps whose a batch is and where its entries stand, for revoking; what the credentials say it does not keep,
and where they are shown it never learns.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits_mydata import CREDENTIAL_BATCH, CREDENTIAL_STATUSES
from banyan.service.credentials import records
from banyan.service.credentials.offering import Done, Nothing, OfferId, titled
from banyan.service.credentials.service import SERVICE
from banyan.service.credentials.shelf import Shelf, own_subject, said, shelf_of

BatchId = OfferId
HOLDER = "holder"


class Held(msgspec.Struct, frozen=True):
    """A batch; times are RFC 3339 UTC, `revoked_at` empty while it is good."""

    id: str
    kind: str
    title: Text
    fields: tuple[str, ...]
    size: int
    at: str
    until: str
    revoked_at: str
    is_revoked_by_me: bool


class Waiting(msgspec.Struct, frozen=True):
    """An offer: `state` is `offered`, `redeemed` (its wallet fetched some) or `expired`."""

    id: str
    kind: str
    title: Text
    fields: tuple[str, ...]
    state: str
    until: str


class Mine(msgspec.Struct, frozen=True):
    """Newest first."""

    batches: tuple[Held, ...]
    offers: tuple[Waiting, ...]


class Revoking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    batch: BatchId


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a status list, as a verifier reads it in a credential."""

    list: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    index: Annotated[int, msgspec.Meta(ge=0, lt=CREDENTIAL_STATUSES)]


@SERVICE.operation(
    "mine",
    **titled("我的憑證", "My credentials", "發給我的憑證，與備妥還沒領的。", "Credentials issued to me, and offers."),
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
)
async def mine(ctx: Context, request: Nothing) -> Mine:
    shelf, subject = shelf_of(ctx), own_subject(ctx)
    batches, offers = await ctx.db.sql.read(
        lambda tx: (records.batches_of(tx, subject, ctx.now), records.offers_of(tx, subject, ctx.now))
    )
    return Mine(
        batches=tuple(
            Held(
                id=one.id,
                kind=one.kind,
                title=_title(shelf, one.kind),
                fields=one.fields,
                size=one.size,
                at=iso(EpochS(one.at)),
                until=iso(EpochS(one.expires)),
                revoked_at=iso(EpochS(one.revoked_at)) if one.revoked_at is not None else "",
                is_revoked_by_me=one.revoked_by == HOLDER,
            )
            for one in batches
        ),
        offers=tuple(
            Waiting(
                one.id, one.kind, _title(shelf, one.kind), one.fields, _state(one, ctx.now), iso(EpochS(one.expires))
            )
            for one in offers
        ),
    )


@SERVICE.operation(
    "revoke",
    **titled("撤銷我的憑證", "Revoke my credentials", "一整批立即失效。", "A whole batch ends at once."),
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
)
async def revoke(ctx: Context, request: Revoking) -> Done:
    """Raises NotFound alike for another's and none, Conflict when it was revoked before."""
    subject = own_subject(ctx)

    def job(tx: Tx) -> str:
        if records.subject_of_batch(tx, request.batch) != subject:
            return "none"
        return "done" if records.revoke(tx, request.batch, by=HOLDER, now=ctx.now) else "again"

    return _settled(await ctx.db.sql.write(job), request.batch)


@SERVICE.operation(
    "revoke_issued",
    **titled(
        "機關撤銷憑證",
        "Revoke issued credentials",
        "發行機關依狀態清單的位置撤銷整批憑證。",
        "The issuing agency revokes the batch that an entry of a status list is of.",
    ),
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="136",
)
async def revoke_issued(ctx: Context, request: Entry) -> Done:
    """By an entry, not by a person: it says nobody's name. Raises Denied for another agency's officer."""
    if ctx.caller.agency != shelf_of(ctx).member:
        raise Denied(said("not_issuer"), remedy=said("not_issuer_remedy"))

    def job(tx: Tx) -> tuple[str, str]:
        batch = records.batch_of_entry(tx, request.list, request.index)
        if not batch:
            return "none", ""
        return ("done" if records.revoke(tx, batch, by=ctx.caller.id, now=ctx.now) else "again"), batch

    return _settled(*await ctx.db.sql.write(job))


def _settled(outcome: str, batch: str) -> Done:
    if outcome == "none":
        raise NotFound(said("no_batch"), remedy=said("no_batch_remedy"))
    if outcome == "again":
        raise Conflict(said("revoked_before"), remedy=said("revoked_before_remedy"))
    return Done(batch)


def _state(offer: records.Waiting, now: float) -> str:
    if offer.remaining < CREDENTIAL_BATCH:
        return "redeemed"
    return "offered" if now < offer.expires else "expired"


def _title(shelf: Shelf, kind: str) -> Text:
    """A kind that is no longer declared keeps its id."""
    operation = shelf.operations.get(kind)
    return operation.title if operation is not None else dict.fromkeys(("zh-Hant", "en"), kind)
