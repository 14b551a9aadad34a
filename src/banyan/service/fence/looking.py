"""Who sees what of one person: an officer by breaking the glass, with a reason that she can read; she herself, all.

The worklist shows case numbers. To open one an officer gives a reason; the gate then weighs a basis for this person and
this agency, and writes the use into the ledger, where she finds it in her own list.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_fence import FENCE_LIST
from banyan.service.fence import records
from banyan.service.fence.keeping import Opened, case_by_id, opened, own_case, person_named
from banyan.service.fence.law import check_area, fields_of, on_duty, order_in_force, revealed_later
from banyan.service.fence.registering import Id, Reason
from banyan.service.fence.sealing import SQL
from banyan.service.fence.sending import Words
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import chat_of, shelf_of


class Happened(msgspec.Struct, frozen=True):
    """`at` is RFC 3339 UTC; `agency` of the officer, or of who was told; `by` is `officer`, `person` or `system`."""

    at: str
    kind: str
    agency: str = ""
    by: str = ""
    words: str = ""
    alarm: str = ""


class AlarmShown(msgspec.Struct, frozen=True):
    id: str
    kind: str
    stage: str
    opened: str
    answer: str
    cause: str
    agency: str
    is_yours: bool = False


class LookAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reason` is hers to read."""

    person: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    reason: Annotated[str, msgspec.Meta(max_length=REASON_CHARS)] = ""
    fields: Annotated[tuple[str, ...], msgspec.Meta(max_length=10)] = ()


class Timeline(msgspec.Struct, frozen=True):
    case: str
    state: str
    enrolment: str
    village: str
    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    phone: Annotated[str, personal("C001")] | UnsetType = UNSET
    address: Annotated[str, personal("C031")] | UnsetType = UNSET
    ground: Annotated[str, personal("C111")] | UnsetType = UNSET
    until: Annotated[str, personal("C034")] | UnsetType = UNSET
    steps: Annotated[tuple[Happened, ...], personal("C034")] | UnsetType = UNSET
    alarms: Annotated[tuple[AlarmShown, ...], personal("C034")] | UnsetType = UNSET


class Breaking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case: Id
    reason: Reason


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    reason: Reason


class Asked(msgspec.Struct, frozen=True):
    """What was sent to her phone, when, and when she answered."""

    at: str
    text: str
    sent: str
    answered: str


class AppealShown(msgspec.Struct, frozen=True):
    id: str
    about: Literal["alarm", "quarantine"]
    office: str
    at: str
    due: str
    outcome: str
    reason: str
    words: str = ""


class Mine(msgspec.Struct, frozen=True):
    """Her own page. `erase` is the day (Taiwan) on which the key of all this is destroyed."""

    case: str
    state: str
    enrolment: str
    is_asked: bool
    order: str
    chat: Literal["", "none", "linked"]
    """Empty: this node has none."""
    phone: Annotated[str, personal("C001")] | UnsetType = UNSET
    address: Annotated[str, personal("C031")] | UnsetType = UNSET
    ground: Annotated[str, personal("C111")] | UnsetType = UNSET
    start: Annotated[str, personal("C034")] | UnsetType = UNSET
    until: Annotated[str, personal("C034")] | UnsetType = UNSET
    days_left: Annotated[int, personal("C034")] | UnsetType = UNSET
    erase: str = ""
    steps: Annotated[tuple[Happened, ...], personal("C034")] | UnsetType = UNSET
    alarms: Annotated[tuple[AlarmShown, ...], personal("C034")] | UnsetType = UNSET
    asked: Annotated[tuple[Asked, ...], personal("C034")] | UnsetType = UNSET
    appeals: Annotated[tuple[AppealShown, ...], personal("C132")] | UnsetType = UNSET


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


@SERVICE.operation(
    "timeline",
    title={"zh-Hant": "查看一個人的圍籬紀錄", "en": "See one person's fence record"},
    summary={
        "zh-Hant": "依命令、在轄區內、寫明理由才能看；當事人看得到誰在何時為何查看。",
        "en": "Under an order, within one's area, with a reason; the person sees who looked, when and why.",
    },
    data=("health",),
    audience="officer",
    effect="write",
    purpose="012",
    subject="person",
    channels=("api",),
)
async def timeline(ctx: Context, request: LookAt) -> Timeline:
    """The newest first. Raises NotFound for who is not under the fence, Denied outside the caller's area."""
    order, duties = await on_duty(ctx)
    person = person_named(shelf_of(ctx.db), request.person)
    one = await opened(ctx, await ctx.db.sql.read(lambda tx: records.held_by_person(tx, person, order)))
    check_area(duties, one.held.village)

    def job(tx: Tx) -> tuple[tuple[Happened, ...], tuple[AlarmShown, ...]]:
        one.note(tx, ctx, "looked", words=request.reason)
        return steps_of(tx, one), _alarms(tx, one, ctx.caller.id)

    steps, alarms = await ctx.db.sql.write(job)
    held, who = one.held, one.who
    return Timeline(
        case=held.id, state=held.state, enrolment=held.enrolment, village=held.village, name=who.name, phone=who.phone,
        address=who.address, ground=who.ground, until=iso(EpochS(held.until)), steps=steps, alarms=alarms,
    )  # fmt: skip


