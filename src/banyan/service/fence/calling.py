"""The twice-daily calls: who to call now, how it went, and who was missed twice. A phone left alone answers nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_FIELD, FENCE_SHOWN
from banyan.service.fence import ladder, records
from banyan.service.fence.alarming import move
from banyan.service.fence.keeping import Opened, case_by_id, terms_now
from banyan.service.fence.law import Duty, check_area, on_duty
from banyan.service.fence.looking import Nothing
from banyan.service.fence.records import DAY_S, TAIWAN_S, Alarm, Held
from banyan.service.fence.registering import Id
from banyan.service.fence.sealing import SQL
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import both, shelf_of
from banyan.service.fence.terms import Terms

Result = Literal["home", "missed", "away", "unwell"]


class ToCall(msgspec.Struct, frozen=True):
    """`round` is the day and the time (2026-11-27 09:00, Taiwan); `missed`: the round before was missed too."""

    case: str
    village: str
    round: str
    since: str
    missed: bool
    is_urgent: bool
    """An alarm waits for this call: a silent phone, or an answer that did not come."""


class CallList(msgspec.Struct, frozen=True):
    """`waiting` are all that are to be called, `calls` the first of them."""

    round: str
    waiting: int
    calls: tuple[ToCall, ...]


class Called(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`unwell` goes to the health bureau by the case worker."""

    case: Id
    result: Result
    note: Annotated[str, msgspec.Meta(max_length=FENCE_FIELD)] = ""


class Noted(msgspec.Struct, frozen=True):
    """`is_passed_on`: the case worker was told."""

    case: str
    round: str
    is_passed_on: bool


@SERVICE.operation(
    "call_list", title={"zh-Hant": "關懷電話名單", "en": "Who to call now"},
    summary={"zh-Hant": "每日兩次；靜默告警優先。", "en": "Twice a day; silent phones first."},
    data=OPEN, audience="officer", purpose="012", channels=("api",),
)  # fmt: skip
async def call_list(ctx: Context, request: Nothing) -> CallList:
    """Of the caller's areas, by case number. Raises Denied without an order or an area."""
    order, duties = await on_duty(ctx)
    return await ctx.db.sql.read_long(lambda tx: _list(tx, order, duties, ctx.now))


@SERVICE.operation(
    "note_call", title={"zh-Hant": "登記電話結果", "en": "Note how a call went"},
    summary={
        "zh-Hant": "在家、未接、不在家或不舒服；連兩次未接通知個案管理。",
        "en": "Home, missed, away or unwell; missed twice goes to the case worker.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def note_call(ctx: Context, request: Called) -> Noted:
    """The first result of a round stands; an urgent call between rounds counts for the round that is on. A voice at
    home answers the alarm that waits. Raises Invalid before the first round of the first day."""
    order, duties = await on_duty(ctx)
    one = await case_by_id(ctx, request.case, order)
    check_area(duties, one.held.village)
    return await ctx.db.sql.write(lambda tx: _noted(tx, ctx, one, request))


def rounds_until(terms: Terms, start: float, now: float) -> list[tuple[str, float]]:
    """The newest two rounds that have begun since `start`: their name and beginning."""
    found = []
    for back in (0, 1, 2):
        day = int((now + TAIWAN_S) // DAY_S) - back
        for said in terms.calls:
            at = day * DAY_S - TAIWAN_S + int(said[:2]) * 3_600 + int(said[3:]) * 60
            if start <= at <= now:
                found.append((f"{records.day_of(at)} {said}", at))
    return sorted(found, key=lambda one: -one[1])[:2]


def _list(tx: Tx, order: str, duties: Sequence[Duty], now: float) -> CallList:
    terms = terms_now(tx, now)
    rounds = rounds_until(terms, 0.0, now)
    done = [_results(tx, name) for name, _ in rounds]
    urgent = {alarm.held for alarm in records.open_alarms(tx) if _wants_call(alarm)}
    found = []
    for held in records.living(tx, order):
        if held.state != "watched" or not any(one.covers(held.village) for one in duties):
            continue
        begun = [at for at, (_, moment) in enumerate(rounds) if moment >= held.start]
        is_due = bool(begun) and held.id not in done[0]
        if is_due or held.id in urgent:
            missed = 1 in begun and done[1].get(held.id, "missed") == "missed"
            found.append(
                ToCall(held.id, held.village, rounds[0][0], iso(EpochS(rounds[0][1])), missed, held.id in urgent)
            )
    found.sort(key=lambda one: (not one.is_urgent, not one.missed, one.case))
    return CallList(rounds[0][0], len(found), tuple(found[:FENCE_SHOWN]))


def _noted(tx: Tx, ctx: Context, one: Opened, request: Called) -> Noted:
    terms = terms_now(tx, ctx.now)
    rounds = rounds_until(terms, 0.0, ctx.now)
    if not rounds:
        raise Invalid.at("case", both("no_round"))
    name = rounds[0][0]
    tx.run(SQL["put_call"], held=one.held.id, round=name, at=ctx.now, result=request.result, agency=ctx.caller.agency,
           officer=ctx.caller.id)  # fmt: skip
    one.note(tx, ctx, f"call-{request.result}", words=request.note)
    waits = terms.waits
    for kind in ("left", "silent"):
        alarm = records.open_alarm(tx, one.held.id, kind)
        if alarm is None:
            continue
        if request.result in ("home", "away"):
            said: Literal["home", "away"] = "home" if request.result == "home" else "away"
            stepped = ladder.answered(alarm.ladder, said, ctx.now, waits)
            if not isinstance(stepped, ladder.Refusal):
                move(tx, ctx, one, alarm, stepped)
    is_passed = request.result in ("away", "unwell") or (request.result == "missed" and _missed(tx, one.held, rounds))
    if is_passed:
        _pass_on(tx, ctx, one)
    return Noted(one.held.id, name, is_passed)


def _missed(tx: Tx, held: Held, rounds: Sequence[tuple[str, float]]) -> bool:
    """Whether the round before was missed as well, or nobody called in it."""
    if len(rounds) < 2 or rounds[1][1] < held.start:
        return False
    return _results(tx, rounds[1][0]).get(held.id, "missed") == "missed"


def _pass_on(tx: Tx, ctx: Context, one: Opened) -> None:
    """To the case worker: an alarm that begins at the worker's step, of the kind `silent`, unless one is open."""
    if any(records.open_alarm(tx, one.held.id, kind) for kind in ("left", "silent")):
        return
    waits = terms_now(tx, ctx.now).waits
    state, _ = ladder.begin("silent", ctx.now, waits)
    new = Alarm(shelf_of(ctx.db).random(8).hex(), one.held.id, "silent", "", one.held.village, ctx.now, "", state)
    records.add_alarm(tx, new)
    records.count(tx, ctx.now, "alarm-silent")
    move(tx, ctx, one, new, ladder.passed_on(state, ctx.now, waits))


def _wants_call(alarm: Alarm) -> bool:
    return alarm.ladder.stage == "called" and not alarm.ladder.answer


def _results(tx: Tx, round: str) -> dict[str, str]:
    return {str(held): str(result) for held, result in tx.rows(SQL["calls_of_round"], round=round)}
