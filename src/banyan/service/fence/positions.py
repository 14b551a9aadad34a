"""Positions: whose phones the engine watches, and what it tells goes to the ladder, each once.

The engine keeps its alarms until it is told that they were acted upon; this service keeps the number of the last one in
the commit that acted. So a process killed anywhere between the two loses none and repeats none.
"""

from __future__ import annotations

from typing import Final

from banyan.craft.fencing.model import EVENTS, HOME, NO_PHONE, FenceEngine
from banyan.craft.fencing.model import Alarm as Told
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_FORGET_S
from banyan.service.fence import law, records
from banyan.service.fence.alarming import Signal, take, taken
from banyan.service.fence.keeping import opened
from banyan.service.fence.ladder import Kind, Sign
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import shelf_of

TICK: Final = "positions"
ENROL: Final = "enrol"
FORGET: Final = "forget"
TICK_S: Final = 30.0
SIGNS: Final[dict[str, tuple[Kind, Sign]]] = {
    "suspect": ("left", "weak"), "away": ("left", "strong"), "clear": ("left", "clear"), "silent": ("silent", "weak"),
    "heard": ("silent", "clear"), "entered": ("entered", "strong"),
}  # fmt: skip


async def drain(ctx: Context) -> int:
    """Take what the engine has told and nobody has acted upon; how many alarms."""
    shelf, total = shelf_of(ctx.db), 0
    engine = shelf.engine
    if engine is None:
        return 0
    after = await taken(ctx, shelf.source)
    while found := engine.alarms(after):
        await take(ctx, await _signals(ctx, engine, found), source=shelf.source)
        after, total = found[-1].number, total + len(found)
        await engine.told(after)
    return total


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Act upon what was told while the node was down, watch who was enrolled while there was no engine (or one over
    another table), and keep the clock of silences going."""
    engine, order = shelf_of(ctx.db).engine, await law.standing_order(ctx)
    if engine is None:
        return
    await drain(ctx)
    living = await ctx.db.sql.read_long(lambda tx: records.living(tx, order)) if order else []
    missing = [one.slot for one in living if _wants_watch(one) and engine.state_of(one.slot).phase == "none"]

    def job(tx: Tx) -> None:
        for slot in missing:
            set_enrolment(tx, slot, ctx.now)
        timers.set(tx, TICK, "all", EpochS(ctx.now + TICK_S))

    await ctx.db.sql.write(job)


@SERVICE.timer(TICK)
async def tick(ctx: Context, event: Event) -> None:
    """Judge slots that are over, also when nothing was sent."""
    engine = shelf_of(ctx.db).engine
    if engine is None:
        return
    if await law.standing_order(ctx):
        await engine.tick()
        await drain(ctx)
    await ctx.db.sql.write(lambda tx: timers.set(tx, TICK, "all", EpochS(ctx.now + TICK_S)))


@SERVICE.timer(ENROL)
async def enrol(ctx: Context, event: Event) -> None:
    """Watch a phone, or stop: as its case stands now."""
    engine = shelf_of(ctx.db).engine
    held = await ctx.db.sql.read(lambda tx: records.held_by_slot(tx, int(event.subject)))
    if engine is None:
        return
    if held is None or not _wants_watch(held):
        await ctx.db.sql.write(lambda tx: timers.set(tx, FORGET, "all", EpochS(ctx.now + FENCE_FORGET_S)))
        await engine.leave([int(event.subject)])
        return
    one = await opened(ctx, held)
    watched_for = EVENTS if one.who.ground == "self-health" else HOME
    await engine.enrol(held.slot, watched_for=watched_for, at=int(min(held.start, ctx.now)))


@SERVICE.timer(FORGET)
async def forget(ctx: Context, event: Event) -> None:
    """Some left: let nothing of them stay in the journal either."""
    engine = shelf_of(ctx.db).engine
    if engine is not None:
        await engine.forget()


def set_going(tx: Tx, now: float) -> None:
    """Judge and take from now on: of an engine that was lent after the start."""
    timers.set(tx, TICK, "all", EpochS(now))


def set_enrolment(tx: Tx, slot: int, now: float) -> None:
    """See to a phone's watch, in the commit that changed it."""
    timers.set(tx, ENROL, str(slot), EpochS(now))


async def slots_of(db: Drawer, cases: list[str]) -> list[int]:
    """The phones of cases, in their order."""
    found = await db.sql.read_long(lambda tx: [records.held_by_id(tx, id) for id in cases])
    return [held.slot for held in found if held is not None]


def _wants_watch(held: records.Held) -> bool:
    return held.state == "watched" and bool(held.phone)


async def _signals(ctx: Context, engine: FenceEngine, found: list[Told]) -> list[Signal]:
    """Alarms as the ladder hears them; a mast's outage is heard for each open alarm whose home it darkens. Several of
    one number keep it: they are taken in one commit."""
    open_slots = await ctx.db.sql.read(_open_slots)
    signals = []
    for told in found:
        if told.kind in ("outage", "restored"):
            sign: Sign = "outage" if told.kind == "outage" else "restored"
            dark = [slot for slot in open_slots if engine.state_of(slot).in_outage == (sign == "outage")]
            signals += [Signal(told.number, slot, "left", sign, float(told.at)) for slot in dark]
            continue
        kind, sign = SIGNS[told.kind]
        if told.phone != NO_PHONE:
            signals.append(Signal(told.number, told.phone, kind, sign, float(told.at), str(told.event or "")))
    return signals or [Signal(found[-1].number, NO_PHONE, "left", "clear", float(found[-1].at))]


def _open_slots(tx: Tx) -> list[int]:
    cases = {alarm.held for alarm in records.open_alarms(tx)}
    return sorted(held.slot for id in cases if (held := records.held_by_id(tx, id)) is not None)
