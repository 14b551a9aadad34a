"""`listMethods`, `allowedMethods`: a subsystem's services and their endpoints, and what `getOpenAPI` is asked for.

The document is Annex B's (snake_case, `service`), which is what gateways send; Annex A's OpenAPI says otherwise.
Source: X-Road PR-MREST s4.1-s4.3, Annex B.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal
from urllib.parse import parse_qsl

import msgspec

from banyan import limits
from banyan.errors import UNREADABLE, Invalid
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ServiceId

MEDIA_TYPE: Final = "application/json"
ServiceType = Literal["REST", "OPENAPI"]


class Offered(msgspec.Struct, frozen=True):
    """A service and the endpoints that are declared, or allowed to the asker."""

    id: ServiceId
    type: ServiceType
    endpoints: tuple[Endpoint, ...] = ()


class _Service(msgspec.Struct, frozen=True, omit_defaults=True):
    member_class: str
    member_code: str
    service_code: str
    subsystem_code: str
    xroad_instance: str
    service_type: ServiceType | None = None
    object_type: str | None = None
    endpoint_list: list[Endpoint] | None = None


class _Out(msgspec.Struct, frozen=True):
    member_class: str
    member_code: str
    object_type: str
    service_code: str
    service_type: ServiceType
    subsystem_code: str
    xroad_instance: str
    endpoint_list: tuple[Endpoint, ...]


class _Services(msgspec.Struct, frozen=True):
    service: list[_Service] = []


def encode(services: Sequence[Offered]) -> bytes:
    found = [
        _Out(
            one.id.member_class,
            one.id.member,
            "SERVICE",
            one.id.service,
            one.type,
            one.id.subsystem,
            one.id.instance,
            one.endpoints,
        )
        for one in services
    ]
    return msgspec.json.encode({"service": found})


def parse(body: bytes) -> tuple[Offered, ...]:
    """Another gateway's answer. Raises Invalid naming `body`: too large, or not of this form."""
    if len(body) > limits.XROAD_META_BYTES:
        raise Invalid.at("body", f"A list of services has at most {limits.XROAD_META_BYTES} bytes.")
    try:
        services = msgspec.json.decode(body, type=_Services).service
    except UNREADABLE as error:
        raise Invalid.at("body", "Send service entries as in PR-MREST Annex B.") from error
    return tuple(Offered(_id(one), one.service_type or "REST", tuple(one.endpoint_list or ())) for one in services)


def allowed(services: Iterable[Offered], granted: Iterable[tuple[str, Endpoint]]) -> tuple[Offered, ...]:
    """What of `services` a client may call: `granted` are (service code, endpoint). A service without any is left out.

    A right on the whole service (`*` on `**`) shows all that the service declares, and itself if it declares nothing.
    """
    rights: dict[str, list[Endpoint]] = {}
    for code, endpoint in granted:
        rights.setdefault(code, []).append(endpoint)
    found = []
    for one in services:
        own = rights.get(one.id.service, [])
        if Endpoint() in own:
            found.append(one if one.endpoints else Offered(one.id, one.type, (Endpoint(),)))
        elif own:
            found.append(Offered(one.id, one.type, tuple(own)))
    return tuple(found)


def service_code_of(query: bytes | None) -> str:
    """`serviceCode` of a getOpenAPI query. Raises Fault(InvalidRequest) naming it: missing, empty or repeated."""
    text = (query or b"").decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise _no_code() from error
    values = [value for name, value in pairs if name == "serviceCode"]
    if len(values) != 1 or not 1 <= len(values[0]) <= limits.XROAD_IDENTIFIER_CHARACTERS:
        raise _no_code()
    return values[0]


def _id(one: _Service) -> ServiceId:
    found = ServiceId(one.xroad_instance, one.member_class, one.member_code, one.subsystem_code, one.service_code)
    if not all(found.parts) or one.object_type not in (None, "SERVICE"):
        raise Invalid.at("body", "Give each service its five parts and the type SERVICE.")
    return found


def _no_code() -> Fault:
    message = "serviceCode is missing or repeated."
    fix = "Ask getOpenAPI?serviceCode=CODE, once, percent-encoded as UTF-8."
    return Fault(Origin.SERVER_PROXY, Code.INVALID_REQUEST, message=message, field="serviceCode", fix=fix)
