"""A node that rations under an order: two pharmacies, their pharmacists, a household register, insurance cards."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.make import NOW

from banyan.demo.agencies.civil import CIVIL, HouseholdRecord
from banyan.demo.agencies.civil import SCOPE as CIVIL_SCOPE
from banyan.demo.agencies.sealed import Keeping, keep
from banyan.demo.federation.cards import SCOPE, Holder, card_of, named
from banyan.demo.federation.insurance import INSURANCE
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.node import Node, open_node
from banyan.service.rationing.counter.registers import BASIS
from banyan.service.rationing.counter.telling import teller_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.law import rationing_basis
from banyan.settings import Settings

ONLY: Final = Settings(
    services=(
        "banyan.service.rationing.parts:SERVICE",
        "banyan.service.powers.parts:SERVICE",
        "banyan.service.mydata.parts:SERVICE",
    )
)
WANG, LEE, CHILD = "A123456789", "F131104093", "A223456781"
"""Odd, odd, odd; a grown-up, a grown-up, a child."""
BORN: Final = {WANG: "1990-03-12", LEE: "1960-01-02", CHILD: "2018-05-05"}
HERE, THERE = "5901010004", "5945010003"
AGENCY, OTHER = "TW/MED/P1", "TW/MED/P2"
ADULT = "mask-adult"
SUNSET = EpochS(NOW + 300 * 86_400)
PHARMACIST = Caller("officer", "o-1", agency=AGENCY, roles=("pharmacist",), assurance="aal2")
STRANGER = Caller("officer", "o-2", agency=OTHER, roles=("pharmacist",), assurance="aal2")
CLERK = Caller("officer", "o-3", agency=AGENCY, assurance="aal2")
TERMINAL = "00000000000000aa"


class World(msgspec.Struct):
    """`now` moves the clock; `count` is the terminal's."""

    node: Node
    now: list[float]
    count: int = 0

    async def call(self, operation: str, caller: Caller = PHARMACIST, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"rationing.{operation}", asked, caller=caller)

    async def act(self, operation: str, caller: Caller = PHARMACIST, /, **asked: Any) -> Any:
        """An act at the counter, under the terminal's next number."""
        self.count += 1
        whole = {"outlet": HERE, "terminal": TERMINAL, "counter": self.count, **asked}
        return await self.call(operation, caller, **whole)

    async def sell(self, card: str = WANG, /, **asked: Any) -> Any:
        return await self.act("sell", **{"card": card, "item": ADULT, **asked})

    @property
    def db(self) -> Any:
        return self.node.drawers["rationing"]

    @property
    def engine(self) -> Any:
        return engine_of(self.db)

    async def told(self) -> None:
        await teller_of(self.db).settled()


async def order(node: Node, now: float) -> None:
    """Two agencies put real-name sale into force."""
    await node.gate.call("powers.register_basis", rationing_basis([node.settings.member], sunset=SUNSET), caller=SYSTEM)
    declared = {
        "id": "ration-1", "title_zh": "口罩實名制", "title_en": "Masks by real name", "incident": "2020-02-06",
        "reason": "口罩不足", "bases": (BASIS,), "start": iso(EpochS(now)), "until": iso(EpochS(now + 29 * 86_400)),
    }  # fmt: skip
    for act, asked, agency in (("declare", declared, "CDC"), ("approve", {"id": "ration-1"}, "NHI")):
        officer = Caller("officer", f"o-{agency}", agency=f"TW/GOV/{agency}", assurance="aal2")
        await node.gate.call(f"powers.{act}_order", asked, caller=officer)


async def fill(node: Node) -> None:
    """Persons with their cards, and two outlets."""
    keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
    for number, born in BORN.items():
        await keep(node.drawers["civil"], CIVIL_SCOPE, keeping.name_of(number), HouseholdRecord(birth_date=born))
        card = named(keeping, card_of(number))
        await keep(node.drawers[INSURANCE.name], SCOPE, card, Holder(number))
    for code, agency in ((HERE, AGENCY), (THERE, OTHER)):
        asked = {"code": code, "agency": agency, "name": f"{code} 藥局", "name_en": f"Pharmacy {code}"}
        await node.gate.call("rationing.open_outlet", asked, caller=SYSTEM)


def in_a_world(
    *stories: Callable[[World], Awaitable[None]], ordered: bool = True, settings: Settings = ONLY, at: float = NOW
) -> None:
    """Each story in the same folder, with a restart in between."""
    now = [float(at)]

    async def run(folder: Path) -> None:
        for number, story in enumerate(stories):
            async with open_node(folder, settings, clock=lambda: EpochS(now[0]), is_demo=True) as node:
                if not number:
                    await fill(node)
                    if ordered:
                        await order(node, now[0])
                await story(World(node, now, 1_000 * number))

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


__all__ = ["ANONYMOUS", "CIVIL", "SYSTEM"]
