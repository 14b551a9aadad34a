"""From what a reader typed to whose quota it is: the number becomes a pseudonym at once and goes no further.

The birth date is read for the agency that rations, behind the gate; who stands at the counter learns only the answer.
A permit's holder is in no register here: the pharmacist types the birth date that the paper shows.
"""

from __future__ import annotations

from datetime import date

import msgspec

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.service.rationing.counter.cards import Card, Paper, of_number, permit_name, read_card
from banyan.service.rationing.counter.outlets import both, said, wrong
from banyan.service.rationing.counter.registers import registers_of
from banyan.service.rationing.engine.days import date_of, day_of
from banyan.service.rationing.engine.model import Buyer
from banyan.service.rationing.shelf import person_of

OLDEST = 130
"""Years: nobody was older."""


class Typed(msgspec.Struct, frozen=True):
    """What was typed, and the paper it stands on; `born` only of a permit. `field` is the request's, for a refusal."""

    text: str
    paper: Paper = "card"
    born: str = ""
    field: str = "card"


async def buyer_of(ctx: Context, typed: Typed, *, reason: str) -> Buyer:
    """The buyer. `reason` stands where the order's uses are reviewed; it names no person. Raises Invalid for what is no
    card, NotFound for a card or number nobody has, Refused where no order lets the register be read."""
    card = await _card(ctx, typed)
    if card.kind == "entry_permit":
        return Buyer(person_of(ctx.db, permit_name(card.number)), _born(ctx, typed), None, card.kind)
    try:
        born = await registers_of(ctx.db).born(card.number, reason)
    except NotFound:
        raise said(NotFound, "nobody", slug="unknown-card") from None
    return Buyer(person_of(ctx.db, card.number), born, card.parity, card.kind)


async def collector_of(ctx: Context, typed: Typed) -> bytes:
    """The pseudonym of who came with another's card: no register is asked about them."""
    card = await _card(ctx, typed)
    return person_of(ctx.db, permit_name(card.number) if card.kind == "entry_permit" else card.number)


async def _card(ctx: Context, typed: Typed) -> Card:
    card = read_card(typed.text, typed.paper)
    if card is None:
        raise wrong(typed.field, "no_card_number" if typed.paper != "permit" else "no_permit")
    if not card.is_nhi:
        return card
    number = await registers_of(ctx.db).holder(card.number)
    found = of_number(number) if number else None
    if found is None:
        raise said(NotFound, "nobody", slug="unknown-card")
    return found


def _born(ctx: Context, typed: Typed) -> date:
    try:
        born = date.fromisoformat(typed.born)
    except ValueError:
        raise Invalid.at("born", both("no_birth_date")) from None
    today = date_of(day_of(ctx.now))
    if not today.year - OLDEST <= born.year or born > today:
        raise Invalid.at("born", both("no_birth_date"))
    return born
