"""What the edge pages ask of the other parts of a gateway.

The message log keeps what a container holds, its monitor what the field's collectors fetch, delivery keeps the rooms of
publish and subscribe. A test stands a plain one in the place of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from banyan.kernel.exchange.road.model import Body, Signed
from banyan.wire.xroad.identifiers import ClientId, ServiceId


class Archived(msgspec.Struct, frozen=True):
    """One exchange as one side's message log kept it, with the proof that it is in the log.

    `record` is what the leaf `entry` commits to with `salt` (`ledger.entries.commitment_of`); `receipt` is the C2SP
    tlog-proof file of the leaf, empty until a checkpoint covers it."""

    xid: str
    role: Literal["client", "provider"]
    client: ClientId
    service: ServiceId
    message_id: str
    at: float
    request: Signed | None
    answer: Signed | None
    request_body: Body | None = None
    answer_body: Body | None = None
    """None: only the digest was kept."""
    entry: bytes = b""
    salt: bytes = b""
    record: bytes = b""
    receipt: bytes = b""


class Archive(Protocol):
    """What the message log gives back of itself."""

    async def find(self, message_id: str, client: ClientId, most: int) -> Sequence[Archived]:
        """The exchanges under this X-Road-Id in which `client` asked or answered, oldest first."""

    async def prove(self, xid: str, role: str) -> Archived | None:
        """One of them once more, after a checkpoint was made for it: what `force` asks for."""


Value = int | str | bool


class Records(msgspec.Struct, frozen=True):
    """Operational monitoring records by the field's names (`query_operational_data_response_payload_schema.yaml`).
    `next_from`: ask again from this second on, for there was more; 0: that was all."""

    rows: Sequence[Mapping[str, Value]]
    next_from: int = 0


class Spread(msgspec.Struct, frozen=True):
    """Of a number in the last period: milliseconds or bytes."""

    least: int
    average: float
    most: int
    deviation: float


class ServiceHealth(msgspec.Struct, frozen=True):
    """How calls of one service went; moments in epoch milliseconds, 0: never."""

    service: ServiceId
    last_good: int = 0
    last_bad: int = 0
    type: str = ""
    good: int = 0
    bad: int = 0
    duration: Spread | None = None
    request_size: Spread | None = None
    response_size: Spread | None = None


class Health(msgspec.Struct, frozen=True):
    since: int
    """When the monitor began, epoch milliseconds."""
    period_s: int
    services: Sequence[ServiceHealth] = ()


class Operations(Protocol):
    """What the monitor remembers. `client`: only what this one asked or answered; None: everything."""

    async def records(self, first: int, last: int, client: ClientId | None, most: int) -> Records:
        """Noted from second `first` to second `last`, both included, oldest first, whole seconds, at most `most`."""

    async def health(self, client: ClientId | None) -> Health: ...


Pushing = Literal["PUSH", "PULL"]


class Subscription(msgspec.Struct, frozen=True):
    id: str
    subscriber: ClientId
    event_type: str
    delivery: Pushing = "PUSH"
    ttl_s: int = 3_600
    in_order: bool = False


class Event(msgspec.Struct, frozen=True):
    id: str
    sequence: int
    publisher: ClientId
    event_type: str
    event: msgspec.Raw


class Rooms(Protocol):
    """Publish and subscribe, per room (a subsystem), as GovStack's PubSub API speaks of it; durable when it returns.

    Missing things raise NotFound, things that are there already Conflict, what cannot be read Invalid."""

    async def add_type(self, room: ClientId, caller: ClientId, event_type: str, schema: bytes) -> None: ...

    async def types(self, room: ClientId) -> Sequence[str]: ...

    async def type_schema(self, room: ClientId, event_type: str) -> bytes | None: ...

    async def drop_type(self, room: ClientId, caller: ClientId, event_type: str) -> None: ...

    async def publish(self, room: ClientId, publisher: ClientId, event_type: str, event: bytes) -> str:
        """The event's id, a UUID. `event` is the JSON object's bytes, to be checked against the type's schema."""

    async def published(self, room: ClientId, publisher: ClientId, event_type: str, event_id: str) -> Event: ...

    async def withdraw(self, room: ClientId, publisher: ClientId, event_type: str, event_id: str) -> None: ...

    async def subscriptions(self, room: ClientId, subscriber: ClientId) -> Sequence[Subscription]: ...

    async def subscription(self, room: ClientId, subscriber: ClientId, event_type: str) -> Subscription: ...

    async def subscribe(self, room: ClientId, wanted: Subscription) -> None: ...

    async def resubscribe(self, room: ClientId, wanted: Subscription) -> None: ...

    async def unsubscribe(self, room: ClientId, subscriber: ClientId, event_type: str) -> None: ...

    async def pull(self, room: ClientId, subscriber: ClientId, event_type: str) -> Event | None:
        """The next one not acknowledged; the same one until it is."""

    async def acknowledge(self, room: ClientId, subscriber: ClientId, event_type: str, event_id: str) -> None: ...
