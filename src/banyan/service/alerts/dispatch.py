"""Sending what went out: one durable effect a channel, in the commit that lets the message out; a failed channel holds
no other; what is done again is known by its key wherever it goes.

A channel says the chain in order and only its end: a message that a newer one overtook while it waited is not said, and
a cancel goes to every channel that had, or may have had, anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Annotated, Final

import msgspec

from banyan.errors import Conflict, Denied, NotFound, Problem
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, feed, outbox, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.events.outbox import Parcel
from banyan.kernel.storage.store import Tx
from banyan.limits_alerts import ALERT_LEASE_S, ALERT_SEND_S, ALERT_TURN
from banyan.service.alerts import hub, keeping
from banyan.service.alerts.actual import Actual, Drill, NotActual, admit
from banyan.service.alerts.keeping import Result, ResultState
from banyan.service.alerts.model import CHANNELS, Alert, Channel
from banyan.service.alerts.outlets import Setting, Told
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import Shelf, both, shelf_of

TOPIC: Final = "alert"
TURN: Final = "dispatch"
ASK_AGAIN_S: Final = (1.0, 30.0)
"""After a channel said that it is not done, the first and the longest pause, each a fifth longer than the last: a base
station answers within seconds, an SMS centre takes minutes for a county."""
ASKED: Final = 120
"""Times a channel that took a message is asked whether it is done, an hour in all; then what it reached stands."""


class Retrying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{8,80}$")]
    channel: Channel


class Queued(msgspec.Struct, frozen=True):
    id: str
    channel: str
    version: int


def put(tx: Tx, alert: Alert, now: EpochS) -> None:
    """The effects of the message that goes out in this commit."""
    newest = alert.newest
    assert newest is not None, "a message goes out"
    for channel in channels_of(alert):
        is_page = channel == "web"  # the commit is what publishes it
        state: ResultState = "sent" if is_page else "waiting"
        keeping.put_result(tx, alert.id, Result(newest.number, channel, state, 0, 0, "", 0, now))
        if not is_page:
            _queue(tx, alert.id, newest.number, channel, now)
    data = {"id": alert.id, "version": newest.number, "kind": newest.kind, "status": newest.content.status}
    feed.append(tx, Event("alert", alert.id, msgspec.Raw(msgspec.json.encode(data)), now))
    hub.owe(tx, now)


def channels_of(alert: Alert) -> tuple[Channel, ...]:
    """Where the newest message goes: where it says, and wherever an earlier one went."""
    chosen = {channel for version in alert.chain for channel in version.content.channels} | {"web"}
    return tuple(channel for channel in CHANNELS if channel in chosen)


@SERVICE.timer(TURN)
async def turn(ctx: Context, event: Event) -> None:
    """Carry out what is due: channels side by side, the messages of one alert on one channel in order."""
    store = ctx.db.sql
    claimed = await outbox.claim(store, now=ctx.now, lease_s=ALERT_LEASE_S, limit=ALERT_TURN)
    by_line = sorted(claimed, key=lambda one: (_line(one), one.seq))
    lines = [list(parcels) for _, parcels in groupby(by_line, key=_line)]
    await asyncio.gather(*(_in_order(ctx, parcels) for parcels in lines))

    def again(tx: Tx) -> None:
        due = outbox.next_due(tx)
        if due is not None:
            timers.set(tx, TURN, "", due)

    await store.write(again)


@SERVICE.start
async def wake(ctx: Context) -> None:
    """What was claimed when the node ended is due when its lease is over."""
    await ctx.db.sql.write(lambda tx: timers.set(tx, TURN, "", ctx.now))


@SERVICE.operation(
    "retry", title={"zh-Hant": "重送", "en": "Send again"},
    summary={"zh-Hant": "讓沒送成的管道立刻再送一次；已收到的人不會再收到。",
             "en": "Let a channel that failed try again now; nobody who had it gets it again."},
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def retry(ctx: Context, request: Retrying) -> Queued:
    """By an officer of either agency. Raises Conflict when that channel has nothing that failed."""

    def job(tx: Tx) -> Queued:
        alert = keeping.alert_of(tx, request.id)
        if alert is None or alert.newest is None:
            raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
        if ctx.caller.kind != "officer" or ctx.caller.agency not in (alert.agency, alert.second):
            raise Denied(both("refused.other_agency"), remedy=both("fix.other_agency"), kind="other-agency")
        number = alert.newest.number
        results = {(one.version, one.channel): one for one in keeping.results_of(tx, alert.id)}
        last = results.get((number, request.channel))
        if last is None or last.state not in ("failed", "partly"):
            raise Conflict(both("nothing_failed"), remedy=both("nothing_failed_remedy"), kind="nothing-failed")
        keeping.put_result(tx, alert.id, msgspec.structs.replace(last, state="waiting", at=ctx.now))
        _queue(tx, alert.id, number, request.channel, ctx.now, again=last.tries + 1)
        return Queued(alert.id, request.channel, number)

    return await ctx.db.sql.write(job)


async def _in_order(ctx: Context, parcels: Sequence[Parcel]) -> None:
    for parcel in parcels:
        await _carry(ctx, parcel)


async def _carry(ctx: Context, parcel: Parcel) -> None:
    """One effect; whatever comes of it is written down."""
    shelf, store = shelf_of(ctx.db), ctx.db.sql
    id, number, channel = _read(parcel.key)
    alert, results = await store.read(lambda tx: (keeping.alert_of(tx, id), keeping.results_of(tx, id)))
    why = _needless(alert, number, channel, results, ctx.now)
    if why or alert is None:
        await store.write(partial(_settle, parcel=parcel, told=None, note=why, now=ctx.now))
        return
    said = admit(alert, number)
    if isinstance(said, str):
        ctx.log("alerts.refused", {"alert": id, "version": number, "why": said})
        await store.write(partial(_settle, parcel=parcel, told=Told("failed", note=said), note="", now=ctx.now))
        return
    setting = await _setting(ctx, shelf, alert)
    try:
        async with asyncio.timeout(ALERT_SEND_S):
            told = await _say(shelf, channel, said, setting)
    except NotActual:
        ctx.log("alerts.refused", {"alert": id, "version": number, "why": "not_actual"})
        told = Told("failed", note="not_actual")
    except (Problem, OSError, TimeoutError) as problem:
        ctx.log("alerts.channel_failed", {"alert": id, "channel": channel, "kind": type(problem).__name__})
        error = problem.title if isinstance(problem, Problem) else type(problem).__name__
        jitter = shelf.random(1)[0] / 255
        await store.write(partial(_failed, parcel=parcel, error=error[:200], now=ctx.now, jitter=jitter))
        return
    await store.write(partial(_settle, parcel=parcel, told=told, note="", now=ctx.now))


async def _say(shelf: Shelf, channel: Channel, said: Actual | Drill, setting: Setting) -> Told:
    """Only an Actual goes to people; a drill to the sinks."""
    outlets = shelf.people if isinstance(said, Actual) else shelf.sinks
    return await outlets.send(channel, said, setting) if outlets.has(channel) else Told("failed", note="no_channel")


async def _setting(ctx: Context, shelf: Shelf, alert: Alert) -> Setting:
    code = await ctx.db.sql.write(lambda tx: keeping.code_of(tx, alert.id, ctx.now))
    names = await shelf.names(alert.agency)
    return Setting(names, f"{shelf.public_url}/alerts/{alert.id}" if shelf.public_url else "", code)


def _needless(alert: Alert | None, number: int, channel: str, results: Sequence[Result], now: EpochS) -> str:
    """Why it need not be said any more; empty when it must."""
    if alert is None or alert.newest is None:
        return "gone"
    if number < alert.newest.number:
        return "superseded"
    mine = [one for one in results if one.channel == channel]
    if any(one.version == number and one.state in ("sent", "skipped") for one in mine):
        return "done"
    if alert.newest.kind == "Cancel":
        earlier = [one.state for one in mine if one.version < number]
        return "never_said" if all(state == "skipped" for state in earlier) else ""
    return "expired" if now >= alert.newest.content.expires else ""


def _settle(tx: Tx, *, parcel: Parcel, told: Told | None, note: str, now: EpochS) -> None:
    """Done, or to be asked again when the channel is not."""
    if not outbox.done(tx, parcel):
        return
    id, number, channel = _read(parcel.key)
    if told is None:
        if note != "done":
            keeping.put_result(tx, id, _left(tx, parcel, note, now))
        return
    asked = int(parcel.body or b"0") + 1
    state: ResultState = told.state
    if told.state == "waiting" and asked >= ASKED:
        state = "partly" if told.reached else "failed"
    keeping.put_result(tx, id, Result(number, channel, state, told.reached, told.total, told.note, 0, now))
    if state == "waiting":
        first, longest = ASK_AGAIN_S
        outbox.put(tx, TOPIC, parcel.key, str(asked).encode(), due=EpochS(now + min(longest, first * 1.2**asked)))


def _left(tx: Tx, parcel: Parcel, note: str, now: EpochS) -> Result:
    """Of a message that need not be said any more. One that a channel took, or may have taken when the node died, was
    said to some: its cancel must follow it there."""
    id, number, channel = _read(parcel.key)
    if not parcel.body and parcel.tries == 1:
        return Result(number, channel, "skipped", 0, 0, note, 0, now)
    last = next((one for one in keeping.results_of(tx, id) if (one.version, one.channel) == (number, channel)), None)
    reached, total = (last.reached, last.total) if last is not None else (0, 0)
    return Result(number, channel, "partly", reached, total, note, 0, now)


def _failed(tx: Tx, *, parcel: Parcel, error: str, now: EpochS, jitter: float) -> None:
    id, number, channel = _read(parcel.key)
    if outbox.failed(tx, parcel, now=now, jitter=jitter, error=error):
        keeping.put_result(tx, id, Result(number, channel, "failed", 0, 0, error, 0, now))


def _queue(tx: Tx, id: str, number: int, channel: str, now: EpochS, *, again: int = 0) -> None:
    key = f"{id} {number} {channel}" + (f" {again}" if again else "")
    outbox.put(tx, TOPIC, key, b"", due=now)
    timers.set(tx, TURN, "", now)


def _line(parcel: Parcel) -> tuple[str, str]:
    """What is said in order: one alert on one channel."""
    id, _, channel = _read(parcel.key)
    return id, channel


def _read(key: str) -> tuple[str, int, Channel]:
    id, number, channel = key.split(" ")[:3]
    return id, int(number), msgspec.convert(channel, Channel)
