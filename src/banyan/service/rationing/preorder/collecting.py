"""Pickup at any store of the round, and what a store's kiosk does (實名制 3.0): order, pay, collect, order again.

A code opens one order together with the number of its person; who brings both may be somebody else. Nothing here can
be browsed: a wrong code and a wrong number get the same words.
"""

from __future__ import annotations

import hmac
from datetime import date
from typing import Annotated, Literal

import msgspec

from banyan.errors import Conflict, Denied, Invalid, NotFound, Problem
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import iso
from banyan.kernel.identity.identifiers import normalized_person_number, person_number_kind
from banyan.kernel.storage.store import Tx
from banyan.service.rationing.engine.model import Buyer
from banyan.service.rationing.engine.rulebook import Kind
from banyan.service.rationing.preorder import records, registering
from banyan.service.rationing.preorder.advancing import wake
from banyan.service.rationing.preorder.desk import desk_of
from banyan.service.rationing.preorder.moving import moved
from banyan.service.rationing.preorder.paying import paying
from banyan.service.rationing.preorder.pledging import settle
from banyan.service.rationing.preorder.records import Kept, Order
from banyan.service.rationing.preorder.rounds import Id, Outlet
from banyan.service.rationing.preorder.showing import own_order
from banyan.service.rationing.preorder.words import both
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import person_of

Code = Annotated[str, msgspec.Meta(min_length=8, max_length=12)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
Outcome = Literal["handed_out", "already", "not_paid", "not_yet", "over"]
READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V", "-": None, " ": None})


class Pickup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`code` and the number on the document; `outlet` is the store. With `renew`, the round that follows is ordered in
    the same step (續購)."""

    code: Code
    person: Number
    outlet: Outlet
    renew: bool = False


class Renewed(msgspec.Struct, frozen=True):
    """What became of ordering again: the round, and the state of the order or why there is none."""

    round: str
    state: str = ""
    refusal: str = ""


class PickedUp(msgspec.Struct, frozen=True):
    """`handed_out`: give `quantity` of the item, now and once. Everything else: give nothing."""

    outcome: Outcome
    round: str
    title: Text
    item: str
    quantity: int
    pickup_from: str
    pickup_until: str
    renewed: Renewed | None = None


class AtKiosk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a kiosk has: the card's number and birth date, and the round."""

    person: Number
    born: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    round: Id
    outlet: Outlet


class KioskOrder(msgspec.Struct, frozen=True):
    """What the kiosk prints: whole NT$ to pay at the counter by `slip`, until when. Without a slip there is nothing to
    pay here now: `state` says why, or `refusal` does."""

    round: str
    item: str
    quantity: int
    state: Annotated[str, personal("C132")] | UnsetType = UNSET
    refusal: Annotated[str, personal("C132")] | UnsetType = UNSET
    amount: Annotated[int, personal("C132")] | UnsetType = UNSET
    slip: Annotated[str, personal("C132")] | UnsetType = UNSET
    pay_by: Annotated[str, personal("C132")] | UnsetType = UNSET
    check_word: Annotated[str, personal("C132")] | UnsetType = UNSET


@SERVICE.operation(
    "collect",
    title={"zh-Hant": "憑碼領取", "en": "Hand out by code"},
    summary={"zh-Hant": "取貨代碼加證號，任一門市；可由他人代領；只發一次。",
             "en": "A pickup code and the number, at any store, by anybody who has both; once."},
    data=OPEN,
    audience="agency",
    effect="write",
    purpose="own-affairs",
    rate="write",
)  # fmt: skip
async def collect(ctx: Context, request: Pickup) -> PickedUp:
    """Raises NotFound in the same words whatever does not fit, Denied for a store that is not the caller's or not in
    the round."""
    person = _person(ctx, request.person)
    code = request.code.upper().translate(READ_AS)

    def job(tx: Tx) -> tuple[Kept, Order, Outcome]:
        order = records.order_by_code(tx, code)
        is_theirs = hmac.compare_digest(order.person if order is not None else bytes(len(person)), person)
        kept = records.round_of(tx, order.round) if order is not None else None
        if order is None or kept is None or not is_theirs:
            raise NotFound(both("no_pickup"), remedy=both("no_pickup_remedy"))
        _refuse_elsewhere(ctx, kept, request.outlet)
        outcome = _outcome(kept, order, ctx.now)
        if outcome == "handed_out":
            after = moved(tx, order, "collect", ctx.now, new_id=desk_of(ctx.db).new_id, store=request.outlet)
            assert after is not None, "a paid order can be collected"
            records.tell(tx, after, "collected", ctx.now, store=request.outlet)
            wake(tx, order.round, ctx.now)
            order = after
        return kept, order, outcome

    kept, order, outcome = await ctx.db.sql.write(job)
    if outcome == "handed_out":
        await settle(ctx, kept)
    renewed = await _renewed(ctx, kept, order) if request.renew and outcome in ("handed_out", "already") else None
    round = kept.round
    title = {"zh-Hant": round.title_zh, "en": round.title_en}
    return PickedUp(
        outcome, round.id, title, round.item, round.quantity, iso(round.pickup_from), iso(round.pickup_until), renewed
    )


@SERVICE.operation(
    "order_at_kiosk",
    title={"zh-Hant": "門市機台預購", "en": "Order at a store's kiosk"},
    summary={"zh-Hant": "插卡下單，櫃檯付款；重複操作還是同一筆。",
             "en": "Order by card, pay at the counter; again it is the same order."},
    data=("identity",),
    audience="agency",
    effect="write",
    purpose="012",
    subject="person",
)  # fmt: skip
async def order_at_kiosk(ctx: Context, request: AtKiosk) -> KioskOrder:
    """The order of (round, person), made when there is none, and its slip to pay when a place is held for it. Raises
    Denied for a store that is not the caller's or not of the round, Conflict outside of the round's registration for
    who has no order."""
    kept = await registering.round_now(ctx, request.round)
    _refuse_elsewhere(ctx, kept, request.outlet)
    person = _person(ctx, request.person)
    order = await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person))
    if order is None or order.state == "withdrawn":
        registering.refuse_unless_open(ctx, kept)
        buyer = Buyer(person, _date(request.born), _parity(request.person), _kind(request.person))
        made = await registering.registered(ctx, kept, buyer, group=person, channel="kiosk")
        if made.refusal is not None:
            return _printed(kept, "", refusal=made.refusal.code)
        order = registering.found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
    elif order.state == "waiting":  # pressed twice: the other press has it in hand, and its slip is this one's too
        await registering.give_places(ctx, kept)
        order = registering.found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
    if order.state != "won" or ctx.now >= order.pay_by:
        return _printed(kept, order.state, check_word=order.word)
    try:
        order = await paying(ctx, kept, order, "counter")
    except Conflict:  # paid a moment ago, some other way
        order = registering.found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
        return _printed(kept, order.state, check_word=order.word)
    shown = await own_order(ctx, kept, order)
    slip = shown.payment.slip if shown.payment is not None else ""
    due = shown.payment.amount if shown.payment is not None else 0
    return _printed(kept, order.state, amount=due, slip=slip, pay_by=shown.pay_by, check_word=order.word)


