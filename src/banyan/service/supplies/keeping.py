"""How a board is kept: every event goes to the journal first, then into the board; a restart replays it.

`commit` is the only way to change a board. It answers after the flush (law 4: durable before "yes").
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.storage import Drawer, Journal
from banyan.service.supplies.board import Board, Change
from banyan.service.supplies.model import BoardEvent

JOURNAL: Final = "board"
_decoder: Final = msgspec.msgpack.Decoder(BoardEvent)
_encoder: Final = msgspec.msgpack.Encoder()
Listener = Callable[[BoardEvent, Change], None]


class Kept:
    """A drawer's board, its journal, and who wants to know of its changes."""

    def __init__(self, journal: Journal) -> None:
        self.board = Board()
        self.journal = journal
        self.listeners: list[Listener] = []
        self._turn = asyncio.Lock()

    async def commit(self, event: BoardEvent) -> Change:
        """Write the event, then show it. One at a time, in the journal's order."""
        async with self._turn:
            seq = await self.journal.append(_encoder.encode(event))
            change = self.board.apply(seq, event)
        for listener in self.listeners:
            listener(event, change)
        return change

    def rebuild(self) -> None:
        """The board as the journal has it."""
        for seq, payload in self.journal.replay(self.board.seq):
            self.board.apply(seq, _decoder.decode(payload))


_kept: WeakKeyDictionary[object, Kept] = WeakKeyDictionary()


def kept_of(db: Drawer) -> Kept:
    """The board of a drawer, rebuilt from its journal when first asked for."""
    known = _kept.get(db.sql)
    if known is None:
        known = Kept(db.journal(JOURNAL))
        known.rebuild()
        _kept[db.sql] = known
    return known
