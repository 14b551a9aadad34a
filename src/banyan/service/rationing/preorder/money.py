"""What a payment means for an order: kept, held, or sent back. Nothing that was paid is ever kept silently.

For every order, at every moment: received = kept + held + sent back (asked for, under way or done). `kept` is the price
or nothing; `held` is a part payment while the rest may still come. All figures are whole NT$.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from banyan.service.rationing.preorder.states import State

Reason = Literal["late", "double", "excess", "partial", "not_held", "round_cancelled"]
"""Why money goes back: after the end; a second time; more than the price; less than the price until the end; for an
order that holds no place; or the agency called the round off."""


class Purse(msgspec.Struct, frozen=True):
    """The money of one order."""

    kept: int = 0
    held: int = 0


class Refund(msgspec.Struct, frozen=True):
    amount: int
    reason: Reason


class Outcome(msgspec.Struct, frozen=True):
    """`purse` after the payment; `is_paid` when the price is whole now, for the first time; what goes back, if any."""

    purse: Purse
    is_paid: bool = False
    refund: Refund | None = None


def received(purse: Purse, state: State, amount: int, *, price: int, is_late: bool) -> Outcome:
    """A payment of `amount` has come for an order. `is_late`: the money moved after the order's end, by the provider's
    own clock: a word that comes late of a payment made in time is none."""
    assert amount > 0, "a payment is something"
    assert price > 0, "an order costs something"
    if state == "won" and not is_late:
        return _towards(purse, amount, price)
    if state in ("paid", "collected", "forfeited") and purse.kept:
        return Outcome(purse, refund=Refund(amount, "double"))
    reason: Reason = (
        "round_cancelled" if state == "cancelled" else ("late" if state in ("won", "lapsed") else "not_held")
    )
    return Outcome(purse, refund=Refund(amount, reason))


def over(purse: Purse, reason: Reason) -> Outcome:
    """The order has ended without goods: all that is here goes back."""
    back = purse.kept + purse.held
    return Outcome(Purse(), refund=Refund(back, reason) if back else None)


def _towards(purse: Purse, amount: int, price: int) -> Outcome:
    whole = purse.held + amount
    if whole < price:
        return Outcome(Purse(purse.kept, whole))
    excess = whole - price
    return Outcome(Purse(price, 0), is_paid=True, refund=Refund(excess, "excess") if excess else None)
