"""A node with the casualty look-up and its law; two hospitals, a ministry, a family."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from tests.make import NOW

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.policy import records
from banyan.node import Node, open_node
from banyan.service.casualties.law import FAMILY, staff_basis
from banyan.settings import Settings

WANG, LEE = "A123456789", "F131104093"
ONLY = Settings(services=("banyan.service.casualties.parts:SERVICE", "banyan.service.mydata.parts:SERVICE"))
MOHW = "TW/GOV/MOHW"


def hospital(name: str) -> Caller:
    return Caller("officer", f"o-{name}", agency=name, roles=("hospital",), assurance="aal2")


MACKAY, TAIWAN = hospital("馬偕"), hospital("臺大")
WORKER = Caller("officer", "o-mohw", agency=MOHW, assurance="aal2")
STRANGER = Caller("officer", "o-tax", agency="TW/GOV/TAX", assurance="aal2")


class World(msgspec.Struct):
    """`now` moves the clock."""

    node: Node
    now: list[float]

    def citizen(self, number: str, assurance: str = "aal2") -> Caller:
        return Caller("citizen", "c", assurance=assurance, subject=self.node.lawful.conscience.subject(number).hex())

    async def call(self, operation: str, caller: Caller = ANONYMOUS, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"casualties.{operation}", asked, caller=caller)

    async def report(self, by: Caller, *persons: dict[str, str]) -> Any:
        return await self.call("report", by, persons=persons)

    async def seen(self, name: str, secret: str) -> Any:
        return await self.call("look_up", name=name, secret=secret)


def in_a_world(story: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        now = [float(NOW)]
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), ONLY, clock=lambda: EpochS(now[0])) as node:
                for basis in (FAMILY, staff_basis([MOHW])):
                    await node.lawful.policy.write(partial(records.put_basis, basis=basis, at=EpochS(NOW)))
                await story(World(node, now))

    asyncio.run(run())


__all__ = [
    "ANONYMOUS",
    "LEE",
    "MACKAY",
    "MOHW",
    "STRANGER",
    "SYSTEM",
    "TAIWAN",
    "WANG",
    "WORKER",
    "World",
    "in_a_world",
]
