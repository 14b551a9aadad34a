"""Positions: what operators send goes to the engine, what the engine tells goes to the ladder, each once.

The engine keeps its alarms until it is told that they were acted upon; this service keeps the number of the last one in
the commit that acted. So a process killed anywhere between the two loses none and repeats none.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.craft.cells.model import fixes
from banyan.craft.fencing.model import EVENTS, HOME, NO_PHONE, FenceEngine
from banyan.craft.fencing.model import Alarm as Told
from banyan.errors import Denied, Unavailable
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_SIGNALS
from banyan.service.fence import law, records
from banyan.service.fence.alarming import Signal, take, taken
from banyan.service.fence.keeping import opened, phone_named
from banyan.service.fence.ladder import Kind, Sign
from banyan.service.fence.service import SERVICE
from banyan.service.fence.sheet import phone_of
from banyan.service.fence.shelf import both, shelf_of

ENGINE: Final = "engine"
TICK: Final = "positions"
ENROL: Final = "enrol"
TICK_S: Final = 30.0
SIGNS: Final[dict[str, tuple[Kind, Sign]]] = {
    "suspect": ("left", "weak"), "away": ("left", "strong"), "clear": ("left", "clear"), "silent": ("silent", "weak"),
    "heard": ("silent", "clear"), "entered": ("entered", "strong"),
}  # fmt: skip


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`cell` is `mcc-mnc-area-cell`; `at` seconds since 1970."""

    phone: Annotated[str, msgspec.Meta(max_length=20)]
    at: int
    cell: Annotated[str, msgspec.Meta(max_length=40)]


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`complete_until`: all fixes up to then were sent."""

    fixes: Annotated[tuple[Fix, ...], msgspec.Meta(max_length=FENCE_SIGNALS)]
    complete_until: int | None = None


class Taken(msgspec.Struct, frozen=True):
    """What became of them; `strange`: of phones that are nobody's here, forgotten at once."""

    taken: int
    again: int
    late: int
    ahead: int
    unknown: int
    strange: int


@SERVICE.operation(
    "fixes", title={"zh-Hant": "送入定位", "en": "Send fixes"},
    summary={
        "zh-Hant": "電信業者每十分鐘送入受圍籬手機的基地臺。",
        "en": "Operators send the serving cells of phones under the fence.",
    },
    data=OPEN, audience="agency", effect="write", purpose="012", channels=("api",), rate="bulk",
)  # fmt: skip
async def send_fixes(ctx: Context, request: Batch) -> Taken:
    """Raises Denied when no order is in force, or for who is no operator; Unavailable without an engine."""
    order, agency = await law.order_in_force(ctx), ctx.caller.agency
    duties = await ctx.db.sql.read(lambda tx: law.duties_of(tx, agency))
    if not any(one.desk == "operator" for one in duties):
        raise Denied(both("no_area"), remedy=both("no_area_remedy"), kind="no-area")
    shelf = shelf_of(ctx.db)
    engine, table = shelf.engine, shelf.cells
    if engine is None or table is None:
        raise Unavailable(both("no_engine"), remedy=both("no_engine_remedy"))
    names = {phone: phone_named(shelf, phone_of(phone) or "") for phone in {one.phone for one in request.fixes}}
    slots = await ctx.db.sql.read(lambda tx: _slots(tx, names, order))
    known = [one for one in request.fixes if one.phone in slots]
    batch = fixes(
        [slots[one.phone] for one in known], [one.at for one in known], [table.cell(one.cell) for one in known]
    )
    fed = await engine.feed(batch, complete_until=request.complete_until)
    await drain(ctx)
    return Taken(fed.taken, fed.again, fed.late, fed.ahead, fed.unknown, len(request.fixes) - len(known))


async def drain(ctx: Context) -> int:
    """Take what the engine has told and nobody has acted upon; how many alarms."""
    engine, total = shelf_of(ctx.db).engine, 0
    if engine is None:
        return 0
    after = await taken(ctx, ENGINE)
    while found := engine.alarms(after):
        await take(ctx, await _signals(ctx, engine, found), source=ENGINE)
        after, total = found[-1].number, total + len(found)
        await engine.told(after)
    return total


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Act upon what was told while the node was down, and keep the clock of silences going."""
    if shelf_of(ctx.db).engine is None:
        return
    await drain(ctx)
    await ctx.db.sql.write(lambda tx: timers.set(tx, TICK, "all", EpochS(ctx.now + TICK_S)))


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
    if held is None or held.state != "watched" or not held.phone:
        await engine.leave([int(event.subject)])
        return
    one = await opened(ctx, held)
    watched_for = EVENTS if one.who.ground == "self-health" else HOME
    await engine.enrol(held.slot, watched_for=watched_for, at=int(min(held.start, ctx.now)))


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


def _slots(tx: Tx, names: dict[str, str], order: str) -> dict[str, int]:
    found = {}
    for phone, name in names.items():
        cases = records.held_by_phone(tx, name, order) if name else []
        if len(cases) == 1:
            found[phone] = cases[0].slot
    return found