@SERVICE.operation(
    "open_case",
    title={"zh-Hant": "破窗查看", "en": "Break the glass"},
    summary={
        "zh-Hant": "以案號開啟一個人的紀錄；理由與查看會留給當事人。",
        "en": "Open a case by its number; the reason and the look are the person's to see.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
    channels=("api",),
    rate="query",
)
async def open_case(ctx: Context, request: Breaking) -> Timeline:
    """What `timeline` answers through the gate: minimised to the caller's basis, and in her list."""
    order, duties = await on_duty(ctx)
    one = await case_by_id(ctx, request.case, order)
    check_area(duties, one.held.village)
    asked = {"person": one.who.number, "reason": request.reason, "fields": await fields_of(ctx)}
    found: Timeline = await ctx.call("fence.timeline", asked)
    return found


@SERVICE.operation(
    "look_up",
    title={"zh-Hant": "以證號查案", "en": "Find a case by a person's number"},
    summary={
        "zh-Hant": "當事人來電時，以證號找到案件；理由與查看會留給當事人。",
        "en": "When a person calls: by the number; the reason and the look are the person's to see.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
    channels=("api",),
    rate="query",
)
async def look_up(ctx: Context, request: Finding) -> Timeline:
    """As `open_case`, for an officer who has somebody on the line. Raises NotFound for who is not under the fence."""
    await on_duty(ctx)
    asked = {"person": request.person, "reason": request.reason, "fields": await fields_of(ctx)}
    found: Timeline = await ctx.call("fence.timeline", asked)
    return found


@SERVICE.operation(
    "mine",
    title={"zh-Hant": "我的居家檢疫", "en": "My quarantine"},
    summary={
        "zh-Hant": "還有幾天、對我的手機做過什麼、誰看過、何時刪除。",
        "en": "Days left, what was done with my phone, who looked, and when it is deleted.",
    },
    data=("health",),
    audience="citizen",
    purpose="own-affairs",
)
async def mine(ctx: Context, request: Nothing) -> Mine:
    """Raises NotFound for who is not under the fence, Denied when no order is in force."""
    order = await order_in_force(ctx)
    one = await own_case(ctx, order)
    later = await revealed_later(ctx)
    shown = await ctx.db.sql.read(partial(_own, one=one, later=later, now=ctx.now))
    held, who = one.held, one.who
    is_asked = any(alarm.stage != "closed" and not alarm.answer for alarm in shown[1])
    return Mine(
        case=held.id, state=held.state, enrolment=held.enrolment, is_asked=is_asked, order=order,
        chat=await _chat(ctx, held.id), phone=who.phone,
        address=who.address, ground=who.ground, start=iso(EpochS(held.start)), until=iso(EpochS(held.until)),
        days_left=max(0, int(-(-(held.until - ctx.now) // records.DAY_S))), erase=held.day,
        steps=shown[0], alarms=shown[1], asked=shown[2], appeals=shown[3],
    )  # fmt: skip


async def _chat(ctx: Context, held: str) -> Literal["", "none", "linked"]:
    link = await ctx.db.sql.read(partial(records.chat_of_case, held=held))
    if link is not None:
        return "linked"
    return "none" if chat_of(ctx.db) is not None else ""


def steps_of(tx: Tx, one: Opened) -> tuple[Happened, ...]:
    return tuple(
        Happened(iso(EpochS(step.at)), step.kind, step.agency, _by(step), one.said(step.note), step.alarm)
        for step in records.steps_of(tx, one.held.id)
    )


def appeal_shown(one: Opened, appeal: records.Appeal) -> AppealShown:
    about: Literal["alarm", "quarantine"] = "alarm" if appeal.alarm else "quarantine"
    return AppealShown(appeal.id, about, appeal.office, iso(EpochS(appeal.at)), iso(EpochS(appeal.due)), appeal.outcome,
                       one.said(appeal.reason), one.said(appeal.words))  # fmt: skip


def _own(
    tx: Tx, one: Opened, later: Mapping[str, float], now: float
) -> tuple[tuple[Happened, ...], tuple[AlarmShown, ...], tuple[Asked, ...], tuple[AppealShown, ...]]:
    hidden = {iso(EpochS(step.at)) + step.agency for step in records.steps_of(tx, one.held.id)
              if step.kind == "looked" and step.at + later.get(step.agency, 0.0) > now}  # fmt: skip
    return (
        tuple(one for one in steps_of(tx, one) if one.kind != "looked" or one.at + one.agency not in hidden),
        _alarms(tx, one, ""),
        _asked(tx, one),
        tuple(appeal_shown(one, each) for each in records.appeals_of(tx, one.held.id)),
    )


def _asked(tx: Tx, one: Opened) -> tuple[Asked, ...]:
    found = []
    for at, _, words, sent, answered in tx.rows(SQL["messages_of"], held=one.held.id, limit=FENCE_LIST):
        assert isinstance(words, bytes), "words are sealed"
        text = msgspec.json.decode(one.read(words), type=Words)
        found.append(Asked(_iso(at), "" if text.kind == "code" else text.text, _iso(sent), _iso(answered)))
    return tuple(found)


def _alarms(tx: Tx, one: Opened, officer: str) -> tuple[AlarmShown, ...]:
    return tuple(
        AlarmShown(alarm.id, alarm.kind, alarm.ladder.stage, iso(EpochS(alarm.opened)), alarm.ladder.answer,
                   alarm.ladder.cause, alarm.agency, bool(officer) and alarm.ladder.claimed_by == officer)
        for alarm in records.alarms_of(tx, one.held.id)
    )  # fmt: skip


def _by(step: records.Step) -> str:
    if step.officer == "system":
        return "system"
    return "officer" if step.agency else "person"


def _iso(at: object) -> str:
    return iso(EpochS(float(str(at)))) if at is not None else ""
