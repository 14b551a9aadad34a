"""An order as its person sees it: how it stands, what to pay and until when, what opens the counter, what was told."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.operation import Context, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.chats import chats_of, is_linked
from banyan.service.rationing.preorder.desk import desk_of
from banyan.service.rationing.preorder.phones import may_be_told, phones_of, shown
from banyan.service.rationing.preorder.records import Kept, KeptCharge, KeptRefund, Message, Order
from banyan.service.rationing.preorder.rounds import Phase, phase_of
from banyan.service.rationing.preorder.words import told

PAYABLE = ("asked", "open")


class Payment(msgspec.Struct, frozen=True):
    """How an order is paid: whole NT$, until when (RFC 3339 UTC), and what the chosen way needs."""

    method: str
    state: str
    amount: int
    until: str
    bank: str = ""
    account: str = ""
    page: str = ""
    slip: str = ""


class Refunded(msgspec.Struct, frozen=True):
    """Money on its way back. `state`: due, pending, failed (tried again), manual (a person pays it out), done."""

    amount: int
    reason: str
    state: str
    at: str


class Told(msgspec.Struct, frozen=True):
    at: str
    kind: str
    text: Text


class OwnOrder(msgspec.Struct, frozen=True):
    """`number` is public and names the order, `check_word` begins every message that is really ours, `pickup_code` is
    there once it is paid. `ahead`: who waits before them on the reserve list (None when they do not wait). Moments are
    RFC 3339 UTC and may be empty; money is whole NT$."""

    number: str
    round: str
    title: Text
    item: str
    quantity: int
    state: str
    phase: Phase
    amount: int
    paid: int
    part_paid: int
    pay_by: str
    check_word: str
    pickup_code: str
    pickup_from: str
    pickup_until: str
    outlets: tuple[str, ...]
    store: str
    registered_at: str
    ahead: int | None
    draw: str
    ticket: str
    """The name of the round's draw and this person's ticket in it, to check by; empty where nothing is drawn."""
    can: tuple[str, ...]
    """What they may do now: pay, withdraw, remind (by SMS, where this node sends any), chat (be reminded there)."""
    payment: Payment | None
    refunds: tuple[Refunded, ...]
    messages: tuple[Told, ...]
    telephone: str
    """Where they are reminded by SMS: the last digits alone."""
    is_chat_linked: bool = False
    """They are reminded in their own chat too."""


async def own_order(ctx: Context, kept: Kept, order: Order) -> OwnOrder:
    """The whole of it, read in one view."""

    def job(tx: Tx) -> tuple[list[KeptCharge], list[KeptRefund], list[Message], int | None, bytes]:
        waits = order.state == "waiting"
        ahead = records.count(tx, "ahead", round=order.round, place=order.place, id=order.id) if waits else None
        charges, refunds = records.charges_of(tx, order.id), records.refunds_of(tx, order.id)
        return charges, refunds, records.messages_of(tx, order.id), ahead, records.ticket_of(tx, order.id)

    charges, refunds, messages, ahead, ticket = await ctx.db.sql.read(job)
    round = kept.round
    is_won = order.state == "won" and order.pay_by > ctx.now
    payment = next((_payment(one) for one in charges if is_won and one.state in PAYABLE), None)
    return OwnOrder(
        number=order.id[:12],
        round=round.id,
        title={"zh-Hant": round.title_zh, "en": round.title_en},
        item=round.item,
        quantity=round.quantity,
        state=order.state,
        phase=phase_of(round, kept.state, ctx.now),
        amount=round.amount,
        paid=order.kept,
        part_paid=order.held,
        pay_by=_iso(order.pay_by) if order.state == "won" else "",
        check_word=order.word,
        pickup_code=order.code if order.state in ("paid", "collected") else "",
        pickup_from=iso(round.pickup_from),
        pickup_until=iso(round.pickup_until),
        outlets=round.outlets,
        store=order.store,
        registered_at=iso(order.at),
        ahead=ahead,
        draw=await desk_of(ctx.db).lots.name(ctx, round) if ticket else "",
        ticket=ticket.hex(),
        can=_can(order, ctx.now) + _ways(ctx, order),
        payment=payment,
        refunds=tuple(Refunded(one.amount, one.reason, one.state, iso(one.at)) for one in refunds),
        messages=tuple(Told(iso(one.at), one.kind, told(one.kind, one.facts, word=order.word)) for one in messages),
        telephone=await shown(ctx.db, order),
        is_chat_linked=await is_linked(ctx.db, order),
    )


def _ways(ctx: Context, order: Order) -> tuple[str, ...]:
    """How they may be reminded."""
    if not may_be_told(order.state):
        return ()
    return (("remind",) if phones_of(ctx.db) else ()) + (("chat",) if chats_of(ctx.db) else ())


def _can(order: Order, now: EpochS) -> tuple[str, ...]:
    if order.state == "won":
        return ("pay", "withdraw") if order.pay_by > now else ()
    return ("withdraw",) if order.state in ("registered", "waiting") else ()


def _payment(charge: KeptCharge) -> Payment:
    return Payment(
        charge.method,
        charge.state,
        charge.amount,
        iso(charge.until),
        charge.bank,
        charge.account,
        charge.page,
        charge.slip,
    )


def _iso(at: EpochS) -> str:
    return iso(at) if at else ""
