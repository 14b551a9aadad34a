"""From the register of home quarantine to the fence: composition follows the one's feed, and calls the other's gate.

An event says the number of an entry and nothing of a person. The entry is read as it stands now and sent through the
gate in the name of the agency that noted it, whose basis is weighed; the use stands in the person's list. How far the
feed was followed is kept in the fence's own store for each order: a new order looks at every entry anew, so that who is
still in quarantine comes in. Without an order in force nothing is sent, and the fence's first page says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from banyan.craft.place import parse_address
from banyan.demo.agencies.quarantine import NOTED, QUARANTINE, Entry, entry_by_number
from banyan.errors import Invalid, Problem
from banyan.kernel.events import Event, feed
from banyan.kernel.exchange import Gate
from banyan.kernel.exchange.gate import Log
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.storage import Drawer
from banyan.limits_fence import FENCE_ADMIT_ROUNDS, FENCE_ADMIT_S, FENCE_ADMIT_TRIES
from banyan.service.fence import records
from banyan.service.fence.arriving import FAULTS, WAITING, not_admitted, was_admitted
from banyan.service.fence.law import standing_order
from banyan.service.fence.records import Arrival
from banyan.service.fence.sealing import SQL

ADMIT: Final = "fence.admit"
NO_ORDER: Final = "no-order"
KINDS: Final = {"no-area": "area", "out-of-area": "area", "over": "over", NO_ORDER: NO_ORDER}
"""What a refusal's kind is called on the officers' list; others are `refused`."""


REASON: Final = "隔離登記簿 isolation register"
"""Why, as the person reads it beside the use."""


class Round(msgspec.Struct, frozen=True):
    """One look at the register: entries that came in or changed, those that could not, and those that wait."""

    admitted: int = 0
    faults: int = 0
    waiting: int = 0


async def keep_admitting(drawers: Mapping[str, Drawer], gate: Gate, log: Log) -> None:
    """Until cancelled, on a node that has both; at each entry and twice a minute, for an order may begin."""
    if "fence" not in drawers or gate.catalogue.services.get(QUARANTINE.name) is not QUARANTINE:
        return  # somebody else's register of that name sends its entries itself
    fence, register = drawers["fence"], drawers[QUARANTINE.name]
    woken, loop, waited, failed = asyncio.Event(), asyncio.get_running_loop(), -1, Counter[int]()

    def wake(_topic: str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(woken.set)

    stop = register.sql.listen(wake)
    try:
        while True:
            woken.clear()
            try:
                done = await admit_new(fence, register, gate, failed)
                if done.waiting != waited and (done.waiting or waited > 0):
                    log("fence.register_waits", {"entries": done.waiting})
                waited = done.waiting
            except Exception as error:  # the worker loop records whatever it is, and goes on (STYLE rule 7)
                log("fence.register_failed", {"kind": type(error).__name__})
            with suppress(TimeoutError):
                async with asyncio.timeout(FENCE_ADMIT_S):
                    await woken.wait()
    finally:
        stop()


async def admit_new(fence: Drawer, register: Drawer, gate: Gate, failed: Counter[int] | None = None) -> Round:
    """Send every entry that is new or changed. Raises when a part is down: what was not sent is sent the next time, and
    what was sent already does nothing again. `failed` counts rounds by event: one that fails FENCE_ADMIT_ROUNDS times
    goes onto the officers' list, so that it stops no other."""
    order = await standing_order(gate.context("fence", SYSTEM))
    if not order:
        count = await _still_held(register, gate)
        await fence.sql.write(lambda tx: tx.run(SQL["take"], name=WAITING, seq=count))
        return Round(waiting=count)
    total, follower = Round(), f"register:{order}"
    while events := await _new_events(fence, register, follower):
        for event in events:
            found = await _patiently(register, gate, event, failed if failed is not None else Counter())
            if found is not None and found.fault == NO_ORDER:  # it ended in this moment: the next one begins anew
                return total
            if found is not None:
                await _told(fence, order, found)
                total = Round(total.admitted + (not found.fault), total.faults + bool(found.fault))
            await fence.sql.write(partial(feed.move_cursor, follower=follower, seq=event.seq))
    return total


async def _patiently(register: Drawer, gate: Gate, event: Event, failed: Counter[int]) -> Arrival | None:
    """Send one entry; how it went, None for one that is gone with its order."""
    try:
        entry = await entry_by_number(register, event.subject)
        if entry is None or not entry.number:
            return None
        fault = await _fault_of(gate, entry, event)
        return Arrival(event.subject, fault, _town_of(entry), entry.agency, gate.clock())
    except Exception:
        failed[event.seq] += 1
        if failed[event.seq] < FENCE_ADMIT_ROUNDS:
            raise
        return Arrival(event.subject, "failed", "", "", gate.clock())


async def _new_events(fence: Drawer, register: Drawer, follower: str) -> Sequence[Event]:
    after = await fence.sql.read(lambda tx: feed.cursor(tx, follower))
    return await feed.read(register.sql, after, topic=NOTED)


async def _still_held(register: Drawer, gate: Gate) -> int:
    """How many people the register holds today."""
    today, after, seen = records.day_of(gate.clock()), 0, set[str]()
    while events := await feed.read(register.sql, after, topic=NOTED):
        after = events[-1].seq
        for number in {one.subject for one in events} - seen:
            entry = await entry_by_number(register, number)
            if entry is not None and entry.number and entry.until >= today:
                seen.add(number)
    return len(seen)


async def _fault_of(gate: Gate, entry: Entry, event: Event) -> str:
    """One entry through the gate; what is in its way, empty for nothing. Raises Problem when a part is down."""
    town = _town_of(entry)
    if not town:
        return "village"
    asked = {
        "person": entry.number, "village": town, "start": entry.since, "until": entry.until, "version": event.seq,
        "name": entry.name, "address": entry.place, "phone": entry.telephone, "reason": REASON,
    }  # fmt: skip
    caller = Caller("app", QUARANTINE.name, channel="system", agency=entry.agency, assurance="aal2")
    for left in range(FENCE_ADMIT_TRIES - 1, -1, -1):
        try:
            await gate.call(ADMIT, asked, caller=caller)
        except Invalid as problem:
            field = problem.fields[0].field if problem.fields else "number"
            return field if field in FAULTS else "number"
        except Problem as problem:
            if problem.status >= 500:
                raise
            if problem.kind != "raced" or not left:
                return KINDS.get(problem.kind, "refused")
        else:
            return ""
    raise AssertionError("the last try returns or raises")


async def _told(fence: Drawer, order: str, one: Arrival) -> None:
    """Onto the officers' list, or off it."""
    if one.fault:
        await not_admitted(fence, order, one)
    else:
        await was_admitted(fence, order, one.entry)


def _town_of(entry: Entry) -> str:
    """The code of the town in its address; empty when none is there."""
    return parse_address(entry.place).town
