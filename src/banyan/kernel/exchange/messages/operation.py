"""One call as it is kept for operational monitoring, and as X-Road's schema has it, field names exact.

Not kept, though the schema has them: the path, which may name a person, and whoever used the client's system (law 2).
Left out: what has no meaning here (SOAP's attachments, MIME sizes). Source: X-Road PR-OPMON s2, Annex A.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan import __version__
from banyan.kernel.exchange.road.edges.seams import Value
from banyan.kernel.exchange.road.model import Role, Timing
from banyan.wire.xroad.identifiers import ClientId, ServiceId

_TYPES: Final = {"client": "Client", "provider": "Producer"}
_TEXT: Final = 255
"""`maxLength` of the schema."""
_ALWAYS: Final = frozenset({"monitoringDataTs", "requestInTs", "requestSize", "responseSize", "succeeded"})
"""Zero and false say something there; elsewhere a zero moment or status means that there was none."""


class Noted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `Timing` without its path; identifiers as their parts."""

    role: Role
    call_id: str
    message_id: str
    client: tuple[str, ...]
    service: tuple[str, ...]
    method: str
    request_in: int
    request_out: int
    response_in: int
    response_out: int
    request_size: int
    response_size: int
    status: int
    fault: str = ""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(tuple[Noted, ...])


def noted(timing: Timing) -> Noted:
    return Noted(
        timing.role,
        timing.call_id,
        timing.message_id,
        timing.client.parts,
        timing.service.parts,
        timing.method,
        timing.request_in,
        timing.request_out,
        timing.response_in,
        timing.response_out,
        timing.request_size,
        timing.response_size,
        timing.status,
        timing.fault,
    )


def encode(calls: tuple[Noted, ...]) -> bytes:
    return _encoder.encode(calls)


def decode(data: bytes) -> tuple[Noted, ...]:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(data)


def concerns(call: Noted, client: ClientId) -> bool:
    """Whether `client` asked or answered."""
    return client.parts in (call.client, call.service[:-1])


def operation_of(call: Noted, second: int) -> dict[str, Value]:
    """`second`: when it was noted, epoch seconds. Texts are cut to the schema's lengths."""
    client, service = ClientId(*call.client), ServiceId(*call.service)
    record: dict[str, Value] = {
        "monitoringDataTs": second,
        "securityServerType": _TYPES[call.role],
        "requestInTs": call.request_in,
        "requestOutTs": call.request_out,
        "responseInTs": call.response_in,
        "responseOutTs": call.response_out,
        "clientXRoadInstance": client.instance,
        "clientMemberClass": client.member_class,
        "clientMemberCode": client.member,
        "clientSubsystemCode": client.subsystem,
        "serviceXRoadInstance": service.instance,
        "serviceMemberClass": service.member_class,
        "serviceMemberCode": service.member,
        "serviceSubsystemCode": service.subsystem,
        "serviceCode": service.service,
        "restMethod": call.method,
        "messageId": call.message_id,
        "messageProtocolVersion": "1",
        "requestSize": call.request_size,
        "responseSize": call.response_size,
        "succeeded": is_good(call),
        "faultCode": call.fault,
        "statusCode": call.status,
        "serviceType": "REST",
        "xRoadVersion": f"banyan {__version__}",
        "xRequestId": call.call_id,
    }
    return {name: _cut(value) for name, value in record.items() if value not in (0, "") or name in _ALWAYS}


def is_good(call: Noted | Timing) -> bool:
    """As X-Road counts: an answer of the provider, whatever it says; a fault of the road is none."""
    return not call.fault and call.status > 0


def duration_of(call: Noted | Timing) -> int:
    """Milliseconds that the call was here."""
    return max(0, call.response_out - call.request_in)


def _cut(value: Value) -> Value:
    return value[:_TEXT] if isinstance(value, str) else value
