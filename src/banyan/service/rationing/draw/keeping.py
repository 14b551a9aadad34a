"""Draws in the drawer: a small document each, and blobs that are mapped into memory, for a list may hold millions."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from banyan.craft.draw.tickets import ENTRY_BYTES, TICKET_BYTES, packed, unpacked
from banyan.craft.draw.tree import TicketTree
from banyan.errors import NotFound
from banyan.kernel.storage import Drawer
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import DRAW_LISTED
from banyan.service.rationing.draw.acts import Draw
from banyan.service.rationing.draw.shelf import both

SQL: Final = load_statements("banyan.service.rationing.draw", "draw.sql")
_PLAIN: Final = bytes((0, 1, 1))
_RANK: Final = np.dtype("<u4")


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A draw and its blobs, by hash: `entries` as sorted, 35 bytes each; `tree` over them; `order` (the place in the
    list of each rank, then each rank of a place, then who won); `order_tree`; `ranks`, the published file."""

    draw: Draw
    created: float
    agency: str = ""
    """Whose draw it is: its officers alone act on it. Empty when the administrator committed it."""
    entries: str = ""
    tree: str = ""
    order: str = ""
    order_tree: str = ""
    ranks: str = ""
    receipts: tuple[str, ...] = ()
    """Of the commitment and the closing, as published."""


class Order(msgspec.Struct, frozen=True):
    """Of each rank its place in the list and whether it won; of each place its rank."""

    places: NDArray[np.uint32]
    ranks: NDArray[np.uint32]
    won: bytes


def load(tx: Tx, id: str) -> Kept | None:
    row = tx.row(SQL["by_id"], id=id)
    return None if row is None else _decoded(row[0])


def newest(tx: Tx) -> list[Kept]:
    return [_decoded(row[0]) for row in tx.rows(SQL["newest"], limit=DRAW_LISTED)]


def save(tx: Tx, kept: Kept) -> None:
    tx.run(SQL["put"], id=kept.draw.plan.id, created=kept.created, document=msgspec.json.encode(kept))


async def found(db: Drawer, id: str) -> Kept:
    """Raises NotFound."""
    kept = await db.sql.read(lambda tx: load(tx, id))
    if kept is None:
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    return kept


def put_list(db: Drawer, entries: Sequence[bytes], tree: TicketTree) -> tuple[str, str]:
    """Keep a canonical list and its tree; their hashes. Flushes: for a thread."""
    records = b"".join([one if len(one) == ENTRY_BYTES else one + _PLAIN for one in entries])
    return db.blobs.put_bytes(records).sha256, db.blobs.put_bytes(bytes(tree.data)).sha256


def put_order(db: Drawer, entries: Sequence[bytes], drawn: Sequence[bytes], won: bytes) -> str:
    """Keep the order in which a list was drawn; its hash. For a thread."""
    at = {entry: place for place, entry in enumerate(entries)}
    places = np.fromiter((at[entry] for entry in drawn), _RANK, len(drawn))
    ranks = np.empty_like(places)
    ranks[places] = np.arange(len(drawn), dtype=_RANK)
    return db.blobs.put_bytes(places.tobytes() + ranks.tobytes() + won).sha256


def entries_of(db: Drawer, kept: Kept) -> list[bytes]:
    """The whole list, sorted. For a thread: 0.3 us an entry."""
    data = db.blobs.path(kept.entries).read_bytes()
    records = (data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES))
    return [one[:TICKET_BYTES] if one.endswith(_PLAIN) else one for one in records]


def order_of(db: Drawer, kept: Kept) -> Order:
    """The whole order. For a thread."""
    return _order(db.blobs.path(kept.order).read_bytes(), kept.draw.count)


class Looked(msgspec.Struct, frozen=True):
    """Where a ticket stands: its entry, index in the list and path; once drawn its rank from 0, path and luck."""

    entry: bytes
    index: int
    path: list[bytes]
    rank: int = -1
    order_path: list[bytes] = []
    won: bool = False


def look_up(db: Drawer, kept: Kept, ticket: bytes) -> Looked | None:
    """Find a ticket in the list; None when it is not there. Some forty pages of mapped files are touched."""
    count = kept.draw.count
    with _mapped(db.blobs.path(kept.entries)) as entries, _mapped(db.blobs.path(kept.tree)) as tree:
        index = _index(lambda at: bytes(entries[at * ENTRY_BYTES : at * ENTRY_BYTES + TICKET_BYTES]), count, ticket)
        if index is None:
            return None
        record = bytes(entries[index * ENTRY_BYTES : (index + 1) * ENTRY_BYTES])
        entry = packed(unpacked(ticket if record.endswith(_PLAIN) else record))
        path = TicketTree(count, tree).path(index)
    if not kept.order:
        return Looked(entry, index, path)
    with _mapped(db.blobs.path(kept.order)) as order, _mapped(db.blobs.path(kept.order_tree)) as tree:
        at = 4 * (count + index)
        rank = int.from_bytes(order[at : at + 4], "little")
        return Looked(entry, index, path, rank, TicketTree(count, tree).path(rank), bool(order[8 * count + rank]))


def _index(ticket_at: Callable[[int], bytes], count: int, ticket: bytes) -> int | None:
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ticket_at(middle) < ticket:
            low = middle + 1
        else:
            high = middle
    return low if low < count and ticket_at(low) == ticket else None


def _order(data: bytes, count: int) -> Order:
    places = np.frombuffer(data, _RANK, count)
    return Order(places, np.frombuffer(data, _RANK, count, offset=4 * count), data[8 * count :])


def _decoded(document: object) -> Kept:
    assert isinstance(document, bytes), "a document is bytes"
    return msgspec.json.decode(document, type=Kept)


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        view = memoryview(memory)
        try:
            yield view
        finally:
            view.release()
