"""A round from its maker to everybody: make it, publish it, close it early, call it off; its figures are open data."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Conflict, FieldError, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import iso
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_ROUNDS
from banyan.service.rationing.planners import must_plan
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.advancing import advanced, wake
from banyan.service.rationing.preorder.counting import Figures, figures_of
from banyan.service.rationing.preorder.records import SQL, Kept
from banyan.service.rationing.preorder.registering import Named, round_now
from banyan.service.rationing.preorder.rounds import Id, Phase, Round, faults_of, phase_of
from banyan.service.rationing.preorder.words import both
from banyan.service.rationing.service import SERVICE

Act = Literal["publish", "close", "cancel"]
FROM: Final[dict[Act, tuple[str, ...]]] = {
    "publish": ("draft",),
    "close": ("published",),
    "cancel": ("draft", "published", "closed", "allotted"),
}


class RoundsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most: Annotated[int, msgspec.Meta(ge=1, le=PREORDER_ROUNDS)] = 50


class Acting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    round: Id
    do: Act


class PublicRound(msgspec.Struct, frozen=True):
    """A round as anybody may know it; moments are RFC 3339 UTC, money is whole NT$."""

    id: str
    title: Text
    phase: Phase
    mode: str
    item: str
    quantity: int
    capacity: int
    price: int
    fee: int
    by_household: bool
    forfeit: str
    opens: str
    closes: str
    pay_until: str
    reserve_until: str
    reserve_pay_hours: int
    pickup_from: str
    pickup_until: str
    outlets: tuple[str, ...]
    renews: str
    figures: Figures


@SERVICE.operation(
    "rounds",
    title={"zh-Hant": "預購梯次", "en": "Rounds of preorder"},
    summary={"zh-Hant": "各梯次的時間、數量、價格與統計；不含個資。",
             "en": "Each round's windows, quantity, price and figures; of nobody."},
    data=OPEN,
    audience="public",
    keys=("預購梯次", "預購", "preorder rounds"),
)  # fmt: skip
async def rounds(ctx: Context, request: RoundsQuery) -> tuple[PublicRound, ...]:
    """Published ones, the newest first."""

    kept = [one for one in await ctx.db.sql.read(records.rounds) if one.state != "draft"][: request.most]
    return tuple([public(one, await figures_of(ctx, one), ctx) for one in kept])


@SERVICE.operation(
    "round",
    title={"zh-Hant": "一個預購梯次", "en": "A round of preorder"},
    summary={"zh-Hant": "一個梯次的時間、價格與統計。", "en": "One round's windows, price and figures."},
    data=OPEN,
    audience="public",
)
async def round(ctx: Context, request: Named) -> PublicRound:
    """Raises NotFound for one that is not published."""
    kept = await round_now(ctx, request.round)
    return public(kept, await figures_of(ctx, kept), ctx)


@SERVICE.operation(
    "make_round",
    title={"zh-Hant": "建立預購梯次", "en": "Make a round"},
    summary={"zh-Hant": "建立或修改草稿；公布後不能再改。", "en": "Make or change a draft; a published one stays."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
)
async def make_round(ctx: Context, request: Round) -> PublicRound:
    """Raises Invalid naming each field at fault, Conflict once it is published, Denied for who plans nothing."""
    must_plan(ctx)
    if faults := faults_of(request):
        fields = tuple(FieldError(one.field, both(f"fault_{one.why}")) for one in faults)
        raise Invalid(both("faults"), fields=fields)

    def job(tx: Tx) -> Kept:
        document = msgspec.json.encode(request)
        if not tx.run(SQL["put_round"], id=request.id, document=document, state="draft", opens=request.opens,
                      at=ctx.now, figures=b""):  # fmt: skip
            raise Conflict(both("published"), remedy=both("published_remedy"))
        made = records.round_of(tx, request.id)
        assert made is not None, "it was just written"
        return made

    return public(await ctx.db.sql.write(job), Figures(), ctx)


@SERVICE.operation(
    "drafts",
    title={"zh-Hant": "草稿梯次", "en": "Drafts of rounds"},
    summary={"zh-Hant": "還沒公布的梯次。", "en": "Rounds that are not published yet."},
    data=OPEN,
    audience="officer",
    purpose="012",
)
async def drafts(ctx: Context, request: RoundsQuery) -> tuple[PublicRound, ...]:
    must_plan(ctx)
    found = await ctx.db.sql.read(records.rounds)
    return tuple(public(one, Figures(), ctx) for one in found if one.state == "draft")[: request.most]


@SERVICE.operation(
    "act_on_round",
    title={"zh-Hant": "公布、截止或取消梯次", "en": "Publish, close or cancel a round"},
    summary={"zh-Hant": "取消會退還所有款項並通知。", "en": "Cancelling sends every payment back and says so."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
)
async def act_on_round(ctx: Context, request: Acting) -> PublicRound:
    """Raises Conflict when the round is past that, or its registration could not even begin, Denied for who plans
    nothing."""
    must_plan(ctx)
    await ctx.db.sql.write(partial(_act, ctx=ctx, request=request))
    await advanced(ctx, request.round)
    kept = await round_now(ctx, request.round)
    return public(kept, await figures_of(ctx, kept), ctx)


def public(kept: Kept, figures: Figures, ctx: Context) -> PublicRound:
    one = kept.round
    return PublicRound(
        id=one.id, title={"zh-Hant": one.title_zh, "en": one.title_en}, phase=phase_of(one, kept.state, ctx.now),
        mode=one.mode, item=one.item, quantity=one.quantity, capacity=one.capacity, price=one.price, fee=one.fee,
        by_household=one.by_household, forfeit=one.forfeit, opens=iso(one.opens), closes=iso(one.closes),
        pay_until=iso(one.pay_until), reserve_until=iso(one.reserve_until),
        reserve_pay_hours=one.reserve_pay_s // 3_600, pickup_from=iso(one.pickup_from),
        pickup_until=iso(one.pickup_until), outlets=one.outlets, renews=one.renews, figures=figures,
    )  # fmt: skip


def _act(tx: Tx, *, ctx: Context, request: Acting) -> None:
    kept = records.round_of(tx, request.round)
    if kept is None or kept.state not in FROM[request.do]:
        raise Conflict(both("not_that"), remedy=both("not_that_remedy"))
    round = kept.round
    if request.do == "publish" and ctx.now >= round.closes:
        raise Conflict(both("closed_before"), remedy=both("closed_before_remedy"))
    published = "allotted" if round.mode == "at_once" else "published"
    to = {"publish": published, "close": "closed", "cancel": "cancelled"}[request.do]
    tx.run(SQL["move_round"], id=round.id, state=kept.state, to=to)
    wake(tx, round.id, ctx.now)
