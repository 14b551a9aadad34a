"""The board as it stands at one number: a copy cheap enough to make on the loop, so that encoding is done off it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.board import Board
from banyan.service.supplies.columns import Floats, Ints
from banyan.service.supplies.model import Item, Notice, Place


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Columns by row (the last axis) and item (the first); row j is `places[j]`. `row_as_of` is 0 where the item's
    `as_of` holds. Copying 6,700 outlets takes 0.1 ms."""

    seq: int
    places_seq: int
    """The number at which anything about places last changed; `notices_seq` likewise."""
    notices_seq: int
    items: Sequence[Item]
    as_of: Sequence[EpochS]
    places: Sequence[Place]
    notices: Sequence[Notice | None]
    is_gone: Sequence[bool]
    count: Sequence[Ints]
    reserved: Sequence[Ints]
    available: Sequence[Ints]
    row_as_of: Sequence[Floats]

    @property
    def size(self) -> int:
        return len(self.places)


def view_of(board: Board, *, places_seq: int, notices_seq: int) -> View:
    every = range(len(board.items))
    return View(
        seq=board.seq,
        places_seq=places_seq,
        notices_seq=notices_seq,
        items=tuple(board.items),
        as_of=tuple(board.as_of),
        places=tuple(board.places),
        notices=tuple(board.notices),
        is_gone=board.is_gone().tolist(),
        count=[board.count(item).copy() for item in every],
        reserved=[board.reserved(item).copy() for item in every],
        available=[board.available(item).copy() for item in every],
        row_as_of=[board.own_as_of(item).copy() for item in every],
    )
