"""The federation in one process for tests: three whole nodes, each with its own gateway, keys, log and clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
from tests.demo.federation.nation import seed
from tests.make import NOW

from banyan.demo.federation import federating
from banyan.kernel.events.clock import EpochS
from banyan.node import Node, open_node
from banyan.roads import Road


class Three(msgspec.Struct):
    """`ahead` moves one node's clock on, by its name."""

    nodes: dict[str, Node]
    now: list[float]
    ahead: dict[str, float]
    folder: Path

    def road(self, name: str) -> Road:
        found = self.nodes[name].road
        assert found is not None
        return found

    async def settle(self) -> None:
        """Each gateway hears of the others, and they witness each other's logs."""
        for name in self.nodes:
            await self.road(name).gossip.round()
        for name in self.nodes:
            road = self.road(name)
            await road.messages.messages.publish(road.neighbours)


@asynccontextmanager
async def a_federation(folder: Path, *, is_running: bool = False) -> AsyncIterator[Three]:
    """`is_running`: the clock is the machine's."""
    now, ahead, began = [float(NOW)], dict.fromkeys(federating.PORTS, 0.0), time.monotonic()
    if is_running:
        now = [time.time()]

    def clock_of(name: str) -> EpochS:
        return EpochS(now[0] + ahead[name] + (time.monotonic() - began if is_running else 0.0))

    ports = dict.fromkeys(federating.PORTS, (0, 0, 0))
    processes = federating.prepared(folder, clock=lambda: EpochS(now[0]), ports=ports)
    async with AsyncExitStack() as stack:
        nodes: dict[str, Node] = {}
        for one in processes:
            opened = open_node(one.house.data, one.settings, clock=lambda name=one.name: clock_of(name), is_demo=True)
            nodes[one.name] = await stack.enter_async_context(opened)
        await asyncio.gather(*(seed(node) for node in nodes.values()))
        yield Three(nodes, now, ahead, folder)
