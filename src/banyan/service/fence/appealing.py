"""Appeals: she contests an alarm or the whole quarantine; it reaches a named office with a day, and is decided once."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from banyan.errors import Conflict, Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.service.fence import law, records
from banyan.service.fence.keeping import case_by_id, own_case, terms_now
from banyan.service.fence.law import check_area, on_duty, order_in_force
from banyan.service.fence.looking import Nothing
from banyan.service.fence.records import DAY_S
from banyan.service.fence.registering import Id, Reason
from banyan.service.fence.sealing import SQL
from banyan.service.fence.sending import queue
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import both, shelf_of, unknown

OPEN_APPEALS = 3
"""Of one person at once; more says nothing new."""


class Contest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`alarm` empty: the quarantine itself."""

    words: Annotated[str, msgspec.Meta(min_length=2, max_length=REASON_CHARS)]
    alarm: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{16})?$")] = ""


class Filed(msgspec.Struct, frozen=True):
    """Which office decides, and until when (RFC 3339 UTC)."""

    id: str
    office: str
    due: Annotated[str, personal("C132")] | UnsetType = UNSET


class Waiting(msgspec.Struct, frozen=True):
    """An appeal of the caller's agency to decide; its words are in the case, behind a reason."""

    id: str
    case: str
    about: Literal["alarm", "quarantine"]
    village: str
    at: str
    due: str
    is_late: bool


class Deciding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`granted` of a quarantine: the office that may ends it (`transfer` to over). The reason is hers to read."""

    id: Id
    outcome: Literal["granted", "rejected"]
    reason: Reason


class Decided(msgspec.Struct, frozen=True):
    id: str
    case: str
    outcome: str


@SERVICE.operation(
    "appeal", title={"zh-Hant": "提出異議", "en": "Appeal"},
    summary={
        "zh-Hant": "對一次告警或整個檢疫處分提出異議，限期答覆。",
        "en": "Against an alarm or the whole quarantine; answered by a day.",
    },
    data=("health",), audience="citizen", effect="write", purpose="own-affairs", channels=("api",),
)  # fmt: skip
async def appeal(ctx: Context, request: Contest) -> Filed:
    """Raises NotFound for another's alarm, Conflict when there is nobody to decide."""
    one = await own_case(ctx, await order_in_force(ctx))
    id = shelf_of(ctx.db).random(8).hex()

    def job(tx: Tx) -> tuple[str, float]:
        alarm = records.alarm_by_id(tx, request.alarm) if request.alarm else None
        if request.alarm and (alarm is None or alarm.held != one.held.id):
            raise unknown()
        if sum(not each.outcome for each in records.appeals_of(tx, one.held.id)) >= OPEN_APPEALS:
            raise Limit(both("appeals"), remedy=both("appeals_remedy"), status=429, kind="appeals")
        office = law.responsible(law.all_duties(tx), one.held.village, "health")
        if not office:
            raise Conflict(both("no_office"), remedy=both("no_office_remedy"), kind="no-office")
        due = ctx.now + terms_now(tx, ctx.now).appeal_days * DAY_S
        tx.run(SQL["add_appeal"], id=id, held=one.held.id, alarm=request.alarm, office=office, village=one.held.village,
               at=ctx.now, due=due, words=one.words(request.words), nothing=b"")  # fmt: skip
        one.note(tx, ctx, "appealed", alarm=request.alarm)
        records.count(tx, ctx.now, "appeals")
        return office, due

    office, due = await ctx.db.sql.write(job)
    return Filed(id, await shelf_of(ctx.db).agency_of(office), iso(EpochS(due)))


@SERVICE.operation(
    "appeals", title={"zh-Hant": "待決異議", "en": "Appeals to decide"},
    summary={
        "zh-Hant": "本機關要答覆的異議，期限近的在前。",
        "en": "What the caller's agency must answer, the most urgent first.",
    },
    data=OPEN, audience="officer", purpose="012", channels=("api",),
)  # fmt: skip
async def appeals(ctx: Context, request: Nothing) -> tuple[Waiting, ...]:
    await on_duty(ctx)
    found = await ctx.db.sql.read(records.open_appeals)
    return tuple(
        Waiting(one.id, one.held, "alarm" if one.alarm else "quarantine", one.village, iso(EpochS(one.at)),
                iso(EpochS(one.due)), one.due < ctx.now)
        for one in found if one.office == ctx.caller.agency
    )  # fmt: skip


@SERVICE.operation(
    "decide", title={"zh-Hant": "答覆異議", "en": "Decide an appeal"},
    summary={"zh-Hant": "寫明理由；當事人會收到通知。", "en": "With the reason; the person is told."},
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def decide(ctx: Context, request: Deciding) -> Decided:
    """Raises Conflict when it was decided, NotFound for another office's."""
    order, duties = await on_duty(ctx)
    found = await ctx.db.sql.read(lambda tx: records.appeal_by_id(tx, request.id))
    if found is None or found.office != ctx.caller.agency:
        raise unknown()
    one = await case_by_id(ctx, found.held, order)
    check_area(duties, found.village)

    def job(tx: Tx) -> None:
        reason = one.words(request.reason)
        done = tx.run(SQL["decide_appeal"], id=found.id, outcome=request.outcome, now=ctx.now,
                      agency=ctx.caller.agency, reason=reason)  # fmt: skip
        if not done:
            raise Conflict(both("decided"), remedy=both("decided_remedy"), kind="decided")
        one.note(tx, ctx, f"appeal-{request.outcome}", alarm=found.alarm, words=request.reason)
        if one.held.phone:
            queue(tx, ctx, one, kind="decided", alarm=found.alarm)
        records.count(tx, ctx.now, f"appeals-{request.outcome}")

    await ctx.db.sql.write(job)
    return Decided(found.id, found.held, request.outcome)
