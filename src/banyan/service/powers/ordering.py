"""Orders: declared by an officer, approved by one of another agency, extended by a third, ended by any of them.

Every act is in the public ledger before it is in force: a crash in between leaves an entry of an act that did not come
about, never a power without its entry. Repeating an act that was done answers what is there, with its entry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import orders, records
from banyan.kernel.policy.bases import Register
from banyan.kernel.policy.orders import Order, Refusal
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.service.powers.lapsing import LAPSE, lapse
from banyan.service.powers.service import SERVICE
from banyan.service.powers.shelf import Shelf, shelf_of
from banyan.service.powers.wording import conflict, denied, officer, refused, unknown

Id = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", title="命令代號 Order id")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with its offset: `2026-12-01T00:00:00+08:00`."""
Decide = Callable[[Order, Register], Order | Refusal]


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order to be: what it is called, which incident, why, which bases it puts into force, from when until when."""

    id: Id
    title_zh: Line
    title_en: Line
    incident: Line
    reason: Annotated[str, msgspec.Meta(max_length=REASON_CHARS, title="理由 Reason")]
    bases: Annotated[tuple[Line, ...], msgspec.Meta(max_length=50)]
    start: Moment
    until: Moment


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order by its id."""

    id: Id


class Extending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when an order may run on."""

    id: Id
    until: Moment


class Stands(msgspec.Struct, frozen=True):
    """An order as it stands. `until` is its last second, when it lapses by itself (RFC 3339 UTC); `entry` the newest
    act's index in the public ledger."""

    id: str
    state: str
    start: str
    until: str
    agencies: tuple[str, ...]
    entry: int


@SERVICE.operation(
    "declare_order",
    title={"zh-Hant": "宣告命令", "en": "Declare an order"},
    summary={
        "zh-Hant": "宣告一項有期限的緊急權力；另一機關核可後才生效。",
        "en": "Declare an emergency power with its end; it is in force once another agency approves it.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def declare_order(ctx: Context, request: Declaration) -> Stands:
    """The same declaration by the same officer again answers what is there; another under the id is a Conflict."""
    who, shelf = officer(ctx), shelf_of(ctx.db)
    made = Order(
        id=request.id,
        title={"zh-Hant": request.title_zh, "en": request.title_en},
        incident=request.incident,
        reason=request.reason,
        bases=request.bases,
        start=EpochS(request.start.timestamp()),
        until=EpochS(request.until.timestamp()),
        declared_by=who,
        declared_at=ctx.now,
    )
    async with shelf.turn:
        known = await shelf.policy.read(partial(records.order_by_id, id=made.id))
        if known is not None:
            if _first(known) != msgspec.structs.replace(made, declared_at=known.declared_at):
                raise conflict("taken")
            return _stands(known, ctx.now, await _written(shelf, "declared", _first(known)))
        register = await shelf.policy.read_long(records.read_register)
        declared = orders.declare(made, register, ctx.now)
        if isinstance(declared, Refusal):
            raise refused(declared.code)
        return await _put(ctx, shelf, "declared", None, declared)


@SERVICE.operation(
    "approve_order",
    title={"zh-Hant": "核可命令", "en": "Approve an order"},
    summary={
        "zh-Hant": "另一機關的人員核可，命令從此生效到期滿。",
        "en": "An officer of another agency puts the order into force until its end.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def approve_order(ctx: Context, request: Named) -> Stands:
    who = officer(ctx)

    def decide(order: Order, _: Register) -> Order | Refusal:
        is_done = order.approved_by == who and order.state(ctx.now) != "ended"
        return order if is_done else orders.approve(order, who, ctx.now)

    return await _act(ctx, "approved", request.id, decide)


@SERVICE.operation(
    "extend_order",
    title={"zh-Hant": "延長命令", "en": "Extend an order"},
    summary={
        "zh-Hant": "只有宣告與核可以外的機關能延長，而且不能超過法律的落日。",
        "en": "Only an agency that neither declared nor approved it may extend it, within the law's sunset.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def extend_order(ctx: Context, request: Extending) -> Stands:
    who, until = officer(ctx), EpochS(request.until.timestamp())

    def decide(order: Order, register: Register) -> Order | Refusal:
        if order.extensions and (order.extensions[-1].by, order.extensions[-1].until) == (who, until):
            return order
        return orders.extend(order, until, who, register, ctx.now)

    return await _act(ctx, "extended", request.id, decide)


@SERVICE.operation(
    "end_order",
    title={"zh-Hant": "提前終止命令", "en": "End an order early"},
    summary={
        "zh-Hant": "宣告、核可或延長的機關都可以提前終止；終止後不能恢復，相關資料的金鑰立即銷毀。",
        "en": "Any agency that made or extended it may end it; nobody can bring it back, and its keys go at once.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def end_order(ctx: Context, request: Named) -> Stands:
    """Ended and its keys destroyed when this answers."""
    who = officer(ctx)

    def decide(order: Order, _: Register) -> Order | Refusal:
        if who.agency not in _agencies(order):
            raise denied("agency")
        return order if order.ended_at else orders.end(order, ctx.now)

    stands = await _act(ctx, "ended", request.id, decide)
    await lapse(shelf_of(ctx.db), request.id, ctx.now)
    return stands


async def _act(ctx: Context, act: str, id: str, decide: Decide) -> Stands:
    """One act on an order that is there. Raises NotFound, or Conflict with the rule's words."""
    shelf = shelf_of(ctx.db)
    async with shelf.turn:
        order = await shelf.policy.read(partial(records.order_by_id, id=id))
        if order is None:
            raise unknown("order")
        register = await shelf.policy.read_long(records.read_register)
        after = decide(order, register)
        if isinstance(after, Refusal):
            raise refused(after.code)
        return await _put(ctx, shelf, act, order, after)


async def _put(ctx: Context, shelf: Shelf, act: str, before: Order | None, after: Order) -> Stands:
    """Set the lapse, publish, put into force: in this order a crash leaves no power without its end or its entry."""
    await ctx.db.sql.write(lambda tx: timers.set(tx, LAPSE, after.id, after.last_second))
    index = await _written(shelf, act, after)

    def job(tx: Tx) -> None:
        if records.order_by_id(tx, after.id) != before:
            raise conflict("changed")
        records.put_order(tx, after)

    if after != before:
        await shelf.policy.write(job)
    return _stands(after, ctx.now, index)


async def _written(shelf: Shelf, act: str, order: Order) -> int:
    """The act's entry in the public ledger: no names, but the hash of the order as it stands."""
    digest = sha256(msgspec.json.encode(order, order="sorted")).hexdigest()
    entry = act_entry(
        "order",
        step=act,
        id=order.id,
        digest=digest,
        agencies=",".join(_agencies(order)),
        until=int(order.last_second),
    )
    return await shelf.ledger.append_once(f"order/{order.id}/{digest}", entry)


def _first(order: Order) -> Order:
    """The order as it was declared."""
    return msgspec.structs.replace(order, approved_by=None, approved_at=0.0, extensions=(), ended_at=0.0)


def _agencies(order: Order) -> tuple[str, ...]:
    """Who made it and let it run on, in that order, each once."""
    officers = (order.declared_by, order.approved_by, *(one.by for one in order.extensions))
    return tuple(dict.fromkeys(officer.agency for officer in officers if officer is not None))


def _stands(order: Order, now: EpochS, index: int) -> Stands:
    return Stands(
        id=order.id,
        state=order.state(now),
        start=iso(max(order.start, order.approved_at)),
        until=iso(order.last_second),
        agencies=_agencies(order),
        entry=index,
    )
