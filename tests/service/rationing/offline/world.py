"""A node that rations, two pharmacies, people with birth dates, and an order in force."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from tests.service.rationing.offline.device import Device

from banyan.errors import NotFound
from banyan.kernel.catalogue import Context
from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.identity.identifiers import person_number_kind
from banyan.kernel.storage import Drawer, close_drawer, open_drawer
from banyan.kernel.storage.store import SchemaStore
from banyan.node import Node, open_node
from banyan.service.rationing.counter.registers import Registers, lend
from banyan.service.rationing.engine import keeping
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Answer, Buy, Buyer, Deliver, Engine, Stock
from banyan.service.rationing.engine.recorded import RecordedEngine
from banyan.service.rationing.offline.ending import sweep
from banyan.service.rationing.parts import SERVICE
from banyan.service.rationing.shelf import Shelf, person_of
from banyan.service.rationing.shelf import lend as lend_shelf
from banyan.settings import Settings

ONLY = Settings(services=("banyan.service.rationing.parts:SERVICE",))
AGENCY = "TW/ORG/PHARMACY"
HERE, THERE = "5901012345", "5901012346"
MASK, CHILD = "mask-adult", "mask-child"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC).timestamp()
"""Monday, 09:00 in Taipei, under the last edition of the book of 2020: 9 in 14 days, no parity."""
DAY_S = 86_400
BORN = date(1990, 3, 12)
PHARMACIST = Caller("officer", "o-lin", agency=AGENCY, roles=("pharmacist",), assurance="aal2")
OTHER = Caller("officer", "o-lee", agency="TW/ORG/OTHER", roles=("pharmacist",), assurance="aal2")
ROOT = Caller("administrator", "root")


EngineOn = Callable[[Path], SchemaStore]


def numbers(count: int) -> list[str]:
    """Numbers with right check digits."""
    found: list[str] = []
    at = 100_000_000
    while len(found) < count:
        number = f"A{at}"
        if person_number_kind(number):
            found.append(number)
        at += 1
    return found


PEOPLE = numbers(60)


class World(msgspec.Struct):
    """`now` moves the clock; `ask` is the gate, or an operation itself."""

    db: Drawer
    now: list[float]
    ask: Callable[[str, Any, Caller], Awaitable[Any]]

    @property
    def engine(self) -> Engine:
        return engine_of(self.db)

    async def call(self, operation: str, caller: Caller = ANONYMOUS, /, **asked: Any) -> Any:
        return await self.ask(operation, asked, caller)

    async def deliver(self, outlet: str, qty: int, item: str = MASK) -> None:
        await self.engine.do(Deliver(key=self.fresh(), outlet=outlet, item=item, qty=qty))

    def fresh(self) -> bytes:
        self.now.append(self.now[-1])  # a count that no other command has
        return len(self.now).to_bytes(16, "big")

    async def enrol(self, outlet: str = HERE, by: Caller = PHARMACIST, **more: Any) -> Device:
        device = Device(self.now[0])
        await self.enrolled(device, outlet, by, **more)
        return device

    async def enrolled(self, device: Device, outlet: str = HERE, by: Caller = PHARMACIST, **more: Any) -> Any:
        sign, agree = (device.public(key) for key in (device.sign_key, device.agree_key))
        told = await self.call("offline_enrol", by, outlet=outlet, sign=sign, agree=agree, **more)
        device.seal_jwk = next(one for one in told.keys if one["use"] == "enc")
        device.node_jwk = next(one for one in told.keys if one["use"] == "sig")
        device.member = told.member
        return told

    async def pack(self, device: Device, jti: str = "0" * 32, **want: int) -> Any:
        asked = {item.replace("_", "-"): qty for item, qty in want.items()}
        return await self.call("offline_pack", asking=device.asking(device.member, jti, **asked))

    async def lease(self, device: Device, qty: int, jti: str = "0" * 32, item: str = MASK) -> str:
        pack = await self.call("offline_pack", asking=device.asking(device.member, jti, **{item: qty}))
        assert not pack.refused, pack.refused
        return str(device.read_lease(pack.leases[0])["jti"])

    async def merge(self, *receipts: str) -> list[tuple[str, str]]:
        told = await self.call("offline_merge", receipts=list(receipts))
        return [(one.state, one.code) for one in told.results]

    async def stock(self, outlet: str = HERE, item: str = MASK) -> Stock:
        return await self.engine.stock(outlet, item)

    def person(self, number: str) -> bytes:
        return person_of(self.db, number)

    def buyer(self, number: str) -> Buyer:
        return Buyer(self.person(number), BORN, int(number[-1]) % 2, "citizen")

    async def buy(self, number: str, qty: int, outlet: str = THERE) -> Answer:
        command = Buy(key=self.fresh(), buyer=self.buyer(number), item=MASK, qty=qty, outlet=outlet)
        return await self.engine.do(command)

    async def may_buy(self, number: str, at: float | None = None) -> int:
        moment = EpochS(self.now[0] if at is None else at)
        return (await self.engine.entitlement(self.buyer(number), MASK, moment)).may_buy

    async def report(self) -> Any:
        return await self.call("offline_report")

    async def sweep(self) -> None:
        """What the timer does."""
        await sweep(self.context(), Event("offline-sweep", "all", msgspec.Raw(b"{}")))

    def context(self) -> Context:
        return context_of(self.db, self.now[0])


def context_of(db: Drawer, now: float, caller: Caller = SYSTEM) -> Context:
    """What an operation is given; nothing is told to others, and nothing asked."""

    async def emit(event: Event) -> None:
        raise AssertionError("nothing is told")

    async def call(operation: str, request: Any, *, purpose: str = "") -> Any:
        raise NotFound(f"no operation {operation}")

    return Context(caller, EpochS(now), db, call, emit, lambda name, fields: None)


def registers(ordered: list[bool]) -> Registers:
    """Everybody of PEOPLE was born on BORN; the card 0000…N is that of PEOPLE[N]."""

    async def born(number: str, reason: str) -> date:
        assert number not in reason
        if number not in PEOPLE or not ordered[0]:
            raise NotFound("nobody")
        return BORN

    async def holder(card: str) -> str:
        at = int(card)
        return PEOPLE[at] if at < len(PEOPLE) else ""

    async def order(now: EpochS) -> str:
        return "order-1" if ordered[0] else ""

    return Registers(born, holder, order)


def in_a_world(story: Callable[[World], Awaitable[None]], *, ordered: list[bool] | None = None) -> None:
    async def run() -> None:
        now = [NOW]
        with tempfile.TemporaryDirectory() as folder:
            async with open_node(Path(folder), ONLY, clock=lambda: EpochS(now[0])) as node:
                await story(await furnish(node, now, ordered or [True]))

    asyncio.run(run())


async def furnish(node: Node, now: list[float], ordered: list[bool], channel: str = "pharmacy") -> World:
    """Registers, an order, two outlets. Who lives by the real clock sells at health centres: pharmacies rest on
    Sundays."""

    async def ask(operation: str, asked: Any, caller: Caller) -> Any:
        return await node.gate.call(f"rationing.{operation}", asked, caller=caller)

    return await _with_outlets(World(node.drawers["rationing"], now, ask), ordered, channel)


@asynccontextmanager
async def a_light_world(folder: Path, *, engine_on: EngineOn | None = None) -> AsyncIterator[World]:
    """The service alone in its drawer, without a gate: quick to make, for tests that make many. `engine_on` gives the
    store of an engine that is not the journal's. The same folder again is the same service started anew."""
    now = [NOW]
    drawer = open_drawer(folder, service="rationing", package=SERVICE.package, clock=lambda: now[0])
    chance = Random(7)
    lend_shelf(drawer, Shelf(b"k" * 32, chance.randbytes, lambda: EpochS(now[0]), _named))
    if engine_on is not None:
        recorded = RecordedEngine(engine_on(folder), lambda: EpochS(now[0]), book=taiwan_2020())
        keeping._engines[drawer.sql] = recorded

    async def ask(operation: str, asked: Any, caller: Caller) -> Any:
        declared = SERVICE.operations[operation]
        request = msgspec.convert(asked, declared.request, strict=False)
        return await declared.run(context_of(drawer, now[0], caller), request)

    try:
        yield await _with_outlets(World(drawer, now, ask), [True])
    finally:
        if engine_on is not None:
            await recorded.close()
        await close_drawer(drawer)


def _named(number: str) -> bytes:
    return sha256(number.encode()).digest()


async def _with_outlets(world: World, ordered: list[bool], channel: str = "pharmacy") -> World:
    lend(world.db, registers(ordered))
    for code in (HERE, THERE):
        await world.call(
            "open_outlet", ROOT, code=code, agency=AGENCY, channel=channel, name="藥局", name_en="Pharmacy"
        )
    return world
