"""Two gateways of one member over real mTLS: what officers grant or withdraw at one counts at the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.test_agency import Desk, desk, founded
from tests.test_agency_gateways import OFFER, a_service, called, housed

from banyan.kernel.events.clock import EpochS, iso, system_clock
from banyan.kernel.identity.caller import Caller
from banyan.node import Node, open_node
from banyan.roads import Road
from banyan.settings import load_settings
from banyan.wire.xroad.identifiers import parse_client

__all__ = ["desk"]
NHI = "TW/GOV/NHI"
OFFICERS = [Caller("officer", f"nhi-{n}", agency=NHI, assurance="aal2") for n in (1, 2)]
PATH = "/r1/TW/GOV/NHI/data/who/who"


class Member(msgspec.Struct):
    """NIA's gateway asks, with the centre; NHI answers by two. The clock may be put on."""

    asking: Path
    folders: list[Path]
    ahead: list[float]

    def clock(self) -> EpochS:
        return EpochS(system_clock() + self.ahead[0])


def a_member(desk: Desk, stack: ExitStack) -> Member:
    anchor = founded(desk)
    asking = housed(desk, "TW/GOV/NIA", "gw1", anchor, centre=desk.centre)
    folders = [housed(desk, NHI, server, anchor) for server in ("gw1", "gw2")]
    for data in folders:
        with (data / "node.toml").open("a") as file:
            file.write(OFFER.format(port=stack.enter_context(a_service())))
    return Member(asking, folders, [0.0])


@asynccontextmanager
async def up(data: Path, member: Member, *, is_running: bool = True) -> AsyncIterator[Node]:
    async with open_node(data, load_settings(data / "node.toml"), clock=member.clock) as node:
        assert node.road is not None
        running = asyncio.create_task(node.road.run()) if is_running else None
        try:
            yield node
        finally:
            if running is not None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


def road_of(node: Node) -> Road:
    assert node.road is not None
    return node.road


async def both_known(*nodes: Node) -> None:
    """Until each has the directory with both gateways of NHI."""
    for node in nodes:
        while len(road_of(node).keeper.standing.routes(parse_client(f"{NHI}/data"))) < 2:
            await asyncio.sleep(0.01)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not (await found if asyncio.iscoroutine(found := true()) else found):
            await asyncio.sleep(0.01)


async def proposed(node: Node) -> str:
    until = iso(EpochS(system_clock() + 30 * 86_400))
    endpoints = [{"method": "GET", "path": "/who"}]
    asked = {"client": "TW/GOV/NIA/data", "service": f"{NHI}/data/who", "endpoints": endpoints, "until": until}
    made = await node.gate.call("exchange.propose_grant", asked, caller=OFFICERS[0])
    return str(made.id)


async def approved(node: Node, id: str) -> None:
    await node.gate.call("exchange.approve_grant", {"id": id}, caller=OFFICERS[1])


async def ended(node: Node, id: str) -> None:
    await node.gate.call("exchange.end_grant", {"id": id}, caller=OFFICERS[0])


async def states(node: Node) -> dict[str, str]:
    return {one.id: one.state for one in await node.gate.call("exchange.grants", {}, caller=OFFICERS[0])}


async def asked(node: Node, server: str) -> int:
    """A call by one gateway of the provider alone."""
    port = road_of(node).gateway.edge_port
    return (await asyncio.to_thread(called, port, server))[0]


def test_what_is_granted_at_one_gateway_counts_at_the_other_and_so_does_its_end(desk: Desk) -> None:
    async def story(member: Member) -> None:
        async with AsyncExitStack() as stack:
            asking = await stack.enter_async_context(up(member.asking, member))
            first, second = [await stack.enter_async_context(up(data, member)) for data in member.folders]
            await both_known(asking, first, second)
            assert await asked(asking, "gw2") != 200
            id = await proposed(first)
            await until(lambda: is_state(second, id, "proposed"))
            await approved(first, id)
            await until(lambda: is_state(second, id, "in-force"))
            assert await asked(asking, "gw1") == 200
            assert await asked(asking, "gw2") == 200
            await ended(second, id)
            assert await asked(asking, "gw2") != 200
            await until(lambda: is_state(first, id, "ended"))
            assert await asked(asking, "gw1") != 200

    run(desk, story)


async def is_state(node: Node, id: str, state: str) -> bool:
    return (await states(node)).get(id) == state


def run(desk: Desk, story: Callable[[Member], Any]) -> None:
    with ExitStack() as stack:
        member = a_member(desk, stack)
        asyncio.run(story(member))
