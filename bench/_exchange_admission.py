"""What admission costs a call, for bench/exchange.py: microseconds of CPU in this process, the least of rounds."""

from __future__ import annotations

import asyncio
import time

from banyan.kernel.events.clock import system_clock
from banyan.kernel.exchange.road.admission import FairAdmission
from banyan.kernel.exchange.road.admission_desk import Asking, Desk
from banyan.kernel.exchange.road.admission_pace import Pace
from banyan.kernel.exchange.road.admission_queue import CLASSES, Place
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.identifiers import ClientId, ServiceId

CLIENTS = [ClientId("TW", "GOV", f"m{number}", "desk") for number in range(1_000)]
SERVICE = ServiceId("TW", "GOV", "provider", "files", "bytes")
CALLS, ROUNDS = 10_000, 5
WAITING = (1_000, 50_000)


def costs() -> dict[str, float]:
    """`free`: enter and close while places are free, by 1,000 clients in turn. `waiting N`: a call comes, waits and one
    leaves, while N wait in all classes."""
    found = {"free": asyncio.run(_free())}
    return found | {f"waiting {many}": min(_waiting(many) for _ in range(ROUNDS)) for many in WAITING}


async def _free() -> float:
    admission = FairAdmission(Origin.SERVER_PROXY, system_clock)
    least = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        until = type(system_clock())(system_clock() + 60)
        for number in range(CALLS):
            leave = await admission.enter(CLIENTS[number % 1_000], "normal", 1_000_000, until, service=SERVICE)
            leave.close()
        least = min(least, (time.process_time() - before) / CALLS * 1e6)
    admission.close()
    return least


def _waiting(many: int) -> float:
    desk = Desk(Pace(64), 2 * many)
    asking = [Asking(client, CLASSES[number % 3], 1e9) for number, client in enumerate(CLIENTS)]
    running = []
    for number in range(64 + many):
        place, _ = desk.ask(asking[number % 1_000], 0.0)
        assert isinstance(place, Place), "there is room to wait"
        if place.state == "running":
            running.append(place)
    before = time.process_time()
    for number in range(CALLS):
        desk.ask(asking[number * 7 % 1_000], 0.0)
        running += desk.end(running.pop(), 0.0)
    return (time.process_time() - before) / CALLS * 1e6
