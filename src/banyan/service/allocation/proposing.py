"""Propose a plan, and see the methods side by side before: both by officers, neither changes what anybody gets."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
import numpy as np

from banyan.craft.allot import gini
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.limits_allocation import ALLOT_BOXES
from banyan.service.allocation import records
from banyan.service.allocation.gathering import gather
from banyan.service.allocation.model import Act, Day, Inputs, ItemId, Method, Plan
from banyan.service.allocation.planning import asked_of, encoded, plan_of
from banyan.service.allocation.records import SQL
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.wording import officer

ID_CHARACTERS = 16
Supply = Annotated[int, msgspec.Meta(ge=1, le=ALLOT_BOXES * 100, title="可分配箱數 Boxes to share out")]


class Propose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many boxes of an item for a day, by one method."""

    item: ItemId
    day: Day
    supply: Supply
    method: Method = "fill"


class Compare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same by each method; `solved` takes half a minute for a nation, so it is compared only when asked for."""

    item: ItemId
    day: Day
    supply: Supply
    methods: tuple[Literal["fill", "gain", "solved", "flat"], ...] = ("fill", "gain", "flat")


class Proposed(msgspec.Struct, frozen=True):
    """A draft, and the hashes of what it follows from and of what it says."""

    id: str
    inputs: str
    document: str


class Figures(msgspec.Struct, frozen=True):
    """A method's plan in figures: units expected to be `sold` of it; outlets that get something; the least and the
    middle fill (percent of the units needed beyond the stock, outlets that need some); the Gini coefficient of that
    fill over outlets by their need; boxes `left`, towns whose outlets get nothing."""

    method: Method
    sold: int
    boxes: int
    served: int
    least: int
    middle: int
    gini: float
    left: int
    towns_without: int


@SERVICE.operation(
    "propose",
    title={"zh-Hant": "提出分配計畫", "en": "Propose a plan"},
    summary={
        "zh-Hant": "由銷售紀錄估計需求，算出每個地點的箱數與理由；核可之前不會送出。",
        "en": "Estimates demand and gives each outlet its boxes and a reason; nothing is sent before approval.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
    time_s=180.0,
)
async def propose(ctx: Context, request: Propose) -> Proposed:
    """The same inputs by the same method are the same draft. Raises Conflict when no sales are known."""
    who = officer(ctx)
    inputs = await gather(ctx, request.item, request.day, request.supply)
    plan = await asyncio.to_thread(plan_of, inputs, request.method)
    body, content = await asyncio.to_thread(encoded, plan)
    given, inputs_hash = await asyncio.to_thread(encoded, inputs)
    id = sha256(f"{inputs_hash}{content}".encode()).hexdigest()[:ID_CHARACTERS]
    await asyncio.to_thread(ctx.db.blobs.put_bytes, given)
    await asyncio.to_thread(ctx.db.blobs.put_bytes, body)

    def job(tx: Tx) -> None:
        known = records.plan_by(tx, id)
        if known is None:
            row = msgspec.structs.asdict(request) | {"id": id, "inputs": inputs_hash, "document": content}
            tx.run(SQL["add_plan"], **row, proposed_by=who.id, agency=who.agency, proposed_at=ctx.now)
        elif known.state != "withdrawn" or not tx.run(SQL["reopen"], id=id):
            return
        total = sum(plan.boxes)
        records.add_act(tx, id, act(tx, id, "proposed", who.id, who.agency, at=ctx.now, after=total))

    await ctx.db.sql.write(job)
    return Proposed(id, inputs_hash, content)


@SERVICE.operation(
    "compare",
    title={"zh-Hant": "比較分配方法", "en": "Compare the methods"},
    summary={
        "zh-Hant": "同樣的箱數用各種方法分，預期賣出多少、誰分得最少、多不平均。",
        "en": "The same boxes by each method: what would be sold, who gets least, how uneven it is.",
    },
    data=OPEN,
    audience="officer",
    channels=("web", "api"),
    time_s=240.0,
)
async def compare(ctx: Context, request: Compare) -> tuple[Figures, ...]:
    """In the order asked for; nothing is kept."""
    officer(ctx)
    inputs = await gather(ctx, request.item, request.day, request.supply)
    return await asyncio.to_thread(
        lambda: tuple(figures_of(inputs, plan_of(inputs, method)) for method in request.methods)
    )


def figures_of(inputs: Inputs, plan: Plan) -> Figures:
    rows = inputs.outlets
    boxes, wanted = np.array(plan.boxes, np.int64), asked_of(inputs).demand
    fills = np.array(plan.ratio, np.int64)[wanted > 0]
    served = {town for town, held in zip(rows.town, plan.boxes, strict=True) if held}
    return Figures(
        method=plan.method,
        sold=plan.sold,
        boxes=int(boxes.sum()),
        served=int((boxes > 0).sum()),
        least=int(fills.min(initial=0)) if not len(fills) else int(fills.min()),
        middle=int(np.median(fills)) if len(fills) else 0,
        gini=round(gini(np.minimum(boxes * inputs.rules.box, wanted), wanted), 4),
        left=plan.left,
        towns_without=len({town for town in rows.town if town} - served),
    )


def act(
    tx: Tx,
    id: str,
    name: Literal["proposed", "adjusted", "approved", "withdrawn"],
    by: str,
    agency: str,
    *,
    at: EpochS,
    code: str = "",
    before: int = 0,
    after: int = 0,
    kind: str = "",
    words: str = "",
) -> Act:
    """The next entry of a plan's history."""
    number = len(records.acts_of(tx, id)) + 1
    return Act(number, name, code, before, after, kind, words, by, agency, at)
