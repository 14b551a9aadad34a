"""The nonces of requests that stand in the log: what a gateway that starts again must not take a second time."""

from __future__ import annotations

import msgspec

from banyan.kernel.exchange.messages.record import Record, signed_of
from banyan.wire.httpsig.errors import Refused
from banyan.wire.httpsig.message import fields_of
from banyan.wire.httpsig.peer import LABEL
from banyan.wire.httpsig.presented import presented


class Seen(msgspec.Struct, frozen=True):
    """A request's nonce as its key's owner made it; `created` and `expires` in POSIX seconds."""

    keyid: str
    nonce: str
    created: int
    expires: int


def seen_in(record: Record) -> tuple[Seen, ...]:
    """None when the request was not signed as gateways do."""
    if record.request is None:
        return ()
    try:
        found = presented(fields_of(signed_of(record.request).fields)).get(LABEL)
    except Refused:
        return ()
    if found is None:
        return ()
    said = found.parameters
    return (Seen(said.keyid or "", said.nonce or "", said.created or 0, said.expires or 0),)
