"""The person's own side: what is told of her, who asked, a way to say that it is wrong; and immigration's answer."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated

import msgspec

from banyan.errors import Conflict, Invalid, Limit, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import TRAVEL_CONTESTS, TRAVEL_WORDS
from banyan.service.travel import contests, records, rules
from banyan.service.travel.contests import SQL, Contest, Words
from banyan.service.travel.flagging import Shown, found_of, shown_of
from banyan.service.travel.law import DELIVERY, FLAG, on_duty, order_of, scope_of
from banyan.service.travel.records import Told
from banyan.service.travel.ruling import Id
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import Shelf, both, shelf_of

Said = Annotated[str, msgspec.Meta(min_length=2, max_length=TRAVEL_WORDS, title="說明 In words")]
ContestId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", title="申訴代號 Contest")]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask: whose it is is known from who asks."""


class OwnLook(msgspec.Struct, frozen=True):
    """`at` is RFC 3339 UTC. `told` is what was answered; null once the order is over and its keys are destroyed."""

    at: str
    agency: str
    reason: str
    told: tuple[Told, ...] | None
    id: str = ""


class OwnContest(msgspec.Struct, frozen=True):
    id: str
    rule: str
    at: str
    words: str
    state: str
    decided: str
    agency: str
    answer: str


class Own(msgspec.Struct, frozen=True):
    """`marks` are what a hospital would be told now; `order` empty: no order is in force and nothing is told."""

    order: str
    marks: Annotated[tuple[Shown, ...], personal("C034")] | UnsetType = UNSET
    looks: tuple[OwnLook, ...] = ()
    contests: tuple[OwnContest, ...] = ()


class Contesting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`words` go to immigration: say what happened, and how they can find your entry."""

    rule: Id
    words: Said


class Waiting(msgspec.Struct, frozen=True):
    """A contest as immigration reads it: the mark and the person's words, and nobody's number."""

    id: str
    rule: str
    start: date
    at: str
    words: str


class Deciding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`is_wrong`: the mark was wrong and is told no more. `reason` is what the person reads."""

    id: ContestId
    is_wrong: bool
    reason: Said


class Done(msgspec.Struct, frozen=True):
    id: str


@SERVICE.operation(
    "mine", title={"zh-Hant": "我的旅遊史註記", "en": "My travel flag"},
    summary={
        "zh-Hant": "醫院現在會看到什麼、誰查過、如何申訴。",
        "en": "What a hospital would be told now, who looked, and what you contested.",
    },
    data=("border",), audience="citizen", purpose="own-affairs",
)  # fmt: skip
async def mine(ctx: Context, request: Nothing) -> Own:
    """The stays themselves are immigration's to show; here is what leaves."""
    shelf, person = shelf_of(ctx.db), bytes.fromhex(ctx.caller.subject)
    order, day = await order_of(ctx, FLAG), rules.day_of(ctx.now)
    whose = await ctx.db.sql.read(lambda tx: records.person_of(tx, person)) or person
    marks: tuple[Shown, ...] = ()
    if order is not None:
        scope = scope_of(order.reference)
        found = await ctx.db.sql.read(partial(found_of, scope, person, day))
        marks = await shown_of(shelf.scopes, scope, found, day)
    looks = await ctx.db.sql.read(lambda tx: records.looks_of(tx, whose))
    said = await ctx.db.sql.read(lambda tx: contests.all_of_person(tx, whose))
    return Own(
        order.reference if order is not None else "",
        marks,
        tuple([await _own_look(shelf, one) for one in looks]),
        tuple([await _own_contest(shelf, one) for one in said]),
    )


