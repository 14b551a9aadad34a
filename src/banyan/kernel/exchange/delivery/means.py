"""What both sides of a delivery work with, and the names of the moments at which a crash is tried in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

import msgspec

from banyan.errors import Conflict
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.delivery.contents import Contents, Whole
from banyan.kernel.exchange.road.model import Answer, Body, Call, MessageLog, Response
from banyan.kernel.storage.store import Store
from banyan.wire.httpsig.keys import Signer, Verifier
from banyan.wire.xroad import faults
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import ERROR, Field, last_of
from banyan.wire.xroad.identifiers import ClientId

POINTS: Final = (
    "sent.before-commit",
    "sent.committed",
    "sent.before-send",
    "sent.after-send",
    "sent.recorded",
    "answer.before-commit",
    "answer.committed",
    "received.before-commit",
    "received.committed",
    "received.handing",
    "received.handed",
    "received.answered",
    "received.brought",
    "received.returned",
)
"""A crash at each loses nothing: tests/kernel/exchange/delivery/test_crashes.py."""
Trip = Callable[[str], None]


class Road(Protocol):
    """How a gateway reaches others: signed, over mTLS. Both raise Problem when no answer came."""

    async def send(self, call: Call, body: Body) -> Answer:
        """A call to the gateway of its service, logged by both sides."""

    async def tell(self, by: ClientId, to: ClientId, request: Told) -> Response:
        """A request for a page of a gateway that serves `to`, signed by the member `by`. Read what it answers by
        `body_of`."""


class Told(msgspec.Struct, frozen=True):
    verb: str
    target: bytes
    fields: tuple[Field, ...] = ()
    body: Body | None = None


@contextmanager
def body_of(response: Response) -> Iterator[Body]:
    """The body of what a peer answered. While it is open it takes of the room that all bodies have."""
    body = Whole(response.body) if isinstance(response.body, bytes) else response.body
    try:
        yield body
    finally:
        body.close()


class Hands(Protocol):
    """The last step to a provider: its service is looked up and the client's right judged as they are now."""

    async def hand(self, call: Call, body: Body) -> Answer:
        """Raises `NotHanded` when the provider certainly got nothing, `Unsure` when it may have got it, Fault for a
        refusal that stays."""

    def may_repeat(self, call: Call) -> bool:
        """Whether this may be asked of the provider again when nobody knows what became of it."""


class NotHanded(Exception):
    """The provider certainly did not get the request: it cannot be reached, or it said so (429, 503)."""

    def __init__(self, reason: str, *, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Unsure(Exception):
    """The provider may have got the request: it broke off, or took too long."""


class Means(msgspec.Struct, frozen=True):
    """`random` gives a float in 0..1, `new_id` a fresh UUID; `key_of` looks a signing key up in the directory, and
    `owner_of` whose it is; `log` takes what an operator should know, without personal data."""

    store: Store
    contents: Contents
    road: Road
    signer: Callable[[ClientId], Signer]
    """The key of a member whose gateway this is. Raises Fault: of another's."""
    key_of: Callable[[str], Verifier | None]
    owner_of: Callable[[str], ClientId | None]
    clock: Clock
    random: Callable[[], float]
    new_id: Callable[[], str]
    log: Callable[[str, Mapping[str, str | int | float]], None]
    message_log: MessageLog | None = None
    """Keeps the answers that come back: calls themselves are logged by the gateway."""
    trip: Trip = lambda _: None


def why_not_ours(means: Means, member: ClientId) -> str:
    """Why this gateway may not act for a member (it hosts it no more); empty when it may. Found out before anything is
    sent or handed: what happens then could not be signed, and would happen again."""
    try:
        _ = means.signer(member)
    except Fault as fault:
        return fault.title
    return ""


FINAL: Final = frozenset(
    {
        Code.ACCESS_DENIED,
        Code.BAD_REQUEST,
        Code.DUPLICATE_HEADER_FIELD,
        Code.INCONSISTENT_HEADERS,
        Code.INVALID_CLIENT_IDENTIFIER,
        Code.INVALID_CONTENT_TYPE,
        Code.INVALID_HTTP_METHOD,
        Code.INVALID_REQUEST,
        Code.INVALID_SERVICE_TYPE,
        Code.MISSING_HEADER_FIELD,
        Code.UNKNOWN_MEMBER,
        Code.UNKNOWN_SERVICE,
    }
)
"""Refusals that stay: another attempt would get the same. All others (network, disk, load, clocks, a service that is
closed for maintenance) pass, and the message waits."""
_FINAL_NAMES: Final = frozenset(
    Fault(Origin.CLIENT, code, message="").type_in(spelling).rpartition(".")[2]
    for code in FINAL
    for spelling in ("documented", "renamed")
)
_PASSING: Final = frozenset({408, 425, 429, 502, 503, 504, 507})


def is_final(fault: Fault) -> bool:
    return _stays(fault.type_in(), fault.status)


def is_final_answer(answer: Answer) -> bool:
    """Of an answer with `X-Road-Error`."""
    return _stays((last_of(answer.fields, ERROR) or b"").decode("latin-1"), answer.status)


def _stays(code: str, status: int) -> bool:
    """409: the other side knows another request by this id."""
    return status == 409 or (status not in _PASSING and code.rpartition(".")[2] in _FINAL_NAMES)


def answer_of(fault: Fault, call: Call, detail: str) -> Answer:
    """A refusal of the road as the answer that the client fetches."""
    accepted = [value.decode("latin-1") for name, value in call.fields if name.lower() == b"accept"]
    told = faults.answer(fault, detail, accepted)
    fields = ((b"content-type", told.content_type.encode()), (ERROR, told.error.encode()))
    return Answer(told.status, b"", fields, Whole(told.body))


def used_otherwise() -> Conflict:
    """Either side's refusal of an id that it knows with another request."""
    return Conflict(
        "X-Road-Id names another request of this client.",
        remedy="Send a new id with a new request, or the same request again.",
        kind="delivery-id-used",
    )
