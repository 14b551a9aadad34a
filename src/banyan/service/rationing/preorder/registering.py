"""Registration: by a signed-in citizen, beside an officer, at a kiosk, or by a representative. Repeats count once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Annotated, Final

import msgspec

from banyan.errors import Conflict, Denied, Invalid, NotFound, Problem
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import Context, Effect, F
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.pseudonyms import pseudonym
from banyan.kernel.storage.store import Tx
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Buyer
from banyan.service.rationing.engine.rulebook import Kind, RuleBook
from banyan.service.rationing.preorder import filling, phones, records
from banyan.service.rationing.preorder.advancing import wake
from banyan.service.rationing.preorder.desk import desk_of
from banyan.service.rationing.preorder.moving import moved
from banyan.service.rationing.preorder.phones import Language, Telephone
from banyan.service.rationing.preorder.pledging import CHANNEL, stock
from banyan.service.rationing.preorder.records import NO_PARITY, SQL, Kept, Order
from banyan.service.rationing.preorder.rounds import Id, phase_of
from banyan.service.rationing.preorder.showing import OwnOrder, own_order
from banyan.service.rationing.preorder.words import TAIPEI, both
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import PERSON_BYTES, person_called, shelf_of

CODE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: none that is taken for another."""
CODE_LENGTH: Final = 8
FOR_GOOD: Final = ("not_of_age", "not_this_kind", "not_this_channel", "unknown_rule")
"""What no waiting changes: said at registration, not after the draw."""
BIRTH_DATE: Final = "birth_date"
Born = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", description="YYYY-MM-DD")]


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`born` is needed where no register tells it; it is looked at again at pickup, on the document.
    `telephone` is only for SMS that remind of paying and collecting, and is deleted when the order ends."""

    round: Id
    born: Born = ""
    kind: Kind = "citizen"
    telephone: Telephone = ""
    lang: Language = "zh-Hant"


class Reminding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to be reminded by SMS, and in which language; an empty telephone deletes it."""

    round: Id
    telephone: Telephone = ""
    lang: Language = "zh-Hant"


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    round: Id


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class NotNow(msgspec.Struct, frozen=True):
    """Why not: a code of the engine's, and from when (RFC 3339 UTC, or empty)."""

    code: str
    next_from: str = ""


class Registered(msgspec.Struct, frozen=True):
    """The order, or why there is none. `is_new` is False for who had registered before: repeats count once."""

    order: OwnOrder | None = None
    is_new: bool = False
    refusal: NotNow | None = None


def own_affair(
    name: str, *, title: tuple[str, str], summary: tuple[str, str], effect: Effect = "write", keys: tuple[str, ...] = ()
) -> Callable[[F], F]:
    """How each of a person's own operations is declared: once, for every way to reach it."""
    return SERVICE.operation(
        name,
        title=dict(zip(LANGUAGES, title, strict=True)),
        summary=dict(zip(LANGUAGES, summary, strict=True)),
        data=("identity",),
        audience="citizen",
        effect=effect,
        purpose="own-affairs",
        keys=keys,
        channels=("web", "api", "counter", "kiosk"),
    )


@own_affair(
    "preorder",
    title=("登記預購", "Register for a round"),
    summary=("登記一個預購梯次；重複登記只算一次。", "Register for a round of preorder; repeats count once."),
    keys=("預購", "登記", "preorder"),
)
async def preorder(ctx: Context, request: Registration) -> Registered:
    """Raises NotFound for no such round, Conflict outside of its registration, Invalid without a birth date."""
    kept = await round_now(ctx, request.round)
    person = own_person(ctx)
    known = await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person))
    if request.telephone:
        phones.written(request.telephone)  # said before anything is done
    if known is not None and known.state != "withdrawn":
        return Registered(await own_order(ctx, kept, known))
    refuse_unless_open(ctx, kept)
    buyer = Buyer(person, await _born(ctx, request.born), None, request.kind)
    group = household(ctx) if kept.round.by_household and kept.round.mode == "draw" else person
    made = await registered(ctx, kept, buyer, group=group, channel=place_of(ctx))
    if made.order is None or not request.telephone or phones.phones_of(ctx.db) is None:
        return made
    order = found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
    await phones.put(ctx.db, order, request.telephone, request.lang)
    return msgspec.structs.replace(made, order=await own_order(ctx, kept, order))


