"""What the parts of a gateway say to each other: who can be reached, what is granted, what was exchanged.

The hot path (consumer, provider) knows its surroundings by these Protocols only: the directory, the grants, the message
log, admission and the provider behind the edge. Each has its own package; a test stands a plain one in its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.headers import Asked, Field
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId
from banyan.wire.xroad.members import Listed
from banyan.wire.xroad.methods import ServiceType
from banyan.wire.xroad.target import Target

PURPOSE: Final = b"x-banyan-purpose"
"""A code of the register of purposes; signed. Without it a grant's only purpose counts: plain X-Road clients work."""
LEFT: Final = b"x-banyan-left"
"""Between gateways: milliseconds until nobody waits for the answer; signed."""
TIMEOUT: Final = b"x-banyan-timeout"
"""Whole seconds that the client waits; signed, so that both gateways know the same deadline."""
CONSENT: Final = b"x-banyan-consent"
"""The reference of the consent that the call stands on, where its basis needs one; signed."""
SPEAKS: Final = b"x-banyan-speaks"
"""`yes` on a call that a node makes for a caller of its own, to another node of its member; signed. No information
system may say it: a gateway's edge refuses the field."""
DIRECTORY_VERSION: Final = b"x-directory-version"

Role = Literal["client", "provider"]
"""Whose gateway speaks: the one of who asks, the one of who answers."""
Freshness = Literal["fresh", "stale", "expired"]
Priority = Literal["crisis", "normal", "bulk"]
"""Classes of calls: a rush of a lower one cannot starve a higher one."""
OfferType = ServiceType | Literal["WSDL"]
"""A SOAP service may stand in a directory; it is refused here by its type, as X-Road refuses it on this edge."""


class Route(msgspec.Struct, frozen=True):
    """One gateway that serves a subsystem. `certificates` are SHA-256 of the DER of each that it may show, current and
    next: the directory vouches for them, no outside name does."""

    server: ServerId
    host: str
    port: int
    certificates: tuple[bytes, ...]
    notice: str = ""
    """Why this gateway takes no calls for now, as its operator says it: it is in maintenance."""


class Directory(Protocol):
    """The snapshot in force, read without waiting. Lookups are O(1); a new snapshot is swapped in whole."""

    @property
    def version(self) -> str:
        """Of the snapshot in force, as `X-Directory-Version` says it: a decimal number that only grows."""

    def freshness(self, now: EpochS) -> Freshness:
        """`expired`: no call goes out or comes in."""

    def routes(self, subsystem: ClientId) -> Sequence[Route]:
        """The gateways that serve it, best first; empty: nobody by that name."""

    def is_known(self, client: ClientId) -> bool:
        """Whether this member or subsystem stands in the directory and is not revoked."""

    def keys(self, keyid: str) -> Keys | None:
        """The keys that sign under this name, unless revoked or out of their time."""

    def signer(self, keyid: str) -> ClientId | None:
        """The member whose key it is."""

    def server_of(self, certificate: bytes) -> ServerId | None:
        """The gateway that shows a certificate of this SHA-256."""

    def serves(self, server: ServerId, member: ClientId) -> bool:
        """Whether calls of this member may come from that gateway."""

    def listed(self) -> Sequence[Listed]:
        """Everybody, for `listClients`."""


class Offer(msgspec.Struct, frozen=True):
    """A service behind this gateway. `url` is http(s), or `gate:SERVICE` for operations of this node's own gate."""

    id: ServiceId
    type: OfferType
    url: str
    endpoints: tuple[Endpoint, ...] = ()
    timeout_s: float = 30.0
    is_enabled: bool = True
    notice: str = ""
    """Why it is not enabled, as its callers are told."""
    description: str = ""
    """Where its OpenAPI document stands: a URL or a file; empty when it has none."""
    needs_purpose: bool = False
    """Personal data: each call names a purpose that the grant has."""
    knows_repeats: bool = False
    """The provider keeps the rule of `Idempotency-Key` (`delivery.envelope.for_provider`), so what a crash hid may be
    asked of it again; of others only what changes nothing, or nothing more when it is repeated (RFC 9110 s9.2.2)."""


class Grant(msgspec.Struct, frozen=True):
    """What one client may do with one service, why, and until when."""

    client: ClientId
    service: ServiceId
    rights: Rights
    purposes: Mapping[str, str] = {}
    """Purpose code -> the legal basis `id@version` that lets it."""
    priority: Priority = "normal"
    per_minute: int = 0
    """Calls a minute; 0: no bound of its own."""
    until: EpochS = EpochS(0)
    """0: without an end."""
    keep_bodies_s: float = 0.0
    """How long the message log keeps the bodies; 0: only their digests."""


class Grants(Protocol):
    """What this gateway offers, and to whom. Read without waiting; a change counts from the next call on."""

    def offer(self, service: ServiceId) -> Offer | None: ...

    def offers(self, subsystem: ClientId) -> Sequence[Offer]: ...

    def grant(self, client: ClientId, service: ServiceId, now: EpochS) -> Grant | None: ...


class Body(Protocol):
    """A body in memory or spooled to disk: read as often as needed, gone when closed."""

    @property
    def size(self) -> int: ...

    def chunks(self) -> AsyncIterator[bytes]: ...

    def whole(self, most: int) -> bytes:
        """All of it. Raises Limit when it has more than `most` bytes."""

    def close(self) -> None: ...


