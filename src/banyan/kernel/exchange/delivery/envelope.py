"""What a call that is carried out later says of itself in its header, and what makes two calls the same one.

`Prefer: respond-async` (RFC 7240 s4.1) asks for it. The client may say `X-Banyan-Within: seconds` (later it is a dead
letter) and `X-Banyan-Order: yes` (after its earlier ones to this service). Its gateway writes `X-Banyan-Accepted` and
`X-Banyan-Until` (epoch seconds), signed like every `x-banyan-` field.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.model import Call
from banyan.limits_road import (
    DELIVERY_IDEMPOTENCY_CHARACTERS,
    DELIVERY_LIFE_MOST_S,
    DELIVERY_LIFE_S,
    DELIVERY_WINDOW_S,
)
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import REQUEST_ID, Field, last_of
from banyan.wire.xroad.identifiers import encoded

PREFER: Final = b"prefer"
APPLIED: Final = (b"preference-applied", b"respond-async")
IDEMPOTENCY: Final = b"idempotency-key"
WITHIN: Final = b"x-banyan-within"
ORDER: Final = b"x-banyan-order"
ACCEPTED: Final = b"x-banyan-accepted"
UNTIL: Final = b"x-banyan-until"
AGAIN: Final = b"x-banyan-again"
"""How often this message was handed to the provider before, when what became of it is not known."""
_ASYNC: Final = b"respond-async"
_OURS: Final = frozenset({ACCEPTED, UNTIL, AGAIN})
_SAME: Final = (
    b"content-type",
    b"content-encoding",
    b"x-road-userid",
    b"x-road-issue",
    b"x-road-represented-party",
    b"x-banyan-purpose",
    b"x-banyan-consent",
    b"idempotency-key",
)
"""Fields that make another request of it; the others (dates, traces) differ when a client sends the same one again."""
_AHEAD_S: Final = 120.0
"""How far another gateway's clock may be ahead."""


class Envelope(msgspec.Struct, frozen=True):
    accepted_at: EpochS
    until: EpochS
    is_ordered: bool = False


def wants_async(fields: Sequence[Field]) -> bool:
    return any(_ASYNC in _preferences(value) for name, value in fields if name.lower() == PREFER)


def sealed(call: Call, now: EpochS) -> tuple[Call, Envelope]:
    """The call as it travels, at the client's gateway. Raises Fault naming the field."""
    within = _seconds(call.fields, WITHIN, b"%d" % int(DELIVERY_LIFE_S))
    if not 1 <= within <= DELIVERY_LIFE_MOST_S:
        raise _wrong(WITHIN, f"Send 1 to {int(DELIVERY_LIFE_MOST_S)} seconds.")
    envelope = Envelope(EpochS(int(now)), EpochS(int(now) + within), is_ordered(call.fields))
    return with_envelope(call, envelope), envelope


def with_envelope(call: Call, envelope: Envelope) -> Call:
    kept = [field for field in call.fields if field[0].lower() not in _OURS]
    kept += [(ACCEPTED, b"%d" % envelope.accepted_at), (UNTIL, b"%d" % envelope.until)]
    return msgspec.structs.replace(call, fields=tuple(kept))


def opened(call: Call, now: EpochS) -> Envelope:
    """At the provider's gateway. Raises Fault: too old to be known, too late, or not from this time."""
    accepted, until = _seconds(call.fields, ACCEPTED, b""), _seconds(call.fields, UNTIL, b"")
    if accepted > now + _AHEAD_S:
        raise _wrong(ACCEPTED, "Set the clock of the sending gateway.")
    if not accepted < until <= accepted + DELIVERY_WINDOW_S or now >= accepted + DELIVERY_WINDOW_S:
        raise _wrong(UNTIL, f"A message travels for at most {int(DELIVERY_WINDOW_S)} seconds.")
    if now >= until:
        raise _wrong(UNTIL, "The message is late: send a new one.")
    return Envelope(EpochS(accepted), EpochS(until), is_ordered(call.fields))


def is_ordered(fields: Sequence[Field]) -> bool:
    said = (last_of(fields, ORDER) or b"no").lower()
    if said not in (b"yes", b"no"):
        raise _wrong(ORDER, "Send yes or no.")
    return said == b"yes"


def lane_of(call: Call, envelope: Envelope) -> str:
    """Messages of one lane go one after another; empty: in no order."""
    if not envelope.is_ordered:
        return ""
    return f"{encoded(call.asked.client)} {encoded(call.target.service)}"


def fingerprint(call: Call, body_sha256: bytes) -> bytes:
    """Of what is asked: the same when a client sends a request again, another when it asks something else."""
    known = {name.lower(): value for name, value in call.fields}
    parts = [call.verb.encode("ascii"), call.target.raw, *(known.get(name, b"") for name in _SAME), body_sha256]
    return sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()


def for_attempt(call: Call, request_id: str, until: EpochS) -> Call:
    """The same message under a new exchange id: each attempt is an exchange that both logs know."""
    line = (REQUEST_ID, request_id.encode("ascii"))
    fields = tuple(line if name.lower() == REQUEST_ID else (name, value) for name, value in call.fields)
    return msgspec.structs.replace(call, fields=fields, request_id=request_id, until=until)


def for_provider(call: Call, handings: int) -> Call:
    """What the provider gets: without the preference, which is fulfilled, and with a key to know a message again by.

    The rule for providers: whoever changes something keeps the Idempotency-Key with the change and answers a second
    request under it as the first. A second one comes only when a crash hid what became of the first; it has
    X-Banyan-Again."""
    fields = [field for field in map(_without_async, call.fields) if field is not None and field[0].lower() != AGAIN]
    if not idempotency_of(fields):
        fields.append((IDEMPOTENCY, b'"' + call.message_id.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'))
    if handings:
        fields.append((AGAIN, b"%d" % handings))
    return msgspec.structs.replace(call, fields=tuple(fields))


def idempotency_of(fields: Sequence[Field]) -> str:
    """What a client calls its request by, so that its gateway and the provider's may know it again. Raises Fault."""
    said = (last_of(fields, IDEMPOTENCY) or b"").decode("latin-1")
    if len(said) > DELIVERY_IDEMPOTENCY_CHARACTERS:
        raise _wrong(IDEMPOTENCY, f"Send at most {DELIVERY_IDEMPOTENCY_CHARACTERS} characters.")
    return said


def _without_async(field: Field) -> Field | None:
    if field[0].lower() != PREFER or _ASYNC not in _preferences(field[1]):
        return field
    rest = b", ".join(one.strip() for one in field[1].split(b",") if _ASYNC not in _preferences(one))
    return (field[0], rest) if rest else None


def _preferences(value: bytes) -> list[bytes]:
    return [one.partition(b";")[0].strip().lower() for one in value.split(b",")]


def _seconds(fields: Sequence[Field], name: bytes, default: bytes) -> int:
    said = last_of(fields, name) or default
    if not said.isdigit() or len(said) > 12:
        raise _wrong(name, "Send whole seconds.")
    return int(said)


def _wrong(name: bytes, fix: str) -> Fault:
    field = name.decode()
    message = f"{field} cannot be taken."
    return Fault(Origin.CLIENT, Code.INVALID_REQUEST, message=message, field=field, fix=fix)
