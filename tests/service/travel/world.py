"""A node with travel history and its law: immigration, insurance, disease control, two hospitals, people."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from tests.make import NOW

from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy import records
from banyan.node import Node, open_node
from banyan.service.travel.law import FLAG, duty_bases, flag_basis, tocc_basis
from banyan.service.travel.rules import day_of
from banyan.settings import Settings

LIN, WANG, CHEN = "A123456789", "F131104093", "A800000014"
PASSPORT, RENEWED = "P:JPN:TR1234567", "P:JPN:TZ7654321"
ONLY = Settings(
    services=tuple(f"banyan.service.{one}.parts:SERVICE" for one in ("travel", "mydata", "powers", "identity"))
)
NIA_AT, NHI_AT, CDC_AT, H1_AT, H2_AT = "TW/GOV/NIA", "TW/GOV/NHI", "TW/GOV/CDC", "TW/MED/H1", "TW/MED/H2"
NIA, NHI, CDC = (Caller("officer", f"o-{at}", agency=at, assurance="aal2") for at in (NIA_AT, NHI_AT, CDC_AT))


def hospital(agency: str, officer: str = "1") -> Caller:
    return Caller("officer", f"o-{agency}-{officer}", agency=agency, roles=("hospital",), assurance="aal2")


H1, H2 = hospital(H1_AT), hospital(H2_AT)
STRANGER = Caller("officer", "o-tax", agency="TW/GOV/TAX", assurance="aal2")
ORDER = "travel-2026"
WHY = "急診發燒"
RULE = {
    "id": "drill-xa",
    "zh": "榕嶼旅遊史",
    "en": "Banyan Isle",
    "areas": ["XA", "IT"],
    "since": "2026-11-01",
    "days": 14,
}


class World(msgspec.Struct):
    """`now` moves the clock."""

    node: Node
    now: list[float]

    @property
    def today(self) -> date:
        return day_of(self.now[0])

    def ago(self, days: int) -> str:
        return (self.today - timedelta(days=days)).isoformat()

    def citizen(self, number: str) -> Caller:
        return Caller("citizen", "c", assurance="aal2", subject=self.node.lawful.conscience.subject(number).hex())

    async def call(self, operation: str, caller: Caller, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"travel.{operation}", asked, caller=caller)

    async def arrive(self, papers: Sequence[str], *stays: tuple[str, int], caller: Caller = NIA) -> Any:
        """Each stay is (area, how many days ago it ended)."""
        said = [{"area": area, "until": self.ago(days)} for area, days in stays]
        return await self.call("arrive", caller, arrivals=[{"papers": papers, "stays": said}])

    async def flag(self, person: str, caller: Caller = H1, reason: str = WHY) -> Any:
        return await self.call("flag", caller, person=person, reason=reason)

    async def rule(self, **changes: Any) -> Any:
        return await self.call("set_rule", CDC, **{**RULE, **changes})

    async def order(self, days: float = 20.0, id: str = ORDER) -> None:
        until = iso(EpochS(self.now[0] + days * 86_400))
        asked = {"id": id, "title_zh": "旅遊史", "title_en": "Travel", "incident": "drill", "reason": "drill",
                 "bases": (FLAG,), "start": iso(EpochS(self.now[0])), "until": until}  # fmt: skip
        await self.node.gate.call("powers.declare_order", asked, caller=CDC)
        await self.node.gate.call("powers.approve_order", {"id": id}, caller=NIA)

    async def uses(self, number: str) -> Any:
        return await self.node.gate.call("mydata.uses", {}, caller=self.citizen(number))


def in_a_world(
    story: Callable[[World], Awaitable[None]], *, is_ordered: bool = True, settings: Settings = ONLY
) -> None:
    async def run() -> None:
        now = [float(NOW)]
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), settings, clock=lambda: EpochS(now[0])) as node:
                duties = duty_bases(delivers=[NIA_AT], links=[NHI_AT], rules=[CDC_AT])
                for basis in (flag_basis([H1_AT, H2_AT]), tocc_basis([H1_AT, H2_AT]), *duties):
                    await node.lawful.policy.write(partial(records.put_basis, basis=basis, at=EpochS(NOW)))
                node.lawful.conscience.forget()
                world = World(node, now)
                if is_ordered:
                    await world.order()
                    await world.rule()
                await story(world)

    asyncio.run(run())
