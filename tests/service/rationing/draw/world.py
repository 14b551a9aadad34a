"""A node that draws lots: its clock stands in 2023, before a round of drand that is published since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.craft.draw.test_beacon import REAL
from tests.make import Client

from banyan.craft.draw.beacon import time_of
from banyan.kernel.catalogue import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller
from banyan.node import Node, open_node
from banyan.settings import Settings

ONLY = Settings(services=("banyan.service.rationing.parts:SERVICE", "banyan.service.transparency.parts:SERVICE"))
OFFICE = Caller("officer", "o-1", agency="TW/GOV/NHI", roles=("supplies",), assurance="aal2")
OTHER = Caller("officer", "o-2", agency="TW/GOV/TAX", roles=("supplies",), assurance="aal2")
ROUND = 657_413


def a_beacon(round: int, of: int = 0) -> str:
    """A beacon as drand answers it: of a round, or of `round` with the signature `of` another."""
    return msgspec.json.encode({"round": round, "signature": REAL[of or round]}).decode()


BEACON = a_beacon(ROUND)
DECIDES = time_of(ROUND)
DRAW = "2023-w37-adult"


def a_plan(**changed: Any) -> dict[str, Any]:
    return {"id": DRAW, "title_zh": "成人口罩", "title_en": "Adult masks", "places": 30, "round": ROUND} | changed


class World(msgspec.Struct):
    """`now` moves the clock."""

    node: Node
    client: Client
    now: list[float]

    @property
    def context(self) -> Context:
        """What a part of rationing has when it calls the desk itself."""
        drawer = self.node.drawers["rationing"]

        async def nothing(*_: Any, **__: Any) -> None: ...

        caller = Caller("system", "system", agency=OFFICE.agency)
        return Context(caller, EpochS(self.now[0]), drawer, nothing, nothing, lambda *_: None)

    async def call(self, operation: str, caller: Caller = OFFICE, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"rationing.{operation}", asked, caller=caller)

    async def sign(self) -> None:
        """The ledger's next checkpoint."""
        await self.node.lawful.ledger.publish(int(self.now[0]))

    async def until_drawn(self, entries: list[bytes]) -> None:
        """Commit, close, wait for the round, reveal and publish."""
        from banyan.service.rationing.draw import desk

        await desk.close(self.context, DRAW, entries)
        await self.sign()
        self.now[0] = DECIDES + 10
        await self.call("draw_reveal", draw=DRAW, beacon=BEACON)
        await self.call("draw_publish", draw=DRAW)


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    now = [DECIDES - 3_600.0]
    async with open_node(folder, ONLY, clock=lambda: EpochS(now[0])) as node:
        yield World(node, Client(node.app), now)
