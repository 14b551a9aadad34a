"""What the composition root lends this service: the ledger, who agencies are, and the channels that reach people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from banyan.craft.notify.model import Progress
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage import Drawer, Lent
from banyan.service.alerts.others import Source
from banyan.service.alerts.outlets import Outlets
from banyan.service.alerts.seen import Seen
from banyan.service.alerts.signer import Signer

MESSAGES = load_messages("banyan.service.alerts")
Ask = Callable[[str, str, bytes, tuple[tuple[str, str], ...]], Awaitable[tuple[int, bytes]]]
"""`ask(method, url, body, headers)` of a stranger's address: its status (0: no answer) and the start of its answer."""


class Campaigns(Protocol):
    """What of the node's `Notifier` officers look at and stop."""

    async def campaigns(self) -> Sequence[Progress]: ...
    async def progress(self, campaign: str) -> Progress | None: ...
    async def stop(self, campaign: str) -> int: ...


class Operators(Protocol):
    """Telephone operators that send SMS to an alert's area."""

    async def stop(self, alert: str, number: int) -> int: ...


class Shelf(msgspec.Struct, frozen=True):
    """`names` is what an agency is called, zh-Hant and en; `people` are the channels that reach people, `sinks` those
    for exercises and tests, which nobody's phone listens to. `turn` is held from reading an alert to writing it: the
    public entry comes between. `ask` is for WebSub; `public_url` may be empty; `phones` are
    those of simulated networks, if they are; `signer` signs CAP documents; `sources` are
    the feeds of others that are followed; `sms` the node's sender, `afar` the operators that
    send by area."""

    ledger: Ledger
    random: Callable[[int], bytes]
    names: Callable[[str], Awaitable[dict[str, str]]]
    people: Outlets
    sinks: Outlets
    ask: Ask | None = None
    may_push_inside: bool = False
    public_url: str = ""
    phones: Callable[[], Sequence[Seen]] | None = None
    signer: Signer | None = None
    sources: tuple[Source, ...] = ()
    sms: Campaigns | None = None
    afar: Operators | None = None
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


_shelves: Final = Lent[Shelf]("this node sends no alerts")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service what is the node's; once, before the first call."""
    assert shelf.people.is_for_people and not shelf.sinks.is_for_people, "the two are not one"  # noqa: PT018
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


both: Final = MESSAGES.both_under("alerts")
"""A sentence in both languages: a problem does not know who reads it."""
