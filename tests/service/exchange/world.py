"""A node with the console over a road that only tells what it is told, officers of three agencies, a clock to move."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from tests.make import NOW, SECRET, Client

from banyan.channel.web import build_portal
from banyan.demo.federation.law import seed_road_law
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.kernel.exchange.siblings.sealed import Sealed
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.entries import read_entry
from banyan.node import ROOT, Node, open_node
from banyan.service.exchange.parts import SERVICE
from banyan.service.exchange.rules import Grant
from banyan.service.exchange.shelf import (
    Alert,
    CallRow,
    DirectoryStands,
    Here,
    Letter,
    MemberRow,
    ServiceRow,
    Shelf,
    lend,
    shelf_of,
)
from banyan.settings import Settings

ONLY = Settings(services=("banyan.service.powers.parts:SERVICE", "banyan.service.exchange.parts:SERVICE"))
NIA, NIA_2 = (Caller("officer", f"nia-{n}", agency="TW/GOV/NIA", assurance="aal2") for n in (1, 2))
HOSPITAL = Caller("officer", "h-1", agency="TW/MED/H1", assurance="aal2")
CDC = Caller("officer", "cdc-1", agency="TW/GOV/CDC", assurance="aal2")
WHO = {
    "nia": NIA,
    "nia2": NIA_2,
    "hospital": HOSPITAL,
    "cdc": CDC,
    "weak": Caller("officer", "w", agency="TW/GOV/NIA", assurance="aal1"),
    "citizen": Caller("citizen", "c", assurance="aal2", subject="s"),
    "admin": Caller("administrator", "a"),
}
FLAG, RULE = "TW/GOV/NIA/border/travel-flag", "TW/GOV/CDC/epidemic/travel-rule"
DENIED = "Server.ServerProxy.AccessDenied"
ASKS = "TW/MED/H1/emergency"


class ToldRoad:
    """Implements `shelf.Road`."""

    def __init__(self) -> None:
        self.allowed: Sequence[Grant] = ()
        self.tells = 0
        self.rows: list[CallRow] = [
            CallRow("x-1", EpochS(NOW), "provider", ASKS, FLAG, "POST", 200, "", 12),
            CallRow("x-2", EpochS(NOW - 1), "provider", "TW/COM/X/y", RULE, "GET", 0, DENIED, 3),
        ]  # fmt: skip
        self.queue: list[Letter] = [
            Letter(
                "l-1", ASKS, FLAG, "dead", EpochS(NOW - 9_000), 12, EpochS(0), "The service did not answer in time."
            ),
            Letter("l-2", ASKS, FLAG, "waiting", EpochS(NOW - 90), 2, EpochS(NOW + 60), "The peer cannot be reached."),
        ]
        self.told: list[Alert] = []
        self.directory = DirectoryStands("7", "fresh", EpochS(NOW - 60), EpochS(NOW + 30 * 86_400), "centre")

    def here(self) -> Here:
        return Here("TW/GOV/NIA/gw1", "http://127.0.0.1:8080", "127.0.0.1:5500", self.directory)

    def members(self) -> Sequence[MemberRow]:
        return [
            MemberRow("TW/MED/H1", {"zh-Hant": "榕樹醫院", "en": "Banyan Hospital"}, ("emergency",), False),
            MemberRow("TW/GOV/NIA", {"zh-Hant": "移民署", "en": "Immigration"}, ("border",), True),
            MemberRow("TW/GOV/CDC", {"zh-Hant": "疾管署", "en": "Disease control"}, ("epidemic",), True),
        ]

    def services(self) -> Sequence[ServiceRow]:
        flag = {"zh-Hant": "旅遊史註記", "en": "Travel flag"}
        rule = {"zh-Hant": "當日旅遊史判定規則", "en": "Travel rule of the day"}
        return [
            ServiceRow(FLAG, flag, ("POST /",), "border.travel_flag", True, True),
            ServiceRow(RULE, rule, ("GET /",), "epidemic.travel_rule", False, False, "maintenance until noon"),
        ]

    def allow(self, grants: Sequence[Grant]) -> None:
        self.allowed = tuple(grants)

    def seal(self, member: str, content: bytes) -> Sealed | None:
        return Sealed(content, ())

    def tell(self) -> None:
        self.tells += 1

    def calls(self) -> Sequence[CallRow]:
        return self.rows

    async def letters(self) -> Sequence[Letter]:
        return self.queue

    async def revive(self, id: str) -> bool:
        return self._settle(id)

    async def discard(self, id: str) -> bool:
        return self._settle(id)

    async def alerts(self) -> Sequence[Alert]:
        return self.told

    def _settle(self, id: str) -> bool:
        found = [one for one in self.queue if one.id == id]
        self.queue = [one for one in self.queue if one.id != id]
        return bool(found)


class World(msgspec.Struct):
    node: Node
    road: ToldRoad
    now: list[float]
    client: Client

    async def call(self, act: str, caller: Caller, **request: Any) -> Any:
        return await self.node.gate.call(f"exchange.{act}", request, caller=caller)

    async def proposed(self, **changes: Any) -> Any:
        return await self.call("propose_grant", NIA, **proposal(**changes))

    async def entries(self) -> list[dict[str, Any]]:
        """The public acts in the ledger."""
        ledger = self.node.lawful.ledger
        await ledger.publish(int(self.now[0]))
        size = (await ledger.head()).entries
        return [read_entry(await ledger.entry(index)) for index in range(size)]


def proposal(**changes: Any) -> dict[str, Any]:
    return {
        "client": ASKS,
        "service": FLAG,
        "purposes": {"012": "CDC-31-travel"},
        "until": moment(NOW + 86_400),
    } | changes


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def in_a_node(*stories: Callable[[World], Awaitable[None]], is_on: bool = True) -> None:
    """Run each story in the same data folder, with a restart in between. The clock goes on."""
    now = [float(NOW)]

    async def run(data: Path) -> None:
        road = ToldRoad()
        for story in stories:
            async with open_node(data, ONLY, clock=lambda: EpochS(now[0])) as node:
                if is_on:
                    lent = Shelf(road, node.lawful.ledger, node.lawful.conscience.bases)
                    lend(node.drawers["exchange"], lent)
                    for start in SERVICE.on_start:  # the node had started when the road was lent
                        await start(node.gate.context("exchange", NIA))
                    assert shelf_of(node.drawers["exchange"]).road is road
                await seed_road_law(node.gate)
                await story(World(node, road, now, a_door(node)))

    with tempfile.TemporaryDirectory() as made:
        asyncio.run(run(Path(made)))


def a_door(node: Node) -> Client:
    """A door where a token stands for a caller."""
    work = node.data / "w"
    work.mkdir(exist_ok=True)
    return Client(
        build_door(
            node.catalogue,
            node.gate,
            identify=WHO.get,
            settings=DoorSettings(secret=SECRET, work=work, rate_scale=0.0),
            log=lambda name, fields: None,
            render=build_portal([SERVICE], site=Settings().site, web=ROOT / "web").render,
        )
    )
