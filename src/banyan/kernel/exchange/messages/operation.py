"""One call as X-Road's operational monitoring records it, field names exact.

Not recorded, though the schema has them: the path, which may name a person, and whoever used the client's system
(law 2); what has no meaning here (SOAP's attachments, MIME sizes). Source: X-Road PR-OPMON s2, Annex A.
"""

from __future__ import annotations

from typing import Final

from banyan import __version__
from banyan.kernel.exchange.road.edges.seams import Value
from banyan.kernel.exchange.road.model import Timing

_TYPES: Final = {"client": "Client", "provider": "Producer"}
_TEXT: Final = 255
"""`maxLength` of the schema."""


def operation_of(timing: Timing, noted: int) -> dict[str, Value]:
    """`noted` in epoch seconds. Texts are cut to the schema's lengths."""
    client, service = timing.client, timing.service
    record: dict[str, Value] = {
        "monitoringDataTs": noted,
        "securityServerType": _TYPES[timing.role],
        "requestInTs": timing.request_in,
        "requestOutTs": timing.request_out,
        "responseInTs": timing.response_in,
        "responseOutTs": timing.response_out,
        "clientXRoadInstance": client.instance,
        "clientMemberClass": client.member_class,
        "clientMemberCode": client.member,
        "serviceXRoadInstance": service.instance,
        "serviceMemberClass": service.member_class,
        "serviceMemberCode": service.member,
        "serviceSubsystemCode": service.subsystem,
        "serviceCode": service.service,
        "restMethod": timing.method,
        "messageId": timing.message_id,
        "messageProtocolVersion": "1",
        "requestSize": timing.request_size,
        "responseSize": timing.response_size,
        "succeeded": is_good(timing),
        "statusCode": timing.status,
        "serviceType": "REST",
        "xRoadVersion": f"banyan {__version__}",
        "xRequestId": timing.call_id,
    }
    if client.subsystem:
        record["clientSubsystemCode"] = client.subsystem
    if timing.fault:
        record["faultCode"] = timing.fault
    return {name: _cut(value) for name, value in record.items() if value not in (0, "") or name in _ALWAYS}


def is_good(timing: Timing) -> bool:
    """As X-Road counts: an answer of the provider, whatever it says; a fault of the road is none."""
    return not timing.fault and timing.status > 0


def duration_of(timing: Timing) -> int:
    """Milliseconds that the call was here."""
    return max(0, timing.response_out - timing.request_in)


_ALWAYS: Final = frozenset({"monitoringDataTs", "requestInTs", "requestSize", "responseSize", "succeeded"})
"""Zero and false say something there; elsewhere a zero moment or status means that there was none."""


def _cut(value: Value) -> Value:
    return value[:_TEXT] if isinstance(value, str) else value
