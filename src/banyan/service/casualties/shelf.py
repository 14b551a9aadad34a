"""What the composition root lends this service: its key, who people and agencies are to the node, and the law."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent, Store

MESSAGES = load_messages("banyan.service.casualties")


class Shelf(msgspec.Struct, frozen=True):
    """`key` (32 bytes, never in the drawer) names persons and what they can be asked for by; `subject_of` is the name
    that policy and ledger give to a number, `agency_of` what an agency is called, by its member id. `policy` holds the
    orders and `bases` the register they rest on."""

    key: bytes
    random: Callable[[int], bytes]
    subject_of: Callable[[str], bytes]
    agency_of: Callable[[str], Awaitable[str]]
    policy: Store
    bases: Callable[[], Awaitable[Register]]


_shelves: Final = Lent[Shelf]("this node keeps no casualties")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service its key; once, before the first call."""
    assert len(shelf.key) >= 32, "a key has 256 bits"
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


both: Final = MESSAGES.both_under("casualties")
"""A sentence in both languages: a problem does not know who reads it."""


def unknown() -> NotFound:
    """Nobody found: the same words whether nobody is there, the secret is wrong, or the person is protected."""
    return NotFound(both("unknown"), remedy=both("unknown_remedy"))