@own_affair(
    "remind_preorder",
    title=("預購簡訊提醒", "SMS reminders"),
    summary=("留手機收付款與領取提醒；留空就刪除。訂單結束時一併刪除。",
             "Leave a telephone for reminders by SMS, or delete it; it is deleted with the order."),
)  # fmt: skip
async def remind_preorder(ctx: Context, request: Reminding) -> OwnOrder:
    """Raises NotFound without an order, Invalid for what is no telephone, Conflict when the order is over."""
    kept = await round_now(ctx, request.round)
    person = own_person(ctx)
    order = found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
    await phones.put(ctx.db, order, request.telephone, request.lang)
    return await own_order(ctx, kept, order)


@own_affair(
    "withdraw_preorder",
    title=("取消登記", "Withdraw"),
    summary=("取消登記，或在付款前放棄名額。", "Withdraw a registration, or give up a place before paying."),
)
async def withdraw_preorder(ctx: Context, request: Named) -> OwnOrder:
    """Raises NotFound without an order, Conflict when it is paid for or over."""
    kept = await round_now(ctx, request.round)
    person, desk = own_person(ctx), desk_of(ctx.db)

    def job(tx: Tx) -> Order:
        order = found(records.order_of(tx, request.round, person))
        if order.state == "withdrawn":
            return order
        now = records.round_of(tx, request.round)
        if order.state == "registered" and now is not None and now.state == "closed":  # the draw's list is fixed
            raise Conflict(both("drawing"), remedy=both("drawing_remedy"), kind="drawing")
        after = moved(tx, order, "withdraw", ctx.now, new_id=desk.new_id)
        if after is None:
            raise Conflict(both("not_withdrawn"), remedy=both("not_withdrawn_remedy"))
        records.tell(tx, after, "withdrawn", ctx.now)
        wake(tx, after.round, ctx.now)
        return after

    return await own_order(ctx, kept, await ctx.db.sql.write(job))


@own_affair(
    "my_orders",
    title=("我的預購", "My orders"),
    summary=("看登記、付款、領取與退款。", "Registrations, payments, pickups and refunds."),
    effect="read",
    keys=("我的預購", "訂單", "取貨代碼", "my orders"),
)
async def my_orders(ctx: Context, request: Nothing) -> tuple[OwnOrder, ...]:
    """The newest first."""
    person = own_person(ctx)

    def job(tx: Tx) -> list[tuple[Kept | None, Order]]:
        return [(records.round_of(tx, one.round), one) for one in records.orders_of(tx, person)]

    pairs = await ctx.db.sql.read(job)
    return tuple([await own_order(ctx, kept, one) for kept, one in pairs if kept is not None])


async def registered(ctx: Context, kept: Kept, buyer: Buyer, *, group: bytes, channel: str) -> Registered:
    """Register somebody whose facts are known; again it is the same order. In a round where places go as people come
    the place is given at once, if there is one."""
    if (refusal := await _never(ctx, kept, buyer)) is not None:
        return Registered(refusal=refusal)
    fresh = _fresh(ctx, kept, buyer, group)
    is_new = await ctx.db.sql.write(partial(_register, fresh=fresh, kept=kept, channel=channel, now=ctx.now))
    if kept.round.mode == "at_once":
        await give_places(ctx, kept)
    order = found(await ctx.db.sql.read(lambda tx: records.order_of(tx, kept.round.id, buyer.person)))
    return Registered(await own_order(ctx, kept, order), is_new=is_new)


async def give_places(ctx: Context, kept: Kept) -> None:
    """Let who waits have what is free; after it an order that still waits has none to get."""
    await stock(ctx, kept)
    again = await round_now(ctx, kept.round.id)
    while await filling.fill(ctx, again):
        pass


def own_person(ctx: Context) -> bytes:
    """The engine's name of whose affairs these are: from who asks, never from what they ask. The policy lets only
    people in; this is the second lock on the same door."""
    caller = ctx.caller
    if caller.kind not in ("citizen", "representative") or not caller.subject:
        raise Denied(both("nobody"), remedy=both("nobody_remedy"))
    return person_called(ctx.db, caller.subject)


async def round_now(ctx: Context, id: str) -> Kept:
    """Raises NotFound for a round that is not there, or not published."""
    kept = await ctx.db.sql.read(lambda tx: records.round_of(tx, id))
    if kept is None or kept.state == "draft":
        raise NotFound(both("no_round"), remedy=both("no_round_remedy"))
    return kept


def refuse_unless_open(ctx: Context, kept: Kept) -> None:
    """Raises Conflict outside of a round's registration."""
    if phase_of(kept.round, kept.state, ctx.now) != "registering":
        early = kept.state != "cancelled" and ctx.now < kept.round.opens
        why = "too_early" if early else "too_late"
        opens = iso(kept.round.opens)
        raise Conflict(both(f"{why}"), remedy=both(f"{why}_remedy", opens=opens), kind="not-open")


