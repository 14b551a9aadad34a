"""What everybody may read: approved plans with a reason for each outlet, how fair they are, and what is to be sent.

A draft is for officers: a plan that may not come about would send people to the wrong shop.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_allocation import ALLOCATION_ROWS
from banyan.service.allocation import records
from banyan.service.allocation.deciding import boxes_of, whole
from banyan.service.allocation.model import Act, Inputs, Kept, Plan, PlanId
from banyan.service.allocation.proposing import figures_of
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.views import (
    Fairness,
    Listed,
    MoveView,
    PlanView,
    RowsPage,
    Shipment,
    adjusted,
    fairness_of,
    happened,
    key_of,
    move_view,
    rows_page,
)
from banyan.service.allocation.wording import conflict, is_officer, officer, unknown


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: PlanId


class RowsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of a plan, `limit` after the first `first`; `q` looks in codes, names and towns."""

    id: PlanId
    q: Annotated[str, msgspec.Meta(max_length=60, title="找什麼 Words")] = ""
    first: Annotated[int, msgspec.Meta(ge=0, le=2**31, title="從第幾筆 From")] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=ALLOCATION_ROWS, title="筆數 How many")] = 50


@SERVICE.operation(
    "plans",
    title={"zh-Hant": "分配計畫", "en": "Allocation plans"},
    summary={"zh-Hant": "已核可的分配計畫。", "en": "Approved plans, the newest day first."},
    data=OPEN,
    audience="public",
)
async def plans(ctx: Context, request: Nothing) -> tuple[Listed, ...]:
    found = await ctx.db.sql.read(lambda tx: records.plans_in(tx, "approved"))
    return tuple([await _listed(ctx, one) for one in found])


@SERVICE.operation(
    "drafts",
    title={"zh-Hant": "分配草案", "en": "Drafts"},
    summary={"zh-Hant": "等待核可的草案。", "en": "Drafts that wait for approval."},
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def drafts(ctx: Context, request: Nothing) -> tuple[Listed, ...]:
    officer(ctx)
    found = await ctx.db.sql.read(lambda tx: records.plans_in(tx, "draft"))
    return tuple([await _listed(ctx, one) for one in found])


@SERVICE.operation(
    "plan",
    title={"zh-Hant": "一份分配計畫", "en": "One plan"},
    summary={"zh-Hant": "總數、方法、預期賣出與變更紀錄。", "en": "Sums, method, what would be sold, and its history."},
    data=OPEN,
    audience="public",
)
async def plan(ctx: Context, request: Named) -> PlanView:
    """Raises NotFound, for the public also of a draft."""
    kept, inputs, made, acts = await seen(ctx, request.id)
    final = await asyncio.to_thread(adjusted, inputs, made, acts)
    boxes = sum(final.boxes)
    return PlanView(
        id=kept.id,
        item=kept.item,
        title=inputs.title,
        unit=inputs.unit,
        day=kept.day,
        method=kept.method,
        state=kept.state,
        supply=kept.supply,
        box=inputs.rules.box,
        boxes=boxes,
        units=boxes * inputs.rules.box,
        short=made.short,
        figures=figures_of(inputs, final),
        unseen=inputs.unseen,
        held_by_top=made.held_by_top,
        moves=len(made.moves),
        days=len(inputs.days),
        inputs=kept.inputs,
        document=kept.document,
        history=tuple(happened(one, is_officer(ctx.caller)) for one in acts),
    )


@SERVICE.operation(
    "rows",
    title={"zh-Hant": "各地點的箱數與理由", "en": "Outlets of a plan"},
    summary={"zh-Hant": "每個地點分得幾箱、為什麼。", "en": "What each outlet gets, and why."},
    data=OPEN,
    audience="public",
)
async def rows(ctx: Context, request: RowsQuery) -> RowsPage:
    """In the order of codes."""
    _, inputs, made, acts = await seen(ctx, request.id)

    def page() -> RowsPage:
        return rows_page(inputs, adjusted(inputs, made, acts), request.q, first=request.first, limit=request.limit)

    return await asyncio.to_thread(page)


@SERVICE.operation(
    "fairness",
    title={"zh-Hant": "分配公平報告", "en": "Fairness of a plan"},
    summary={
        "zh-Hant": "各鄉鎮每千人分得多少、吉尼係數與勞倫茲曲線。",
        "en": "Units per 1,000 residents by town, Gini, Lorenz.",
    },
    data=OPEN,
    audience="public",
)
async def fairness(ctx: Context, request: Named) -> Fairness:
    _, inputs, made, acts = await seen(ctx, request.id)
    return await asyncio.to_thread(fairness_of, inputs, adjusted(inputs, made, acts))


@SERVICE.operation(
    "moves",
    title={"zh-Hant": "調撥建議", "en": "Redistributions proposed"},
    summary={
        "zh-Hant": "哪裡用不完、可以送去哪裡、多遠、為什麼。",
        "en": "Who has too much, who near there has too little, and how far.",
    },
    data=OPEN,
    audience="public",
)
async def moves(ctx: Context, request: Named) -> tuple[MoveView, ...]:
    """The shortest way first. A proposal: nothing moves by it."""
    _, inputs, made, _ = await seen(ctx, request.id)
    place = {code: row for row, code in enumerate(inputs.outlets.code)}
    return tuple(move_view(inputs, place, one) for one in made.moves)


@SERVICE.operation(
    "shipments",
    title={"zh-Hant": "出貨單", "en": "Shipments of a plan"},
    summary={
        "zh-Hant": "核可的計畫要送到各地點的數量，每筆有固定的鍵。",
        "en": "What an approved plan sends to each outlet, under fixed keys.",
    },
    data=OPEN,
    audience="public",
)
async def shipments(ctx: Context, request: Named) -> tuple[Shipment, ...]:
    """Raises Conflict for a plan that is not approved. Outlets that get nothing are left out."""
    kept, inputs, made, acts = await seen(ctx, request.id)
    if kept.state != "approved":
        raise conflict("not_approved")
    final, box = adjusted(inputs, made, acts), inputs.rules.box
    held = zip(inputs.outlets.code, final.boxes, strict=True)
    return tuple(
        Shipment(code, kept.item, boxes, boxes * box, kept.day, key_of(kept.id, code)) for code, boxes in held if boxes
    )


async def seen(ctx: Context, id: str) -> tuple[Kept, Inputs, Plan, list[Act]]:
    """A plan that the caller may see, with its history. Raises NotFound."""
    kept, inputs, made = await whole(ctx, id)
    if kept.state != "approved" and not (is_officer(ctx.caller) or ctx.caller.may_write):
        raise unknown("plan")
    return kept, inputs, made, await ctx.db.sql.read(lambda tx: records.acts_of(tx, id))


async def _listed(ctx: Context, kept: Kept) -> Listed:
    inputs = await records.document(ctx.db, kept.inputs, Inputs)
    made = await records.document(ctx.db, kept.document, Plan)
    acts = await ctx.db.sql.read(lambda tx: records.acts_of(tx, kept.id))
    return Listed(
        id=kept.id,
        item=kept.item,
        title=inputs.title,
        day=kept.day,
        method=kept.method,
        state=kept.state,
        boxes=sum(boxes_of(inputs, made, acts).values()),
        at=iso(EpochS(kept.decided_at or kept.proposed_at)),
        agency=kept.agency,
    )
