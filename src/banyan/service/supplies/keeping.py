"""How a board is kept: every event goes to the journal first, then into the board; a restart replays it.

`commit` is the only way to change a board. It answers after the flush (law 4: durable before "yes"). Now and then the
board is written down whole, in a thread, so that a restart replays little and the journal can forget: what is older
than SUPPLIES_REPLAY_EVENTS may go, what is younger can be replayed from `board_at`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from banyan.craft.place import grid
from banyan.errors import NotFound, Problem
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage import Drawer, Journal
from banyan.limits_supplies import SUPPLIES_REPLAY_EVENTS, SUPPLIES_SNAPSHOT_EVENTS, SUPPLIES_SNAPSHOT_LEAST
from banyan.service.supplies import snapshot
from banyan.service.supplies.board import Board, Change, State
from banyan.service.supplies.checking import check
from banyan.service.supplies.model import BoardEvent
from banyan.service.supplies.service import SERVICE
from banyan.service.supplies.slicing import sliced

JOURNAL: Final = "board"
_decoder: Final = msgspec.msgpack.Decoder(BoardEvent)
_encoder: Final = msgspec.msgpack.Encoder()
Listener = Callable[[BoardEvent, Change], None]


class Kept:
    """A drawer's board, its journal, and who wants to know of its changes."""

    def __init__(self, journal: Journal, *, every: int = SUPPLIES_SNAPSHOT_EVENTS) -> None:
        """`every` so many events the board is written down."""
        self.board = Board()
        self.journal = journal
        self.listeners: list[Listener] = []
        self.tills: set[str] = set()
        """Codes of outlets that count themselves, and of those that announce themselves (`tills.py`): what registers
        say of their stock, or of their notices, is not taken."""
        self.announcers: set[str] = set()
        self.trouble: Problem | None = None
        """Why the board could not be written down the last time. Nothing is lost by it: the journal has all."""
        self._every = every
        self._saved = 0
        self._next = every
        self._saving: asyncio.Task[None] | None = None
        self._committing: set[asyncio.Task[Change]] = set()
        self._turn = asyncio.Lock()

    async def commit(self, event: BoardEvent) -> Change:
        """Write the event, then show it. One at a time, in the journal's order. Once begun it is done, also when the
        caller is cancelled: the journal has the event, so the board must. One of very many rows is taken in parts.

        Raises Invalid for an event the board could not take, Limit or Unavailable when it cannot be written."""
        task = asyncio.create_task(self._commit(event))
        self._committing.add(task)
        task.add_done_callback(self._committing.discard)
        return await asyncio.shield(task)

    async def _commit(self, event: BoardEvent) -> Change:
        async with self._turn:
            check(self.board.item_of, event)
            changes = [await self._take(part) for part in sliced(event)]
        if len(changes) == 1:
            return changes[0]
        return Change(changes[-1].seq, tuple(row for change in changes for row in change.rows), changes[-1].as_of)

    async def _take(self, event: BoardEvent) -> Change:
        written = _encoder.encode(event)
        seq = await self.journal.append(written)
        change = self.board.apply(seq, _decoder.decode(written))  # what a restart will see, to the last bit
        for listener in self.listeners:
            listener(event, change)
        if seq >= self._next and self._saving is None:
            self._next = seq + self._every
            self._saving = asyncio.create_task(self._save())
        return change

    def rebuild(self) -> None:
        """The board as the journal has it."""
        if self.board.seq == 0 and (found := self.journal.latest_snapshot()) is not None:
            self.board = snapshot.decode(found[1])
            self._saved = found[0]
        for seq, event in self.events(self.board.seq):
            self.board.apply(seq, event)
        self._next = self._saved + self._every

    def events(self, after: int) -> Iterator[tuple[int, BoardEvent]]:
        """What the journal has after an event, in order. Raises Problem when the next one was pruned."""
        for seq, payload in self.journal.replay(after):
            yield seq, _decoder.decode(payload)

    def board_at(self, seq: int) -> Board:
        """The board as it was after event `seq`, made anew. For a thread: it reads and replays.

        Raises NotFound for a time before the oldest that can be replayed."""
        found = self.journal.latest_snapshot(until=seq)
        if found is None and self.journal.first_seq > 1:
            raise NotFound(f"Event {seq} is not kept any more.", remedy="Ask for a later one.")
        board = Board() if found is None else snapshot.decode(found[1])
        for number, event in self.events(board.seq):
            if number > seq:
                break
            board.apply(number, event)
        return board

    async def close(self) -> None:
        """Finish what is being written, and write the board down if a restart would replay much."""
        while self._committing:
            await asyncio.wait(self._committing)
        if self._saving is not None:
            await self._saving
        if self.board.seq - self._saved >= min(SUPPLIES_SNAPSHOT_LEAST, self._every):
            await self._save()

    async def _save(self) -> None:
        state = self.board.state()
        try:
            await asyncio.to_thread(self._write, state)
            self._saved, self.trouble = state.seq, None
        except Problem as problem:  # a full disk: the next round tries again
            self.trouble = problem
        finally:
            self._saving = None

    def _write(self, state: State) -> None:
        oldest = max(0, state.seq - SUPPLIES_REPLAY_EVENTS)
        self.journal.snapshot(state.seq, snapshot.encode(state), replayable=oldest)
        self.journal.prune()


_kept: WeakKeyDictionary[object, Kept] = WeakKeyDictionary()


def kept_of(db: Drawer) -> Kept:
    """The board of a drawer, rebuilt from its journal when first asked for."""
    known = _kept.get(db.sql)
    if known is None:
        known = Kept(db.journal(JOURNAL))
        known.rebuild()
        _kept[db.sql] = known
    return known


@SERVICE.start
async def open_board(ctx: Context) -> None:
    """Have the board, and the search compiling, before the first call."""
    grid.warm()
    kept_of(ctx.db)


@SERVICE.stop
async def close_board(ctx: Context) -> None:
    """Write the board down, so that the next start is short."""
    kept = kept_of(ctx.db)
    await kept.close()
    if kept.trouble is not None:
        ctx.log("supplies.snapshot", {"problem": kept.trouble.kind})
