"""One of our two gateways for bench/exchange.py, as its own process: all that a call meets on the road is real.

    python bench/_exchange_ours.py client|provider FOLDER PEER_PORT OTHER_PORT EDGE_PORT SERVICE_PORT MEMBERS

Indexed directory of MEMBERS members, grants of one service to each, fair admission on both sides, mTLS, P-256
signatures, message log (sealed, group-committed with fdatasync, published each second as composition does). `FOLDER`
has a.pem and b.pem.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from banyan.kernel.events.clock import EpochS, system_clock
from banyan.kernel.exchange.directory.document import (
    Address,
    Certificate,
    Key,
    Member,
    Name,
    Served,
    Snapshot,
    Subsystem,
    key_name,
)
from banyan.kernel.exchange.directory.document import (
    Gateway as Registered,
)
from banyan.kernel.exchange.directory.standing import Index, Standing
from banyan.kernel.exchange.messages.opening import open_messages, origin_of
from banyan.kernel.exchange.road.admission import FairAdmission
from banyan.kernel.exchange.road.behind import HttpProvider
from banyan.kernel.exchange.road.desk import Local, Signing, Surroundings
from banyan.kernel.exchange.road.gateway import Gateway, Settings
from banyan.kernel.exchange.road.model import Grant, Offer, Provider
from banyan.kernel.exchange.road.tls import Identity, fingerprint
from banyan.kernel.exchange.server import calm_collector
from banyan.limits_road import DIRECTORY_SERVED
from banyan.wire.httpsig.keys import signer_of
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId

INSTANCE, CLASS = "TW", "GOV"
PUBLISH_S = 1.0
ASKING = 200
"""Clients of gateway A at most: the others of the directory have gateways of their own."""


def client_id(number: int) -> ClientId:
    return ClientId(INSTANCE, CLASS, f"c{number}", "desk")


PROVIDER = ClientId(INSTANCE, CLASS, "provider", "files")
SERVICE = ServiceId(*PROVIDER.parts, "bytes")


def private_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(name.encode().ljust(24, b"\1"), "big"), ec.SECP256R1())


def public_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def asking(members: int) -> int:
    """How many clients ask by gateway A."""
    return min(ASKING, members - 1, DIRECTORY_SERVED)


def directory(members: int, now: float, folder: Path, ports: tuple[int, int]) -> Standing:
    since, until = int(now) - 1_000, int(now) + 10**6

    def member(name: str, subsystem: str, gateways: tuple[Registered, ...]) -> Member:
        key = Key(public_der(private_key(name)), since, until)
        return Member(CLASS, name, Name(en=name), since, (key,), (Subsystem(subsystem),), gateways)

    def gateway(name: str, port: int, certificate: bytes, hosted: tuple[Served, ...] = ()) -> Registered:
        return Registered(name, (Address("127.0.0.1", port),), (Certificate(certificate, since, until),), hosted)

    pins = [fingerprint(ssl.PEM_cert_to_DER_cert(certificate_of(folder / f"{name}.pem"))) for name in "ab"]
    hosted = tuple(Served(CLASS, f"c{number}", "desk") for number in range(1, asking(members)))
    all_members = [
        member("c0", "desk", (gateway("a", ports[0], pins[0], hosted),)),
        member(PROVIDER.member, PROVIDER.subsystem, (gateway("b", ports[1], pins[1]),)),
    ]
    for number in range(1, members - 1):
        own = gateway(f"g{number}", 1 + number % 60_000, number.to_bytes(32, "big"))
        all_members.append(member(f"c{number}", "desk", (own,) if number >= asking(members) else ()))
    standing = Standing(system_clock)
    standing.swap(Index(Snapshot(INSTANCE, 1, int(now), tuple(all_members))), {}, int(now))
    return standing


def certificate_of(path: Path) -> str:
    pem = path.read_text()
    return pem[pem.index("-----BEGIN CERTIFICATE-----") :]


class Given:
    """Grants as composition holds them: two dictionaries. Each client has one of each offer."""

    def __init__(self, members: int, offers: Sequence[Offer], purposes: Mapping[str, str]) -> None:
        self.offered = {one.id: one for one in offers}
        whole = Rights((Endpoint("*", "/**"), Endpoint("GET", "/bytes")))
        self.granted = {
            (client_id(number), service): Grant(client_id(number), service, whole, purposes, per_minute=10_000_000)
            for number in range(members - 1)
            for service in self.offered
        }

    def offer(self, service: ServiceId) -> Offer | None:
        return self.offered.get(service)

    def offers(self, subsystem: ClientId) -> list[Offer]:
        return list(self.offered.values()) if subsystem == PROVIDER else []

    def grant(self, client: ClientId, service: ServiceId, now: EpochS) -> Grant | None:
        return self.granted.get((client, service))


class Behind:
    """What stands behind the provider's gateway: offers, the purposes of their grants, and who is asked."""

    def __init__(self, url: str) -> None:
        self.offers = [Offer(SERVICE, "REST", url, timeout_s=60.0)]
        self.purposes = {"measuring": "bench@1"}

    @asynccontextmanager
    async def opened(self, gateway: Gateway, folder: Path) -> AsyncIterator[Provider]:
        yield HttpProvider(gateway.spooling, system_clock)


async def main(
    role: str,
    folder: Path,
    ports: tuple[int, int, int, int],
    members: int,
    made: Callable[[str], Behind] = Behind,
) -> None:
    peer_port, other_port, edge_port, service_port = ports
    behind = (Behind if role == "client" else made)(f"http://127.0.0.1:{service_port}")
    is_client = role == "client"
    own = "a" if is_client else "b"
    server = ServerId(INSTANCE, CLASS, "c0" if is_client else PROVIDER.member, own)
    here = [client_id(number) for number in range(asking(members))] if is_client else [PROVIDER]
    at = (peer_port, other_port) if is_client else (other_port, peer_port)
    settings = Settings(
        server,
        Identity(folder / f"{own}.pem", folder / f"{own}.pem"),
        tuple(certificate_of(folder / f"{name}.pem") for name in "ab"),
        folder / own,
        peer_port=peer_port,
        edge_port=edge_port if is_client else None,
    )
    settings.spool.mkdir(exist_ok=True)
    keys = {one.owner: private_key(one.member) for one in here}
    signing = {who: Signing(signer_of(key_name(who, public_der(key)), key)) for who, key in keys.items()}
    async with open_messages(
        folder / f"log-{own}",
        origin=origin_of(server.parts),
        members=[one.owner for one in here],
        clock=system_clock,
        random=secrets.token_bytes,
    ) as log:
        around = Surroundings(
            directory=directory(members, system_clock(), folder, at),
            grants=Given(members, behind.offers, behind.purposes),
            provider=None,  # type: ignore[arg-type]  # it needs the gateway's spooling
            log=log.messages,
            calls=FairAdmission(Origin.CLIENT_PROXY, system_clock),
            services=FairAdmission(Origin.SERVER_PROXY, system_clock),
        )
        gateway = Gateway(
            settings,
            around,
            signing=signing,
            locals={one: Local(one, "http") for one in here},
            report=lambda text, error: print(text, repr(error), file=sys.stderr, flush=True),
            recalled=(),
        )
        async with behind.opened(gateway, folder) as around.provider:
            await gateway.start()
            calm_collector()
            while True:
                await asyncio.sleep(PUBLISH_S)
                await log.messages.publish()


def run(made: Callable[[str], Behind] = Behind) -> None:
    given = [int(text) for text in sys.argv[3:8]]
    ports = (given[0], given[1], given[2], given[3])
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]), ports, given[4], made))


if __name__ == "__main__":
    run()