def found(order: Order | None) -> Order:
    """Raises NotFound when the person has none."""
    if order is None:
        raise NotFound(both("no_order"), remedy=both("no_order_remedy"))
    return order


def household(ctx: Context) -> bytes:
    """Who draws together: whoever one person registered, themselves and those they act for."""
    return pseudonym(shelf_of(ctx.db).key, f"household|{ctx.caller.id}".encode())[:PERSON_BYTES]


def place_of(ctx: Context) -> str:
    """How somebody came, for the figures."""
    return ctx.caller.assisted.place if ctx.caller.assisted is not None else ctx.caller.channel


def new_code(random: Callable[[int], bytes]) -> str:
    """A pickup code of 40 bits: with the number of the person it opens one order."""
    return "".join(CODE_LETTERS[byte & 31] for byte in random(CODE_LENGTH))


async def _born(ctx: Context, said: str) -> date:
    """From the register that the node names, else as said. Raises Invalid naming the field."""
    register = desk_of(ctx.db).register
    if register:
        try:
            answer = await ctx.call(register, {"fields": [BIRTH_DATE]})
        except Problem:  # it does not know her, or shows it to nobody: then she says it
            answer = None
        said = str(getattr(answer, BIRTH_DATE, "") or said)
    try:
        born = date.fromisoformat(said)
    except ValueError:
        raise Invalid.at("born", both("say_born")) from None
    if born > datetime.fromtimestamp(ctx.now, TAIPEI).date():
        raise Invalid.at("born", both("say_born"))
    return born


async def _never(ctx: Context, kept: Kept, buyer: Buyer) -> NotNow | None:
    """What waiting would not change. Quota is weighed when a place is given, by the engine alone."""
    engine = engine_of(ctx.db)
    entitled = await engine.entitlement(buyer, kept.round.item, ctx.now)
    code = next((why.code for why in entitled.why if why.code in FOR_GOOD), "")
    if not code and not _is_sold_online(await engine.rules(), kept.round.item, datetime.fromtimestamp(ctx.now, TAIPEI)):
        code = "not_this_channel"
    if not code and entitled.of < kept.round.quantity:
        code = "unknown_rule"
    return NotNow(code, iso(entitled.from_when) if entitled.from_when else "") if code else None


def _is_sold_online(book: RuleBook, item: str, now: datetime) -> bool:
    """Whether the edition in force lets the item be preordered at all."""
    in_force = [one for one in book.edition if one.since <= now.date()]
    return bool(in_force) and any(rule.item == item and CHANNEL in rule.channels for rule in in_force[-1].rule)


def _fresh(ctx: Context, kept: Kept, buyer: Buyer, group: bytes) -> Order:
    random = desk_of(ctx.db).random
    return Order(
        id=random(16).hex(), round=kept.round.id, person=buyer.person, grp=group, state="registered", place=0, turn=0,
        pay_by=EpochS(0.0), reminded=0, kept=0, held=0, owes="", code=new_code(random),
        word=f"{int.from_bytes(random(4)) % 10_000:04}", born=buyer.born.isoformat(), kind=buyer.kind,
        parity=NO_PARITY if buyer.parity is None else buyer.parity, store="", at=ctx.now, done_at=EpochS(0.0),
    )  # fmt: skip


def _register(tx: Tx, *, fresh: Order, kept: Kept, channel: str, now: EpochS) -> bool:
    """Write it, unless it is there; one that was withdrawn comes back, at the end of the line."""
    round = records.round_of(tx, kept.round.id)
    at_once = kept.round.mode == "at_once"
    if round is None or round.state not in (("allotted",) if at_once else ("published",)):
        raise Conflict(both("too_late"), remedy=both("too_late_remedy"), kind="not-open")
    place = records.count(tx, "last_place", round=fresh.round) + 1 if at_once else 0
    line = {"place": place, "state": "waiting" if at_once else "registered", "channel": channel}
    wrote = tx.run(SQL["add"], id=fresh.id, round=fresh.round, person=fresh.person, grp=fresh.grp, code=fresh.code,
                   none=b"", word=fresh.word, born=fresh.born, kind=fresh.kind, parity=fresh.parity, at=now,
                   **line)  # fmt: skip
    order = records.order_of(tx, fresh.round, fresh.person)
    assert order is not None, "it was just written"
    if not wrote:
        wrote = tx.run(SQL["again"], id=order.id, grp=fresh.grp, **line)
    if wrote:
        records.tell(tx, order, "registered", now)
    return bool(wrote)
