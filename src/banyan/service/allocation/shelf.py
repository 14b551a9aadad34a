"""What the composition root lends this service: the public ledger, and a way to publish a file as open data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage import Drawer, Lent


class Dataset(msgspec.Struct, frozen=True):
    """A file that becomes the next version of a dataset, and how that is described."""

    name: str
    filename: str
    body: bytes
    title: str
    title_en: str
    notes: str
    notes_en: str
    tags: tuple[str, ...]
    columns: dict[str, str]
    """What each column holds, in Chinese."""


class Shelf(msgspec.Struct, frozen=True):
    """`publish` is None on a node without open data."""

    ledger: Ledger
    publish: Callable[[Dataset], Awaitable[None]] | None


_shelves: Final = Lent[Shelf]("this node proves and publishes no plans")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service what is the node's; once, before the first call."""
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf | None:
    """None on a node that lends nothing: plans are made and approved, and proven and published nowhere."""
    return _shelves.of_or_none(db)
