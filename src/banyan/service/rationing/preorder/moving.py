"""Steps of an order in the records: its state, its money, and what its person is told, in one commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_REFUND_TRIES, PREORDER_REFUND_WAIT_S
from banyan.service.rationing.preorder import chats, money, records, states
from banyan.service.rationing.preorder.money import Purse, Reason
from banyan.service.rationing.preorder.payment import Charge, Word
from banyan.service.rationing.preorder.phones import may_be_told
from banyan.service.rationing.preorder.records import SQL, KeptCharge, KeptRefund, Order
from banyan.service.rationing.preorder.states import Happening, Owed

NewId = Callable[[], str]
PAYMENT: Final = "payment.received"
ENDS: Final[dict[Happening, Reason]] = {"lapse": "partial", "withdraw": "not_held", "cancel": "round_cancelled"}


class Unknown(NotFound):
    """A word about a charge that nobody asked for here."""


def moved(
    tx: Tx,
    order: Order,
    happening: Happening,
    now: EpochS,
    *,
    new_id: NewId,
    pay_by: EpochS | None = None,
    store: str = "",
    owes: Owed | None = None,
) -> Order | None:
    """The order after a step, or None when it does not follow or somebody else was first. An order that ends without
    goods sends back what was paid for it."""
    step = states.step(order.state, happening)
    if step is None:
        return None
    after = msgspec.structs.replace(
        order,
        state=step.to,
        owes=step.owes if owes is None else owes,
        pay_by=order.pay_by if pay_by is None else pay_by,
        store=store or order.store,
        done_at=now,
    )
    purse = Purse(order.kept, order.held)
    if step.ends:
        outcome = money.over(purse, ENDS[happening])
        purse = outcome.purse
        if outcome.refund is not None:
            send_back(tx, order, outcome.refund, now, new_id=new_id)
    after = msgspec.structs.replace(after, kept=purse.kept, held=purse.held)
    wrote = tx.run(
        SQL["move"], id=order.id, state=order.state, turn=order.turn, to=after.state, owes=after.owes, kept=after.kept,
        held=after.held, pay_by=after.pay_by, store=after.store, at=now,
    )  # fmt: skip
    if wrote and not may_be_told(after.state):
        tx.run(SQL["drop_phone"], preorder=order.id)
        chats.drop(tx, order.id)
    return after if wrote else None


def send_back(tx: Tx, order: Order, refund: money.Refund, now: EpochS, *, new_id: NewId) -> None:
    """Refunds over the order's payments, the newest first: a refund belongs to one payment, the account it came from.
    The person is told at once, not when the bank has moved it."""
    left = refund.amount
    for row in tx.rows(SQL["payments"], preorder=order.id):
        payment, reference, here = str(row[0]), str(row[1]), int(str(row[2]))
        part = min(left, here)
        if part <= 0:
            break
        tx.run(SQL["goes_back"], id=payment, amount=part)
        tx.run(SQL["put_refund"], id=new_id(), preorder=order.id, round=order.round, reference=reference,
               payment=payment, amount=part, reason=refund.reason, at=now)  # fmt: skip
        left -= part
    assert left == 0, "no more goes back than came"
    records.tell(tx, order, f"refund_{refund.reason}", now, amount=refund.amount)


def take_word(tx: Tx, word: Word, price: int, now: EpochS, *, new_id: NewId) -> bool:
    """What a provider's word does, once for ever; False for one that was heard before. Raises Unknown."""
    charge = records.charge_of(tx, word.reference)
    order = records.order_by_id(tx, charge.preorder) if charge is not None else None
    if charge is None or order is None:
        raise Unknown("no charge has this reference", remedy="reference: send the one that the charge was asked for by")
    fresh = tx.run(SQL["put_word"], id=word.id, preorder=order.id, reference=word.reference, type=word.type,
                   amount=word.amount, moved_at=word.at, at=now)  # fmt: skip
    if not fresh:
        return False
    if word.type == PAYMENT and word.amount > 0:
        _paid(tx, order, charge, word, price=price, now=now, new_id=new_id)
    elif word.type == "payment.failed":
        _refused(tx, order, charge, now)
    else:
        _went_back(tx, order, word, now)
    return True


