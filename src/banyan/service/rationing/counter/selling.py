"""Sell at the counter: a card, an item, at most one other person's card; one answer that is durable when it is given.

A refusal of the rules is an answer, not an error: it says why and from when. The same terminal and counter again give
the same sale, also after an answer was lost on the way.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_rationing import RATION_QTY
from banyan.service.rationing.counter.buyers import Typed, buyer_of, collector_of
from banyan.service.rationing.counter.cards import CARD_CHARACTERS, Paper
from banyan.service.rationing.counter.outlets import (
    Code,
    Counter,
    ItemId,
    Outlet,
    Terminal,
    admitted,
    key_of,
    labelled,
    wrong,
)
from banyan.service.rationing.counter.plates import Plate, ending_key
from banyan.service.rationing.counter.queueing import served, shown
from banyan.service.rationing.counter.saying import says_refused, says_sold
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Answer, Buy, Buyer, Engine, Receipt, Refusal, Void
from banyan.service.rationing.offline.marking import note
from banyan.service.rationing.service import SERVICE

CardNumber = Annotated[str, msgspec.Meta(min_length=1, max_length=CARD_CHARACTERS), labelled("card")]


class Sale(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`card` is of whose quota it is; `proxy` of who came instead, when somebody else did. `qty` 0: all that may be
    bought now. `paper` `permit` needs `born` (YYYY-MM-DD), as the paper shows it. With `plate` and its code the goods
    that the number holds are hers."""

    outlet: Code
    item: ItemId
    card: CardNumber
    terminal: Terminal
    counter: Counter
    qty: Annotated[int, msgspec.Meta(ge=0, le=RATION_QTY), labelled("qty")] = 0
    proxy: Annotated[str, msgspec.Meta(max_length=CARD_CHARACTERS), labelled("proxy")] = ""
    paper: Annotated[Paper, labelled("paper")] = "card"
    born: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$"), labelled("born")] = ""
    plate: Annotated[int, msgspec.Meta(ge=0, le=1_000_000), labelled("plate")] = 0
    plate_code: Annotated[str, msgspec.Meta(max_length=10), labelled("plate_code")] = ""


class Outcome(msgspec.Struct, frozen=True):
    """What a sale came to. `code` is empty when sold, else the engine's; `next_from` (RFC 3339 UTC) when more may be
    bought, empty when nobody knows; `left` is what the outlet has for who comes now. `says` is the answer in words, for
    a large screen and for ears. Nothing in it names the person."""

    result: Literal["sold", "refused"]
    item: str
    code: str
    qty: int
    next_from: str
    left: int
    says: dict[str, str]
    seq: int = 0


@SERVICE.operation(
    "sell",
    title={"zh-Hant": "實名制販售", "en": "Sell by real name"},
    summary={
        "zh-Hant": "藥師刷卡販售；同一終端機與序號重送只算一次。證件號碼不留存。",
        "en": "A pharmacist sells to a card's holder; sent again under one counter it counts once. No number is kept.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
    rate="bulk",
)
async def sell(ctx: Context, request: Sale) -> Outcome:
    """Raises Denied at another's outlet, Conflict without an order, Invalid or NotFound for the card."""
    outlet = await admitted(ctx, request.outlet)
    typed = Typed(request.card, request.paper, request.born)
    buyer = await buyer_of(ctx, typed, reason=f"實名制販售 {outlet.code}")
    by = await collector_of(ctx, Typed(request.proxy, field="proxy")) if request.proxy.strip() else b""
    engine = engine_of(ctx.db)
    asked = Asked(key_of(request.terminal, request.counter), buyer, request.item, by, outlet)
    is_again = await engine.receipt(asked.key) is not None
    plate = await _plate(ctx, request) if request.plate and not is_again else None
    if is_again and not request.qty:
        qty, answer = await _again(engine, asked)
    else:
        qty, answer = await _bought(engine, asked, request.qty, plate)
        if plate is not None and (qty or isinstance(answer, Receipt)):
            await served(ctx, plate, is_sold=isinstance(answer, Receipt))
    if isinstance(answer, Receipt):
        await note(ctx, buyer.person, request.card, request.paper, outlet=outlet.code)
    return await outcome_of(engine, asked, qty, answer)


class Asked(msgspec.Struct, frozen=True):
    """One purchase but for how many."""

    key: bytes
    buyer: Buyer
    item: str
    by: bytes
    outlet: Outlet

    def buy(self, qty: int) -> Buy:
        return Buy(
            key=self.key,
            buyer=self.buyer,
            item=self.item,
            qty=qty,
            outlet=self.outlet.code,
            channel=self.outlet.channel,
            collected_by=self.by,
        )


async def _plate(ctx: Context, request: Sale) -> Plate:
    plate = await shown(ctx, request.outlet, request.plate, request.plate_code)
    if plate.item != request.item:
        raise wrong("item", "other_item")
    return plate


async def _bought(engine: Engine, asked: Asked, qty: int, plate: Plate | None) -> tuple[int, Answer]:
    """Buy, and how many; 0 when nothing was tried that could have been had, so that a number is not lost by it. What a
    number holds is let go and bought in one turn of the engine: nobody comes in between."""
    entitled = await engine.entitlement(asked.buyer, asked.item)
    may = qty or entitled.may_buy
    if plate is None or not entitled.may_buy:
        answer = await engine.do(asked.buy(max(may, 1)))
        return (may if isinstance(answer, Receipt) else 0), answer
    freed = Void(key=ending_key(plate), ref=plate.key)
    _, answer = await engine.do_each([freed, asked.buy(may)])
    return may, answer


async def _again(engine: Engine, asked: Asked) -> tuple[int, Answer]:
    """A sale that is known already, of as many as it was."""
    entitled = await engine.entitlement(asked.buyer, asked.item)
    for qty in range(1, max(entitled.of, 1) + 1):
        answer = await engine.do(asked.buy(qty))
        if isinstance(answer, Receipt):
            return qty, answer
    return 0, Refusal("key_reused")


async def outcome_of(engine: Engine, asked: Asked, qty: int, answer: Answer) -> Outcome:
    """In words, with what is left at the outlet and when she may come again."""
    left = (await engine.stock(asked.outlet.code, asked.item)).available
    if isinstance(answer, Refusal):
        when = answer.next_from
        return Outcome("refused", asked.item, answer.code, 0, written(when), left, says_refused(answer, asked.item))
    after = await engine.entitlement(asked.buyer, asked.item)
    when = None if after.may_buy else after.from_when
    return Outcome("sold", asked.item, "", qty, written(when), left, says_sold(asked.item, qty, when), answer.seq)


def written(at: EpochS | None) -> str:
    return "" if at is None else iso(at)
