"""Alarms at work: what the positions say, her answers and the clock move the ladder; each move is one commit.

A move writes the ladder's state, its timer, the messages it calls for and what is shown of it together, so that a
killed process finds all of it or none at the next start, and does nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, feed, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.service.fence import ladder, law, records
from banyan.service.fence.keeping import Opened, opened, terms_now
from banyan.service.fence.ladder import Deed, Kind, Ladder, Refusal, Sign, Stepped
from banyan.service.fence.records import Alarm
from banyan.service.fence.sealing import SQL
from banyan.service.fence.sending import queue
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import shelf_of

LADDER: Final = "ladder"
CHANGED: Final = "changed"
"""The feed's topic of every move: its subject is the alarm's id, which names nobody. Officers' pages follow it."""
TELL: Final = "tell"
"""The timer that tells a desk's telephone; its key is ALARM/DESK."""
REPING: Final = "reping"
"""The network is asked where a phone is; its subject is the phone's slot. What reaches the operator follows it."""
FALSE: Final = ("home", "battery", "network", "hospital", "other")
"""Causes of an alarm that found nobody away."""
DESKS: Final[dict[Deed, tuple[law.Desk, ...]]] = {"worker": ("health",), "police": ("police", "civil")}


class Signal(msgspec.Struct, frozen=True):
    """What the positions say of a phone; `seq` orders them for ever, `venue` is the event of the kind `entered`."""

    seq: int
    slot: int
    kind: Kind
    sign: Sign
    at: float
    venue: str = ""


async def take(ctx: Context, signals: Sequence[Signal], *, source: str) -> int:
    """Take signals of one source in order, each once for ever; how many were new. Without an order in force they pass
    unheard. Durable when this returns."""
    order = await law.standing_order(ctx)
    cases = await _cases(ctx, {one.slot for one in signals}, order) if order else {}

    def job(tx: Tx) -> int:
        row = tx.row(SQL["seq"], name=source)
        after = int(str(row[0])) if row else 0
        fresh = sorted((one for one in signals if one.seq > after), key=lambda one: one.seq)
        for signal in fresh:
            if (one := cases.get(signal.slot)) is not None:
                _hear(tx, ctx, one, signal)
        if fresh:
            tx.run(SQL["take"], name=source, seq=fresh[-1].seq)
        return len(fresh)

    return await ctx.db.sql.write(job)


async def taken(ctx: Context, source: str) -> int:
    """The newest signal of a source that was taken."""
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["seq"], name=source))
    return int(str(row[0])) if row else 0


@SERVICE.timer(LADDER)
async def go_on(ctx: Context, event: Event) -> None:
    """What is due of one alarm. Without an order in force nothing goes on: the sweep ends it."""
    order = await law.standing_order(ctx)
    alarm = await ctx.db.sql.read(lambda tx: records.alarm_by_id(tx, event.subject))
    if alarm is None or not order:
        return
    try:
        one = await opened(ctx, await ctx.db.sql.read(lambda tx: records.held_by_id(tx, alarm.held)))
    except NotFound:
        return

    def job(tx: Tx) -> None:
        now_is = records.alarm_by_id(tx, alarm.id)
        if now_is is not None:
            move(tx, ctx, one, now_is, ladder.waited(now_is.ladder, ctx.now, terms_now(tx, ctx.now).waits))

    await ctx.db.sql.write(job)


def hear_answer(tx: Tx, ctx: Context, one: Opened, answer: Literal["home", "away"], by: str) -> bool:
    """Her answer to whatever is open; `by` is how it came (`page`, `sms`). True when it moved an alarm."""
    one.note(tx, ctx, f"said-{answer}-{by}")
    waits, moved = terms_now(tx, ctx.now).waits, False
    for kind in ("left", "silent", "entered"):
        alarm = records.open_alarm(tx, one.held.id, kind)
        if alarm is None:
            continue
        stepped = ladder.answered(alarm.ladder, answer, ctx.now, waits)
        if not isinstance(stepped, Refusal):
            move(tx, ctx, one, alarm, stepped)
            moved = True
    return moved


