"""Operations of the waiting rooms: an officer opens one, changes its pace or ends it; anybody sees how it goes."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound
from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import act_entry
from banyan.limits_rationing import (
    WAITING_HOURS,
    WAITING_PACE,
    WAITING_PASS_S,
    WAITING_PATHS,
    WAITING_ROOMS,
    WAITING_STATE_S,
)
from banyan.service.rationing.draw.acts import Title
from banyan.service.rationing.draw.shelf import shelf_of as ledger_of
from banyan.service.rationing.planners import must_plan
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.waiting.places import Progress
from banyan.service.rationing.waiting.rooms import (
    Kept,
    Plan,
    Room,
    Rooms,
    both,
    load,
    open_rooms,
    rooms_of,
    save,
)

Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,38}$", description="such as round-4")]
Path = Annotated[str, msgspec.Meta(pattern="^/[A-Za-z0-9/_.-]{1,80}$")]
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**40, description="epoch seconds")]
Pace = Annotated[float, msgspec.Meta(ge=0.1, le=WAITING_PACE, description="people a second")]
OWN: Final = (
    *("/rationing/waiting", "/api/rationing/waiting", "/api/rationing/waiting_open", "/api/rationing/waiting_pace"),
    *("/operations/rationing.waiting_pace", "/session", "/assets", "/ready", "/live", "/metrics", "/en"),
)
"""Addresses that no room may stand before: its page and what that needs, and the officer's way to change its pace."""


class Opening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A room in front of some addresses. People gather from `gathers` on; it opens at `opens`."""

    room: Id
    title_zh: Title
    title_en: Title
    paths: Annotated[tuple[Path, ...], msgspec.Meta(min_length=1, max_length=WAITING_PATHS)]
    gathers: Moment
    opens: Moment
    until: Moment
    pace: Pace
    pass_s: Annotated[int, msgspec.Meta(ge=60, le=WAITING_PASS_S)] = 900


class Pacing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another pace for a room at work; 0 opens it wide and ends it."""

    room: Id
    pace: Annotated[float, msgspec.Meta(ge=0, le=WAITING_PACE)]


class RoomQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    room: Id


class RoomView(msgspec.Struct, frozen=True):
    """How a room goes: `counts` are the people who came in each window, `released` places are let in. `seed` is of the
    newest window that is over, `window`; hashing it leads to the seeds before it and to `anchor`, which stands in the
    ledger's entry `entry`. Times RFC 3339 UTC."""

    room: str
    title: dict[str, str]
    paths: tuple[str, ...]
    gathers: str
    opens: str
    until: str
    as_of: str
    pace: float
    counts: tuple[int, ...]
    issued: int
    released: int
    passes: int
    anchor: str
    entry: int
    window: int
    seed: str


@SERVICE.start
async def begin(ctx: Context) -> None:
    """The rooms that were open go on."""
    for kept in await ctx.db.sql.read(load):
        if kept.plan.until > ctx.now:
            rooms_of(ctx.db).put(kept)


@SERVICE.stop
async def end(ctx: Context) -> None:
    """Write down how far each room has come."""
    for room in open_rooms(ctx.db):
        await save(ctx.db, room.kept())


