"""A node with the powers service, officers of three agencies, a hospital that uses an order, and a clock to move."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from tests.kernel.exchange.test_conscience import WANG, Ask, travel
from tests.kernel.policy.test_judging import FLAG, LOAN, NOW

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.entries import read_entry
from banyan.kernel.policy import records
from banyan.kernel.storage.store import Store
from banyan.node import Node, open_node
from banyan.settings import Settings

TRAVEL = travel()
ONLY = Settings(services=("banyan.service.powers.parts:SERVICE", f"{__name__}:TRAVEL"))
CDC, NHI, COURT = (
    Caller("officer", f"{name}-1", agency=f"TW/GOV/{name}", assurance="aal2") for name in ("CDC", "NHI", "COURT")
)
CDC_2 = Caller("officer", "CDC-2", agency="TW/GOV/CDC", assurance="aal3")
TOKEN = Caller("administrator", "administrator")


class World(msgspec.Struct):
    node: Node
    now: list[float]
    doctor: Caller = Caller("officer", "o-7", agency="TW/MED/H1", assurance="aal2")
    colleague: Caller = Caller("officer", "o-8", agency="TW/MED/H1", assurance="aal2")

    @property
    def policy(self) -> Store:
        return self.node.lawful.policy

    async def call(self, act: str, request: Any, caller: Caller) -> Any:
        return await self.node.gate.call(f"powers.{act}", request, caller=caller)

    async def declared(self, act: str, request: dict[str, Any], caller: Caller) -> Any:
        """The act on an order that was declared."""
        await self.call("declare_order", declaration(), CDC)
        return await self.call(act, {"id": "o-1", **request}, caller)

    async def in_force(self, act: str, request: dict[str, Any], caller: Caller | None) -> Any:
        """The act on an order in force; without a caller none."""
        await self.declared("approve_order", {}, NHI)
        return await self.call(act, {"id": "o-1", **request}, caller) if caller else None

    async def use(self, person: str = WANG, fields: tuple[str, ...] = ("flag",)) -> Any:
        request = Ask(person, fields, "急診無法陳述")
        return await self.node.gate.call("travel.flag", request, caller=self.doctor)

    async def entries(self) -> list[dict[str, Any]]:
        """The public acts in the ledger."""
        ledger = self.node.lawful.ledger
        await ledger.publish(int(self.now[0]))
        size = (await ledger.head()).entries
        return [read_entry(await ledger.entry(index)) for index in range(size)]


def declaration(**values: Any) -> dict[str, Any]:
    return {
        "id": "o-1",
        "title_zh": "邊境檢疫",
        "title_en": "Border quarantine",
        "incident": "2020-01-21",
        "reason": "境外移入",
        "bases": (FLAG.id,),
        "start": moment(NOW),
        "until": moment(NOW + 500),
        **values,
    }


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def in_a_node(*stories: Callable[[World], Awaitable[None]], folder: Path | None = None) -> None:
    """Run each story in the same data folder, with a restart in between. The clock goes on."""
    now = [float(NOW)]

    async def run(data: Path) -> None:
        for story in stories:
            async with open_node(data, ONLY, clock=lambda: EpochS(now[0])) as node:
                for basis in (FLAG, LOAN):
                    known = await node.lawful.policy.read(records.read_register)
                    if basis.id not in known.by_id:
                        at = EpochS(now[0])
                        await node.lawful.policy.write(lambda tx, b=basis, at=at: records.put_basis(tx, b, at))
                await story(World(node, now))

    if folder is not None:
        asyncio.run(run(folder))
        return
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(run(Path(made)))
