"""Asking the provider: charges, what became of them, and refunds. No transaction is open while it is asked."""

from __future__ import annotations

from functools import partial

from banyan.errors import Conflict, Unavailable
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_CHARGES, PREORDER_WORDS
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.desk import desk_of
from banyan.service.rationing.preorder.moving import answer_charge, refund_answered, take_word
from banyan.service.rationing.preorder.payment import Ask, Back, Charge, Method
from banyan.service.rationing.preorder.records import SQL, Kept, KeptCharge, Order
from banyan.service.rationing.preorder.rounds import Round
from banyan.service.rationing.preorder.words import both

OPEN = ("asked", "open")


async def charged(ctx: Context, order: Order, amount: int, method: Method, back: str) -> KeptCharge:
    """The one charge by which an order is paid now. Asked again it is the same; another way to pay ends the one before,
    and when that one turns out to be paid there is nothing to charge: Conflict. Raises Unavailable when the provider
    does not answer; asking again is safe."""
    provider = desk_of(ctx.db).pays()
    for other in await ctx.db.sql.read(lambda tx: records.charges_of(tx, order.id)):
        if other.state in OPEN and other.method != method:
            await end(ctx, order, other)
    fresh = await ctx.db.sql.write(partial(_begun, order=order, amount=amount, method=method, now=ctx.now,
                                           reference=desk_of(ctx.db).new_id()))  # fmt: skip
    ask = Ask(fresh.reference, method, fresh.amount, order.pay_by, back)
    answered = await provider.charge(ask)
    await ctx.db.sql.write(lambda tx: answer_charge(tx, answered))
    found = await ctx.db.sql.read(lambda tx: records.charge_of(tx, fresh.reference))
    assert found is not None, "it was just written"
    return found


async def end(ctx: Context, order: Order, charge: KeptCharge) -> Charge:
    """Let the provider take nothing more for a charge, and hear what it had taken. Raises Conflict when it was paid."""
    try:
        ended = await desk_of(ctx.db).pays().cancel(charge.reference)
    except Conflict:  # it never heard of the charge: there is nothing to end
        ended = Charge(charge.reference, "cancelled")
    if ended.received:
        await hear_charge(ctx, order, charge.reference)
    if ended.state == "paid":
        raise Conflict(both("already_paid"), remedy=both("already_paid_remedy"), kind="already-paid")
    await ctx.db.sql.write(lambda tx: tx.run(SQL["end_charge"], reference=charge.reference, state="cancelled"))
    return ended


async def hear(ctx: Context, order: Order) -> None:
    """Ask the provider about every charge of an order, so that no word is missed. Raises Unavailable."""
    for charge in await ctx.db.sql.read(lambda tx: records.charges_of(tx, order.id)):
        await hear_charge(ctx, order, charge.reference)


async def hear_charge(ctx: Context, order: Order, reference: str) -> None:
    try:
        _, words = await desk_of(ctx.db).pays().look(reference)
    except Conflict:  # it never heard of the charge: nobody paid it
        return
    kept = await ctx.db.sql.read(lambda tx: records.round_of(tx, order.round))
    assert kept is not None, "an order has its round"
    take = partial(take_word, price=kept.round.amount, now=ctx.now, new_id=desk_of(ctx.db).new_id)
    for word in sorted(words[:PREORDER_WORDS], key=lambda one: one.at):
        await ctx.db.sql.write(partial(_take, take=take, word=word))


async def cancel_idle(ctx: Context, kept: Kept) -> bool:
    """End the charges of orders that hold no place any more, so that nobody pays for nothing."""
    desk = desk_of(ctx.db)
    if desk.provider is None:
        return False
    done = False
    for charge in await ctx.db.sql.read(lambda tx: _idle(tx, kept.round.id)):
        order = await ctx.db.sql.read(partial(records.order_by_id, id=charge.preorder))
        assert order is not None, "a charge has its order"
        try:
            await end(ctx, order, charge)
        except Unavailable:
            return done
        except Conflict:
            await ctx.db.sql.write(partial(_paid, reference=charge.reference))
        done = True
    return done


async def reconcile(ctx: Context, kept: Kept) -> bool:
    """Compare every charge with the provider's books, when all should be told and once more at the end: a payment whose
    word was lost is heard then, also one that was paid twice."""
    round, desk = kept.round, desk_of(ctx.db)
    nth = times_due(round, ctx.now)
    if desk.provider is None or not nth or kept.figures or kept.state == "draft":
        return False
    due = await ctx.db.sql.read(lambda tx: records.charges(tx, "unchecked", round=round.id, nth=nth))
    for charge in due:
        order = await ctx.db.sql.read(partial(records.order_by_id, id=charge.preorder))
        assert order is not None, "a charge has its order"
        try:
            await hear_charge(ctx, order, charge.reference)
        except Unavailable:
            return False
        await ctx.db.sql.write(partial(_checked, reference=charge.reference, nth=nth))
    return bool(due)


def times_due(round: Round, now: EpochS) -> int:
    """How often the provider's books are to be compared with ours by now."""
    return sum(now >= at for at in (round.pickup_from, round.pickup_until))


async def send_refunds(ctx: Context, kept: Kept) -> bool:
    """Ask for the refunds that are due. Without an answer the same try is asked for again, later."""
    desk = desk_of(ctx.db)
    if desk.provider is None:
        return False
    done = False
    due = await ctx.db.sql.read(lambda tx: records.refunds(tx, "due_refunds", round=kept.round.id, now=ctx.now))
    for refund in due:
        order = await ctx.db.sql.read(partial(records.order_by_id, id=refund.preorder))
        assert order is not None, "a refund has its order"
        try:
            back = await desk.provider.refund(refund.reference, refund.payment, refund.key, refund.amount)
        except Unavailable:
            return done
        except Conflict:  # it will never do this
            back = Back("failed")
        await ctx.db.sql.write(partial(refund_answered, refund=refund, order=order, state=back.state, now=ctx.now))
        done = True
    return done


def _begun(tx: Tx, *, order: Order, amount: int, method: Method, now: EpochS, reference: str) -> KeptCharge:
    known = records.charges_of(tx, order.id)
    for one in known:
        if one.state in OPEN:
            if one.method != method:  # somebody else chose between: they were first
                raise Conflict(both("other_way"), remedy=both("other_way_remedy"))
            return one
    if len(known) >= PREORDER_CHARGES:
        raise Conflict(both("too_many"), remedy=both("too_many_remedy"))
    tx.run(SQL["put_charge"], reference=reference, preorder=order.id, method=method, amount=amount,
           until=order.pay_by, at=now)  # fmt: skip
    made = records.charge_of(tx, reference)
    assert made is not None, "it was just written"
    return made


def _take(tx: Tx, *, take: partial[bool], word: object) -> bool:
    return take(tx, word)


def _idle(tx: Tx, round: str) -> list[KeptCharge]:
    return records.charges(tx, "open_charges", round=round)


def _checked(tx: Tx, *, reference: str, nth: int) -> None:
    tx.run(SQL["checked"], reference=reference, nth=nth)


def _paid(tx: Tx, *, reference: str) -> None:
    tx.run(SQL["end_charge"], reference=reference, state="paid")
