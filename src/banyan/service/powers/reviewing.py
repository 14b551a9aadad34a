"""Reviews: every use under an order is looked at afterwards by somebody else of the agency, or the agency waits."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import orders, records
from banyan.kernel.policy.orders import Refusal, Review
from banyan.kernel.storage.store import Tx
from banyan.service.powers.service import SERVICE
from banyan.service.powers.shelf import shelf_of
from banyan.service.powers.wording import conflict, officer, refused, unknown


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class OpenReview(msgspec.Struct, frozen=True):
    """A use that waits: its entry in the ledger, its order, the reason given, until when (RFC 3339 UTC), and whether it
    is the asking officer's own, which somebody else must review."""

    use: int
    order: str
    reason: str
    due: str
    is_overdue: bool
    is_own: bool


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the use at this entry was right."""

    use: Annotated[int, msgspec.Meta(ge=0, le=2**53, title="使用紀錄序號 Entry of the use")]
    is_justified: bool


class Reviewed(msgspec.Struct, frozen=True):
    """The review is done; `entry` is its index in the public ledger."""

    use: int
    is_justified: bool
    entry: int


@SERVICE.operation(
    "open_reviews",
    title={"zh-Hant": "待審查的緊急使用", "en": "Emergency uses to review"},
    summary={
        "zh-Hant": "本機關依命令使用而尚未審查的紀錄，最早到期的在前。",
        "en": "Uses under orders by your agency that nobody has reviewed, the earliest due first.",
    },
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def open_reviews(ctx: Context, request: Nothing) -> tuple[OpenReview, ...]:
    """Of the officer's own agency only."""
    who = officer(ctx)
    found = await shelf_of(ctx.db).policy.read(partial(records.open_reviews_of, agency=who.agency))
    return tuple(
        OpenReview(one.use, one.order, one.reason, iso(one.due), one.due <= ctx.now, one.used_by == who.id)
        for one in found
    )


@SERVICE.operation(
    "review_use",
    title={"zh-Hant": "審查緊急使用", "en": "Review an emergency use"},
    summary={
        "zh-Hant": "由同機關另一位人員判定這次使用是否正當。",
        "en": "Another officer of the same agency says whether the use was right.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def review_use(ctx: Context, request: Judgement) -> Reviewed:
    """The same word of the same officer again answers what is there. A use of another agency is not there at all."""
    who, shelf = officer(ctx), shelf_of(ctx.db)
    async with shelf.turn:
        before = await shelf.policy.read(partial(records.review_of, use=request.use))
        if before is None or before.agency != who.agency:
            raise unknown("review")
        if (before.reviewed_by, before.is_justified) == (who.id, request.is_justified):
            after: Review | Refusal = before
        else:
            after = orders.review(before, who, is_justified=request.is_justified)
        if isinstance(after, Refusal):
            raise refused(after.code)
        entry = act_entry(
            "review", use=after.use, order=after.order, agency=after.agency, justified=int(request.is_justified)
        )
        index = await shelf.ledger.append_once(f"review/{after.use}/{int(request.is_justified)}", entry)

        def job(tx: Tx) -> None:
            if records.review_of(tx, after.use) != before:
                raise conflict("changed")
            records.put_review(tx, after)

        await shelf.policy.write(job)
    return Reviewed(after.use, request.is_justified, index)
