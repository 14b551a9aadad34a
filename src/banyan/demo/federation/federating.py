"""`./banyan up --federation`: three gateways as three processes on loopback, with mTLS between them.

hospital (榕樹醫院), immigration (移民署) and the centre (the directory, and all other members). Each is a whole node of
its own, in its own folder with its own node.toml and keys; they know of each other what the directory says. One Ctrl-C
stops all. When one ends by itself once all were up, the others go on: kill the centre and see.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from banyan.demo.federation.founding import CENTRE, House, found, settings_of
from banyan.demo.federation.hosting import free_port
from banyan.demo.federation.members import MEMBERS, TRAVEL, Member, member_of
from banyan.demo.federation.tomls import written
from banyan.kernel.events.clock import Clock, system_clock
from banyan.kernel.storage.durable import write_file
from banyan.settings import Http, RoadOffer, Settings, Site

SERVICES: Final = (
    "banyan.service.transparency.parts:SERVICE",
    "banyan.service.identity.parts:SERVICE",
    "banyan.service.mydata.parts:SERVICE",
    "banyan.service.powers.parts:SERVICE",
    "banyan.service.exchange.parts:SERVICE",
)
TRAVEL_HISTORY: Final = "banyan.service.travel.parts:SERVICE"
"""Immigration's alone: hospitals ask there."""
PORTS: Final = {"centre": (8000, 5500, 8080), "immigration": (8001, 5501, 8081), "hospital": (8002, 5502, 8082)}
"""Portal, other gateways, information systems: these, else free ones."""
GRACE_S: Final = 20.0


class Process(msgspec.Struct, frozen=True):
    """A node to be run."""

    name: str
    house: House
    settings: Settings


def prepared(folder: Path, *, clock: Clock, ports: Mapping[str, tuple[int, int, int]] = PORTS) -> list[Process]:
    """Found the federation in `folder`: the centre first. Again changes addresses only."""
    hosted = tuple(one for one in MEMBERS if one.node == "centre")
    owners = {"centre": CENTRE, "immigration": member_of("TW/GOV/NIA"), "hospital": member_of("TW/MED/H1")}
    free: dict[str, list[int]] = {name: [] for name in owners}
    for name in owners:
        for one in ports[name]:
            free[name].append(free_port(one, [port for many in free.values() for port in many]))
    houses = {
        name: House(owner, folder / name, free[name][1], hosted if name == "centre" else ())
        for name, owner in owners.items()
    }
    for house in houses.values():
        house.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    found(folder / "centre" / "centre", list(houses.values()), clock=clock)
    processes = []
    for name, house in houses.items():
        road = settings_of(
            house,
            edge_port=free[name][2],
            centre=folder / "centre" / "centre" if name == "centre" else None,
            remotes={"epidemic": "TW/GOV/CDC"} if name == "immigration" else {},
        )
        services: tuple[str, ...] = SERVICES
        if name == "immigration":
            flag = RoadOffer(f"{house.owner.client}/{TRAVEL.code}", f"gate:{TRAVEL.operation}")
            road, services = msgspec.structs.replace(road, offers=(*road.offers, flag)), (*SERVICES, TRAVEL_HISTORY)
        settings = Settings(
            member=house.owner.id,
            site=_site(house.owner),
            http=Http(port=free[name][0]),
            road=road,
            services=services,
        )
        write_file(house.data / "node.toml", written(settings).encode())
        processes.append(Process(name, house, settings))
    return processes


async def run(folder: Path) -> int:
    """Run them until told to stop; 0 after a clean end, 1 when one had ended by itself."""
    processes = prepared(folder, clock=system_clock)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    started = [await _start(one) for one in processes]
    up = [asyncio.Event() for _ in processes]
    readers = [
        asyncio.create_task(_tell(one, child, seen)) for one, child, seen in zip(processes, started, up, strict=True)
    ]
    ends = [asyncio.create_task(child.wait()) for child in started]
    greeting = asyncio.create_task(_greet(processes, up))
    stop = asyncio.create_task(stopping.wait())
    try:
        await _watched(dict(zip(ends, processes, strict=True)), up, stop)
    finally:
        greeting.cancel()
        stop.cancel()
        await _end(started)
        await asyncio.gather(*readers, *ends, greeting, stop, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0 if stopping.is_set() and not any(child.returncode for child in started) else 1


async def _watched(
    running: dict[asyncio.Task[int], Process], up: Sequence[asyncio.Event], stop: asyncio.Task[bool]
) -> None:
    """Until told to stop, none is left, or one ended before all were up."""
    while running:
        done, _ = await asyncio.wait([stop, *running], return_when=asyncio.FIRST_COMPLETED)
        if stop in done or not all(event.is_set() for event in up):
            return
        for end in [one for one in running if one.done()]:
            _say(f"{running.pop(end).name} has ended by itself; the others go on exchanging (stop all with Ctrl-C).")


async def _start(one: Process) -> asyncio.subprocess.Process:
    """In a session of its own: a Ctrl-C at the terminal reaches it once, from here."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "banyan",
        "up",
        "--data",
        str(one.house.data),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


async def _tell(one: Process, child: asyncio.subprocess.Process, up: asyncio.Event) -> None:
    """Its lines, each with its name."""
    assert child.stdout is not None, "its lines are piped"
    with suppress(ValueError):  # a line without an end: nothing a node writes
        async for line in child.stdout:
            text = line.decode("utf-8", "replace").rstrip()
            if "Banyan is up" in text:
                up.set()
            if text:
                _say(f"{one.name:>11} | {text}")


async def _greet(processes: Sequence[Process], up: Sequence[asyncio.Event]) -> None:
    for event in up:
        await event.wait()
    edge = {one.name: f"http://localhost:{one.settings.road.edge_port}" for one in processes}
    _say("")
    _say("Three gateways are up, each a process of its own with mTLS between them (stop all with Ctrl-C).")
    for one in processes:
        where = f"portal http://localhost:{one.settings.http.port}  edge {edge[one.name]}"
        _say(f"  {one.name:>11}  {one.house.owner.name}  {where}  gateways :{one.settings.road.peer_port}")
    asked = '{"person": "A123456789", "reason": "急診發燒"}'
    _say("A hospital asks immigration for a patient's travel flag, through two gateways:")
    _say("  curl -H 'X-Road-Client: TW/MED/H1/emergency' -H 'Content-Type: application/json' \\")
    _say(f"    -d '{asked}' {edge['hospital']}/r1/TW/GOV/NIA/border/flag")


async def _end(started: Sequence[asyncio.subprocess.Process]) -> None:
    """Ask each to stop; who does not in time is ended."""
    for child in started:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGINT)
    for child in started:
        try:
            await asyncio.wait_for(child.wait(), GRACE_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()


def _site(owner: Member) -> Site:
    return Site(title=owner.name, title_en=owner.name_en, publisher=owner.name, publisher_en=owner.name_en)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the terminal is this verb's channel
