"""What everybody may read: approved plans with a reason for each outlet, how fair they are, and what is to be sent.

A draft is for officers: a plan that may not come about would send people to the wrong shop.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Annotated

import msgspec
import numpy as np

from banyan.craft.allot import by_town, gini, lorenz
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_allocation import ALLOCATION_ROWS
from banyan.service.allocation import records
from banyan.service.allocation.deciding import boxes_of, whole
from banyan.service.allocation.model import Act, Inputs, Kept, Moved, Plan, PlanId
from banyan.service.allocation.planning import asked_of, possible_days
from banyan.service.allocation.proposing import Figures, figures_of
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.wording import MESSAGES, conflict, is_officer, officer, reason, unknown

POINTS = 100
"""Of a Lorenz curve as it is sent: one for each hundredth of the residents."""


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


class Listed(msgspec.Struct, frozen=True):
    """A plan on the list. `at`: when it was approved, or proposed (RFC 3339 UTC)."""

    id: str
    item: str
    title: Text
    day: str
    method: str
    state: str
    boxes: int
    at: str
    agency: str


class Happened(msgspec.Struct, frozen=True):
    """An act on a plan; for officers with their colleagues' own `words`."""

    number: int
    act: str
    code: str
    before: int
    after: int
    kind: str
    agency: str
    at: str
    words: str = ""


class PlanView(msgspec.Struct, frozen=True):
    """A plan. `inputs` and `document` are SHA-256 of the files at `/allocation/plans/{id}/inputs.json` and
    `plan.json`; adjustments stand in `history` and are not in the document."""

    id: str
    item: str
    title: Text
    unit: Text
    day: str
    method: str
    state: str
    supply: int
    box: int
    boxes: int
    units: int
    short: int
    figures: Figures
    unseen: float
    held_by_top: int
    moves: int
    days: int
    inputs: str
    document: str
    history: tuple[Happened, ...]


class RowView(msgspec.Struct, frozen=True):
    """An outlet's part. `expected` units on the day with their standard `error`, `stock` on the shelf; `ratio`: percent
    of what is needed beyond it; `reason` in words."""

    code: str
    name: str
    town: str
    boxes: int
    units: int
    expected: int
    error: int
    stock: int
    ratio: int
    floor: int
    room: int
    why: str
    reason: Text


class RowsPage(msgspec.Struct, frozen=True):
    total: int
    rows: tuple[RowView, ...]


class TownView(msgspec.Struct, frozen=True):
    """`per_1000` residents: null where nobody knows how many there are."""

    town: str
    outlets: int
    units: int
    people: int | None
    per_1000: float | None


class Fairness(msgspec.Struct, frozen=True):
    """`gini_people`: of units per resident over towns; `gini_fill`: of what is expected to be sold over what would be;
    the Lorenz curve: the `people` with least hold so much of the `units`. Both null where residents are not known."""

    gini_people: float | None
    gini_fill: float
    people: tuple[float, ...]
    units: tuple[float, ...]
    towns: tuple[TownView, ...]


class MoveView(msgspec.Struct, frozen=True):
    """A redistribution, in words too."""

    give: str
    give_name: str
    take: str
    take_name: str
    town: str
    boxes: int
    metres: int
    reason: Text


class Shipment(msgspec.Struct, frozen=True):
    """What is to be sent to an outlet. `key` (16 bytes, hexadecimal) is the same whenever it is asked for: a delivery
    booked under it is booked once."""

    outlet: str
    item: str
    boxes: int
    units: int
    day: str
    key: str


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
        history=tuple(_happened(one, is_officer(ctx.caller)) for one in acts),
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
    return await asyncio.to_thread(_rows, inputs, adjusted(inputs, made, acts), request)


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
    return await asyncio.to_thread(_fairness, inputs, adjusted(inputs, made, acts))


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
    return tuple(_move(inputs, place, one) for one in made.moves)


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


def key_of(id: str, code: str) -> str:
    """The key of a shipment: a hash of its plan and outlet."""
    return sha256(f"allocation/{id}/{code}".encode()).hexdigest()[:32]


async def seen(ctx: Context, id: str) -> tuple[Kept, Inputs, Plan, list[Act]]:
    """A plan that the caller may see, with its history. Raises NotFound."""
    kept, inputs, made = await whole(ctx, id)
    if kept.state != "approved" and not (is_officer(ctx.caller) or ctx.caller.may_write):
        raise unknown("plan")
    return kept, inputs, made, await ctx.db.sql.read(lambda tx: records.acts_of(tx, id))


