"""Where a road's gateway meets the other gateways of its members: which acts, whose keys, what is offered."""

from __future__ import annotations

import random
from hashlib import sha256

import msgspec

from banyan.kernel.exchange.directory.travel import RoadPeers
from banyan.kernel.exchange.road.model import Offer
from banyan.kernel.exchange.siblings.answering import add_pages
from banyan.kernel.exchange.siblings.meeting import Siblings
from banyan.kernel.exchange.siblings.model import Acts, Offers
from banyan.roads import Road
from banyan.wire.xroad.identifiers import ClientId, encoded


def siblings_of(road: Road, acts: Acts) -> Siblings:
    """They answer from now on, and meet while the road runs."""
    gateway = road.gateway

    def offered(member: ClientId) -> Offers:
        return {encoded(one.id): _digest(one) for one in road.book.all_offers() if one.id.provider.owner == member}

    siblings = Siblings(
        acts,
        RoadPeers(gateway.peer, road.keeper, clock=road.clock),
        road.keeper.standing,
        own=road.server,
        signing=lambda: gateway.desk.signing,
        offered=offered,
        epoch=gateway.desk.uuid(),
        clock=road.clock,
        dice=random.SystemRandom(),
    )
    add_pages(gateway.pages, siblings)
    road.beside.append(siblings.run)
    return siblings


def _digest(offer: Offer) -> str:
    """Of what callers see of it; where its service stands is each machine's own."""
    seen = (offer.type, [(one.method, one.path) for one in offer.endpoints], offer.needs_purpose)
    return sha256(msgspec.json.encode(seen)).hexdigest()[:16]
