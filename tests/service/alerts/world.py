"""A node with the alerts, and channels that write down what they were given."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from tests.make import NOW, Client
from tests.service.alerts.values import CONTENT

from banyan.alert_keys import load_signer
from banyan.alerting import names_of
from banyan.errors import Problem, Unavailable
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.node import Node, open_node
from banyan.service.alerts import dispatch, expiring, hub
from banyan.service.alerts.acting import AUTHOR, RELEASER
from banyan.service.alerts.model import Area, Channel
from banyan.service.alerts.outlets import Outlets, Packet, Plan, Told
from banyan.service.alerts.shelf import Shelf, lend
from banyan.settings import Settings

ONLY = Settings(services=tuple(f"banyan.service.{one}.parts:SERVICE" for one in ("alerts", "identity")))
EOC, CDC = "TW/GOV/EOC", "TW/GOV/CDC"


def an_officer(name: str, agency: str, *roles: str) -> Caller:
    return Caller("officer", f"o-{name}", agency=agency, roles=roles, assurance="aal2")


WRITER = an_officer("writer", EOC, AUTHOR, RELEASER)
SECOND = an_officer("second", CDC, RELEASER)
STRANGER = an_officer("tax", "TW/GOV/TAX", AUTHOR, RELEASER)


class Wire:
    """One channel: what reached it, in order; `fails` so many times first."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.fails = 0
        self.answers: list[Told] = []

    async def send(self, packet: Packet) -> Told:
        if self.fails:
            self.fails -= 1
            raise Unavailable("the line is dead", remedy="again")
        self.packets.append(packet)
        return self.answers.pop(0) if self.answers else Told("sent", 3, 3)

    async def plan(self, areas: tuple[Area, ...]) -> Plan:
        return Plan(3 * len(areas))

    @property
    def keys(self) -> list[str]:
        return [f"{one.number} {one.kind}" for one in self.packets]


class World(msgspec.Struct):
    """`now` moves the clock. `people` and `sinks` are channels; `posted` what the hub sent, `answers` what is said."""

    node: Node
    now: list[float]
    people: dict[Channel, Wire]
    sinks: dict[Channel, Wire]
    asked: list[tuple[str, str, bytes, dict[str, str]]]
    answer: Callable[[str, str], tuple[int, bytes]]
    keys: int = 0

    @property
    def client(self) -> Client:
        return Client(self.node.app)

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys:06}"

    async def call(self, operation: str, caller: Caller = ANONYMOUS, /, **asked: Any) -> Any:
        return await self.node.gate.call(f"alerts.{operation}", asked, caller=caller)

    async def kind(self, operation: str, caller: Caller = ANONYMOUS, /, **asked: Any) -> str:
        """The kind of the refusal; empty when there was none."""
        try:
            await self.call(operation, caller, **asked)
        except Problem as problem:
            return problem.kind
        return ""

    async def drafted(self, by: Caller = WRITER, **changes: Any) -> str:
        content = msgspec.structs.replace(CONTENT, **changes)
        stands = await self.call("draft", by, key=self.key(), content=msgspec.to_builtins(content))
        return str(stands.id)

    async def proposed(self, by: Caller = WRITER, **changes: Any) -> Any:
        id = await self.drafted(by, **changes)
        return await self.call("propose", by, key=self.key(), id=id)

    async def released(self, **changes: Any) -> str:
        stands = await self.proposed(**changes)
        await self.call("release", SECOND, key=self.key(), id=stands.id, digest=stands.digest)
        await self.turn()
        return str(stands.id)

    async def updated(self, id: str, **changes: Any) -> None:
        content = msgspec.to_builtins(msgspec.structs.replace(CONTENT, **changes))
        await self.call("edit", WRITER, key=self.key(), id=id, content=content)
        stands = await self.call("propose", WRITER, key=self.key(), id=id)
        await self.call("release", SECOND, key=self.key(), id=id, digest=stands.digest)
        await self.turn()

    async def cancelled(self, id: str, by: Caller = WRITER) -> None:
        words = {"zh-Hant": {"headline": "警戒解除"}, "en": {"headline": "It is over"}}
        await self.call("cancel", by, key=self.key(), id=id, words=words)
        await self.turn()

    async def turn(self) -> None:
        """What the attendant does when the timer is due."""
        await dispatch.turn(self.ctx, None)  # type: ignore[arg-type]  # the event is not looked at

    async def tell(self) -> None:
        await hub.tell(self.ctx, None)  # type: ignore[arg-type]  # as above

    async def expire(self, id: str) -> None:
        event = msgspec.structs.replace(EVENT, subject=id)
        await expiring.at_its_end(self.ctx, event)

    @property
    def ctx(self) -> Any:
        return self.node.gate.context("alerts", SYSTEM)

    async def results(self, id: str) -> dict[tuple[int, str], str]:
        from banyan.service.alerts import keeping

        found = await self.node.drawers["alerts"].sql.read(partial(keeping.results_of, alert=id))
        return {(one.version, one.channel): one.state for one in found}


from banyan.kernel.events import Event  # noqa: E402

EVENT = Event("expire", "", msgspec.Raw(b"null"))


async def warrant(node: Node, agency: str = EOC, second: str = CDC, event: str = "*", area: str = "TW") -> None:
    asked = {"agency": agency, "event": event, "area": area, "second": second, "sender": "eoc.gov.example"}
    await node.gate.call("alerts.warrant", asked, caller=SYSTEM)


def in_a_world(
    story: Callable[[World], Awaitable[None]], *, is_warranted: bool = True, folder: Path | None = None
) -> None:
    async def run(data: Path) -> None:
        now = [float(NOW)]
        async with open_node(data, ONLY, clock=lambda: EpochS(now[0])) as node:
            world = a_world(node, now)
            if is_warranted:
                await warrant(node)
            await story(world)

    if folder is not None:
        asyncio.run(run(folder))
        return
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(run(Path(made)))


def a_world(node: Node, now: list[float]) -> World:
    people: dict[Channel, Wire] = {"chat": Wire(), "cells": Wire(), "sms": Wire()}
    sinks: dict[Channel, Wire] = {"chat": Wire(), "cells": Wire(), "sms": Wire()}
    world = World(node, now, people, sinks, [], lambda _method, _url: (0, b""))

    async def ask(method: str, url: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> tuple[int, bytes]:
        world.asked.append((method, url, body, dict(headers)))
        return world.answer(method, url)

    shelf = Shelf(
        ledger=node.lawful.ledger, random=Random(7).randbytes, names=names_of(node.persons),
        people=Outlets(people, is_for_people=True), sinks=Outlets(sinks, is_for_people=False), ask=ask,
        public_url="https://banyan.example",
        signer=load_signer(node.data / "alerts" / "keys", node.settings.member, clock=node.gate.clock),
    )  # fmt: skip
    lend(node.drawers["alerts"], shelf)
    return world
