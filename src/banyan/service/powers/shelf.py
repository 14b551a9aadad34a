"""What the composition root lends this service: the policy's records, the ledger, and the keys that end with orders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent, Store


class Shelf(msgspec.Struct, frozen=True):
    """`forget` tells the gate's conscience that the register changed, `bases` gives the one it judges by. `turn` is
    held from reading a record to writing it: the public entry comes between."""

    policy: Store
    ledger: Ledger
    scopes: Scopes
    forget: Callable[[], None]
    bases: Callable[[], Awaitable[Register]]
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


_shelves: Final = Lent[Shelf]("this node keeps no legal bases")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service the node's records; once, before the first call."""
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)
