"""A node with the fence and its law: health, civil affairs and police with their areas, an SMS centre, no positions."""

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
from banyan.craft.notify.model import Notifier
from banyan.fenced import Positions, lend_fence
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.events.feed import Event
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.kernel.policy import records as policy
from banyan.node import Node, open_node
from banyan.service.fence.alarming import Signal, take
from banyan.service.fence.law import BASES, fence_bases
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import shelf_of
from banyan.settings import Settings

WANG, LEE, CHEN = "A123456789", "F131104093", "A223456781"
ONLY = Settings(
    services=tuple(f"banyan.service.{one}.parts:SERVICE" for one in ("fence", "mydata", "powers", "identity"))
)
CDC, DISTRICT, POLICE, FAR = "TW/GOV/CDC", "TW/GOV/DISTRICT", "TW/GOV/POLICE", "TW/GOV/FAR"
ORDER = "fence-2026"
VILLAGE, ELSEWHERE = "63000030001", "64000010001"
WHY = "告警處理"


def phone_of(number: str) -> str:
    return f"+8869{int(number[1:]) % 10**8:08}"


def officer(agency: str, name: str = "", assurance: str = "aal2") -> Caller:
    return Caller("officer", name or f"o-{agency}", agency=agency, assurance=assurance)


HEALTH, NEXT, CIVIL, PATROL = officer(CDC), officer(CDC, "o-next"), officer(DISTRICT), officer(POLICE)
REMOTE, STRANGER = officer(FAR), officer("TW/GOV/TAX")


class World(msgspec.Struct):
    """`now` moves the clock; `seq` numbers the signals."""

    node: Node
    now: list[float]
    sms: MemoryNotifier
    seq: int = 0

    def citizen(self, number: str = WANG) -> Caller:
        return Caller("citizen", "c", assurance="aal2", subject=self.node.lawful.conscience.subject(number).hex())

    def context(self) -> Context:
        return self.node.gate.context("fence", SYSTEM)

    async def call(self, operation: str, caller: Caller = ANONYMOUS, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"fence.{operation}", asked, caller=caller)

    async def order(self, days: float = 29.0, id: str = ORDER) -> None:
        until = iso(EpochS(self.now[0] + days * 86_400))
        asked = {"id": id, "title_zh": "電子圍籬", "title_en": "Fence", "incident": "drill", "reason": "drill",
                 "bases": BASES, "start": iso(EpochS(self.now[0])), "until": until}  # fmt: skip
        await self.node.gate.call("powers.declare_order", asked, caller=HEALTH)
        await self.node.gate.call("powers.approve_order", {"id": id}, caller=CIVIL)

    async def register(self, number: str = WANG, by: Caller = HEALTH, /, **more: Any) -> str:
        asked = {
            "person": number,
            "name": "王小明",
            "address": "臺北市大安區和平路1號",
            "village": VILLAGE,
            "start": "2026-11-23",
            "phone": phone_of(number),
            "reason": WHY,
            **more,
        }
        return str((await self.call("register", by, **asked)).case)

    async def slot(self, case: str) -> int:
        from banyan.service.fence import records

        held = await self.node.drawers["fence"].sql.read(lambda tx: records.held_by_id(tx, case))
        assert held is not None
        return held.slot

    async def signal(self, case: str, kind: Any = "left", sign: Any = "weak", **more: Any) -> None:
        self.seq += 1
        one = Signal(self.seq, await self.slot(case), kind, sign, self.now[0], **more)
        await take(self.context(), [one], source="test")

    async def later(self, seconds: float, *, lease_s: float = 60.0) -> None:
        """Let the clock go on, and every timer run that was due on the way, in its order."""
        until, store = self.now[0] + seconds, self.node.drawers["fence"].sql
        handlers = {one.topic: one for one in SERVICE.on_timer}
        for _ in range(2_000):
            at = await store.read(timers.next_at)
            if at is None or at > until:
                break
            self.now[0] = max(self.now[0], at)
            for timer in await timers.claim(store, now=EpochS(self.now[0]), lease_s=lease_s):
                event = Event(timer.name, timer.key, msgspec.Raw(timer.body or b"null"), at=timer.at)
                await handlers[timer.name].run(self.context(), event)
                await store.write(partial(timers.done, timer=timer))
        self.now[0] = until

    async def work(self, by: Caller = HEALTH) -> list[Any]:
        return list((await self.call("worklist", by)).work)

    async def said(self, case: str) -> list[str]:
        """What happened to a case, oldest first, by its kinds."""
        from banyan.service.fence import records

        steps = await self.node.drawers["fence"].sql.read(lambda tx: records.steps_of(tx, case))
        return [one.kind for one in reversed(steps)]


def in_a_world(story: Callable[[World], Awaitable[None]], *, is_ordered: bool = True) -> None:
    async def run() -> None:
        now = [float(NOW)]
        with tempfile.TemporaryDirectory() as folder:
            async with a_world(Path(folder), now) as world:
                if is_ordered:
                    await world.order()
                await story(world)

    asyncio.run(run())


class a_world:
    """A node in a folder, which may be opened again. Its own positions are those of `settings`."""

    def __init__(
        self, folder: Path, now: list[float], *, settings: Settings = ONLY, sms: Notifier | None = None
    ) -> None:
        self._now, self._sms = now, sms
        self._node = open_node(folder, settings, clock=lambda: EpochS(now[0]))

    async def __aenter__(self) -> World:
        node = await self._node.__aenter__()
        sms = MemoryNotifier(clock=lambda: EpochS(self._now[0]))
        own = shelf_of(node.drawers["fence"])
        has_engine = own.engine is not None and own.cells is not None
        positions = Positions(own.engine, own.cells, own.source) if has_engine else None  # type: ignore[arg-type]
        lend_fence(node.drawers, node.lawful, node.scopes, _named, notifier=self._sms or sms, positions=positions)
        for basis in fence_bases([CDC, DISTRICT, FAR], [POLICE]):
            await node.lawful.policy.write(partial(policy.put_basis, basis=basis, at=EpochS(NOW)))
        node.lawful.conscience.forget()
        for agency, desk, area in ((CDC, "health", "63000"), (DISTRICT, "civil", "63000030"),
                                   (POLICE, "police", "63000"), (FAR, "health", "64000")):  # fmt: skip
            await node.gate.call("fence.assign", {"agency": agency, "desk": desk, "area": area}, caller=SYSTEM)
        return World(node, self._now, sms)

    async def __aexit__(self, *error: Any) -> None:
        await self._node.__aexit__(*error)


async def _named(id: str) -> str:
    return id
