"""A demonstration on the road in one process: a node that hosts every member, seeded, and a client at its edge."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from banyan.demo.agencies.law import seed_law
from banyan.demo.agencies.sealed import Keeping
from banyan.demo.agencies.seeding import seed_registers
from banyan.demo.federation.founding import CENTRE, House, found, settings_of
from banyan.demo.federation.hosting import free_port, seed_grants
from banyan.demo.federation.law import seed_order, seed_road_law
from banyan.demo.federation.members import MEMBERS
from banyan.demo.federation.seeding import seed_road_registers
from banyan.demo.personas import seed_personas
from banyan.demo.travel import seed_travel
from banyan.kernel.events.clock import Clock
from banyan.node import Node, open_node
from banyan.roads import Road
from banyan.settings import Settings

ONLY = Settings(
    services=(
        "banyan.service.identity.parts:SERVICE",
        "banyan.service.mydata.parts:SERVICE",
        "banyan.service.powers.parts:SERVICE",
        "banyan.service.transparency.parts:SERVICE",
        "banyan.service.exchange.parts:SERVICE",
    )
)
HOSPITAL = "TW/MED/H1/emergency"


class Reply(msgspec.Struct, frozen=True):
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> str:
        return self.fields.get("x-road-error", "")


@asynccontextmanager
async def a_nation(folder: Path, clock: Clock, *, telemetry: str = "") -> AsyncIterator[tuple[Node, Road]]:
    house = House(CENTRE, folder / "road-demo", free_port(0), MEMBERS)
    found(house.data / "centre", [house], clock=clock)
    road = settings_of(house, edge_port=0, centre=house.data / "centre", remotes={})
    road = msgspec.structs.replace(road, telemetry=telemetry)
    async with open_node(folder, msgspec.structs.replace(ONLY, road=road), clock=clock, is_demo=True) as node:
        await seed(node)
        assert node.road is not None
        yield node, node.road


async def seed(node: Node) -> None:
    await seed_personas(node.persons)
    await seed_law(node.gate)
    await seed_road_law(node.gate)
    keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
    await seed_registers(node.drawers, keeping)
    await seed_road_registers(node.drawers, keeping, node.gate.clock())
    await seed_order(node.gate)
    await seed_travel(node.gate, subject=node.lawful.conscience.subject)
    await seed_grants(node.gate, {one.id for one in node.settings.road.offers})


async def ask(road: Road, verb: str, path: str, content: Any = None, *, client: str = HOSPITAL, **fields: str) -> Reply:
    """By a client of the standard library, at the edge."""
    port = road.gateway.edge_port
    sent = {"X-Road-Client": client, **{name.replace("_", "-"): value for name, value in fields.items()}}
    body = None
    if content is not None:
        sent["Content-Type"], body = "application/json", msgspec.json.encode(content)
    return await asyncio.to_thread(_asked, port, verb, path, sent, body)


def _asked(port: int, verb: str, path: str, fields: dict[str, str], body: bytes | None) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(verb, path, body, fields)
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
