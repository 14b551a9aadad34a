"""The board's past, out of its journal: which events a stretch of time holds, and the board as it stood at a moment.

Everything here runs in threads over what is durable; the live board is not touched. A moment is when an event was
written (`at`), not the source's time: it answers "what did the map say then".
"""

from __future__ import annotations

import asyncio
import copy
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage import Journal
from banyan.limits import (
    SUPPLIES_HISTORY_BOARDS,
    SUPPLIES_HISTORY_BYTES,
    SUPPLIES_HISTORY_EVENTS,
    SUPPLIES_HISTORY_STRIDE,
)
from banyan.service.supplies.board import Board
from banyan.service.supplies.feeds.view import View, view_of
from banyan.service.supplies.feeds.wording import refusal
from banyan.service.supplies.model import BoardEvent

_event: Final = msgspec.msgpack.Decoder(BoardEvent)
_encode: Final = msgspec.json.Encoder().encode


class _Stamp(msgspec.Struct):
    """The one field of an event that the index needs; the others are skipped."""

    at: float


_stamp: Final = msgspec.msgpack.Decoder(_Stamp)


class Line(msgspec.Struct, frozen=True):
    """One line of the history: the event as the journal has it, its number, and when it was written (RFC 3339 UTC)."""

    seq: int
    time: str
    event: BoardEvent


class Stretch(msgspec.Struct, frozen=True):
    """Lines of NDJSON, and the number after which the next page begins; 0 when this was the last."""

    body: bytes
    next: int


class Past:
    """A journal read by time. The index (8 bytes an event) is made at the first question and grows with the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._first = 0
        self._times = array("d")
        self._turn = asyncio.Lock()
        self._boards: OrderedDict[int, Board] = OrderedDict()

    async def stretch(self, start: EpochS, end: EpochS, after: int) -> Stretch:
        """The events written in [start, end) with a number above `after`, as many as fit on a page."""
        async with self._turn:
            return await asyncio.to_thread(self._stretch, start, end, after)

    async def view_at(self, moment: EpochS) -> View:
        """The board after the last event written at or before `moment`. Raises NotFound when there was none yet."""
        async with self._turn:
            return await asyncio.to_thread(self._view_at, moment)

    def _stretch(self, start: EpochS, end: EpochS, after: int) -> Stretch:
        self._extend()
        first = max(self._seq_at(bisect_left(self._times, start)), after + 1)
        last = self._seq_at(bisect_left(self._times, end)) - 1
        lines: list[bytes] = []
        size = 0
        for seq, payload in self._events(first, last):
            if lines and (len(lines) >= SUPPLIES_HISTORY_EVENTS or size + len(payload) > SUPPLIES_HISTORY_BYTES):
                return Stretch(b"\n".join([*lines, b""]), seq - 1)
            event = _event.decode(payload)
            lines.append(_encode(Line(seq, iso(event.at), event)))
            size += len(lines[-1])
        return Stretch(b"\n".join([*lines, b""]), 0)

    def _view_at(self, moment: EpochS) -> View:
        self._extend()
        seq = self._seq_at(bisect_right(self._times, moment)) - 1
        if seq < self._first or not self._times:
            oldest = iso(EpochS(self._times[0])) if self._times else "—"
            raise refusal(NotFound, "before_history", field="time", oldest=oldest)
        board = self._near(seq)
        for number, payload in self._events(board.seq + 1, seq):
            board.apply(number, _event.decode(payload))
            if number % SUPPLIES_HISTORY_STRIDE == 0:
                self._keep(board)
        return view_of(board, places_seq=board.seq, notices_seq=board.seq)

    def _near(self, seq: int) -> Board:
        """A copy of the latest kept board that is not past `seq`, else an empty one."""
        known = max((number for number in self._boards if number <= seq), default=0)
        if not known:
            return Board()
        self._boards.move_to_end(known)
        return copy.deepcopy(self._boards[known])

    def _keep(self, board: Board) -> None:
        """Keep a copy, so that the next question about that time need not begin at the beginning."""
        if board.seq not in self._boards:
            self._boards[board.seq] = copy.deepcopy(board)
        while sum(kept.size for kept in self._boards.values()) > SUPPLIES_HISTORY_BOARDS and len(self._boards) > 1:
            self._boards.popitem(last=False)

    def _extend(self) -> None:
        """Index what was written since the last question. A clock that jumped back does not unsort the index."""
        known = self._first + len(self._times) - 1 if self._times else 0
        latest = self._times[-1] if self._times else 0.0
        for seq, payload in self._replay(known):
            self._first = self._first or seq
            latest = max(latest, _stamp.decode(payload).at)
            self._times.append(latest)

    def _seq_at(self, place: int) -> int:
        return self._first + place

    def _events(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        return islice(self._replay(first - 1), max(0, last - first + 1))

    def _replay(self, after: int) -> Iterator[tuple[int, bytes]]:
        return self._journal.replay(after)