@SERVICE.operation(
    "waiting_open",
    title={"zh-Hant": "開設候位室", "en": "Open a waiting room"},
    summary={
        "zh-Hant": "在幾個網址前面設候位室：開放前到的人不分先後，之後依到達的時段放行。",
        "en": "Put a room before some addresses: before it opens nobody is first, then windows follow each other.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
)
async def waiting_open(ctx: Context, request: Opening) -> RoomView:
    """Its seeds' anchor is in the ledger when this answers. Raises Invalid, Conflict for a room at work, Limit."""
    must_plan(ctx)
    rooms = rooms_of(ctx.db)
    plan = _plan(request)
    known = rooms.by_id.get(plan.id)
    if known is not None:
        if known.plan == plan:
            return view(known, ctx.now)
        raise Conflict(both("taken"), remedy=both("taken_remedy"), kind="taken")
    _check(plan, ctx.now)
    rooms.by_id = {id: one for id, one in rooms.by_id.items() if one.plan.until > ctx.now}
    if len(rooms.by_id) >= WAITING_ROOMS:
        raise Limit(both("full"), remedy=both("full_remedy"))
    made = Kept(plan, rooms.random(16), ctx.caller.agency, -1, Progress(at=ctx.now - plan.opens))
    anchor = Room(made, rooms.key).anchor.hex()
    entry = act_entry("waiting", id=plan.id, opens=int(plan.opens), anchor=anchor)
    index = await ledger_of(ctx.db).ledger.append_once(f"waiting/{plan.id}/{plan.opens}/{anchor}", entry)
    kept = msgspec.structs.replace(made, entry=index)
    await save(ctx.db, kept)
    return view(rooms.put(kept), ctx.now)


@SERVICE.operation(
    "waiting_pace",
    title={"zh-Hant": "調整放行速度", "en": "Change a room's pace"},
    summary={
        "zh-Hant": "改變每秒放行人數；0 表示全部放行並結束。",
        "en": "People a second; 0 lets everybody in and ends it.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
)
async def waiting_pace(ctx: Context, request: Pacing) -> RoomView:
    """Nobody loses a place by it. Raises NotFound, Denied for another agency's."""
    must_plan(ctx)
    rooms = rooms_of(ctx.db)
    room = _room(rooms, request.room)
    if ctx.caller.kind == "officer" and ctx.caller.agency != room.agency:
        raise Denied(both("not_yours"), remedy=both("not_yours_remedy"))
    kept = room.kept()
    changed = {"pace": request.pace} if request.pace else {"until": max(ctx.now, kept.plan.opens)}
    plan = msgspec.structs.replace(kept.plan, **changed)
    after = msgspec.structs.replace(kept, plan=plan)
    await save(ctx.db, after)
    if not request.pace:
        del rooms.by_id[plan.id]
        return view(room, ctx.now)
    room.plan, room.line.pace = plan, plan.pace
    return view(room, ctx.now)


@SERVICE.operation(
    "waiting",
    title={"zh-Hant": "候位室現況", "en": "How a waiting room goes"},
    summary={
        "zh-Hant": "多少人在等、放行到哪裡、種子與承諾。",
        "en": "How many wait, how far it has come, seed and anchor.",
    },
    data=OPEN,
    audience="public",
)
async def waiting(ctx: Context, request: RoomQuery) -> RoomView:
    """Raises NotFound when no such room is at work."""
    return view(_room(rooms_of(ctx.db), request.room), ctx.now)


@SERVICE.face("GET", path="/rationing/waiting/{room}/state.json", rate="read")
async def state(request: FaceRequest) -> FaceAnswer:
    """The same for any cache to keep: what a board in the hall, or an app, asks instead of the room."""
    found = await request.call("rationing.waiting", RoomQuery(request.params["room"]))
    kept = (("Cache-Control", f"public, max-age={WAITING_STATE_S}"), ("Access-Control-Allow-Origin", "*"))
    return FaceAnswer(msgspec.json.encode(found), headers=kept)


def view(room: Room, now: EpochS) -> RoomView:
    plan, line = room.plan, room.line
    line.advance(now - plan.opens)
    over = room.seed(now)
    return RoomView(
        room=plan.id, title={"zh-Hant": plan.title_zh, "en": plan.title_en}, paths=plan.paths,
        gathers=iso(EpochS(plan.gathers)), opens=iso(EpochS(plan.opens)), until=iso(EpochS(plan.until)), as_of=iso(now),
        pace=plan.pace, counts=tuple(line.progress.counts), issued=line.issued, released=int(line.progress.released),
        passes=line.progress.passes, anchor=room.anchor.hex(), entry=room.entry,
        window=over[0] if over else -1, seed=over[1].hex() if over else "",
    )  # fmt: skip


def _plan(request: Opening) -> Plan:
    return Plan(
        id=request.room, title_zh=request.title_zh, title_en=request.title_en, paths=request.paths,
        gathers=float(request.gathers), opens=float(request.opens), until=float(request.until),
        pace=request.pace, pass_s=request.pass_s,
    )  # fmt: skip


def _check(plan: Plan, now: EpochS) -> None:
    if not (now < plan.opens and plan.gathers <= plan.opens < plan.until):
        raise Invalid.at("opens", both("fix_opens"))
    if plan.until - plan.opens > WAITING_HOURS * 3_600:
        raise Invalid.at("until", both("fix_until"))
    is_own = any(plan.guards(one) for one in OWN) or any(one.startswith((OWN[0] + "/", "/en/")) for one in plan.paths)
    if is_own or any(one.endswith("/") for one in plan.paths):
        raise Invalid.at("paths", both("fix_paths"))


def _room(rooms: Rooms, id: str) -> Room:
    room = rooms.by_id.get(id)
    if room is None:
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    return room
