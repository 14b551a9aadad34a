"""Where a node meets its gateway: calls that leave the gate, what officers see, what members are called."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange import Gate, Remote
from banyan.kernel.exchange.directory.travel import counter_of
from banyan.kernel.exchange.gate import Log
from banyan.kernel.exchange.road.gated import SCHEME, GateRemote, operations_of
from banyan.kernel.exchange.road.model import Offer
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.road_desk import Calls, Names, RoadDesk
from banyan.road_siblings import siblings_of
from banyan.roads import LaterGateway, Road, open_road
from banyan.service.exchange.keeping import KeptActs
from banyan.service.exchange.shelf import Shelf, lend
from banyan.settings import RoadSettings
from banyan.wire.xroad.identifiers import encoded, parse_client


class Roadside:
    """Of one node. Without `[road]` it gives nothing and opens nothing."""

    def __init__(self, settings: RoadSettings, data: Path, *, clock: Clock, log: Log, engine: str) -> None:
        self._settings, self._data, self._clock, self._log, self._engine = settings, data, clock, log, engine
        self._carrier = LaterGateway()
        self._road: Road | None = None

    def remotes(self) -> Mapping[str, Remote]:
        """The services that node.toml puts elsewhere. Raises Invalid: it names a client that does not call here."""
        if not self._settings.enabled:
            return {}
        clients = {one.id for one in self._settings.clients}
        for one in self._settings.remotes:
            if one.asks_as not in clients:
                raise Invalid.at("road.remotes", f"{one.service}: {one.asks_as} is none of road.clients")
        return {
            one.service: GateRemote(self._carrier, client=parse_client(one.asks_as), provider=parse_client(one.at))
            for one in self._settings.remotes
        }

    def remote(self, *, client: str, provider: str, field: str) -> Remote:
        """One member's services, asked as one of our clients. Raises Invalid naming the field of node.toml."""
        if not self._settings.enabled:
            raise Invalid.at(field, "needs road.enabled")
        if client not in {one.id for one in self._settings.clients}:
            raise Invalid.at(field, f"{client} is none of road.clients")
        return GateRemote(self._carrier, client=parse_client(client), provider=parse_client(provider))

    async def open(
        self, stack: AsyncExitStack, gate: Gate, lawful: Lawful, drawers: Mapping[str, Drawer]
    ) -> Road | None:
        """Open the gateway's parts and lend them; it listens from `start` on."""
        if not self._settings.enabled:
            return None
        calls = Calls()
        road = await stack.enter_async_context(
            open_road(
                self._data,
                self._settings,
                gate=gate,
                conscience=lawful.conscience,
                monitor=calls,
                clock=self._clock,
                log=self._log,
                engine=self._engine,
            )
        )
        self._road, self._carrier.gateway = road, road.gateway
        lawful.conscience.name_of = Names(road)
        if "exchange" in drawers:
            drawer, desk = drawers["exchange"], RoadDesk(road, calls, title=lambda offer: self._title(gate, offer))
            shelf = Shelf(desk, lawful.ledger, lawful.conscience.bases, counter_of(road.keeper, road.centre))
            lend(drawer, shelf)
            desk.siblings = siblings_of(road, KeptActs(drawer.sql, shelf, self._clock))
        return road

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen, once the gate has started: then the grants are known."""
        if self._road is not None:
            await self._road.start()
            stack.push_async_callback(self._road.stop)

    def _title(self, gate: Gate, offer: Offer) -> Text:
        said = next((one for one in self._settings.offers if one.id == encoded(offer.id)), None)
        if said is not None and said.title:
            return {"zh-Hant": said.title, "en": said.title_en or said.title}
        answered = operations_of(gate, offer.url) if offer.url.startswith(SCHEME) else ()
        if len(answered) == 1:
            return answered[0].title
        if answered:
            return gate.catalogue.services[answered[0].service].title
        return {"zh-Hant": offer.id.service, "en": offer.id.service}
