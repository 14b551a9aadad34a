"""What composition lends: the node's sender, the operator's tables, whose warnings are believed, the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec

from banyan.craft.cells.model import CellTable
from banyan.craft.notify.model import Accepted, Message, Progress
from banyan.craft.subscribers.table import Table
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage import Drawer, Lent
from banyan.wire.cap.register import Register


class Sender(Protocol):
    """What of the node's `Notifier` this needs."""

    async def accept(self, messages: Iterable[Message]) -> Accepted: ...
    async def progress(self, campaign: str) -> Progress | None: ...
    async def stop(self, campaign: str) -> int: ...


class Shelf(msgspec.Struct, frozen=True):
    """`check` raises Invalid for a text that the sender would not take. `turn` is held over each slice of numbers and
    each stop, so that nothing is accepted for what was just stopped."""

    sender: Sender
    tables: tuple[Table, ...]
    cells: CellTable | None
    register: Register
    ledger: Ledger
    check: Callable[[str], object]
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


_shelves: Final = Lent[Shelf]("this node sends no SMS by area", remedy="see [areasms] in node.toml")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Once, before the first call."""
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)