class Call(msgspec.Struct, frozen=True):
    """A call as a gateway holds it, parsed and admitted. `request_id` is the exchange's id: both sides log it."""

    verb: str
    target: Target
    asked: Asked
    fields: tuple[Field, ...]
    """The fields that travel, in order: `headers.request_fields`."""
    request_id: str
    message_id: str
    at: EpochS
    until: EpochS
    """The deadline: nobody waits for the answer after it."""
    purpose: str = ""
    consent: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What comes back: the provider's own answer. Refusals of the road are raised (`wire.xroad.faults.Fault`)."""

    status: int
    reason: bytes
    fields: tuple[Field, ...]
    body: Body
    is_checked: bool = False
    """Its fields were read from HTTP, strictly: they need not be looked at again."""


class Provider(Protocol):
    """What stands behind the provider's edge: an HTTP service, or operations of this node's gate."""

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        """`path` was judged (`access.checked_path`), query included. Raises Fault(Server.ServerProxy...)."""


class Signed(msgspec.Struct, frozen=True):
    """One signed message as the log keeps it: enough to verify it again for ever, without its body."""

    line: bytes
    """`GET CRLF /r1/...` or `200 CRLF OK`: how a block of `wire.xroad.block` begins."""
    text: bytes
    """All fields of the peer leg, signatures and digest among them: `Name: value` lines with CRLF between."""
    scheme: str = "https"
    authority: str = ""
    """Of a request: what the signature covers as `@authority`."""

    @property
    def fields(self) -> tuple[Field, ...]:
        split = [line.partition(b": ") for line in self.text.split(b"\r\n")] if self.text else []
        return tuple([(name, value) for name, _, value in split])


class Exchanged(msgspec.Struct, frozen=True):
    """One exchange as one side saw it; the other side logs the same `xid` with the other role."""

    xid: str
    role: Role
    client: ClientId
    service: ServiceId
    message_id: str
    at: EpochS
    status: int
    """Of the answer; 0: none came."""
    fault: str = ""
    """The fault code, when the road refused or failed."""
    purpose: str = ""
    basis: str = ""
    request: Signed | None = None
    answer: Signed | None = None
    request_body: Body | None = None
    answer_body: Body | None = None
    keep_bodies_s: float = 0.0


Told = Callable[[int, Exception | None], None]
"""Of a log: the entry's number once it is durable, or -1 and what went wrong. Raises nothing."""


class MessageLog(Protocol):
    """A log that has `put(exchanged, told)` too is not waited for: see `Desk.put`."""

    async def keep(self, exchanged: Exchanged) -> None:
        """Durable when it returns: the answer goes on only then. Raises Problem when it cannot: then there is none."""


class Timing(msgspec.Struct, frozen=True):
    """One exchange for operational monitoring, in X-Road's terms: epoch milliseconds, sizes in bytes."""

    role: Role
    call_id: str
    message_id: str
    client: ClientId
    service: ServiceId
    method: str
    path: str
    request_in: int
    request_out: int
    response_in: int
    response_out: int
    request_size: int
    response_size: int
    status: int
    fault: str = ""


class Monitor(Protocol):
    def note(self, timing: Timing) -> None:
        """Never waits, never fails the call."""


class Ticket(Protocol):
    """Leave to run, given back when the call has ended."""

    def close(self) -> None: ...


class Admission(Protocol):
    """Who runs now, who waits, who is sent away. `enter_now` of `FairAdmission` is asked first, where there is one."""

    async def enter(
        self, client: ClientId, priority: Priority, per_minute: int, until: EpochS, *, service: ServiceId | None = None
    ) -> Ticket:
        """Raises `Overloaded` (a Fault, 429) at once when the call cannot run before its deadline; a tuple of fields in
        its `headers` goes to the client. `per_minute` is of
        the grant of `client` for `service`. A gateway has one admission for each role: a call that it makes to itself
        would else wait for its own place."""


class MetaServices(Protocol):
    """Answers calls of `target.META_SERVICES` at the provider's gateway: signed and logged, no grant needed."""

    async def answer(self, call: Call, body: Body) -> Answer:
        """Raises Fault: UnknownService for one that is not offered."""


class Handover(Protocol):
    """Calls with `Prefer: respond-async`. Without one of these at a gateway they run as any other call."""

    async def accept(self, call: Call, body: Body) -> Answer:
        """At the client's gateway, instead of sending: 202 once it is durable. `Gateway.send` sends it later."""

    async def take(self, call: Call, body: Body, delivery: Delivery) -> Answer:
        """At the provider's gateway, verified and granted, instead of asking the provider: 202 once it is durable; the
        answer is signed by the member, so it is the receipt."""


class Delivery(msgspec.Struct, frozen=True):
    """What the provider's gateway has found out about a call: enough to `Provider.ask` later."""

    offer: Offer
    path: bytes
    basis: str
    grant: Grant
    keyid: str
    """Who signed the call."""


class Request(msgspec.Struct, frozen=True):
    """A request for a gateway's own page (not `/r1/`)."""

    verb: str
    target: bytes
    fields: tuple[Field, ...]
    body: Body
    certificate: bytes = b""
    """SHA-256 of the certificate that the caller showed; empty without one."""
    server: ServerId | None = None
    """The gateway that asks, by the directory; None on the edge, and for a gateway that the directory does not have."""
    member: ClientId | None = None
    """Who signed it, of a page that asks for signatures."""
    is_tls: bool = False


class Response(msgspec.Struct, frozen=True):
    """An answer of a gateway's own page, or of a peer's. Content-Length and Date are written for you."""

    status: int
    fields: tuple[Field, ...] = ()
    body: Body | bytes = b""
    reason: bytes = b""


class Page(Protocol):
    async def __call__(self, request: Request) -> Response:
        """Raises Fault or another Problem: rendered as the road's errors are."""
