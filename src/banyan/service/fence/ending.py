"""The end: day 14 by itself, day 28 with the key's destruction and a receipt, hospital, another home; and the order's
lapse, after which nothing is left but numbers.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_fence import FENCE_FIELD, FENCE_SWEEP_S
from banyan.service.fence import ladder, records
from banyan.service.fence.alarming import move
from banyan.service.fence.keeping import Opened, opened, person_named, phone_named
from banyan.service.fence.law import check_area, on_duty, standing_order
from banyan.service.fence.positions import set_enrolment
from banyan.service.fence.records import Held, Who
from banyan.service.fence.sealing import NONCE_BYTES, SQL, destroy_day, forget_keys, seal
from banyan.service.fence.sending import campaign_of
from banyan.service.fence.service import SERVICE
from banyan.service.fence.sheet import phone_of
from banyan.service.fence.shelf import Shelf, both, shelf_of

SWEEP: Final = "sweep"
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
Why = Annotated[str, msgspec.Meta(max_length=REASON_CHARS)]


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`to` hospital: the fence rests, and nothing of the phone is taken; home again: it goes on until the same end;
    over: it ends now, by an appeal or because it was a mistake."""

    person: Number
    to: Literal["hospital", "home", "over"]
    reason: Why = ""


class Moving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another home or phone; its cells are learned anew for a day. What is left out stays."""

    person: Number
    address: Annotated[str, msgspec.Meta(max_length=FENCE_FIELD)] = ""
    village: Annotated[str, msgspec.Meta(pattern=r"^(\d{8}(\d{3})?)?$")] = ""
    phone: Annotated[str, msgspec.Meta(max_length=20)] = ""
    reason: Why = ""


class Changed(msgspec.Struct, frozen=True):
    case: str
    state: Annotated[str, personal("C111")] | UnsetType = UNSET
    address: Annotated[str, personal("C031")] | UnsetType = UNSET
    until: Annotated[str, personal("C034")] | UnsetType = UNSET


class ReceiptOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A day (ISO, Taiwan) on which data ended, under an order."""

    order: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
    day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Destroyed(msgspec.Struct, frozen=True):
    """A `c2sp.org/tlog-proof@v1` file: the keys of that day are destroyed."""

    order: str
    day: str
    index: int
    receipt: str


@SERVICE.operation(
    "transfer", title={"zh-Hant": "送醫、返家或解除", "en": "To hospital, home again, or released"},
    summary={"zh-Hant": "住院期間圍籬暫停；解除即結束。", "en": "In hospital the fence rests; released, it is over."},
    data=("health",), audience="officer", effect="write", purpose="012", subject="person", channels=("api",),
)  # fmt: skip
async def transfer(ctx: Context, request: Transfer) -> Changed:
    """Open alarms close with it. Raises NotFound, Denied."""
    one = await _named(ctx, request.person)
    state: records.State = "watched" if request.to == "home" else request.to

    until = min(ctx.now, one.held.until) if state == "over" else one.held.until
    kind, words = f"to-{request.to}", request.reason
    held = await ctx.db.sql.write(lambda tx: set_case(tx, ctx, one, state=state, until=until, kind=kind, words=words))
    return Changed(held.id, held.state, one.who.address, iso(EpochS(held.until)))


@SERVICE.operation(
    "relocate", title={"zh-Hant": "變更地址或手機", "en": "Another home or phone"},
    summary={"zh-Hant": "變更檢疫地址或手機，基地臺重新學習一天。", "en": "Its cells are learned anew for a day."},
    data=("health",), audience="officer", effect="write", purpose="012", subject="person", channels=("api",),
)  # fmt: skip
async def relocate(ctx: Context, request: Moving) -> Changed:
    """A new phone must be proven by a code again. Raises Denied for a new home outside the caller's area."""
    one = await _named(ctx, request.person)
    _, duties = await on_duty(ctx)
    village = request.village or one.held.village
    check_area(duties, village)
    phone = phone_of(request.phone)
    if phone is None:
        raise Invalid.at("phone", both("fix_phone"))
    who = one.who
    after = msgspec.structs.replace(
        who, phone=phone or who.phone, address=request.address or who.address, lon=None, lat=None
    )
    await ctx.db.sql.write(lambda tx: move_case(tx, ctx, one, after, village=village, words=request.reason))
    return Changed(one.held.id, one.held.state, after.address, iso(EpochS(one.held.until)))


