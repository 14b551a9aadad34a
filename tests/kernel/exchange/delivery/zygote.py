"""A gateway with the post in a process of its own, to be killed: `zygote.py SIDE FOLDER A B EDGE PROVIDER`.

The first process only imports, forks a gateway for each line it reads, and says when that one is ready and when it is
gone: a start costs milliseconds, so hundreds of kills fit into a test. A, B and EDGE are ports, PROVIDER an address.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import ssl
import sys
from pathlib import Path
from random import Random
from secrets import token_bytes

from tests.kernel.exchange.road import pair

from banyan.kernel.events.clock import system_clock
from banyan.kernel.exchange.delivery import breaker, receiver, sender
from banyan.kernel.exchange.delivery.through import post_of
from banyan.kernel.exchange.road.behind import HttpProvider
from banyan.kernel.exchange.road.desk import Local, Signing, Surroundings
from banyan.kernel.exchange.road.gateway import Gateway, Settings
from banyan.kernel.exchange.road.model import Exchanged, Offer, Route
from banyan.kernel.exchange.road.tls import fingerprint
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.wire.httpsig.keys import signer_of, verifier_of
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId, parse_client

PACKAGE = "banyan.kernel.exchange.delivery"
UNHURRIED = "BANYAN_UNHURRIED"
"""Set for a bench, where waits are as long as they are."""
MEMBERS = {"a": "EE/BUSINESS/consumer", "b": "EE/BUSINESS/producer"}
SERVICES = {"store": True, "odd": False}
"""By name: whether the provider knows a request again."""


class NoLog:
    """The message log has kill tests of its own."""

    async def keep(self, exchanged: Exchanged) -> None:
        return None


def hurry() -> None:
    """Waits made for nations are too long for a test: the same doubling, from milliseconds on."""
    for module in (sender, receiver):
        module.DELIVERY_BACKOFF_S = 0.05  # type: ignore[misc]
        module.DELIVERY_BACKOFF_MOST_S = 0.4  # type: ignore[misc]
    sender.DELIVERY_ASK_S, sender.DELIVERY_ASK_MOST_S = 1.0, 2.0  # type: ignore[misc]
    breaker.DELIVERY_REST_S, breaker.DELIVERY_REST_MOST_S = 0.05, 0.4  # type: ignore[misc]


def directory(folder: Path, ports: dict[str, int]) -> pair.PlainDirectory:
    found = pair.PlainDirectory()
    for side, member in MEMBERS.items():
        owner = parse_client(member)
        server = ServerId(*owner.parts, side)
        _, pem = pair.an_identity(folder, side)
        pin = fingerprint(ssl.PEM_cert_to_DER_cert(pem))
        subsystem = ClientId(*owner.parts, "sub")
        found.by_certificate[pin] = server
        keyid = pair.keyid_of(owner)
        found.by_keyid[keyid] = (Keys(verifier_of(keyid, pair.a_key(owner.member).public_key())), owner)
        found.served.add((server, owner))
        found.known |= {owner, subsystem}
        found.by_subsystem[subsystem] = [Route(server, "127.0.0.1", ports[side], (pin,))]
    return found


async def serve(side: str, folder: Path, ports: dict[str, int], edge: int, provider: str) -> None:
    if UNHURRIED not in os.environ:
        hurry()
    owner, client = parse_client(MEMBERS[side]), parse_client(MEMBERS["a"] + "/sub")
    identity, _ = pair.an_identity(folder, side)
    spool = folder / side / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    grants = pair.PlainGrants()
    for name, knows_repeats in SERVICES.items():
        service = ServiceId(*parse_client(MEMBERS["b"]).parts, "sub", name)
        grants.by_service[service] = Offer(service, "REST", provider, knows_repeats=knows_repeats)
        grants.give(f"{MEMBERS['a']}/sub", service)
    settings = Settings(
        server=ServerId(*owner.parts, side),
        identity=identity,
        anchors=tuple(pair.an_identity(folder, one)[1] for one in MEMBERS),
        spool=spool,
        peer_port=ports[side],
        edge_port=edge if side == "a" else None,
    )
    around = Surroundings(
        directory(folder, ports),
        grants,
        None,
        NoLog(),
        pair.OpenDoor(),
        pair.OpenDoor(),  # type: ignore[arg-type]
    )
    gateway = Gateway(
        settings,
        around,
        signing={owner: Signing(signer_of(pair.keyid_of(owner), pair.a_key(owner.member)))},
        locals={client: Local(client, "http")} if side == "a" else {},
        clock=system_clock,
        report=lambda text, error: os.write(2, f"{text}: {error!r}\n".encode()) and None,
        recalled=(),
    )
    around.provider = HttpProvider(gateway.spooling, system_clock)
    store = SqliteStore(folder / side / "records.db")
    migrate(store, PACKAGE, load_steps(PACKAGE), at=0.0)
    random = Random(token_bytes(8)).random
    post = post_of(gateway, store, folder / side, random=random, log=lambda name, fields: None)
    await gateway.start()
    await post.start()
    os.write(1, b"ready %d\n" % os.getpid())
    await asyncio.Event().wait()


def die_with_parent() -> None:
    """However a test ends, no gateway of its own is left (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main() -> None:
    die_with_parent()
    side, folder, a, b, edge, provider = sys.argv[1:]
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            die_with_parent()
            asyncio.run(serve(side, Path(folder), {"a": int(a), "b": int(b)}, int(edge), provider))
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
