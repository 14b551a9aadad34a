"""What the composition root lends rationing: the key that persons are named by, chance, and the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.events.clock import Clock
from banyan.kernel.identity.pseudonyms import pseudonym
from banyan.kernel.storage import Drawer, Lent

MESSAGES = load_messages("banyan.service.rationing")
PERSON_BYTES: Final = 16


class Shelf(msgspec.Struct, frozen=True):
    """`key` (32 bytes, never in the drawer) names persons; `random(n)` gives n bytes of chance. `name_of` is the
    gate's: a person's name at this node, from their number as people write it."""

    key: bytes
    random: Callable[[int], bytes]
    clock: Clock
    name_of: Callable[[str], bytes]
    database: str = ""
    """A `postgresql://` address when the node has outgrown its files: then the engine is PostgreSQL's."""


_shelves: Final = Lent[Shelf]("this node rations nothing")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service its key; once, before the first call."""
    assert len(shelf.key) >= 32, "a key has 256 bits"
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


def person_of(db: Drawer, number: str) -> bytes:
    """The engine's name of who has this number: the same as `person_called` gives her when she has signed in."""
    return person_called(db, shelf_of(db).name_of(number).hex())


def person_called(db: Drawer, subject: str) -> bytes:
    """The engine's name of a caller, from `caller.subject`: a sign-in knows no number."""
    return pseudonym(shelf_of(db).key, bytes.fromhex(subject))[:PERSON_BYTES]


both: Final = MESSAGES.both_under("rationing")
"""A sentence in both languages: a problem does not know who reads it."""
