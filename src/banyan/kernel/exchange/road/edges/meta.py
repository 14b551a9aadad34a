"""Meta-services at the provider's gateway: what it offers, what the asker may call, how a service is described.

They are signed and logged as other calls are, and need no grant. Source: X-Road PR-MREST s4; GovStack IM Service
Metadata API 1.0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from banyan.errors import Problem
from banyan.kernel.exchange.road.edges.operations import OperationsDesk
from banyan.kernel.exchange.road.model import Answer, Body, Call, Grants, Offer
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.govstack import fields as govstack
from banyan.wire.govstack import listing
from banyan.wire.xroad import description, methods
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import last_of
from banyan.wire.xroad.identifiers import ServiceId
from banyan.wire.xroad.methods import Offered

_READS: Final = ("GET", "HEAD")


class Document(msgspec.Struct, frozen=True):
    """A provider's description of its service, as it came."""

    content: bytes
    content_type: str


Read = Callable[[str], Awaitable[Document]]
"""Of `Offer.description`. Raises Problem when it cannot be read; bounded in size and time."""


class Meta:
    """A `MetaServices`."""

    def __init__(self, grants: Grants, read: Read, operations: OperationsDesk | None = None) -> None:
        self._grants, self._read, self._operations = grants, read, operations

    async def answer(self, call: Call, body: Body) -> Answer:
        """Raises Fault: UnknownService for one that is not offered, InvalidHttpMethod, InvalidRequest."""
        code = call.target.service.service
        if self._operations is not None and code in self._operations.codes:
            return await self._operations.answer(call, body)
        if code not in ("listMethods", "allowedMethods", "getOpenAPI"):
            message = f"{code} is not answered here."
            fix = "Ask listMethods, allowedMethods or getOpenAPI; listClients is asked of your own gateway."
            raise Fault(Origin.SERVER_PROXY, Code.UNKNOWN_SERVICE, message=message, field="address", fix=fix)
        if call.verb not in _READS:
            message = f"{code} is read only."
            raise Fault(Origin.SERVER_PROXY, Code.INVALID_HTTP_METHOD, message=message, field="method", fix="Use GET.")
        if code == "getOpenAPI":
            return await self._described(call)
        return _lists(call, self._offered(call, only_allowed=code == "allowedMethods"))

    def _offered(self, call: Call, *, only_allowed: bool) -> list[Offered]:
        offers = [one for one in self._grants.offers(call.target.service.provider) if one.type != "WSDL"]
        declared = [_declared(one) for one in sorted(offers, key=lambda one: one.id)]
        if not only_allowed:
            return declared
        rights = [(one.id.service, endpoint) for one in declared for endpoint in self._rights(call, one.id)]
        return list(methods.allowed(declared, rights))

    def _rights(self, call: Call, service: ServiceId) -> tuple[Endpoint, ...]:
        grant = self._grants.grant(call.asked.client, service, call.at)
        return () if grant is None else grant.rights.endpoints

    async def _described(self, call: Call) -> Answer:
        code = methods.service_code_of(call.target.query)
        offer = self._grants.offer(msgspec.structs.replace(call.target.service, service=code))
        if offer is None:
            message, fix = "This subsystem has no service of this code.", "Ask listMethods for the codes."
            raise Fault(Origin.SERVER_PROXY, Code.UNKNOWN_SERVICE, message=message, field="serviceCode", fix=fix)
        if offer.type != "OPENAPI" or not offer.description:
            # The field's tools compare this text letter by letter.
            raise Fault(Origin.SERVER_PROXY, Code.INVALID_SERVICE_TYPE, message=f"Invalid service type: {offer.type}")
        try:
            document = await self._read(offer.description)
        except Problem as problem:
            message = "Failed reading service description from the provider."
            fix = "Ask the provider to put its OpenAPI document where its gateway reads it."
            raise Fault(
                Origin.SERVER_PROXY, Code.INTERNAL_ERROR, message=message, field="openapi", fix=fix
            ) from problem
        return _answer(await asyncio.to_thread(description.without_hosts, document.content), document.content_type)


def _declared(offer: Offer) -> Offered:
    assert offer.type != "WSDL", "SOAP services are listed elsewhere"
    return Offered(offer.id, offer.type, offer.endpoints)


def _lists(call: Call, offered: list[Offered]) -> Answer:
    if last_of(call.fields, govstack.DIALECT) == govstack.GOVSTACK:
        return _answer(listing.encode_services(offered), methods.MEDIA_TYPE)
    return _answer(methods.encode(offered), methods.MEDIA_TYPE)


def _answer(body: bytes, kind: str) -> Answer:
    return Answer(200, b"OK", ((b"content-type", kind.encode("latin-1", "replace")),), Held(body))
