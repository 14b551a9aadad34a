"""What the composition root lends this service: the road as it stands here, the register of bases, and the ledger.

A node without a road lends none: then the console says how to join.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.siblings.sealed import Sealed
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent
from banyan.service.exchange.rules import Grant, member_of
from banyan.service.exchange.wording import unknown
from banyan.wire.xroad.target import META_SERVICES

Freshness = Literal["fresh", "stale", "expired"]


class DirectoryStands(msgspec.Struct, frozen=True):
    """The snapshot in force; moments are epoch seconds, 0 where there is none."""

    version: str
    freshness: Freshness
    issued_at: EpochS
    until: EpochS
    authority: str = ""


class Here(msgspec.Struct, frozen=True):
    """This gateway. `edge` is where information systems call, `peer` where other gateways do."""

    server: str
    edge: str
    peer: str
    directory: DirectoryStands


class MemberRow(msgspec.Struct, frozen=True):
    """A member with its subsystems; `is_here`: hosted by this gateway."""

    id: str
    name: Text
    subsystems: tuple[str, ...]
    is_here: bool


class ServiceRow(msgspec.Struct, frozen=True):
    """A service that this gateway offers. `operation` is the gate's, when one answers it; `needs_purpose`: it gives
    personal data, so that a grant names purposes and bases."""

    id: str
    title: Text
    endpoints: tuple[str, ...]
    operation: str
    needs_purpose: bool
    is_enabled: bool
    notice: str = ""

    @property
    def provider(self) -> str:
        """INSTANCE/CLASS/MEMBER."""
        return "/".join(self.id.split("/")[:3])


def is_about_services(service: str) -> bool:
    """A question of what is offered or how a gateway is, as the doctor asks many; its own gateway answers it."""
    return service.rpartition("/")[2] in META_SERVICES


class CallRow(msgspec.Struct, frozen=True):
    """One exchange as this gateway saw it. Nothing of its content: not the path below the service, not the body."""

    xid: str
    at: EpochS
    role: Literal["client", "provider"]
    client: str
    service: str
    method: str
    status: int
    fault: str
    took_ms: int

    def is_of(self, agency: str) -> bool:
        return self.client.startswith(agency + "/") or self.service.startswith(agency + "/")

    @property
    def is_about(self) -> bool:
        return is_about_services(self.service)


class Letter(msgspec.Struct, frozen=True):
    """A message to be delivered later. `dead`: it could not be, its sender decides. `aside`: its provider broke off
    under it and nobody knows whether it acted; the provider decides."""

    id: str
    client: str
    service: str
    state: Literal["waiting", "dead", "aside"]
    since: EpochS
    attempts: int
    next_at: EpochS
    last: str
    """Why it did not go, in the road's words."""

    @property
    def decider(self) -> str:
        """The member whose officers look after it."""
        return member_of(self.service if self.state == "aside" else self.client)


class Alert(msgspec.Struct, frozen=True):
    """Something that needs somebody: a code with values; the words are this service's. `tone` wrong or warn."""

    code: str
    values: Mapping[str, str]
    tone: Literal["wrong", "warn"] = "warn"


class Road(Protocol):
    """The gateway of this node, as far as its officers look at it."""

    def here(self) -> Here: ...

    def members(self) -> Sequence[MemberRow]: ...

    def services(self) -> Sequence[ServiceRow]: ...

    def allow(self, grants: Sequence[Grant]) -> None:
        """From the next call on these grants count, and no others."""

    def seal(self, member: str, content: bytes) -> Sealed | None:
        """What officers of `member` did, signed by its key; None: there is none of that member here."""

    def tell(self) -> None:
        """There are new acts for the other gateways of the members here."""

    def calls(self) -> Sequence[CallRow]:
        """The newest first, a bounded number."""

    async def letters(self) -> Sequence[Letter]:
        """The oldest first, a bounded number."""

    async def revive(self, id: str) -> bool:
        """Try a dead one again, or hand over one that was set aside; False: there is none of that id. Raises Conflict:
        it is too old."""

    async def discard(self, id: str) -> bool:
        """Give one up; its client is told. False: there is none of that id."""

    async def alerts(self) -> Sequence[Alert]: ...


Counter = Callable[[str, str, bytes], Awaitable[tuple[int, str, bytes]]]
"""The directory's pages: verb, target below /directory/ and body -> status, media type and body."""


class Shelf(msgspec.Struct, frozen=True):
    road: Road
    ledger: Ledger
    bases: Callable[[], Awaitable[Register]]
    counter: Counter | None = None
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


_shelves: Final = Lent[Shelf]("this node is on no road")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service the node's road; once, before the first call."""
    _shelves.lend(db, shelf)


def lent(db: Drawer) -> Shelf | None:
    """The road of this node; None without one."""
    return _shelves.of_or_none(db)


def shelf_of(db: Drawer) -> Shelf:
    """Raises NotFound on a node that is not on the road."""
    found = _shelves.of_or_none(db)
    if found is None:
        raise unknown("road")
    return found
