"""A round of preorder as data, and which of its windows is open: values in, values out.

All money is whole NT$; moments are epoch seconds, UTC. Sources: eMask rounds 1 to 3 of 2020 (register 12 to 18 March,
capacity 2.33M people, pay until 21 March 20:00, 3 masks NT$15 and NT$7 handling, pick up 26 March to 1 April).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.limits_rationing import (
    PREORDER_CAPACITY,
    PREORDER_OUTLETS,
    PREORDER_PRICE,
    PREORDER_QUANTITY,
    PREORDER_REMINDERS,
    PREORDER_TITLE,
)

State = Literal["draft", "published", "closed", "allotted", "over", "cancelled"]
"""What is kept. `closed`: no more registrations, the draw is awaited; the windows follow from the clock."""
Phase = Literal["draft", "announced", "registering", "drawing", "paying", "waiting", "pickup", "over", "cancelled"]
"""What people are told. `waiting`: paid for, not in the stores yet."""
Mode = Literal["draw", "at_once"]
"""`draw`: who is in is settled after registration closes (2.0). `at_once`: places go as people come (3.0)."""
Forfeit = Literal["stock", "stock_and_quota"]
"""What comes back when nobody collects: the goods (2020), or the person's right to them too."""

Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,29}$", description="such as 2026-w48-adult")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=PREORDER_TITLE)]
Outlet = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9./_-]{1,40}$")]
Money = Annotated[int, msgspec.Meta(ge=0, le=PREORDER_PRICE, description="whole NT$")]
Span = Annotated[int, msgspec.Meta(ge=0, le=30 * 86_400, description="seconds")]

POOL: Final = "preorder."
"""How the outlets of the engine begin that are a round's goods and no place."""


def is_pool(outlet: str) -> bool:
    """Whether an outlet of the engine is a round's goods: nobody can go there and buy."""
    return outlet.startswith(POOL)


class Round(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One round. `item` is the engine's; `price` is for `quantity` of it, `fee` for handling; `capacity` counts people.
    Who moves up from the reserve list has `reserve_pay_s` to pay, and nobody moves up who would have less of it before
    `reserve_until`. `reminders_s` are seconds before a payment's end. `outlets` are stores or chains; `renews` is the
    round that is offered in one step at pickup (續購)."""

    id: Id
    title_zh: Title
    title_en: Title
    item: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_.-]{0,38}$")]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=PREORDER_QUANTITY)]
    capacity: Annotated[int, msgspec.Meta(ge=1, le=PREORDER_CAPACITY)]
    price: Money
    fee: Money = 0
    opens: EpochS
    closes: EpochS
    pay_until: EpochS
    reserve_pay_s: Span
    reserve_until: EpochS
    pickup_from: EpochS
    pickup_until: EpochS
    outlets: Annotated[tuple[Outlet, ...], msgspec.Meta(min_length=1, max_length=PREORDER_OUTLETS)]
    mode: Mode = "draw"
    by_household: bool = False
    forfeit: Forfeit = "stock"
    reminders_s: Annotated[tuple[Span, ...], msgspec.Meta(max_length=PREORDER_REMINDERS)] = (86_400, 10_800)
    renews: Annotated[str, msgspec.Meta(max_length=30)] = ""

    @property
    def amount(self) -> int:
        """What one person pays, whole NT$."""
        return self.price + self.fee

    @property
    def pool(self) -> str:
        """The outlet in the engine that holds the round's goods until they are handed out: preorder and counter share
        one quota and never one pile."""
        return POOL + self.id

    def is_outlet(self, outlet: str) -> bool:
        """Whether a store belongs to the round: named itself, or of a chain that is."""
        return any(outlet == one or outlet.startswith(one + "/") for one in self.outlets)


class Fault(msgspec.Struct, frozen=True):
    """Why a round cannot be: the field, and the word for what to do."""

    field: str
    why: str


def faults_of(round: Round) -> tuple[Fault, ...]:
    """What is wrong with a round's own figures; empty when it can be published."""
    moments = (
        ("opens", "closes"),
        ("closes", "pay_until"),
        ("pay_until", "pickup_from"),
        ("pickup_from", "pickup_until"),
    )
    found = [
        Fault(after, f"after_{before}") for before, after in moments if getattr(round, before) >= getattr(round, after)
    ]
    if not round.pay_until <= round.reserve_until <= round.pickup_until:
        found.append(Fault("reserve_until", "after_pay_until"))
    if round.amount == 0:
        found.append(Fault("price", "something"))
    if round.renews == round.id:
        found.append(Fault("renews", "another"))
    if len(set(round.reminders_s)) != len(round.reminders_s):
        found.append(Fault("reminders_s", "once"))
    return tuple(found)


def phase_of(round: Round, state: State, now: EpochS) -> Phase:
    """What a round is at this moment."""
    if state in ("draft", "over", "cancelled"):
        return "over" if state == "over" else ("cancelled" if state == "cancelled" else "draft")
    if now < round.opens:
        return "announced"
    if now < round.closes and (state == "published" or round.mode == "at_once"):
        return "registering"
    if state in ("published", "closed"):
        return "drawing"
    if now >= round.pickup_until:
        return "over"
    if now >= round.pickup_from:
        return "pickup"
    return "paying" if now < round.reserve_until else "waiting"


def pay_by(round: Round, now: EpochS) -> EpochS:
    """Until when who wins in the draw may pay. A late draw moves the end, it shortens nobody's time."""
    return EpochS(max(round.pay_until, now + round.reserve_pay_s))


def moves_up_until(round: Round, now: EpochS) -> EpochS | None:
    """Until when who moves up now may pay: a window of their own; None when no whole one is left."""
    until = EpochS(now + round.reserve_pay_s)
    return until if until <= round.reserve_until else None
