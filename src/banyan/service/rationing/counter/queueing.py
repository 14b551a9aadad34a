"""Take a number from home, see who is served now, be called: without an account, a name or a card."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from banyan.errors import Conflict, Limit, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage import Tx
from banyan.limits_rationing import COUNTER_CALLED_S, COUNTER_PLATE_S
from banyan.service.rationing.counter import plates
from banyan.service.rationing.counter.announcing import Announcement, minute_of, notice_of
from banyan.service.rationing.counter.outlets import SQL, Code, admitted, known_outlet, labelled, must_be_ordered, said
from banyan.service.rationing.counter.plates import TIMER, Plate, State, holds_of
from banyan.service.rationing.counter.saying import item_called
from banyan.service.rationing.engine.days import date_of, day_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Lease, Refusal, Void
from banyan.service.rationing.engine.rulebook import RuleBook
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import shelf_of

Number = Annotated[int, msgspec.Meta(ge=0, le=1_000_000), labelled("number")]
DAY_S = 86_400
TAIPEI_S = 8 * 3_600


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`item` by its id, or as people call it: a dialogue asks for it in words."""

    outlet: Code
    item: Annotated[str, msgspec.Meta(min_length=1, max_length=40), labelled("item")]


class Ticket(msgspec.Struct, frozen=True):
    """A number of today at an outlet. `code` proves it at the counter and is shown once. `ahead` wait before it; it is
    kept until `until` (RFC 3339 UTC), once called for a quarter of an hour."""

    outlet: str
    item: str
    number: int
    code: str
    qty: int
    ahead: int
    until: str


class QueueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number` 0: only how the queue stands."""

    outlet: Code
    number: Number = 0


class QueueView(msgspec.Struct, frozen=True):
    """`serving` is the number called last, 0 before the first. `state` and `ahead` are of the asked number."""

    outlet: str
    serving: int
    waiting: int
    ahead: int = 0
    state: State | None = None
    until: str = ""


class OutletOnly(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outlet: Code


@SERVICE.operation(
    "take_number",
    title={"zh-Hant": "線上抽號碼牌", "en": "Take a queue number"},
    summary={
        "zh-Hant": "不必登入：先在線上拿今天的號碼牌，貨會保留到叫號。",
        "en": "Without signing in: a number for today; the goods are kept until it is called.",
    },
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    keys=("抽號碼牌", "拿號碼牌", "take a number"),
    channels=("web", "api", "chat"),
    rate="login",
)
async def take_number(ctx: Context, request: Wish) -> Ticket:
    """Raises NotFound, Conflict outside the hours in which numbers are given, Limit when none are left."""
    await known_outlet(ctx, request.outlet)
    await must_be_ordered(ctx)
    notice = await notice_of(ctx.db, request.outlet)
    _must_give(notice, ctx.now)
    engine = engine_of(ctx.db)
    book, item = await engine.rules(), item_called(request.item)
    qty = ration_of(book, item, date_of(day_of(ctx.now)))
    if not qty:
        raise said(NotFound, "no_rule", item=request.item)
    plate = await _given(ctx, Wish(request.outlet, item), notice, qty)
    holds_of(ctx.db).add(plate)
    held = Lease(key=plate.key, outlet=plate.outlet, item=plate.item, qty=plate.qty, until=plate.until)
    answer = await engine.do(held)
    if isinstance(answer, Refusal):
        await _let_go(ctx, plate, "gone")
        raise said(Limit, "no_numbers", slug="no-numbers", status=409)
    await ctx.db.sql.write(lambda tx: plates.move(tx, plate, "waiting", plate.until))
    view = await _view(ctx, plate.outlet, plate.number)
    code = plates.code_of(ctx.db, plate)
    return Ticket(plate.outlet, plate.item, plate.number, code, plate.qty, view.ahead, iso(plate.until))


@SERVICE.operation(
    "queue",
    title={"zh-Hant": "目前叫號", "en": "Now serving"},
    summary={
        "zh-Hant": "據點現在叫到幾號、還有幾人等；給號碼就說前面還有幾人。",
        "en": "Which number an outlet serves now and how many wait; with a number, how many before it.",
    },
    data=OPEN,
    audience="public",
    keys=("現在幾號", "叫到幾號", "now serving"),
    channels=("web", "api", "chat", "mcp"),
)
async def queue(ctx: Context, request: QueueQuery) -> QueueView:
    """Raises NotFound for an outlet that is not there."""
    await known_outlet(ctx, request.outlet)
    return await _view(ctx, request.outlet, request.number)


@SERVICE.operation(
    "call_number",
    title={"zh-Hant": "叫下一號", "en": "Call the next number"},
    summary={"zh-Hant": "藥師叫下一個號碼。", "en": "The pharmacist calls the next number."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
)
async def call_number(ctx: Context, request: OutletOnly) -> QueueView:
    """The view of the number that was called; of none when nobody waits. Raises Denied at another's outlet."""
    await admitted(ctx, request.outlet)
    until = EpochS(ctx.now + COUNTER_CALLED_S)

    def job(tx: Tx) -> int:
        row = tx.row(SQL["next_plate"], outlet=request.outlet, day=day_of(ctx.now))
        plate = None if row is None else plates.plate_of(row)
        return plate.number if plate is not None and plates.move(tx, plate, "called", until) else 0

    return await _view(ctx, request.outlet, await ctx.db.sql.write(job))


async def shown(ctx: Context, outlet: str, number: int, code: str) -> Plate:
    """The number that somebody shows at the counter. Raises Conflict alike for a wrong code, for a number that is over
    and for one that was never given."""
    found = await ctx.db.sql.read(lambda tx: plates.found(tx, outlet, day_of(ctx.now), number))
    if found is None or found.state not in ("waiting", "called") or not plates.is_code(ctx.db, found, code):
        raise said(Conflict, "no_number", slug="no-number", number=number)
    return found


async def served(ctx: Context, plate: Plate, *, is_sold: bool) -> None:
    """Its goods are sold, or free again: the number is over."""
    holds_of(ctx.db).drop(plate)
    await ctx.db.sql.write(lambda tx: plates.move(tx, plate, "served" if is_sold else "missed", plate.until))


@SERVICE.timer(TIMER)
async def overdue(ctx: Context, event: Event) -> None:
    """Nobody came in time: the goods are for everybody again."""
    outlet, day, number = plates.named(event.subject)
    plate = await ctx.db.sql.read(lambda tx: plates.found(tx, outlet, day, number))
    if plate is not None and plate.state in plates.OPEN_STATES and plate.until <= ctx.now:
        await _let_go(ctx, plate, "missed")


async def _let_go(ctx: Context, plate: Plate, state: State) -> None:
    """End the lease first: a crash in between repeats it, and it is ended once."""
    holds_of(ctx.db).drop(plate)
    await engine_of(ctx.db).do(Void(key=plates.ending_key(plate), ref=plate.key))
    await ctx.db.sql.write(lambda tx: plates.move(tx, plate, state, plate.until))


async def _given(ctx: Context, request: Wish, notice: Announcement, qty: int) -> Plate:
    """The next number, kept as asked for. Raises Limit when the day's are given."""
    day, until = day_of(ctx.now), EpochS(min(ctx.now + COUNTER_PLATE_S, _end_of_sale(notice, ctx.now)))
    key = plates.TERMINAL + shelf_of(ctx.db).random(8)

    def job(tx: Tx) -> Plate | None:
        given = tx.row(SQL["given"], outlet=request.outlet, day=day, item=request.item)
        if given is None or int(str(given[0])) + qty > notice.plates * qty:
            return None
        row = tx.row(SQL["last_number"], outlet=request.outlet, day=day)
        number = int(str(row[0])) + 1 if row else 1
        made = Plate(request.outlet, day, number, request.item, qty, "asked", until, key)
        plates.add(tx, made)
        return made

    plate = await ctx.db.sql.write(job)
    if plate is None:
        raise said(Limit, "no_numbers", slug="no-numbers", status=409)
    return plate


async def _view(ctx: Context, outlet: str, number: int) -> QueueView:
    day = day_of(ctx.now)

    def job(tx: Tx) -> QueueView:
        last = tx.row(SQL["last_called"], outlet=outlet, day=day)
        row = tx.row(SQL["waiting"], outlet=outlet, day=day, number=number)
        serving, (waiting, ahead) = int(str(last[0])) if last else 0, (row or (0, 0))
        plate = plates.found(tx, outlet, day, number) if number else None
        if plate is None:
            return QueueView(outlet, serving, int(str(waiting)))
        return QueueView(outlet, serving, int(str(waiting)), int(str(ahead)), plate.state, iso(plate.until))

    return await ctx.db.sql.read(job)


def _must_give(notice: Announcement, now: EpochS) -> None:
    """Raises Conflict when the outlet gives no numbers now."""
    if not notice.plates:
        raise said(Conflict, "gives_none", slug="gives-none")
    if notice.plate_from and not minute_of(notice.plate_from) <= _minute(now) < minute_of(notice.plate_until):
        raise said(Conflict, "not_now", slug="not-now", start=notice.plate_from, end=notice.plate_until)
    if notice.sale_until and _minute(now) >= minute_of(notice.sale_until):
        raise said(Conflict, "gives_none", slug="gives-none")


def _minute(now: EpochS) -> int:
    return int(now + TAIPEI_S) % DAY_S // 60


def _end_of_sale(notice: Announcement, now: EpochS) -> float:
    """When today's sale ends, at the latest at midnight."""
    minute = minute_of(notice.sale_until) if notice.sale_until else 24 * 60
    return int(now + TAIPEI_S) // DAY_S * DAY_S - TAIPEI_S + minute * 60


def ration_of(book: RuleBook, item: str, today: date) -> int:
    """How many one person may have of an item at once, by the edition in force: so many a number holds."""
    edition = next((one for one in reversed(book.edition) if one.since <= today), None)
    rules = edition.rule if edition is not None else ()
    return max((rule.quantity for rule in rules if rule.item == item and rule.takes_stock), default=0)


__all__ = ["Ticket", "call_number", "queue", "ration_of", "served", "shown", "take_number"]
