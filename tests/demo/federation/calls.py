"""Calls by the road as a provider's gateway hands them over, without the road: what the gate makes of them."""

from __future__ import annotations

from typing import Any

import msgspec
from tests.make import NOW

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.gated import GateProvider
from banyan.kernel.exchange.road.model import SPEAKS, Answer, Call, Offer
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.xroad.headers import parse_request_fields
from banyan.wire.xroad.identifiers import ServiceId, parse_service
from banyan.wire.xroad.target import target_of

HOSPITAL = "TW/MED/H1/emergency"
XID = "0b9c2f6e-1d3a-4f5b-8c7d-9e0f1a2b3c4d"
FLAG = parse_service("TW/GOV/NIA/border/travel-flag")
OFFERS = {
    FLAG: Offer(FLAG, "REST", "gate:border.travel_flag", needs_purpose=True),
    parse_service("TW/GOV/CDC/epidemic/epidemic"): Offer(
        parse_service("TW/GOV/CDC/epidemic/epidemic"), "REST", "gate:epidemic"
    ),
}


def a_call(
    service: ServiceId,
    *,
    verb: str = "POST",
    path: bytes = b"",
    query: bytes | None = None,
    client: str = HOSPITAL,
    purpose: str = "012",
    consent: str = "",
    media_type: str = "application/json",
    lang: str = "en",
    speaks: bool = False,
) -> Call:
    fields = [
        (b"X-Road-Client", client.encode()),
        (b"Content-Type", media_type.encode()),
        (b"Accept-Language", lang.encode()),
        *([(SPEAKS, b"yes")] if speaks else []),
    ]
    asked = parse_request_fields(fields)
    at = EpochS(NOW)
    return Call(
        verb, target_of(service, path, query), asked, asked.kept, XID, "m-1", at, EpochS(at + 30), purpose, consent
    )


async def hand_over(provider: GateProvider, call: Call, content: Any = None, *, offer: Offer | None = None) -> Answer:
    raw = content if isinstance(content, bytes) else b"" if content is None else msgspec.json.encode(content)
    chosen = offer or OFFERS[call.target.service]
    return await provider.ask(chosen, call, call.target.provider_path, Held(raw), "")


def said(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body.whole(1_000_000))