def move(tx: Tx, ctx: Context, one: Opened, alarm: Alarm, stepped: Stepped, *, agency: str = "") -> Alarm:
    """Put an alarm where the ladder says, with all that follows from it. `agency`: of an officer who takes it."""
    state, deeds = stepped
    after = msgspec.structs.replace(alarm, ladder=state, agency=agency or (alarm.agency if state.claimed_by else ""))
    if after == alarm and not deeds:
        return alarm
    records.put_alarm(tx, after)
    _follow(tx, ctx, one, after, deeds)
    if state.stage != alarm.ladder.stage:
        one.note(tx, ctx, f"stage-{state.stage}", alarm=alarm.id)
    if state.stage == "closed" and alarm.ladder.stage != "closed":
        records.count(tx, ctx.now, f"closed-{state.kind}-{state.cause}")
        records.count(tx, ctx.now, "false" if state.cause in FALSE else "true")
    return after


def _hear(tx: Tx, ctx: Context, one: Opened, signal: Signal) -> None:
    held = records.held_by_id(tx, one.held.id)
    if held is None or held.state != "watched" or not _concerns(one, signal):
        return
    terms = terms_now(tx, ctx.now)
    if signal.sign in ("outage", "restored"):
        for kind in ("left", "silent"):
            alarm = records.open_alarm(tx, held.id, kind)
            if alarm is not None:
                move(tx, ctx, one, alarm, ladder.sensed(alarm.ladder, signal.sign, ctx.now, terms.waits))
        return
    alarm = records.open_alarm(tx, held.id, signal.kind)
    if alarm is not None:
        move(tx, ctx, one, alarm, ladder.sensed(alarm.ladder, signal.sign, ctx.now, terms.waits))
    elif signal.sign != "clear":
        state, deeds = ladder.begin(signal.kind, ctx.now, terms.waits, is_strong=signal.sign == "strong")
        new = Alarm(
            shelf_of(ctx.db).random(8).hex(), held.id, signal.kind, signal.venue, held.village, ctx.now, "", state
        )
        records.add_alarm(tx, new)
        one.note(tx, ctx, f"alarm-{signal.kind}", alarm=new.id)
        records.count(tx, ctx.now, f"alarm-{signal.kind}")
        _follow(tx, ctx, one, new, deeds)


def _concerns(one: Opened, signal: Signal) -> bool:
    """Who manages their own health may leave home, but enter no mass event; who is quarantined the other way round."""
    is_free = one.who.ground == "self-health"
    return signal.sign in ("outage", "restored") or is_free == (signal.kind == "entered")


def _follow(tx: Tx, ctx: Context, one: Opened, alarm: Alarm, deeds: Sequence[Deed]) -> None:
    """The timer, the messages, who is told, and the pages that watch."""
    state: Ladder = alarm.ladder
    if state.due:
        timers.set(tx, LADDER, alarm.id, EpochS(state.due))
    else:
        timers.cancel(tx, LADDER, alarm.id)
    for deed in deeds:
        if deed in ("ask", "leave") and one.held.phone:
            queue(tx, ctx, one, kind=deed, alarm=alarm.id)
        elif deed == "reping":
            feed.append(tx, Event(REPING, str(one.held.slot), msgspec.Raw(b"{}"), at=ctx.now))
        if deed not in DESKS:
            one.note(tx, ctx, deed, alarm=alarm.id)
        for desk in DESKS.get(deed, ()):
            told = law.responsible(law.all_duties(tx), alarm.village, desk)
            records.add_step(tx, one.held.id, records.Step(alarm.id, ctx.now, f"told-{desk}", told, "system", b""))
            timers.set(tx, TELL, f"{alarm.id}/{desk}", ctx.now)
    feed.append(tx, Event(CHANGED, alarm.id, msgspec.Raw(b"{}"), at=ctx.now))


async def _cases(ctx: Context, slots: set[int], order: str) -> dict[int, Opened]:
    """The living cases of phones, with their keys."""
    found = await ctx.db.sql.read(lambda tx: [held for slot in slots if (held := records.held_by_slot(tx, slot))])
    cases = {}
    for held in found:
        if held.power == order and held.state == "watched":
            try:
                cases[held.slot] = await opened(ctx, held)
            except NotFound:
                continue
    return cases
