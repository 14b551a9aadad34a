"""A gateway of bench/gated.py, as its own process: behind the provider's stand a plain service, an operation of its
node's gate, and a plain service whose calls are weighed. The gate is real: bases, counts of a day, ledger with its
entries on the disk before the answer and published each second.

    python bench/_exchange_gated.py client|provider FOLDER PEER_PORT OTHER_PORT EDGE_PORT SERVICE_PORT MEMBERS
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
from bench._exchange_ours import CLASS, INSTANCE, PROVIDER, SERVICE, asking, run
from bench._exchange_ours import Behind as Plain

from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, system_clock
from banyan.kernel.exchange import Gate
from banyan.kernel.exchange.conscience import Conscience
from banyan.kernel.exchange.gate import emit_to_feeds
from banyan.kernel.exchange.road.behind import HttpProvider
from banyan.kernel.exchange.road.behind_gate import Behind as BehindGate
from banyan.kernel.exchange.road.gated import GateProvider
from banyan.kernel.exchange.road.gateway import Gateway
from banyan.kernel.exchange.road.model import Offer, Provider
from banyan.kernel.exchange.road.weighed import Counted, WeighedServices
from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, Statute
from banyan.kernel.storage import Drawer, close_drawer, open_drawer
from banyan.wire.xroad.identifiers import ServiceId, encoded

GATED: Final = ServiceId(*PROVIDER.parts, "card")
WEIGHED: Final = ServiceId(*PROVIDER.parts, "outside")
TITLE: Final = {"zh-Hant": "健保卡", "en": "Card"}
PURPOSE: Final = "031"
USES: Final = 10_000_000
"""Of a person a day: more than a run makes, so that every one is counted and none refused."""
PUBLISH_S: Final = 1.0
SMALLEST: Final = 10
"""Members of the pair; so many have a basis."""


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: str


class Card(msgspec.Struct, frozen=True):
    as_of: str
    insured: Annotated[bool, personal("C003")] | UnsetType = UNSET
    waived: Annotated[bool, personal("C003")] | UnsetType = UNSET


def card() -> Service:
    service = Service("card", title=TITLE, package="tests.kernel.exchange")

    @service.operation(
        "status", title=TITLE, summary=TITLE, data=("identity",), audience="hospital", purpose=PURPOSE,
        subject="person", channels=("api",),
    )  # fmt: skip
    async def status(ctx: Context, request: Query) -> Card:
        return Card("2026-11-27", True, False)

    return service


class Gated(Plain):
    """The plain service, the operation, and the service that is weighed."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.offers += [
            Offer(service, "REST", at, timeout_s=60.0, needs_purpose=True)
            for service, at in ((GATED, "gate:card.status"), (WEIGHED, url))
        ]
        self.purposes = {PURPOSE: "card@1"}

    @asynccontextmanager
    async def opened(self, gateway: Gateway, folder: Path) -> AsyncIterator[Provider]:
        drawers = {
            "card": open_drawer(folder / "card", service="card", package="tests.kernel.exchange", clock=system_clock),
            "ledger": open_drawer(
                folder / "ledger",
                service="ledger",
                package="banyan.kernel.ledger",
                clock=system_clock,
                also=("banyan.kernel.policy",),
            ),
        }
        keys = LedgerKeys("bench.example/log", ed25519=bytes(32), ml_dsa_44=bytes(32), witness=bytes(32))
        ledger = Ledger(drawers["ledger"].sql, folder / "tiles", keys, random=secrets.token_bytes)
        conscience = Conscience(drawers["ledger"].sql, ledger, subject_key=bytes(32))
        await drawers["ledger"].sql.write(lambda tx: records.put_basis(tx, basis(), system_clock()))
        publishing = asyncio.create_task(published(ledger))
        try:
            counted = {WEIGHED: Counted("/person", {"insured": "C003", "waived": "C003"}, TITLE)}
            services = HttpProvider(gateway.spooling, system_clock)
            weighed = WeighedServices(services, conscience, counted, system_clock)
            yield BehindGate(GateProvider(gate_of(drawers, conscience)), weighed)
        finally:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing
            for drawer in drawers.values():
                await close_drawer(drawer)


def gate_of(drawers: dict[str, Drawer], conscience: Conscience) -> Gate:
    emit = emit_to_feeds(drawers, system_clock)
    log = lambda name, fields: None  # noqa: E731
    return Gate(Catalogue([card()]), drawers, clock=system_clock, emit=emit, log=log, conscience=conscience)


def basis() -> LegalBasis:
    statute = Statute("L0060001", "16", {"zh-Hant": "全民健康保險法", "en": "National Health Insurance Act"})
    return LegalBasis(
        id="card", title=TITLE, kind="legal-obligation", statute=statute, pdpa="16-1",
        operations=("card.status", encoded(WEIGHED)), purposes=(PURPOSE,), categories=("C003",),
        recipients=tuple(f"{INSTANCE}/{CLASS}/c{number}" for number in range(asking(SMALLEST))),
        fields=("insured", "waived"), valid_from=EpochS(0.0), retention_days=1, per_subject_per_day=USES, assurance=2,
    )  # fmt: skip


async def published(ledger: Ledger) -> None:
    while True:
        await asyncio.sleep(PUBLISH_S)
        await ledger.publish(int(system_clock()))


assert SERVICE.service not in (GATED.service, WEIGHED.service), "three offers"

if __name__ == "__main__":
    run(Gated)
