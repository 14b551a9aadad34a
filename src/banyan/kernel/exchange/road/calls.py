"""A call out of the head of a request, the same way on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.model import CONSENT, PURPOSE, TIMEOUT, Body, Call
from banyan.limits import XROAD_TEXT_CHARACTERS
from banyan.limits_road import ROAD_CALL_MOST_S, ROAD_CALL_S, ROAD_MEMORY_BYTES, ROAD_PURPOSE_CHARACTERS
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Asked, Field
from banyan.wire.xroad.target import Target


def call_of(
    verb: str,
    target: Target,
    asked: Asked,
    *,
    fields: Sequence[Field],
    ids: tuple[str, str],
    at: EpochS,
    left_s: float = ROAD_CALL_MOST_S,
) -> Call:
    """`ids`: of the exchange and of the message. `left_s`: nobody waits longer, whatever the client said.

    Raises Fault: purpose, consent or timeout cannot be read."""
    purpose = consent = ""
    timeout_s = ROAD_CALL_S
    for name, value in asked.kept:
        if name[8:9] != b"-" or name[:9].lower() != b"x-banyan-":
            continue
        match name.lower():
            case b"x-banyan-purpose":
                purpose = _text(value, PURPOSE, ROAD_PURPOSE_CHARACTERS)
            case b"x-banyan-consent":
                consent = _text(value, CONSENT, XROAD_TEXT_CHARACTERS)
            case b"x-banyan-timeout":
                timeout_s = _seconds(value)
    until = EpochS(at + min(timeout_s, left_s))
    return Call(verb, target, asked, tuple(fields), ids[0], ids[1], at, until, purpose, consent)


def after_body(call: Call, body: Body, now: EpochS) -> Call:
    """The call once its body is here: what a large one took does not count against the deadline."""
    if body.size <= ROAD_MEMORY_BYTES:
        return call
    return msgspec.structs.replace(call, until=EpochS(call.until + now - call.at))


def _text(value: bytes, name: bytes, most: int) -> str:
    if not 0 < len(value) <= most or not value.isascii():
        raise _wrong(name, f"Send 1 to {most} ASCII characters.")
    return value.decode("ascii")


def _seconds(value: bytes) -> float:
    if not value.isdigit() or len(value) > 4 or not 1 <= int(value) <= ROAD_CALL_MOST_S:
        raise _wrong(TIMEOUT, f"Send whole seconds, 1 to {ROAD_CALL_MOST_S:.0f}.")
    return float(int(value))


def _wrong(name: bytes, fix: str) -> Fault:
    shown = "-".join(part.capitalize() for part in name.decode("ascii").split("-"))
    message = f"{shown} cannot be read."
    return Fault(Origin.CLIENT_PROXY, Code.INVALID_REQUEST, message=message, field=shown, fix=fix)
