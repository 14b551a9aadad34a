"""What the composition root lends this service: its key, the law, keys that end, the ledger, and a way to send SMS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from banyan.craft.cells.model import CellTable
from banyan.craft.fencing.model import FenceEngine
from banyan.craft.notify.model import Notifier
from banyan.errors import NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent, Store

MESSAGES = load_messages("banyan.service.fence")


class Shelf(msgspec.Struct, frozen=True):
    """`key` (32 bytes, never in the drawer) names persons; `subject_of` is the name that policy and ledger give to a
    number. `scope_of` is the keys' scope of what is kept under an order: its lapse destroys them. `agency_of` is what
    an agency is called, by its member id."""

    key: bytes
    random: Callable[[int], bytes]
    subject_of: Callable[[str], bytes]
    agency_of: Callable[[str], Awaitable[str]]
    policy: Store
    bases: Callable[[], Awaitable[Register]]
    scopes: Scopes
    scope_of: Callable[[str], str]
    ledger: Ledger
    notifier: Notifier | None = None
    """None: this node has no SMS centre, and what waits to be sent waits."""
    engine: FenceEngine | None = None
    """None: no positions reach this node; calls and the page work all the same."""
    cells: CellTable | None = None
    """The table that the engine's fixes speak of."""
    source: str = "engine"
    """Which engine it is: the number of its last alarm that was taken is kept by this name."""


_shelves: Final = Lent[Shelf]("this node keeps no fence")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service what is the node's; once, before the first call."""
    assert len(shelf.key) >= 32, "a key has 256 bits"
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


both: Final = MESSAGES.both_under("fence")
"""A sentence in both languages: a problem does not know who reads it."""


def unknown() -> NotFound:
    """The same words whether there is no such case, or it is not the caller's to see."""
    return NotFound(both("unknown"), remedy=both("unknown_remedy"))
