"""The engine's side of an order: the pledge is taken when a place is won, and ended exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_HOLD_S
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Answer, Command, Correct, Deliver, Post, Receipt, Reserve, Void
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.desk import engine_key
from banyan.service.rationing.preorder.records import SQL, Kept, Order
from banyan.service.rationing.preorder.rounds import Round

CHANNEL = "online"


def pledge_key(order: Order) -> bytes:
    """The reservation of one life of an order."""
    return engine_key(order.id, order.turn, "reserve")


async def pledged(ctx: Context, round: Round, orders: Sequence[Order]) -> list[Answer]:
    """Hold goods and quota for each; the engine alone says whether there are any."""
    until = EpochS(round.pickup_until + PREORDER_HOLD_S)
    commands = [
        Reserve(
            key=pledge_key(one), buyer=one.buyer, item=round.item, qty=round.quantity, outlet=round.pool,
            expires_at=until, channel=CHANNEL, ignores_day=True,
        )
        for one in orders
    ]  # fmt: skip
    return await engine_of(ctx.db).do_each(commands)


async def settle(ctx: Context, kept: Kept) -> bool:
    """Tell the engine what orders owe it; True when there were any. Again after a crash does no harm: same keys."""
    owing = await ctx.db.sql.read(lambda tx: records.orders(tx, "owing", round=kept.round.id))
    if owing:
        await engine_of(ctx.db).do_each([_ending(one, kept.round) for one in owing])
        await ctx.db.sql.write(partial(_settled, owing=owing))
    return bool(owing)


async def give_up(ctx: Context, orders: Sequence[Order]) -> None:
    """Pledges that were taken for orders which had ended meanwhile."""
    if orders:
        await engine_of(ctx.db).do_each([_void(one) for one in orders])


async def stock(ctx: Context, kept: Kept) -> bool:
    """Put the goods of a published round into its pool, once."""
    if kept.pool or kept.state not in ("published", "allotted"):
        return False
    round = kept.round
    qty = round.capacity * round.quantity
    answer = await engine_of(ctx.db).do(
        Deliver(key=engine_key(round.id, "pool"), outlet=round.pool, item=round.item, qty=qty)
    )
    assert isinstance(answer, Receipt), f"a pool of {qty} is refused: {answer}"
    await ctx.db.sql.write(lambda tx: tx.run(SQL["fill_pool"], id=round.id))
    return True


async def clear(ctx: Context, kept: Kept) -> None:
    """What is left in the pool when a round is over goes back to where it came from."""
    engine, round = engine_of(ctx.db), kept.round
    left = (await engine.stock(round.pool, round.item)).available
    if left:
        key = engine_key(round.id, "over")
        await engine.do(Correct(key=key, outlet=round.pool, item=round.item, delta=-left, reason="round over"))


def _ending(order: Order, round: Round) -> Command:
    if order.owes == "post":
        return Post(key=engine_key(order.id, order.turn, "post"), ref=pledge_key(order))
    keeps_quota = order.owes == "forfeit" and round.forfeit == "stock"
    return _void(order, keeps_quota=keeps_quota)


def _void(order: Order, *, keeps_quota: bool = False) -> Void:
    return Void(key=engine_key(order.id, order.turn, "void"), ref=pledge_key(order), keeps_quota=keeps_quota)


def _settled(tx: Tx, *, owing: Sequence[Order]) -> None:
    for one in owing:
        tx.run(SQL["settled"], id=one.id, owes=one.owes, turn=one.turn)
