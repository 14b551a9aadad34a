"""Bodies of CDS Hooks, read strictly and written. A null where the standard has none is refused by its type."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from banyan.errors import UNREADABLE
from banyan.limits_travel import CDS_BODY
from banyan.wire.cdshooks.checking import Fault, faults_of_feedback, faults_of_request, faults_of_response
from banyan.wire.cdshooks.model import Feedback, Request, Response, Services

T = TypeVar("T")


class Unreadable(Exception):
    """The text says which member, and never what stood in it."""


def read_request(body: bytes) -> Request:
    """Raises Unreadable: no JSON, a member that is missing or of another form, or an invariant broken."""
    request = _read(body, Request)
    _whole(faults_of_request(request))
    return request


def read_feedback(body: bytes) -> Feedback:
    feedback = _read(body, Feedback)
    _whole(faults_of_feedback(feedback))
    return feedback


def encode(answer: Response | Services) -> bytes:
    """The bytes to send. An answer that breaks an invariant is our own mistake."""
    if isinstance(answer, Response):
        faults = faults_of_response(answer)
        assert not faults, f"an answer of ours breaks {faults}"
    return msgspec.json.encode(answer)


def _read(body: bytes, kind: type[T]) -> T:
    if len(body) > CDS_BODY:
        raise Unreadable(f"the body has over {CDS_BODY} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise Unreadable(str(error)[:200]) from error


def _whole(faults: list[Fault]) -> None:
    if faults:
        raise Unreadable(" ".join(f"{name} at {where}" for name, where in faults[:5]))
