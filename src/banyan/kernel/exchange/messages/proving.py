"""The signatures in a record, checked again: years later, by whoever has the members' public keys.

The clock is the message's own: whether it was in time was asked when it came. Bodies are not here; the digests that the
signatures cover say what they were.
"""

from __future__ import annotations

import msgspec

from banyan.kernel.exchange.messages.record import Head, Record, signed_of
from banyan.wire.httpsig.errors import Malformed, Refused
from banyan.wire.httpsig.message import Request, Response, fields_of
from banyan.wire.httpsig.peer import Accepted, KeyOf, verify_request, verify_response
from banyan.wire.httpsig.presented import presented


class Signatures(msgspec.Struct, frozen=True):
    """Who signed what in a record; None: there was no such message, or it was not signed."""

    request: Accepted | None
    answer: Accepted | None


def check_signatures(record: Record, key_of: KeyOf) -> Signatures:
    """Raises Refused: a signature does not hold. An answer binds its request, so it is checked with it."""
    if record.request is None:
        return Signatures(None, None)
    request = request_of(record.request)
    asked = verify_request(request, key_of, _created(request))
    if record.answer is None:
        return Signatures(asked, None)
    answer = response_of(record.answer)
    if "signature" not in answer.fields:
        return Signatures(asked, None)
    return Signatures(asked, verify_response(answer, request, key_of, _created(answer)))


def request_of(head: Head) -> Request:
    """Raises Refused."""
    verb, target = _line(head, 2)
    return Request(verb, head.authority, target, fields_of(signed_of(head).fields), head.scheme)


def response_of(head: Head) -> Response:
    """Raises Refused."""
    status = _line(head, 1)[0]
    if not status.isascii() or not status.isdigit():
        raise Malformed("status", "is a number")
    return Response(int(status), fields_of(signed_of(head).fields))


def _line(head: Head, least: int) -> list[str]:
    """The line's words: CRLF between them, as `wire.xroad.block` writes."""
    words = head.line.split("\r\n")
    if len(words) < least:
        raise Malformed("line", "has a method and a target, or a status")
    return words


def _created(message: Request | Response) -> float:
    found = next(iter(presented(message.fields).values()), None)
    if found is None or found.parameters.created is None:
        raise Malformed("signature-input", "says when it was made")
    return found.parameters.created


__all__ = ["Refused", "Signatures", "check_signatures", "request_of", "response_of"]
