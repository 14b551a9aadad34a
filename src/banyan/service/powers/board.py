"""What everybody may know of emergency powers: each order with its bases in words, who made it and until when it runs,
which agencies' reviews wait, who is suspended, and the receipt of what was destroyed when an order ended.

The reason an officer wrote is not here: it is free text and may name somebody. Numbers of reviews under
EMERGENCY_CELL_LEAST are withheld, and due days are Taiwan's days: one use of a small office points at its patient.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import Register
from banyan.kernel.policy.orders import Order
from banyan.kernel.policy.records import ReviewStanding
from banyan.limits import EMERGENCY_CELL_LEAST, TRANSPARENCY_LIST
from banyan.service.powers.counting import EPOCH
from banyan.service.powers.ordering import Id, Named
from banyan.service.powers.saying import BasisWords, words_of
from banyan.service.powers.service import SERVICE
from banyan.service.powers.shelf import Shelf, shelf_of
from banyan.service.powers.wording import officer, unknown

STAGES = ("in-force", "approved", "declared", "ended", "never")


class Extended(msgspec.Struct, frozen=True):
    """Another authority let it run on until then (RFC 3339 UTC)."""

    agency: str
    until: str


class PublicOrder(msgspec.Struct, frozen=True):
    """An order. `stage`: declared (waits for its second officer), approved (starts later), in-force, ended, or never
    (ended without a second officer). `until` is its last second, `remaining_s` until then. `receipt` is where the proof
    of what was destroyed is downloaded once it has ended."""

    id: str
    stage: str
    title: Text
    incident: str
    bases: tuple[BasisWords, ...]
    unknown_bases: tuple[str, ...]
    declared_by: str
    approved_by: str
    extended_by: tuple[Extended, ...]
    declared_at: str
    start: str
    until: str
    is_ended_early: bool
    remaining_s: int
    receipt: str = ""


class Reviews(msgspec.Struct, frozen=True):
    """An agency's emergency uses that wait for their review; null: fewer than `least`. `first_due` is a day (ISO 8601,
    Taiwan); with one overdue the agency may not use emergency powers."""

    agency: str
    waiting: int | None
    overdue: int | None
    first_due: str
    is_suspended: bool


class Board(msgspec.Struct, frozen=True):
    """Orders in force first, then those that wait, then the newest that ended; `ended` counts all of these."""

    now: str
    least: int
    orders: tuple[PublicOrder, ...]
    ended: int
    reviews: tuple[Reviews, ...]


class BoardQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of the orders that ended."""

    ended: Annotated[int, msgspec.Meta(ge=0, le=TRANSPARENCY_LIST, title="已結束的筆數 Ended orders")] = 20


class OrderReason(msgspec.Struct, frozen=True):
    """What the declaring officer wrote."""

    id: str
    reason: str


class DeletionReceipt(msgspec.Struct, frozen=True):
    """A `c2sp.org/tlog-proof@v1` file: the keys of what was collected under the order are destroyed."""

    order: str
    index: int
    receipt: str


class BasesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`limit` bases by id after the first `first`; `q` looks for words in their titles, statutes and ids, `needs` for
    those that need an order or a consent."""

    q: Annotated[str, msgspec.Meta(max_length=100, title="找什麼 Words")] = ""
    first: Annotated[int, msgspec.Meta(ge=0, le=2**31, title="從第幾筆 From")] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=100, title="筆數 How many")] = 20
    needs: Literal["", "order", "consent"] = ""


class Bases(msgspec.Struct, frozen=True):
    """A page of the register of `total` that were found."""

    total: int
    bases: tuple[BasisWords, ...]


class BasisNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id


@SERVICE.operation(
    "board",
    title={"zh-Hant": "緊急權力公布欄", "en": "Emergency powers"},
    summary={
        "zh-Hant": "生效中的命令、依據、宣告與核可機關、期限、逾期審查與停權機關。",
        "en": "Orders with their bases, who made them, their end, overdue reviews and suspended agencies.",
    },
    data=OPEN,
    audience="public",
)
async def board(ctx: Context, request: BoardQuery) -> Board:
    shelf = shelf_of(ctx.db)
    register = await shelf.bases()
    found, standing = await shelf.policy.read(lambda tx: (records.all_orders(tx), records.review_standing(tx, ctx.now)))
    ended = [order for order in found if order.state(ctx.now) == "ended"]
    alive = sorted(
        (order for order in found if order not in ended), key=lambda order: (_rank(order, ctx.now), order.id)
    )
    shown = [*alive, *ended[: request.ended]]
    receipts = await _receipts(shelf, ended[: request.ended])
    return Board(
        now=iso(ctx.now),
        least=EMERGENCY_CELL_LEAST,
        orders=tuple(_public(order, register, ctx.now, receipts) for order in shown),
        ended=len(ended),
        reviews=tuple(_reviews(one) for one in standing),
    )


@SERVICE.operation(
    "order",
    title={"zh-Hant": "一項命令", "en": "One order"},
    summary={"zh-Hant": "一項命令的現況。", "en": "How one order stands."},
    data=OPEN,
    audience="public",
)
async def order(ctx: Context, request: Named) -> PublicOrder:
    """Raises NotFound."""
    shelf = shelf_of(ctx.db)
    register = await shelf.bases()
    found = await shelf.policy.read(lambda tx: records.order_by_id(tx, request.id))
    if found is None:
        raise unknown("order")
    return _public(found, register, ctx.now, await _receipts(shelf, [found]))


@SERVICE.operation(
    "order_reason",
    title={"zh-Hant": "宣告命令的理由", "en": "Why an order was declared"},
    summary={
        "zh-Hant": "給要核可、延長或終止的承辦人員看，不公開。",
        "en": "For officers who approve, extend or end it; not public.",
    },
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def order_reason(ctx: Context, request: Named) -> OrderReason:
    """Raises NotFound; Denied for who is no officer of an agency."""
    officer(ctx)
    found = await shelf_of(ctx.db).policy.read(lambda tx: records.order_by_id(tx, request.id))
    if found is None:
        raise unknown("order")
    return OrderReason(found.id, found.reason)


@SERVICE.operation(
    "deletion_receipt",
    title={"zh-Hant": "命令結束的銷毀收據", "en": "Deletion receipt of an order"},
    summary={
        "zh-Hant": "命令結束時金鑰已銷毀的證明，可離線驗證。",
        "en": "Proof, to be checked offline, that the keys were destroyed when the order ended.",
    },
    data=OPEN,
    audience="public",
)
async def deletion_receipt(ctx: Context, request: Named) -> DeletionReceipt:
    """Raises NotFound when there is no such order, it has not ended, or no checkpoint covers the receipt yet."""
    shelf = shelf_of(ctx.db)
    index = (await shelf.ledger.acts([_deletion(request.id)])).get(_deletion(request.id))
    data = await receipt_of(shelf.ledger, index) if index is not None else None
    if index is None or data is None:
        raise unknown("receipt")
    return DeletionReceipt(request.id, index, data.decode())


@SERVICE.operation(
    "bases",
    title={"zh-Hant": "法律依據登記", "en": "Register of legal bases"},
    summary={
        "zh-Hant": "每項依據的目的、欄位、對象、保存期間與落日，用白話說明。",
        "en": "Each basis in words: purpose, fields, recipients, retention and sunset.",
    },
    data=OPEN,
    audience="public",
)
async def bases(ctx: Context, request: BasesQuery) -> Bases:
    """By id."""
    register = await shelf_of(ctx.db).bases()
    names = await asyncio.to_thread(_found, register, request.q.strip().casefold(), request.needs)
    page = names[request.first : request.first + request.limit]
    return Bases(len(names), tuple(words_of(register.by_id[name], ctx.now) for name in page))


@SERVICE.operation(
    "basis",
    title={"zh-Hant": "一項法律依據", "en": "One legal basis"},
    summary={"zh-Hant": "一項依據的內容。", "en": "What one basis says."},
    data=OPEN,
    audience="public",
)
async def basis(ctx: Context, request: BasisNamed) -> BasisWords:
    """Raises NotFound."""
    found = (await shelf_of(ctx.db).bases()).by_id.get(request.id)
    if found is None:
        raise unknown("basis")
    return words_of(found, ctx.now)


def stage_of(order: Order, now: EpochS) -> str:
    state = order.state(now)
    if state == "declared":
        return "approved" if order.approved_by is not None else "declared"
    return "never" if state == "ended" and order.approved_by is None else state


def _rank(order: Order, now: EpochS) -> int:
    return STAGES.index(stage_of(order, now))


def _public(order: Order, register: Register, now: EpochS, receipts: dict[str, int]) -> PublicOrder:
    known = [register.by_id[name] for name in order.bases if name in register.by_id]
    return PublicOrder(
        id=order.id,
        stage=stage_of(order, now),
        title=dict(order.title),
        incident=order.incident,
        bases=tuple(words_of(one, now) for one in known),
        unknown_bases=tuple(name for name in order.bases if name not in register.by_id),
        declared_by=order.declared_by.agency,
        approved_by=order.approved_by.agency if order.approved_by else "",
        extended_by=tuple(Extended(one.by.agency, iso(one.until)) for one in order.extensions),
        declared_at=iso(order.declared_at),
        start=iso(max(order.start, order.approved_at)),
        until=iso(order.last_second),
        is_ended_early=bool(order.ended_at),
        remaining_s=max(0, int(order.last_second - now)),
        receipt=f"/powers/orders/{order.id}/receipt" if order.id in receipts else "",
    )


async def _receipts(shelf: Shelf, ended: Sequence[Order]) -> dict[str, int]:
    """Entries of the deletions that a checkpoint covers, by order."""
    found = await shelf.ledger.acts([_deletion(order.id) for order in ended])
    published = (await shelf.ledger.head()).published
    return {key.partition("/")[2]: index for key, index in found.items() if index < published}


def _deletion(order: str) -> str:
    return f"deletion/{order}"


def _reviews(one: ReviewStanding) -> Reviews:
    day = EPOCH + timedelta(days=records.day_of(one.due))
    return Reviews(one.agency, _told(one.waiting), _told(one.overdue), day.isoformat(), one.overdue > 0)


def _told(count: int) -> int | None:
    return count if not count or count >= EMERGENCY_CELL_LEAST else None


def _found(register: Register, word: str, needs: str) -> list[str]:
    """The ids of the bases that hold a word, in order; a large register takes its time."""
    fitting = (name for name, basis in register.by_id.items() if not needs or basis.needs == needs)
    return sorted(name for name in fitting if not word or word in _searched(register, name))


def _searched(register: Register, name: str) -> str:
    one = register.by_id[name]
    said = (name, *one.title.values(), *one.statute.name.values(), one.statute.said("zh-Hant"), one.statute.said("en"))
    return " ".join(said).casefold()