def set_case(tx: Tx, ctx: Context, one: Opened, *, state: records.State, until: float, kind: str, words: str) -> Held:
    """Watch it, let it rest or end it, until a moment; what it was is written down as `kind`."""
    tx.run(SQL["set_state"], id=one.held.id, state=state, until=until)
    if state != "watched":
        _close_alarms(tx, ctx, one)
    one.note(tx, ctx, kind, words=words)
    set_enrolment(tx, one.held.slot, ctx.now)
    return msgspec.structs.replace(one.held, state=state, until=until)


def move_case(tx: Tx, ctx: Context, one: Opened, after: Who, *, village: str, words: str) -> Held:
    """Another home or phone: a slot of its own, so that its cells are learned anew."""
    slot, shelf = records.next_slot(tx), shelf_of(ctx.db)
    name = phone_named(shelf, after.phone)
    sealed = seal(one.key, one.held.salt, msgspec.json.encode(after), shelf.random(NONCE_BYTES))
    tx.run(SQL["set_place"], id=one.held.id, slot=slot, phone=name, sealed=sealed, village=village)
    if after.phone != one.who.phone:
        tx.run(SQL["set_enrolment"], id=one.held.id, enrolment="none")
    _close_alarms(tx, ctx, one)
    one.note(tx, ctx, "moved", words=words)
    set_enrolment(tx, one.held.slot, ctx.now)
    set_enrolment(tx, slot, ctx.now)
    return msgspec.structs.replace(one.held, slot=slot, phone=name, sealed=sealed, village=village)


