"""The pair of `pair.py` with the law behind its provider: an operation of a real gate, and a service that is weighed.

async with a_gated_pair(tmp_path) as town:
    reply = await town.ask("gate")          # or "weighed"
    uses = await town.uses()                # of the person, in the ledger
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import msgspec
from tests.kernel.exchange.road.pair import CONSUMER, NOW, PRODUCER, Reply, Road, a_pair
from tests.kernel.ledger.conftest import KEYS

from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Gate
from banyan.kernel.exchange.conscience import Conscience
from banyan.kernel.exchange.gate import emit_to_feeds
from banyan.kernel.exchange.road.behind_gate import Behind
from banyan.kernel.exchange.road.gated import GateProvider
from banyan.kernel.exchange.road.weighed import Counted, WeighedServices
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, Statute
from banyan.kernel.storage import close_drawer, open_drawer
from banyan.wire.xroad.identifiers import encoded, parse_service

WANG = "A123456789"
PURPOSE = "031"
PATHS = {"gate": f"/r1/{PRODUCER}/sub/card", "weighed": f"/r1/{PRODUCER}/sub/outside/ask"}
SENT = {"X-Road-Client": CONSUMER, "Content-Type": "application/json", "X-Road-Id": "call-1"}
TITLE = {"zh-Hant": "健保卡", "en": "Card"}


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: str


class Card(msgspec.Struct, frozen=True):
    note: str
    insured: Annotated[bool, personal("C003")] | UnsetType = UNSET


Act = Callable[[], Awaitable[Card]]


async def good() -> Card:
    return Card("good", True)


class Town(msgspec.Struct):
    """`act` is what the operation does; `ran` counts it."""

    road: Road
    policy: Any
    ledger: Ledger
    conscience: Conscience
    act: list[Act]
    ran: list[str]

    async def ask(self, kind: str, verb: str = "POST", more: dict[str, str] | None = None) -> Reply:
        body = msgspec.json.encode({"person": WANG})
        return await self.road.call(verb, PATHS[kind], SENT | (more or {}), body)

    async def uses(self) -> list[Any]:
        """What the person sees of them, oldest first."""
        history = await self.ledger.history(self.conscience.subject(WANG), most=100)
        return [msgspec.json.decode(one.record) for one in history.uses]

    def asked(self) -> int:
        """How often the operation ran, or the service was asked."""
        return len(self.ran) + len(self.road.service.seen)

    async def law(self, **changes: Any) -> None:
        """The basis as it is from now on."""
        old = basis()
        new = msgspec.structs.replace(old, **changes)
        await self.policy.write(lambda tx: records.put_basis(tx, new, NOW))
        self.conscience.forget()

    def grant(self, kind: str, **more: Any) -> None:
        service = parse_service("/".join(PATHS[kind].split("/")[2:7]))
        self.road.b.grants.give(CONSUMER, service, **{"purposes": {PURPOSE: "card@1"}} | more)


def card(act: list[Act], ran: list[str]) -> Service:
    service = Service("card", title=TITLE, package="tests.kernel.exchange")

    @service.operation(
        "status", title=TITLE, summary=TITLE, data=("identity",), audience="hospital", purpose=PURPOSE,
        subject="person", channels=("api",),
    )  # fmt: skip
    async def status(ctx: Context, request: Query) -> Card:
        ran.append(request.person)
        return await act[0]()

    return service


def basis() -> LegalBasis:
    statute = Statute("L0060001", "16", {"zh-Hant": "全民健康保險法", "en": "National Health Insurance Act"})
    return LegalBasis(
        id="card", title=TITLE, kind="legal-obligation", statute=statute, pdpa="16-1",
        operations=("card.status", f"{PRODUCER}/sub/outside"), purposes=(PURPOSE,), categories=("C003",),
        recipients=("EE/BUSINESS/consumer",), fields=("insured",), valid_from=EpochS(0.0), retention_days=1,
        per_subject_per_day=50, assurance=2,
    )  # fmt: skip


@asynccontextmanager
async def a_gated_pair(folder: Path) -> AsyncIterator[Town]:
    """The client has called each of them three times: connections stand, forms are known."""
    number, act, ran = count(), [good], list[str]()
    async with a_pair(folder) as road:
        drawers = {
            "card": open_drawer(folder / "card", service="card", package="tests.kernel.exchange", clock=road.clock),
            "ledger": open_drawer(
                folder / "ledger",
                service="ledger",
                package="banyan.kernel.ledger",
                clock=road.clock,
                also=("banyan.kernel.policy",),
            ),
        }
        try:
            policy = drawers["ledger"].sql
            ledger = Ledger(
                policy, folder / "tiles", KEYS, random=lambda size: sha256(b"%d" % next(number)).digest()[:size]
            )
            conscience = Conscience(policy, ledger, subject_key=bytes(32))
            await policy.write(lambda tx: records.put_basis(tx, basis(), NOW))
            gate = Gate(
                Catalogue([card(act, ran)]),
                drawers,
                clock=road.clock,
                emit=emit_to_feeds(drawers, road.clock),
                log=lambda name, fields: None,
                conscience=conscience,
            )
            outside = parse_service(f"{PRODUCER}/sub/outside")
            assert encoded(outside) in basis().operations
            counted = {outside: Counted("/person", {"insured": "C003"}, TITLE)}
            weighed = WeighedServices(road.b.provider, conscience, counted, road.clock)
            road.b.gateway.desk.around.provider = Behind(GateProvider(gate), weighed)
            road.offer(f"{PRODUCER}/sub/card", url="gate:card.status", needs_purpose=True)
            road.offer(f"{PRODUCER}/sub/outside", needs_purpose=True)
            town = Town(road, policy, ledger, conscience, act, ran)
            for kind in PATHS:
                town.grant(kind)
                for _ in range(3):
                    assert (await town.ask(kind)).status == 200
            yield town
        finally:
            for drawer in drawers.values():
                await close_drawer(drawer)
