"""What stands behind an offer: this node's gate, or a service at an address. Implements `model.Provider`."""

from __future__ import annotations

from banyan.kernel.exchange.road.behind import Plain, plain_behind
from banyan.kernel.exchange.road.gated import SCHEME
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer, Provider


class Behind:
    """Asks `gate` for offers of `gate:`, `services` for the others."""

    def __init__(self, gate: Provider, services: Provider) -> None:
        self._gate, self._services = gate, services

    def plain(self, offer: Offer) -> Plain | None:
        return None if offer.url.startswith(SCHEME) else plain_behind(self._services, offer)

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        chosen = self._gate if offer.url.startswith(SCHEME) else self._services
        return await chosen.ask(offer, call, path, body, basis)
