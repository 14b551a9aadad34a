"""Payment of an order: by its person, and the provider's words about it at `POST /preorder/payments`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec

from banyan.errors import UNREADABLE, Conflict, Denied, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_WORD_BYTES
from banyan.service.rationing.preorder import charging, records
from banyan.service.rationing.preorder.advancing import wake
from banyan.service.rationing.preorder.desk import desk_of
from banyan.service.rationing.preorder.moving import take_word
from banyan.service.rationing.preorder.payment import HEADER, Method, Word, is_genuine
from banyan.service.rationing.preorder.records import Kept, Order
from banyan.service.rationing.preorder.registering import found, own_affair, own_person, round_now
from banyan.service.rationing.preorder.rounds import Id
from banyan.service.rationing.preorder.showing import OwnOrder, own_order
from banyan.service.rationing.preorder.words import both
from banyan.service.rationing.service import SERVICE

ORDERS = "/rationing/orders"


class Paying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    round: Id
    method: Method


class Heard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's word as it was sent: its body, and the value of its Payment-Signature."""

    body: Annotated[str, msgspec.Meta(max_length=PREORDER_WORD_BYTES)]
    signature: Annotated[str, msgspec.Meta(max_length=2_000)]


class Taken(msgspec.Struct, frozen=True):
    """`is_new` is False for a word that was heard before; either way it need not be sent again."""

    is_new: bool


@own_affair(
    "pay_preorder",
    title=("付款", "Pay"),
    summary=("取得轉帳帳號、刷卡頁或超商繳費條碼；再問一次還是同一筆。",
             "An account to transfer to, a card page, or a slip for a store; asked again it is the same."),
)  # fmt: skip
async def pay_preorder(ctx: Context, request: Paying) -> OwnOrder:
    """Raises NotFound without an order, Conflict when there is nothing to pay, Unavailable while the provider is."""
    kept = await round_now(ctx, request.round)
    person = own_person(ctx)
    order = found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
    return await own_order(ctx, kept, await paying(ctx, kept, order, request.method))


async def paying(ctx: Context, kept: Kept, order: Order, method: Method) -> Order:
    """The order with its one open charge. Raises Conflict when there is nothing to pay: so nobody pays twice."""
    if order.state in ("paid", "collected", "forfeited"):
        raise Conflict(both("already_paid"), remedy=both("already_paid_remedy"), kind="already-paid")
    if order.state != "won" or ctx.now >= order.pay_by:
        raise Conflict(both("nothing_to_pay"), remedy=both("nothing_to_pay_remedy"), kind="nothing-to-pay")
    await charging.charged(ctx, order, kept.round.amount - order.held, method, ORDERS)
    return found(await ctx.db.sql.read(lambda tx: records.order_by_id(tx, order.id)))


@SERVICE.operation(
    "payment_word",
    title={"zh-Hant": "金流通知", "en": "A payment provider's word"},
    summary={"zh-Hant": "收款、退款結果的簽章通知。", "en": "A signed word of a payment or a refund."},
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    path="/api/rationing/payment_word",
    channels=("api",),
    rate="bulk",
)
async def payment_word(ctx: Context, request: Heard) -> Taken:
    """Raises Denied for a signature that is not the provider's or not of these minutes, NotFound for a charge that was
    never asked for here, Invalid for what cannot be read."""
    desk = desk_of(ctx.db)
    if not is_genuine(desk.secrets, request.body.encode(), request.signature, ctx.now):
        raise Denied("payment-signature: not ours, or older than five minutes", remedy="sign `t.body` with the secret")
    try:
        word = msgspec.json.decode(request.body, type=Word)
    except UNREADABLE as error:
        raise Invalid.at("body", f"a word about a payment: {error}") from error
    job = partial(_heard, word=word, ctx=ctx)
    return Taken(await ctx.db.sql.write(job))


@SERVICE.face("POST", path="/preorder/payments", rate="bulk")
async def payments(request: FaceRequest) -> FaceAnswer:
    """Where a provider sends its words: any 2xx means heard, for ever; anything else is sent again."""
    body = await request.body(PREORDER_WORD_BYTES)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Invalid.at("body", "JSON in UTF-8") from None
    taken = await request.call("rationing.payment_word", Heard(text, request.header(HEADER)[:2_000]))
    return FaceAnswer(msgspec.json.encode(taken))


def _heard(tx: Tx, *, word: Word, ctx: Context) -> bool:
    charge = records.charge_of(tx, word.reference)
    order = records.order_by_id(tx, charge.preorder) if charge is not None else None
    kept = records.round_of(tx, order.round) if order is not None else None
    price = kept.round.amount if kept is not None else 1
    is_new = take_word(tx, word, price, ctx.now, new_id=desk_of(ctx.db).new_id)
    if is_new and order is not None:
        wake(tx, order.round, ctx.now)
    return is_new
