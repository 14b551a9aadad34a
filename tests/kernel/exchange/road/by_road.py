"""A gate's peer by the road: calls made as `GateRemote` makes them, handed to the other node as `GateProvider` takes
them. The leg between is the pair's own tests' affair."""

from __future__ import annotations

from collections.abc import Sequence

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.gated import GateProvider
from banyan.kernel.exchange.road.model import PURPOSE, Answer, Call, Offer
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.xroad.headers import Field, parse_request_fields
from banyan.wire.xroad.identifiers import parse_client
from banyan.wire.xroad.target import Target, parse_target

ASKS = parse_client("TW/GOV/BANYAN/front")
ANSWERS = parse_client("TW/GOV/BANYAN/back")
"""One member, two nodes."""


class ShortRoad:
    """Implements `Carrier` without any road between."""

    def __init__(self, provider: GateProvider) -> None:
        self.provider = provider
        self.calls: list[Call] = []

    async def ask(self, verb: str, target: Target, fields: Sequence[Field], body: bytes) -> Answer:
        again = parse_target(target.raw)
        asked = parse_request_fields(fields)
        purpose = next((value.decode() for name, value in fields if name == PURPOSE), "")
        at = EpochS(0.0)
        xid = "0b9c2f6e-1d3a-4f5b-8c7d-9e0f1a2b3c4d"
        call = Call(verb, again, asked, asked.kept, xid, "m-1", at, EpochS(30.0), purpose)
        self.calls.append(call)
        offer = Offer(again.service, "REST", f"gate:{again.service.service}")
        return await self.provider.ask(offer, call, again.provider_path, Held(body), "")
