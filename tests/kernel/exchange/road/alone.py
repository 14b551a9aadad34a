"""One gateway of the stage as a process of its own: `python -m tests.kernel.exchange.road.alone NAME FOLDER URL`.

NAME is ss1 (the consumer's) or ss2 (the producer's, its service `echo` at URL). Speaks lines of JSON: says its ports,
is told the ports of both, says that it knows them, then answers each line with what it has used (CPU seconds, peak
memory) until stdin ends.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import pstats
import resource
import sys
from pathlib import Path

import msgspec
import uvloop
from tests.kernel.exchange.road import pair

from banyan.kernel.events.clock import system_clock
from banyan.kernel.exchange.road.desk import Local
from banyan.kernel.exchange.road.model import Exchanged, Route
from banyan.kernel.exchange.road.tls import fingerprint_of_pem
from banyan.wire.httpsig.keys import verifier_of
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad.identifiers import ServerId, parse_client

MEMBERS = {"ss1": "EE/BUSINESS/consumer", "ss2": pair.PRODUCER}


class Ports(msgspec.Struct):
    peer: int
    edge: int


class Used(msgspec.Struct):
    cpu_s: float
    peak_rss: int
    calls: int


class Counting:
    """A log that only counts."""

    def __init__(self) -> None:
        self.calls = 0

    async def keep(self, exchanged: Exchanged) -> None:
        self.calls += 1


async def serve(name: str, folder: Path, url: str) -> None:
    road = pair.Road(folder)
    road.url = url
    road.clock = system_clock  # type: ignore[assignment]
    log = Counting()
    local = (Local(parse_client(pair.CONSUMER), "http"),) if name == "ss1" else ()
    pems = {one: pair.an_identity(folder, one)[1] for one in MEMBERS}
    keeper = await road.add(name, MEMBERS[name], locals=local, log=log)
    say(Ports(keeper.gateway.peer_port, keeper.gateway.edge_port))
    told = msgspec.json.decode(await line(), type=dict[str, Ports])
    for one, member in MEMBERS.items():
        owner = parse_client(member)
        server = ServerId(owner.instance, owner.member_class, owner.member, one)
        pin = fingerprint_of_pem(pems[one])
        keeper.gateway.tls.trust(pems[one])
        road.directory.by_certificate[pin] = server
        road.directory.served.add((server, owner))
        key = verifier_of(pair.keyid_of(owner), pair.a_key(owner.member).public_key())
        road.directory.by_keyid[pair.keyid_of(owner)] = (Keys(key), owner)
        route = Route(server, "127.0.0.1", told[one].peer, (pin,))
        subsystem = parse_client(f"{member}/sub")
        road.directory.known |= {owner, subsystem}
        road.directory.by_subsystem[subsystem] = [route]
    if name == "ss2":
        road.offer(f"{pair.PRODUCER}/sub/echo", pair.CONSUMER)
    say(Used(0.0, 0, 0))
    while await line():
        used = resource.getrusage(resource.RUSAGE_SELF)
        say(Used(used.ru_utime + used.ru_stime, peak_rss(), log.calls))
    await keeper.gateway.stop(1.0)
    for text, error in road.reported:
        sys.stderr.write(f"{text}: {error!r}\n")


def peak_rss() -> int:
    """Of this program; `ru_maxrss` would be that of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("VmHWM:")) * 1024


def say(what: msgspec.Struct) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


async def line() -> str:
    return await asyncio.to_thread(sys.stdin.readline)


def main() -> None:
    name, folder, url = sys.argv[1:4]
    profile = cProfile.Profile() if os.environ.get("ROAD_PROFILE") == name else None
    if profile:
        profile.enable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(name, Path(folder), url))
    if profile:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
