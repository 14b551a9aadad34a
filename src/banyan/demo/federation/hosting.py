"""The demonstration's road in one process: `./banyan up` hosts every member, and its gateway calls itself by mTLS.

A node whose node.toml has a road of its own keeps that one.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from pathlib import Path
from secrets import randbelow
from typing import Final

import msgspec

from banyan.demo.federation.founding import CENTRE, House, found, settings_of
from banyan.demo.federation.members import GRANTS, MEMBERS
from banyan.kernel.events.clock import Clock, EpochS, iso
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller
from banyan.service.exchange.rules import member_of
from banyan.settings import RoadSettings

FOLDER: Final = "road-demo"
PEER_PORT, EDGE_PORT = 5500, 8080
GRANTED_DAYS: Final = 365
FIRST_FREE: Final = 12_000
FREE_PORTS: Final = 20_000
ALL: Final = House(CENTRE, Path(), 0, MEMBERS)
"""Everybody at one gateway; where its data is comes with a node."""


def hosted_here(data: Path, road: RoadSettings, *, clock: Clock, is_usual: bool = False) -> RoadSettings:
    """The road of a demonstration node: its own when it has one, else one that is founded in `data`. `is_usual`: at the
    usual ports when they are free; of several nodes on one machine only one should want them."""
    if road.enabled:
        return road
    folder = data / FOLDER
    house = msgspec.structs.replace(ALL, data=folder, port=free_port(PEER_PORT if is_usual else 0))
    found(folder / "centre", [house], clock=clock)
    return settings_of(house, edge_port=free_port(EDGE_PORT if is_usual else 0), centre=folder / "centre", remotes={})


def free_port(wanted: int, taken: Collection[int] = ()) -> int:
    """A free port of this machine's loopback: the one wanted, else any that is not `taken` and not among those which
    the system gives to clients (from 32768 on), so that nobody has it by the time it is listened at."""
    for port in (wanted, *(FIRST_FREE + randbelow(FREE_PORTS) for _ in range(FREE_PORTS))):
        if port and port not in taken and _is_free(port):
            return port
    raise AssertionError("a machine has a free port")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


async def seed_grants(gate: Gate, offered: Collection[str]) -> int:
    """Two officers of each member give what the demonstration shows of the services `offered` here; how many are new.
    Again gives nothing."""
    if "exchange.propose_grant" not in gate.catalogue.operations:
        return 0
    now, count = gate.clock(), 0
    for wanted in (one for one in GRANTS if one.service in offered):
        agency = member_of(wanted.service)
        known = await gate.call("exchange.grants", {}, caller=_officer(agency, 1))
        if any((one.client, one.service) == (wanted.client, wanted.service) for one in known):
            continue
        asked = {
            "client": wanted.client,
            "service": wanted.service,
            "purposes": {wanted.purpose: wanted.basis},
            "priority": wanted.priority,
            "per_minute": wanted.per_minute,
            "until": iso(EpochS(now + GRANTED_DAYS * 86_400)),
        }
        made = await gate.call("exchange.propose_grant", asked, caller=_officer(agency, 1))
        await gate.call("exchange.approve_grant", {"id": made.id}, caller=_officer(agency, 2))
        count += 1
    return count


def _officer(agency: str, number: int) -> Caller:
    return Caller("officer", f"demo-seed-{agency}-{number}", channel="system", agency=agency, assurance="aal2")
