"""The board's past, out of its journal: which events a stretch of time holds, and the board as it stood at a moment.

Everything here runs in threads over what is durable; the live board is not touched. A moment is when an event was
written (`at`), not the source's time: it answers "what did the map say then".
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from itertools import islice
from typing import Final

import msgspec

from banyan.errors import NotFound, Problem
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_supplies import SUPPLIES_HISTORY_BYTES, SUPPLIES_HISTORY_EVENTS
from banyan.service.supplies.feeds.view import View, view_of
from banyan.service.supplies.feeds.wording import refusal
from banyan.service.supplies.keeping import Kept
from banyan.service.supplies.model import BoardEvent

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

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._first = 1
        self._times = array("d")
        self._turn = asyncio.Lock()

    async def stretch(self, start: EpochS, end: EpochS, after: int) -> Stretch:
        """The events written in [start, end) with a number above `after`, as many as fit on a page. Raises Problem
        (410) for a start before the oldest that is kept, when older ones were."""
        async with self._turn:
            return await asyncio.to_thread(self._stretch, start, end, after)

    async def view_at(self, moment: EpochS) -> View:
        """The board after the last event written at or before `moment`. Raises NotFound when there was none yet, or it
        is no longer kept."""
        async with self._turn:
            return await asyncio.to_thread(self._view_at, moment)

    def _stretch(self, start: EpochS, end: EpochS, after: int) -> Stretch:
        self._extend()
        if self._first > 1 and (not self._times or start < self._times[0]):
            raise refusal(Problem, "history_gone", field="from", status=410, oldest=self._oldest)
        first = max(self._first + bisect_left(self._times, start), after + 1)
        last = self._first + bisect_left(self._times, end) - 1
        lines: list[bytes] = []
        size = 0
        for seq, event in islice(self._kept.events(first - 1), max(0, last - first + 1)):
            line = _encode(Line(seq, iso(event.at), event))
            if lines and (len(lines) >= SUPPLIES_HISTORY_EVENTS or size + len(line) > SUPPLIES_HISTORY_BYTES):
                return Stretch(b"\n".join([*lines, b""]), seq - 1)
            lines.append(line)
            size += len(line)
        return Stretch(b"\n".join([*lines, b""]), 0)

    def _view_at(self, moment: EpochS) -> View:
        self._extend()
        seq = self._first + bisect_right(self._times, moment) - 1
        if not self._times:
            raise refusal(NotFound, "no_items")
        if seq < self._first:
            raise refusal(NotFound, "before_history", field="time", oldest=self._oldest)
        board = self._kept.board_at(seq)
        return view_of(board, places_seq=board.seq, notices_seq=board.seq)

    @property
    def _oldest(self) -> str:
        return iso(EpochS(self._times[0])) if self._times else ""

    def _extend(self) -> None:
        """Index what was written since the last question, and forget what the journal forgot. A clock that jumped back
        does not unsort the index."""
        journal = self._kept.journal
        pruned = journal.first_seq - self._first
        if pruned > 0:
            del self._times[:pruned]
            self._first = journal.first_seq
        latest = self._times[-1] if self._times else 0.0
        for _, payload in journal.replay(self._first + len(self._times) - 1):
            latest = max(latest, _stamp.decode(payload).at)
            self._times.append(latest)
