"""What the composition root lends this service: the law, the ledger, keys that end, the lake's folder, and SMS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from banyan.craft.notify.model import Notifier
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent, Store

MESSAGES = load_messages("banyan.service.tracing")


class Shelf(msgspec.Struct, frozen=True):
    """`folder` is where lake and results are kept, sealed. `subject_of` is the name that policy and ledger give to a
    person's number; `scope_of` the keys' scope of an order. `cases` is the operation of disease control that says
    which phones a case had, `warning_page` where officers write alerts; each empty where the node has none. `turn`
    lets one trace or release run at a time."""

    folder: Path
    random: Callable[[int], bytes]
    subject_of: Callable[[str], bytes]
    policy: Store
    bases: Callable[[], Awaitable[Register]]
    scopes: Scopes
    scope_of: Callable[[str], str]
    ledger: Ledger
    notifier: Notifier | None = None
    cases: str = ""
    warning_page: str = ""
    workers: int = 1
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


_shelves: Final = Lent[Shelf]("this node traces nobody")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service what is the node's. Lending again (a notifier that opened later) replaces what was lent."""
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


both: Final = MESSAGES.both_under("tracing")
"""A sentence in both languages: a problem does not know who reads it."""
