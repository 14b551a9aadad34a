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

from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.policy import records
from banyan.node import Node, open_node
from banyan.service.casualties.law import FAMILY, STAFF, staff_basis
from banyan.settings import Settings

WANG, LEE = "A123456789", "F131104093"
ONLY = Settings(
    services=tuple(f"banyan.service.{one}.parts:SERVICE" for one in ("casualties", "mydata", "powers", "identity"))
)
MOHW, EOC = "TW/GOV/MOHW", "TW/GOV/EOC"
ORDER = "casualties"
WHY = "家屬來電"


def hospital(name: str) -> Caller:
    return Caller("officer", f"o-{name}", agency=name, roles=("hospital",), assurance="aal2")


MACKAY, TAIWAN = hospital("馬偕"), hospital("臺大")
WORKER = Caller("officer", "o-mohw", agency=MOHW, assurance="aal2")
CENTRE = Caller("officer", "o-eoc", agency=EOC, assurance="aal2")
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

    def guardian(self, number: str) -> Caller:
        """Who acts for the person of this number, by the household register."""
        subject = self.node.lawful.conscience.subject(number).hex()
        return Caller("representative", "r", assurance="aal2", subject=subject, relation="child", mandate="m")

    async def order(self, days: float = 20.0, id: str = ORDER) -> None:
        """Two agencies put the staff's power into force."""
        until = iso(EpochS(self.now[0] + days * 86_400))
        asked = {"id": id, "title_zh": "傷病患", "title_en": "Casualties", "incident": "drill", "reason": "drill",
                 "bases": (STAFF,), "start": iso(EpochS(self.now[0])), "until": until}  # fmt: skip
        await self.node.gate.call("powers.declare_order", asked, caller=WORKER)
        await self.node.gate.call("powers.approve_order", {"id": id}, caller=CENTRE)

    async def seen(self, name: str, secret: str) -> Any:
        return await self.call("look_up", name=name, secret=secret)


def in_a_world(story: Callable[[World], Awaitable[None]], *, is_ordered: bool = True) -> None:
    async def run() -> None:
        now = [float(NOW)]
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), ONLY, clock=lambda: EpochS(now[0])) as node:
                for basis in (FAMILY, staff_basis([MOHW, EOC])):
                    await node.lawful.policy.write(partial(records.put_basis, basis=basis, at=EpochS(NOW)))
                world = World(node, now)
                if is_ordered:
                    await world.order()
                await story(world)

    asyncio.run(run())


__all__ = [
    "ANONYMOUS",
    "CENTRE",
    "EOC",
    "LEE",
    "MACKAY",
    "MOHW",
    "ORDER",
    "STRANGER",
    "SYSTEM",
    "TAIWAN",
    "WANG",
    "WHY",
    "WORKER",
    "World",
    "in_a_world",
]