async def _renewed(ctx: Context, kept: Kept, order: Order) -> Renewed:
    """Order the next round for the person of this order: the facts are known, the document was just looked at."""
    id = kept.round.renews
    if not id:
        return Renewed("", refusal="no_round")
    try:
        after = await registering.round_now(ctx, id)
        registering.refuse_unless_open(ctx, after)
    except Problem as problem:
        return Renewed(id, refusal=problem.kind)
    made = await registering.registered(ctx, after, order.buyer, group=order.person, channel="renewal")
    if made.refusal is not None:
        return Renewed(id, refusal=made.refusal.code)
    return Renewed(id, state=made.order.state if made.order is not None else "")


def _outcome(kept: Kept, order: Order, now: float) -> Outcome:
    if order.state == "collected":
        return "already"
    if order.state == "forfeited" or (order.state == "paid" and now >= kept.round.pickup_until):
        return "over"
    if order.state != "paid":
        return "not_paid"
    return "not_yet" if now < kept.round.pickup_from else "handed_out"


def _refuse_elsewhere(ctx: Context, kept: Kept, outlet: str) -> None:
    """A store speaks for itself: its officers and machines name no other, and the round names it or its chain."""
    agency = ctx.caller.agency
    if not agency or not (outlet == agency or outlet.startswith(agency + "/")) or not kept.round.is_outlet(outlet):
        raise Denied(both("other_store"), remedy=both("other_store_remedy"), kind="other-store")


def _person(ctx: Context, number: str) -> bytes:
    if person_number_kind(normalized_person_number(number)) is None:
        raise Invalid.at("person", both("fix_number"))
    return person_of(ctx.db, number)


def _kind(number: str) -> Kind:
    return "citizen" if person_number_kind(normalized_person_number(number)) == "national" else "resident"


def _parity(number: str) -> int:
    return int(normalized_person_number(number)[-1]) % 2


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid.at("born", both("say_born")) from None


def _printed(
    kept: Kept,
    state: str,
    *,
    refusal: str = "",
    amount: int = 0,
    slip: str = "",
    pay_by: str = "",
    check_word: str = "",
) -> KioskOrder:
    round = kept.round
    return KioskOrder(
        round.id, round.item, round.quantity, state=state, refusal=refusal, amount=amount, slip=slip, pay_by=pay_by,
        check_word=check_word,
    )  # fmt: skip
