"""A node with tracing and its law: two agencies that may ask and release, a register of cases, and an SMS centre."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from tests.make import NOW

from banyan.craft.notify.memory import MemoryNotifier
from banyan.kernel.catalogue.operation import OPEN, Context, Service
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.policy import records as policy
from banyan.node import Node, open_node
from banyan.service.tracing import ending
from banyan.service.tracing.law import BASIS, tracing_basis
from banyan.settings import Settings
from banyan.traced import lend_tracing

CDC, NIA, TAX, TELECOM = "TW/GOV/CDC", "TW/GOV/NIA", "TW/GOV/TAX", "TW/COM/TELECOM"
WANG = "A123456789"
ORDER = "trace-2026"
START = float(int(NOW) // 86_400 * 86_400 - 86_400)
"""The midnight (UTC) a day before: positions are of that day."""
EPIDEMIC = Service("epidemic", title={"zh-Hant": "疾病管制", "en": "Disease control"}, package="tests.service.tracing")


class CaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cases: tuple[str, ...]
    reason: str


class CasePhones(msgspec.Struct, frozen=True):
    phones: tuple[str, ...]


@EPIDEMIC.operation(
    "case_phones", title={"zh-Hant": "個案門號", "en": "Phones of cases"}, summary={"zh-Hant": "門號", "en": "Phones"},
    data=OPEN, audience="officer", channels=("api",),
)  # fmt: skip
async def case_phones(ctx: Context, request: CaseQuery) -> CasePhones:
    return CasePhones(tuple(f"+8869000000{int(one):02}" for one in request.cases))


SETTINGS = Settings(
    services=(
        *(f"banyan.service.{one}.parts:SERVICE" for one in ("tracing", "mydata", "powers", "identity", "transparency")),
        "tests.service.tracing.world:EPIDEMIC",
    )
)


def officer(agency: str, assurance: str = "aal2") -> Caller:
    return Caller("officer", f"o-{agency}", agency=agency, assurance=assurance)


ASKS, RELEASES, STRANGER = officer(CDC), officer(NIA), officer(TAX)


class World(msgspec.Struct):
    node: Node
    now: list[float]
    sms: MemoryNotifier

    def citizen(self, number: str = WANG) -> Caller:
        return Caller("citizen", "c", assurance="aal2", subject=self.node.lawful.conscience.subject(number).hex())

    async def call(self, operation: str, caller: Caller = ANONYMOUS, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"tracing.{operation}", asked, caller=caller)

    async def order(self, days: float = 29.0) -> None:
        asked = {"id": ORDER, "title_zh": "足跡比對", "title_en": "Tracing", "incident": "drill", "reason": "drill",
                 "bases": (BASIS,), "start": iso(EpochS(self.now[0])),
                 "until": iso(EpochS(self.now[0] + days * 86_400))}  # fmt: skip
        await self.node.gate.call("powers.declare_order", asked, caller=ASKS)
        await self.node.gate.call("powers.approve_order", {"id": ORDER}, caller=RELEASES)

    async def deliver(self, people: int = 30, *, around: int = 1) -> None:
        """Case 1 stands still for an hour from 02:00; `people` phones (Wang's the first) pass half an hour beside, and
        as many are elsewhere; a ping every five minutes."""
        rows = []
        for person in range(2 * people):
            lon = 121.5 + (0.001 if person < people else 0.2)
            for step in range(6):
                at = int(START) + 7_200 + step * 300 + person % 60
                row = {"number": f"+8869111111{person:02}", "at": at, "lon": lon, "lat": 25.0}
                rows.append({**row, "person": WANG} if person == 0 else row)
        for step in range(12):
            rows.append({"number": "+886900000001", "at": int(START) + 7_200 + step * 300, "lon": 121.5, "lat": 25.0})
        await self.call("deliver", SYSTEM, pings=rows * around)

    async def ask(self, caller: Caller = ASKS, **more: Any) -> Any:
        asked = {
            "start": iso(EpochS(START)),
            "end": iso(EpochS(START + 86_400)),
            "reason": "疫調",
            "cases": ("1",),
            **more,
        }
        return await self.call("ask", caller, **asked)

    async def sweep(self) -> None:
        await ending._sweep(self.node.gate.context("tracing", SYSTEM))


def in_a_world(story: Callable[[World], Awaitable[None]], *, is_ordered: bool = True) -> None:
    async def run() -> None:
        now = [float(NOW)]
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), SETTINGS, clock=lambda: EpochS(now[0])) as node:
                sms = MemoryNotifier(clock=lambda: EpochS(now[0]))
                lend_tracing(
                    node.drawers, node.lawful, node.scopes, data=node.data, notifier=sms,
                    operations=node.catalogue.operations,
                )  # fmt: skip
                basis = tracing_basis([CDC, NIA])
                await node.lawful.policy.write(partial(policy.put_basis, basis=basis, at=EpochS(NOW)))
                node.lawful.conscience.forget()
                world = World(node, now, sms)
                if is_ordered:
                    await world.order()
                await story(world)

    asyncio.run(run())