@SERVICE.operation(
    "receipt", title={"zh-Hant": "銷毀收據", "en": "Deletion receipt"},
    summary={
        "zh-Hant": "某一天到期資料的金鑰已銷毀的證明，可離線驗證。",
        "en": "Proof, to be checked offline, that a day's keys are destroyed.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def receipt(ctx: Context, request: ReceiptOf) -> Destroyed:
    """Raises NotFound while they are not, or no checkpoint covers it yet."""
    ledger, act = shelf_of(ctx.db).ledger, act_of(request.order, request.day)
    index = (await ledger.acts([act])).get(act)
    data = await receipt_of(ledger, index) if index is not None else None
    if index is None or data is None:
        raise NotFound(both("no_receipt"), remedy=both("no_receipt_remedy"))
    return Destroyed(request.order, request.day, index, data.decode())


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Look at once for what ended while the node was down; then every minute."""
    await _swept(ctx)


@SERVICE.timer(SWEEP)
async def sweep(ctx: Context, event: Event) -> None:
    await _swept(ctx)


def act_of(order: str, day: str) -> str:
    """The ledger's name of a day's deletion."""
    return f"deletion/{order}/fence/{day}"


async def _swept(ctx: Context) -> None:
    """Quarantines that are over end; days whose keys are due, and all days of an order that lapsed, are destroyed."""
    shelf, order = shelf_of(ctx.db), await standing_order(ctx)
    today = records.day_of(ctx.now)
    await ctx.db.sql.write(partial(_count_day, order=order, now=ctx.now))
    await ctx.db.sql.write(partial(_drop_others, order=order))
    for power, day in await ctx.db.sql.read(lambda tx: [(str(a), str(b)) for a, b in tx.rows(SQL["cohorts"])]):
        if power != order or day <= today:
            await _destroy(ctx, shelf, power, day)
    if not order:
        forget_keys(ctx.db)
    else:
        for held in await ctx.db.sql.read_long(lambda tx: records.living(tx, order)):
            if held.until <= ctx.now:
                await _end(ctx, held)
    await ctx.db.sql.write(lambda tx: timers.set(tx, SWEEP, "all", EpochS(ctx.now + FENCE_SWEEP_S)))


async def _end(ctx: Context, held: Held) -> None:
    one = await opened(ctx, held)

    def job(tx: Tx) -> None:
        tx.run(SQL["set_state"], id=held.id, state="over", until=held.until)
        _close_alarms(tx, ctx, one)
        one.note(tx, ctx, "ended")
        set_enrolment(tx, held.slot, ctx.now)

    await ctx.db.sql.write(job)


async def _destroy(ctx: Context, shelf: Shelf, power: str, day: str) -> None:
    """Engine, SMS centre, key, receipt, rows: in this order each step may be repeated after a crash, and the receipt is
    never before the destruction."""
    cases = await ctx.db.sql.read(lambda tx: _of_day(tx, power, day))
    slots = [held.slot for held in cases]
    if shelf.engine is not None and slots:
        await shelf.engine.leave(slots)
        await shelf.engine.forget()
    if shelf.notifier is not None:
        for held in cases:
            for id in await ctx.db.sql.read(partial(_messages, held=held.id)):
                await shelf.notifier.forget(campaign_of(id))
    await shelf.scopes.destroy_scope(f"fence:{power}:{day}", at=ctx.now)
    entry = act_entry("deletion", order=power, day=day, keys=len(cases), at=int(ctx.now))
    await shelf.ledger.append_once(act_of(power, day), entry)

    def job(tx: Tx) -> None:
        for held in cases:
            for alarm in records.alarms_of(tx, held.id):
                timers.cancel(tx, "ladder", alarm.id)
            records.forget(tx, held.id)
        tx.run(SQL["drop_venues"], now=ctx.now)

    await ctx.db.sql.write(job)
    await destroy_day(ctx.db, shelf, power, day, at=ctx.now)


def _drop_others(tx: Tx, *, order: str) -> None:
    """What a register brought under orders that are over."""
    for name in ("drop_admitted", "drop_arrivals"):
        tx.run(SQL[name], power=order)


def _of_day(tx: Tx, power: str, day: str) -> list[Held]:
    ids = [str(row[0]) for row in tx.rows(SQL["all_of_day"], power=power, day=day)]
    return [held for id in ids if (held := records.held_by_id(tx, id)) is not None]


def _messages(tx: Tx, *, held: str) -> list[str]:
    return [str(row[0]) for row in tx.rows(SQL["message_ids"], held=held)]


def _close_alarms(tx: Tx, ctx: Context, one: Opened) -> None:
    for kind in ("left", "silent", "entered"):
        alarm = records.open_alarm(tx, one.held.id, kind)
        if alarm is not None:
            move(tx, ctx, one, alarm, (ladder.ended(alarm.ladder, ctx.now), ()))


def _count_day(tx: Tx, *, order: str, now: float) -> None:
    """Once a day the person-days of those who are watched: what false alarms are counted against."""
    day = records.day_of(now)
    row = tx.row(SQL["seq"], name="person-days")
    number = int(day.replace("-", ""))
    if not order or (row is not None and int(str(row[0])) >= number):
        return
    watched = sum(one.state == "watched" for one in records.living(tx, order))
    if watched:
        records.count(tx, now, "person-days", float(watched))
        tx.run(SQL["take"], name="person-days", seq=number)


async def _named(ctx: Context, number: str) -> Opened:
    order, duties = await on_duty(ctx)
    person = person_named(shelf_of(ctx.db), number)
    one = await opened(ctx, await ctx.db.sql.read(lambda tx: records.held_by_person(tx, person, order)))
    check_area(duties, one.held.village)
    return one
