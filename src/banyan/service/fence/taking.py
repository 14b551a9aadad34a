"""Officers at an alarm: one takes it, gives it on at the end of a shift, and closes it with what was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_FIELD
from banyan.service.fence import ladder, records
from banyan.service.fence.alarming import move
from banyan.service.fence.keeping import case_by_id, terms_now
from banyan.service.fence.ladder import Ladder, Refusal, Stepped, Waits
from banyan.service.fence.law import check_area, on_duty
from banyan.service.fence.registering import Id
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import both, unknown

Note = Annotated[str, msgspec.Meta(max_length=FENCE_FIELD)]


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alarm: Id


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the next shift must know; the person can read it."""

    alarm: Id
    note: Note = ""


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the next shift must know of all of them."""

    note: Note = ""


class HandedOver(msgspec.Struct, frozen=True):
    count: int


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`left` and `shopping`: an officer or the person confirmed it; the positions alone confirm nothing."""

    alarm: Id
    cause: Literal["home", "battery", "shopping", "left", "hospital", "network", "other"]
    note: Note = ""


class Stood(msgspec.Struct, frozen=True):
    alarm: str
    stage: str
    is_yours: bool


@SERVICE.operation(
    "claim", title={"zh-Hant": "接手告警", "en": "Take an alarm"},
    summary={"zh-Hant": "一則告警由一位承辦人員接手。", "en": "One officer takes an alarm."},
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def claim(ctx: Context, request: Named) -> Stood:
    """Raises Conflict when another has it."""
    return await _act(
        ctx, request.alarm, "claimed", "", lambda one, waits: ladder.claimed(one, ctx.caller.id, ctx.now, waits)
    )


@SERVICE.operation(
    "hand_over", title={"zh-Hant": "交班", "en": "Hand an alarm over"},
    summary={"zh-Hant": "下班前交出告警與備註。", "en": "At the end of a shift, with a note."},
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def hand_over(ctx: Context, request: Given) -> Stood:
    """Raises Conflict when it is not the caller's."""
    return await _act(
        ctx, request.alarm, "handed-over", request.note,
        lambda one, waits: ladder.released(one, ctx.caller.id, ctx.now, waits),
    )  # fmt: skip


@SERVICE.operation(
    "hand_over_all", title={"zh-Hant": "全部交班", "en": "Hand over all"},
    summary={"zh-Hant": "下班時一次交出您接手的告警。", "en": "At the end of a shift, all that you have taken."},
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def hand_over_all(ctx: Context, request: Shift) -> HandedOver:
    """Each with the same note; one that was closed meanwhile is left as it is."""
    await on_duty(ctx)
    found = await ctx.db.sql.read_long(records.open_alarms)
    own = [one.id for one in found if ctx.caller.id and one.ladder.claimed_by == ctx.caller.id]
    count = 0
    for id in own:
        try:
            await hand_over(ctx, Given(id, request.note))
        except (Conflict, Denied, NotFound):
            continue
        count += 1
    return HandedOver(count)


@SERVICE.operation(
    "close", title={"zh-Hant": "結案", "en": "Close an alarm"},
    summary={"zh-Hant": "由接手的人員寫明原因結案。", "en": "Whoever took it says what it was."},
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def close(ctx: Context, request: Closing) -> Stood:
    """Raises Conflict when it is not the caller's, or closed."""
    return await _act(
        ctx, request.alarm, f"found-{request.cause}", request.note,
        lambda one, waits: ladder.closed(one, ctx.caller.id, request.cause, ctx.now),
    )  # fmt: skip


async def _act(
    ctx: Context, id: str, kind: str, note: str, decide: Callable[[Ladder, Waits], Stepped | Refusal]
) -> Stood:
    order, duties = await on_duty(ctx)
    alarm = await ctx.db.sql.read(lambda tx: records.alarm_by_id(tx, id))
    if alarm is None:
        raise unknown()
    one = await case_by_id(ctx, alarm.held, order)
    check_area(duties, alarm.village)

    def job(tx: Tx) -> Stood:
        found = records.alarm_by_id(tx, id)
        if found is None:
            raise unknown()
        stepped = decide(found.ladder, terms_now(tx, ctx.now).waits)
        if isinstance(stepped, Refusal):
            raise Conflict(both(f"act_{stepped.code}"), remedy=both(f"act_{stepped.code}_remedy"), kind=stepped.code)
        if stepped[0] != found.ladder:
            one.note(tx, ctx, kind, alarm=id, words=note)
        taken_by = ctx.caller.agency if stepped[0].claimed_by == ctx.caller.id else ""
        after = move(tx, ctx, one, found, stepped, agency=taken_by).ladder
        return Stood(id, after.stage, after.claimed_by == ctx.caller.id)

    return await ctx.db.sql.write(job)