def answer_charge(tx: Tx, charge: Charge) -> None:
    """Keep what the provider made of a charge; `paid` is only said by a word."""
    state = "open" if charge.state == "paid" else charge.state
    tx.run(SQL["answer_charge"], reference=charge.reference, state=state, bank=charge.bank, account=charge.account,
           page=charge.page, slip=charge.slip)  # fmt: skip


def refund_answered(tx: Tx, refund: KeptRefund, order: Order, state: str, now: EpochS) -> None:
    """What the provider answered when this try was asked for. A word that came before the answer stands."""
    known = _refund(tx, order, refund.id)
    if known is not None and known.tries == refund.tries and known.state in ("due", "failed"):
        _refund_is(tx, known, order, state, now, moved_at=known.moved_at)


def _paid(tx: Tx, order: Order, charge: KeptCharge, word: Word, *, price: int, now: EpochS, new_id: NewId) -> None:
    purse = Purse(order.kept, order.held)
    outcome = money.received(purse, order.state, word.amount, price=price, is_late=word.at > order.pay_by)
    tx.run(SQL["purse"], id=order.id, kept=outcome.purse.kept, held=outcome.purse.held)
    order = msgspec.structs.replace(order, kept=outcome.purse.kept, held=outcome.purse.held)
    if outcome.refund is not None:
        send_back(tx, order, outcome.refund, now, new_id=new_id)
    if outcome.is_paid:
        after = moved(tx, order, "pay", now, new_id=new_id)
        assert after is not None, "who has won may pay"
        records.tell(tx, after, "paid", now, amount=price)
        tx.run(SQL["end_charge"], reference=charge.reference, state="paid")
    elif outcome.purse.held:
        records.tell(tx, order, "partial", now, amount=word.amount, left=price - outcome.purse.held)


def _refused(tx: Tx, order: Order, charge: KeptCharge, now: EpochS) -> None:
    """A card that was refused. What came after it, or before it on another try, stands."""
    if order.state == "won" and tx.run(SQL["end_charge"], reference=charge.reference, state="failed"):
        records.tell(tx, order, "payment_failed", now)


def _went_back(tx: Tx, order: Order, word: Word, now: EpochS) -> None:
    """A word about a refund, by our key `id.try`. An older word than the last changes nothing, and that an earlier try
    failed is known: it is why there is this one. One that was done can still come back from the bank: failed."""
    id, _, tried = word.key.partition(".")
    refund = _refund(tx, order, id)
    if refund is None or word.at < refund.moved_at or not tried.isdigit():
        return
    state = word.type.removeprefix("refund.")
    if state == "done" or (int(tried) == refund.tries and refund.state != "manual"):
        _refund_is(tx, refund, order, state, now, moved_at=word.at)


def _refund_is(tx: Tx, refund: KeptRefund, order: Order, state: str, now: EpochS, *, moved_at: EpochS) -> None:
    tries, due, to = refund.tries, refund.due, state
    if state == "failed":
        tries += 1
        due = EpochS(now + PREORDER_REFUND_WAIT_S * 2 ** (tries - 1))
        to = "manual" if tries >= PREORDER_REFUND_TRIES else "failed"
    tx.run(SQL["move_refund"], id=refund.id, state=to, tries=tries, due=due, moved_at=moved_at)
    if to in ("done", "manual") and to != refund.state:
        records.tell(tx, order, f"refund_{to}", now, amount=refund.amount)


def _refund(tx: Tx, order: Order, id: str) -> KeptRefund | None:
    return next((one for one in records.refunds_of(tx, order.id) if one.id == id), None)
