"""Goods of an outlet besides its sales: what arrives, what comes back, and a count that differs from the book."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.service.rationing.counter.buyers import Typed, collector_of
from banyan.service.rationing.counter.cards import CARD_CHARACTERS
from banyan.service.rationing.counter.outlets import (
    Code,
    Counter,
    ItemId,
    Terminal,
    admitted,
    both,
    key_of,
    labelled,
    said,
)
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Correct, Deliver, Receipt, Refusal, Return, Stock
from banyan.service.rationing.service import SERVICE

MOST = 1_000_000
Qty = Annotated[int, msgspec.Meta(ge=1, le=MOST), labelled("qty")]


class Shipment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that arrived."""

    outlet: Code
    item: ItemId
    qty: Qty
    terminal: Terminal
    counter: Counter


class GivenBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sold units that come back. With the `card` and the sale's own `sale_terminal` and `sale_counter` the buyer gets
    her ration back too; without, only the stock comes back."""

    outlet: Code
    item: ItemId
    qty: Qty
    terminal: Terminal
    counter: Counter
    card: Annotated[str, msgspec.Meta(max_length=CARD_CHARACTERS), labelled("card")] = ""
    sale_terminal: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{16})?$"), labelled("sale_terminal")] = ""
    sale_counter: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1), labelled("sale_counter")] = 0


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`delta` more or fewer than the book says, and why."""

    outlet: Code
    item: ItemId
    delta: Annotated[int, msgspec.Meta(ge=-MOST, le=MOST), labelled("delta")]
    reason: Annotated[str, msgspec.Meta(pattern="^(counted|damaged|sent_back|found|other)$"), labelled("reason")]
    terminal: Terminal
    counter: Counter


class Standing(msgspec.Struct, frozen=True):
    """An item at an outlet: `available` for who comes now, `reserved` promised, `leased` handed to devices and queue
    numbers. `seq` and `at` (RFC 3339 UTC) are of the act that was just written."""

    item: str
    available: int
    reserved: int
    leased: int
    sold: int
    seq: int = 0
    at: str = ""


def standing(item: str, stock: Stock, receipt: Receipt | None = None) -> Standing:
    seq, at = (receipt.seq, iso(receipt.at)) if receipt is not None else (0, "")
    return Standing(item, stock.available, stock.reserved, stock.leased, stock.sold, seq, at)


@SERVICE.operation(
    "deliver",
    title={"zh-Hant": "登記進貨", "en": "Note a shipment"},
    summary={"zh-Hant": "登記到貨數量；同一序號重送只算一次。", "en": "Units that arrived; sent again it counts once."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
)
async def deliver(ctx: Context, request: Shipment) -> Standing:
    """Raises Denied at another's outlet, Conflict for a counter of another act."""
    await admitted(ctx, request.outlet)
    key = key_of(request.terminal, request.counter)
    return await _done(ctx, Deliver(key=key, outlet=request.outlet, item=request.item, qty=request.qty))


@SERVICE.operation(
    "give_back",
    title={"zh-Hant": "登記退回", "en": "Take back what was sold"},
    summary={
        "zh-Hant": "已售出的退回入庫；附上原銷售與證件時，額度一併退還。",
        "en": "Sold units come back into stock; with the sale and the card the ration comes back too.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
)
async def give_back(ctx: Context, request: GivenBack) -> Standing:
    await admitted(ctx, request.outlet)
    is_whole = bool(request.card.strip()) == bool(request.sale_terminal) == bool(request.sale_counter)
    if not is_whole:
        raise Invalid.at("card", both("whole_return"))
    person, of = b"", b""
    if request.card.strip():
        person = await collector_of(ctx, Typed(request.card))
        of = key_of(request.sale_terminal, request.sale_counter)
    key = key_of(request.terminal, request.counter)
    back = Return(key=key, outlet=request.outlet, item=request.item, qty=request.qty, person=person, of=of)
    return await _done(ctx, back)


@SERVICE.operation(
    "correct",
    title={"zh-Hant": "更正庫存", "en": "Put a count right"},
    summary={"zh-Hant": "盤點與帳面不符時更正，要寫原因。", "en": "When a count differs from the book; it says why."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
)
async def correct(ctx: Context, request: Correction) -> Standing:
    await admitted(ctx, request.outlet)
    if not request.delta:
        raise Invalid.at("delta", both("no_delta"))
    key = key_of(request.terminal, request.counter)
    put = Correct(key=key, outlet=request.outlet, item=request.item, delta=request.delta, reason=request.reason)
    return await _done(ctx, put)


async def _done(ctx: Context, command: Deliver | Return | Correct) -> Standing:
    """Raises Conflict in the engine's words when it does not stand."""
    engine = engine_of(ctx.db)
    answer = await engine.do(command)
    if isinstance(answer, Refusal):
        raise refused(answer)
    return standing(command.item, await engine.stock(command.outlet, command.item), answer)


def refused(refusal: Refusal) -> Conflict:
    """An act on goods that does not stand; `kind` is the engine's code."""
    known = refusal.code if refusal.code in ("key_reused", "not_sold", "no_stock") else "act"
    return said(Conflict, f"not_{known}" if known != "not_sold" else known, slug=refusal.code.replace("_", "-"),
                left=refusal.left, field=refusal.field)  # fmt: skip
