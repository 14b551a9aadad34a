"""What the composition root lends the draws: the ledger, a key, and where beacons come from."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from typing import Final

import msgspec

from banyan.craft.draw.beacon import BeaconSource
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage import Drawer, Lent

MESSAGES = load_messages("banyan.service.rationing.draw")


class DrawShelf(msgspec.Struct, frozen=True):
    """`key` (32 bytes, never in the drawer) makes each draw's own keys; `beacons` is asked when nobody pasted one.
    `turn` is held from reading a draw to writing it: the ledger's entry comes between."""

    ledger: Ledger
    key: bytes
    beacons: BeaconSource
    random: Callable[[int], bytes]
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)

    def derived(self, what: str, salt: bytes) -> bytes:
        """A draw's own secret of 32 bytes. Without its salt, which the drawer has, nobody makes it again."""
        return hmac.digest(self.key, f"draw {what}\n".encode() + salt, "sha256")


_shelves: Final = Lent[DrawShelf]("this node draws no lots")


def lend(db: Drawer, shelf: DrawShelf) -> None:
    """Give the draws what they need; once, before the first call."""
    assert len(shelf.key) >= 32, "a key has 256 bits"
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> DrawShelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


both: Final = MESSAGES.both_under("draw")
"""A sentence in both languages: a problem does not know who reads it."""
