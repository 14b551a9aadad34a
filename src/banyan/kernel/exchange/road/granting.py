"""What a gateway offers, and to whom: a book that is swapped whole, read without waiting. Implements `model.Grants`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.model import Grant, Offer
from banyan.wire.xroad.identifiers import ClientId, ServiceId


class Book:
    """Offers are the configuration's; grants are its officers'. Nothing granted is nothing allowed."""

    def __init__(self, offers: Iterable[Offer] = ()) -> None:
        self._offers: dict[ServiceId, Offer] = {}
        self._of: dict[ClientId, tuple[Offer, ...]] = {}
        self._grants: dict[tuple[ClientId, ServiceId], Grant] = {}
        self.put_offers(offers)

    def put_offers(self, offers: Iterable[Offer]) -> None:
        """These services are offered from now on, and no others."""
        by_service = {one.id: one for one in offers}
        by_subsystem: defaultdict[ClientId, list[Offer]] = defaultdict(list)
        for one in by_service.values():
            by_subsystem[one.id.provider].append(one)
        self._of = {subsystem: tuple(sorted(found, key=_name)) for subsystem, found in by_subsystem.items()}
        self._offers = by_service

    def put_grants(self, grants: Iterable[Grant]) -> None:
        """These grants count from now on, and no others. Of two for the same pair the later one stands."""
        self._grants = {(one.client, one.service): one for one in grants}

    def offer(self, service: ServiceId) -> Offer | None:
        return self._offers.get(service)

    def offers(self, subsystem: ClientId) -> Sequence[Offer]:
        return self._of.get(subsystem, ())

    def all_offers(self) -> Sequence[Offer]:
        return tuple(self._offers.values())

    def grant(self, client: ClientId, service: ServiceId, now: EpochS) -> Grant | None:
        found = self._grants.get((client, service))
        return found if found is not None and (not found.until or now < found.until) else None


def _name(offer: Offer) -> str:
    return offer.id.service
