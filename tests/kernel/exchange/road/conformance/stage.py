"""The field's own cases, and a pair of gateways with mTLS, edges and message logs as its tests set theirs up."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.kernel.exchange.messages.house import counted
from tests.kernel.exchange.road.pair import CONSUMER, PRODUCER, Reply, Road, a_key, a_road, an_identity
from tests.make import shared_data

from banyan.kernel.exchange.messages.opening import Opened, open_messages, origin_of
from banyan.kernel.exchange.road.desk import Local
from banyan.kernel.exchange.road.edges.configuration import ConfSigner
from banyan.kernel.exchange.road.edges.installing import Settings, install
from banyan.kernel.exchange.road.edges.seams import Health, Records
from banyan.kernel.exchange.road.tls import Identity
from banyan.wire.xroad import signedconf
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.identifiers import ClientId, ServiceId, parse_client

BASE = "/r1/EE/BUSINESS/producer/sub"
DEV_CLIENT, DEV_SERVICE = "DEV/COM/4321/TestClient", "DEV/COM/1234/TestService"
SECURED = "EE/BUSINESS/consumer/secured"
"""A client whose connection is to be HTTPS with a certificate."""
SLASHED = "EE/BUSINESS/consumer/sub%2Fsystem"
LARGE = 13 * 1024 * 1024 + 104_729
NIIS = [{"name": "MTÜ Nordic Institute for Interoperability Solutions"}]
YAML = b"openapi: 3.0.0\nservers:\n  - url: http://petstore.swagger.io/v1/cats\npaths: {}\n"
MONITOR = parse_client("EE/BUSINESS/consumer/sub")


@cache
def cases() -> Mapping[str, Mapping[str, Any]]:
    found = json.loads(shared_data("exchange/xroad/rest_conformance_cases.json").read_text(encoding="utf-8"))["cases"]
    assert len(found) == 41
    return {case["id"]: case for case in found}


class Monitor:
    """A monitor with one record of any span."""

    async def records(self, first: int, last: int, client: ClientId | None, most: int) -> Records:
        return Records([{"messageId": "m-1", "requestInTs": first * 1000, "succeeded": True}])

    async def health(self, client: ClientId | None) -> Health:
        return Health(1, 600)


class Town(msgspec.Struct):
    road: Road
    logs: dict[str, Opened]
    """By the gateway's name."""
    identity: Identity
    """The certificate of the client SECURED."""

    async def ask(self, case: Mapping[str, Any], **changes: str) -> Reply:
        """The request of a case."""
        request = {**case["request"], **changes}
        body = request.get("body")
        return await self.road.call(
            request["method"], request["path"], request["headers"], body.encode() if body is not None else None
        )


@asynccontextmanager
async def a_town(folder: Path, **swaps: Any) -> AsyncIterator[Town]:
    """Gateway ss1 of the consumers, ss2 of the producers. `swaps`: of both (`spelling`)."""
    async with AsyncExitStack() as stack:
        road = await stack.enter_async_context(a_road(folder))
        own = tuple(Local(parse_client(one), "http", keep_bodies_s=3600.0) for one in (CONSUMER, SLASHED, DEV_CLIENT))
        given = {local.id: local for local in own}
        logs: dict[str, Opened] = {}
        members = {"ss1": ("EE/BUSINESS/consumer", "DEV/COM/4321"), "ss2": (PRODUCER, "DEV/COM/1234")}
        identity, pem = an_identity(folder, "information-system")
        given[parse_client(SECURED)] = Local(parse_client(SECURED), "mutual", (pem,))
        for name, owners in members.items():
            logs[name] = await stack.enter_async_context(_a_log(folder, road, name, owners))
            mine = {"locals": tuple(given.values()), "edge_tls_port": 0} if name == "ss1" else {}
            keeper = await road.add(name, *owners, log=logs[name].messages, **mine, **swaps)
            documents = install(
                keeper.gateway,
                Settings(_signer(name, keeper.pem), f"{name}.example", frozenset({MONITOR})),
                archive=logs[name].messages,
                operations=Monitor(),
            )
            stack.callback(documents.close)
        for client in (CONSUMER, SLASHED, DEV_CLIENT, SECURED):
            road.register(client, "ss1")
        for provider in (f"{PRODUCER}/sub", f"{PRODUCER}/s%2Fub", DEV_SERVICE):
            road.register(provider, "ss2")
        _offers(road)
        yield Town(road, logs, identity)


def _offers(road: Road) -> None:
    for code in ("echo", "service", "test"):
        road.offer(f"{PRODUCER}/sub/{code}", CONSUMER, SECURED)
    road.offer(f"{PRODUCER}/s%2Fub/öäå", SLASHED)
    road.offer(f"{PRODUCER}/sub/wsdl", CONSUMER, type="WSDL")
    for code in ("mock1", "restapi"):
        road.offer(f"{DEV_SERVICE}/{code}", DEV_CLIENT)


def only(town: Town, client: str, service: str, *endpoints: Endpoint) -> None:
    """Grant these endpoints of a service and no more."""
    *_, code = service.split("/")
    subsystem = parse_client(service.rpartition("/")[0])
    found = ServiceId(subsystem.instance, subsystem.member_class, subsystem.member, subsystem.subsystem, code)
    town.road.b.grants.give(client, found, *endpoints)


def _signer(name: str, pem: str) -> ConfSigner:
    def sign(text: bytes) -> bytes:
        return a_key(f"tls {name}").sign(text, ec.ECDSA(hashes.SHA256()))

    return ConfSigner(ssl.PEM_cert_to_DER_cert(pem), signedconf.ECDSA_SHA256, sign)


def _a_log(folder: Path, road: Road, name: str, owners: tuple[str, ...]) -> Any:
    first = parse_client(owners[0])
    return open_messages(
        folder / f"log-{name}",
        origin=origin_of((*first.parts, name)),
        members=[parse_client(one) for one in owners],
        clock=road.clock,
        random=counted(len(name) + ord(name[-1])),
    )