@SERVICE.operation(
    "contest", title={"zh-Hant": "申訴旅遊史註記", "en": "Contest a travel flag"},
    summary={
        "zh-Hant": "註記有誤時向移民署申訴；決定前註記會寫明申訴中。",
        "en": "Say that a mark is wrong; until immigration decides, it is shown as contested.",
    },
    data=("border",), audience="citizen", effect="write", purpose="own-affairs",
)  # fmt: skip
async def contest(ctx: Context, request: Contesting) -> Done:
    """Raises NotFound for a mark that is not told now, Conflict for one that is contested already."""
    shelf, person = shelf_of(ctx.db), bytes.fromhex(ctx.caller.subject)
    order, day = await order_of(ctx, FLAG), rules.day_of(ctx.now)
    if order is None:
        raise NotFound(both("no_mark"), remedy=both("no_mark_remedy"))
    scope, id = scope_of(order.reference), shelf.random(16).hex()
    found = await ctx.db.sql.read(partial(found_of, scope, person, day))
    mark = next((one for one in await shown_of(shelf.scopes, scope, found, day) if one.rule == request.rule), None)
    if mark is None:
        raise NotFound(both("no_mark"), remedy=both("no_mark_remedy"))
    seal = await contests.sealed(shelf.scopes, scope, id, Words(mark.start, request.words))

    def job(tx: Tx) -> Done:
        before = [one for one in contests.of_person(tx, found.person, scope) if one.state == "open"]
        if any(one.rule == request.rule for one in before):
            raise Conflict(both("contested"), remedy=both("contested_remedy"), kind="contested")
        if len(before) >= TRAVEL_CONTESTS:
            raise Limit(both("many_contests"), remedy=both("contested_remedy"), status=429)
        tx.run(SQL["put"], id=id, person=found.person, scope=scope, rule=request.rule, at=ctx.now, sealed=seal,
               answer=b"")  # fmt: skip
        return Done(id)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "contests", title={"zh-Hant": "旅遊史申訴", "en": "Contested travel flags"},
    summary={
        "zh-Hant": "等待移民署決定的申訴。",
        "en": "What waits for immigration's decision.",
    },
    data=OPEN, audience="officer", purpose="012", rate="query",
)  # fmt: skip
async def waiting(ctx: Context, request: Nothing) -> tuple[Waiting, ...]:
    """The oldest first. What an order's end destroyed is not there any more."""
    await on_duty(ctx, DELIVERY)
    scopes, found = shelf_of(ctx.db).scopes, await ctx.db.sql.read(contests.waiting)
    opened = [(one, await contests.opened(scopes, one)) for one in found]
    return tuple(
        Waiting(one.id, one.rule, words.start, iso(EpochS(one.at)), words.words)
        for one, words in opened
        if words is not None
    )


@SERVICE.operation(
    "decide", title={"zh-Hant": "決定旅遊史申訴", "en": "Decide a contested travel flag"},
    summary={
        "zh-Hant": "註記有誤則不再提供；理由會告知當事人。",
        "en": "A wrong mark is told no more; the person reads the reason.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012",
)  # fmt: skip
async def decide(ctx: Context, request: Deciding) -> Done:
    """Once. Raises NotFound for none that waits."""
    await on_duty(ctx, DELIVERY)
    shelf = shelf_of(ctx.db)
    one = await ctx.db.sql.read(lambda tx: contests.by_id(tx, request.id))
    if one is None or one.state != "open":
        raise NotFound(both("no_contest"), remedy=both("no_contest_remedy"))
    if not request.reason.strip():
        raise Invalid.at("reason", both("no_reason"))
    answer = await shelf.scopes.seal(
        one.scope, contests.KEY, request.reason.encode(), context=f"{one.id}/answer".encode()
    )
    state = "withdrawn" if request.is_wrong else "upheld"

    def job(tx: Tx) -> Done:
        row = tx.row(SQL["decide"], id=request.id, state=state, at=ctx.now, agency=ctx.caller.agency,
                     officer=ctx.caller.id, answer=answer)  # fmt: skip
        if row is None:
            raise NotFound(both("no_contest"), remedy=both("no_contest_remedy"))
        return Done(request.id)

    return await ctx.db.sql.write(job)


async def _own_look(shelf: Shelf, look: tuple[bytes, str, float, str, bytes]) -> OwnLook:
    id, scope, at, agency, sealed = look
    opened = await records.opened_look(shelf.scopes, scope, id, sealed)
    name = await shelf.agency_of(agency)
    return OwnLook(iso(EpochS(at)), name, opened.reason if opened else "", opened.told if opened else None, id.hex())


async def _own_contest(shelf: Shelf, one: Contest) -> OwnContest:
    words = await contests.opened(shelf.scopes, one)
    decided = iso(EpochS(one.decided)) if one.decided else ""
    agency = await shelf.agency_of(one.agency) if one.agency else ""
    answer = await contests.answered(shelf.scopes, one)
    return OwnContest(one.id, one.rule, iso(EpochS(one.at)), words.words if words else "", one.state, decided, agency,
                      answer)  # fmt: skip