def adjusted(inputs: Inputs, made: Plan, acts: list[Act]) -> Plan:
    """The plan with its adjustments: boxes, ratios, reasons, what is left and what would be sold."""
    changed = {one.code for one in acts if one.act == "adjusted"}
    if not changed:
        return made
    held, asked = boxes_of(inputs, made, acts), asked_of(inputs)
    boxes = np.array([held[code] for code in inputs.outlets.code], np.int64)
    sold = np.minimum(boxes * asked.box, possible_days(inputs)).sum(axis=1).mean()
    ratios = np.where(asked.demand > 0, 100 * boxes * asked.box // np.maximum(asked.demand, 1), 0)
    reasons = zip(inputs.outlets.code, made.reason, strict=True)
    return msgspec.structs.replace(
        made,
        boxes=tuple(boxes.tolist()),
        ratio=tuple(ratios.tolist()),
        reason=tuple("adjusted" if code in changed else why for code, why in reasons),
        left=inputs.supply - int(boxes.sum()),
        sold=round(float(sold)),
    )


def _rows(inputs: Inputs, final: Plan, request: RowsQuery) -> RowsPage:
    outlets, word = inputs.outlets, request.q.strip().casefold().replace("台", "臺")
    found = [
        row
        for row, (code, name, town) in enumerate(zip(outlets.code, outlets.name, outlets.town, strict=True))
        if not word or word in f"{code} {name} {town}".casefold().replace("台", "臺")
    ]
    page = found[request.first : request.first + request.limit]
    return RowsPage(len(found), tuple(row_view(inputs, final, row) for row in page))


def row_view(inputs: Inputs, final: Plan, row: int) -> RowView:
    outlets, boxes, ratio, why = inputs.outlets, final.boxes[row], final.ratio[row], final.reason[row]
    town = outlets.town[row]
    return RowView(
        code=outlets.code[row],
        name=outlets.name[row],
        town=town,
        boxes=boxes,
        units=boxes * inputs.rules.box,
        expected=outlets.expected[row],
        error=outlets.error[row],
        stock=outlets.stock[row],
        ratio=ratio,
        floor=outlets.floor[row],
        room=outlets.room[row],
        why=why,
        reason={lang: reason(why, lang, boxes=boxes, ratio=ratio, town=town) for lang in LANGUAGES},
    )


def _fairness(inputs: Inputs, final: Plan) -> Fairness:
    units = np.array(final.boxes, np.int64) * inputs.rules.box
    wanted = asked_of(inputs).demand
    towns = [one for one in by_town(inputs.outlets.town, units, inputs.people) if one.town]
    peopled = [(one.units, one.people) for one in towns if one.people]
    held, people = np.array([one for one, _ in peopled]), np.array([one for _, one in peopled])
    curve = lorenz(held, people)
    at = np.linspace(0, 1, POINTS + 1)
    return Fairness(
        gini_people=round(gini(held, people), 4) if peopled else None,
        gini_fill=round(gini(np.minimum(units, wanted), wanted), 4),
        people=tuple(at.round(2).tolist()) if peopled else (),
        units=tuple(np.interp(at, curve.people, curve.units).round(5).tolist()) if peopled else (),
        towns=tuple(TownView(one.town, one.outlets, one.units, one.people, one.per_1000) for one in towns),
    )


def _move(inputs: Inputs, place: dict[str, int], one: Moved) -> MoveView:
    outlets, give, take = inputs.outlets, place[one.give], place[one.take]
    said = {
        "give": outlets.name[give],
        "take": outlets.name[take],
        "stock": outlets.stock[give],
        "days": one.spare_days,
        "has": outlets.stock[take],
        "expected": outlets.expected[take],
        "km": f"{one.metres / 1000:.1f}",
    }
    return MoveView(
        give=one.give,
        give_name=outlets.name[give],
        take=one.take,
        take_name=outlets.name[take],
        town=outlets.town[take],
        boxes=one.boxes,
        metres=one.metres,
        reason={lang: MESSAGES.text("allocation.move_reason", lang, **said) for lang in LANGUAGES},
    )


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


def _happened(one: Act, is_inside: bool) -> Happened:
    words = one.words if is_inside else ""
    at = iso(EpochS(one.at))
    return Happened(one.number, one.act, one.code, one.before, one.after, one.kind, one.agency, at, words)
