"""Adjust a draft with a reason, approve it by a second officer, or withdraw it. An approved plan never changes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.errors import Denied
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, feed
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.storage import Tx
from banyan.limits_allocation import ALLOCATION_ADJUSTMENTS, ALLOCATION_REASON
from banyan.service.allocation import records
from banyan.service.allocation.model import Act, Boxes, Inputs, Kept, Kind, OutletCode, Plan, PlanId
from banyan.service.allocation.proposing import act
from banyan.service.allocation.records import SQL
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.shelf import shelf_of
from banyan.service.allocation.wording import both, conflict, invalid, officer, unknown

APPROVED = "plan.approved"
"""Event: its subject is the plan's id. Whoever sends boxes reads `allocation.shipments` of it."""


class Adjust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`boxes` for one outlet instead of what the plan gives; `kind` is published, `words` are for officers."""

    id: PlanId
    code: OutletCode
    boxes: Boxes
    kind: Kind
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=ALLOCATION_REASON, title="理由 Reason")]


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: PlanId


class Decided(msgspec.Struct, frozen=True):
    """How a plan stands after an act, boxes given and boxes left at the depot."""

    id: str
    state: str
    boxes: int
    left: int


@SERVICE.operation(
    "adjust",
    title={"zh-Hant": "調整一個地點", "en": "Adjust an outlet"},
    summary={
        "zh-Hant": "核可前改一個地點的箱數並寫明理由；不能超過可分配的總數與存放上限。",
        "en": "Change an outlet's boxes before approval, with a reason; within the supply and its room.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
)
async def adjust(ctx: Context, request: Adjust) -> Decided:
    """The same again changes nothing. Raises Conflict when boxes are not there, Invalid over the room."""
    who = officer(ctx)
    kept, inputs, plan = await whole(ctx, request.id)
    if request.code not in inputs.outlets.code:
        raise unknown("outlet", code=request.code)
    row = inputs.outlets.code.index(request.code)
    if request.boxes > inputs.outlets.room[row]:
        raise invalid("boxes", "over_room", room=inputs.outlets.room[row])

    def job(tx: Tx) -> int:
        _draft(tx, kept.id)
        acts = records.acts_of(tx, kept.id)
        now = boxes_of(inputs, plan, acts)
        before = now[request.code]
        total = sum(now.values()) - before + request.boxes
        if before == request.boxes:
            return sum(now.values())
        if total > kept.supply:
            raise conflict("no_boxes", left=kept.supply - sum(now.values()))
        if len(acts) >= ALLOCATION_ADJUSTMENTS:
            raise conflict("many_adjustments", most=ALLOCATION_ADJUSTMENTS)
        said = {"code": request.code, "before": before, "after": request.boxes}
        entry = act(tx, kept.id, "adjusted", who.id, who.agency, at=ctx.now, kind=request.kind, words=request.words)
        records.add_act(tx, kept.id, msgspec.structs.replace(entry, **said))
        return total

    total = await ctx.db.sql.write(job)
    return Decided(kept.id, "draft", total, kept.supply - total)


@SERVICE.operation(
    "approve",
    title={"zh-Hant": "核可分配計畫", "en": "Approve a plan"},
    summary={
        "zh-Hant": "由提出與調整者以外的人員核可；核可後公布、成為出貨單，不能再改。",
        "en": "By an officer who neither proposed nor adjusted it; it is published, becomes shipments, and stays.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
)
async def approve(ctx: Context, request: Decide) -> Decided:
    """Public in the ledger first. Twice is once. Raises Denied for its own makers, Conflict when the day has a plan."""
    who = officer(ctx)
    kept, inputs, plan = await whole(ctx, request.id)
    acts = await ctx.db.sql.read(lambda tx: records.acts_of(tx, kept.id))
    now = boxes_of(inputs, plan, acts)
    total = sum(now.values())
    if kept.state != "approved":
        _not_own(acts, who)
        await ctx.db.sql.read(lambda tx: _may_come_about(tx, kept))
        shelf = shelf_of(ctx.db)
        if shelf is not None:
            entry = act_entry("allocation", id=kept.id, item=kept.item, day=kept.day, plan=kept.document, boxes=total)
            # An adjustment may yet come between: then this approval fails, and the next one has an entry of its own.
            await shelf.ledger.append_once(f"allocation/{kept.id}/{len(acts)}", entry)

        def job(tx: Tx) -> None:
            fresh = records.acts_of(tx, kept.id)
            if len(fresh) != len(acts):
                raise conflict("changed")
            _may_come_about(tx, kept)
            tx.run(SQL["decide"], id=kept.id, state="approved", at=ctx.now)
            records.add_act(tx, kept.id, act(tx, kept.id, "approved", who.id, who.agency, at=ctx.now, after=total))
            said = {"item": kept.item, "day": kept.day, "boxes": total, "units": total * inputs.rules.box}
            feed.append(tx, Event(APPROVED, kept.id, msgspec.Raw(msgspec.json.encode(said)), ctx.now))

        await ctx.db.sql.write(job)
    return Decided(kept.id, "approved", total, kept.supply - total)


@SERVICE.operation(
    "withdraw",
    title={"zh-Hant": "撤回草案", "en": "Withdraw a draft"},
    summary={"zh-Hant": "不採用這份草案；紀錄保留。", "en": "The draft is not used; its record stays."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
)
async def withdraw(ctx: Context, request: Decide) -> Decided:
    """Twice is once. Raises Conflict for a plan that was approved."""
    who = officer(ctx)
    kept, inputs, plan = await whole(ctx, request.id)

    def job(tx: Tx) -> None:
        found = records.plan_by(tx, kept.id)
        if found is None or found.state == "withdrawn":
            return
        _draft(tx, kept.id)
        tx.run(SQL["decide"], id=kept.id, state="withdrawn", at=ctx.now)
        records.add_act(tx, kept.id, act(tx, kept.id, "withdrawn", who.id, who.agency, at=ctx.now))

    await ctx.db.sql.write(job)
    acts = await ctx.db.sql.read(lambda tx: records.acts_of(tx, kept.id))
    total = sum(boxes_of(inputs, plan, acts).values())
    return Decided(kept.id, "withdrawn", total, kept.supply - total)


async def whole(ctx: Context, id: str) -> tuple[Kept, Inputs, Plan]:
    """A plan with its documents. Raises NotFound."""
    kept = await ctx.db.sql.read(lambda tx: records.plan_by(tx, id))
    if kept is None:
        raise unknown("plan")
    inputs = await records.document(ctx.db, kept.inputs, Inputs)
    return kept, inputs, await records.document(ctx.db, kept.document, Plan)


def boxes_of(inputs: Inputs, plan: Plan, acts: list[Act] | tuple[Act, ...]) -> dict[str, int]:
    """What each outlet gets, adjustments in."""
    held = dict(zip(inputs.outlets.code, plan.boxes, strict=True))
    held.update({one.code: one.after for one in acts if one.act == "adjusted"})
    return held


def _draft(tx: Tx, id: str) -> None:
    """Raises Conflict when the plan is no draft (any more)."""
    found = records.plan_by(tx, id)
    if found is None or found.state != "draft":
        raise conflict("not_draft")


def _may_come_about(tx: Tx, kept: Kept) -> None:
    """Raises Conflict when it is no draft, or the item has an approved plan for the day: its boxes are on the way."""
    _draft(tx, kept.id)
    if (other := tx.row(SQL["approved_for"], item=kept.item, day=kept.day)) is not None:
        raise conflict("has_plan", plan=other[0])


def _not_own(acts: list[Act], who: Caller) -> None:
    """Raises Denied: who made a plan does not approve it."""
    if any(one.by == who.id and one.act in ("proposed", "adjusted") for one in acts):
        raise Denied(both("own_plan"), remedy=both("own_plan_remedy"))
