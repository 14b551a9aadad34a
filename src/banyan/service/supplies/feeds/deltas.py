"""What changed after a number of the board: the rows as they are now, in columns; kept for a bounded past.

Delta (`GET /api/supplies/changes?after=SEQ`, and the data of a `stock` event of `GET /api/supplies/stream`):

    {"seq": 812, "after": 811, "items": ["mask-adult", "mask-child"], "as_of": ["2020-02-14T01:05:34Z", ...],
     "codes": ["0145080011", ...], "count": [[...], [...]], "reserved": [[...], [...]] or [],
     "available": [[...], [...]], "status": ["if...", "in..."], "row_as_of": ["", ...] or [],
     "gone": [], "places": false, "notices": false, "reset": false}

Columns have one list an item, in the order of `items`, and one value a code, meaning what they mean in the pack
(`pack.py`); set them over what you hold, take `as_of` for the rest, and you are at `seq`. Every delta that begins at or
before your number brings you to its `seq`: they are states, not differences. `places` or `notices` true: take
stock.json for the new hash. `reset` true: too much changed (or too long ago) for a delta: take stock.json or the pack
anew.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_supplies import SUPPLIES_DELTA_EVENTS, SUPPLIES_DELTA_ROWS, SUPPLIES_DELTAS_KEPT
from banyan.service.supplies.board import Board, Change
from banyan.service.supplies.feeds.pack import LETTERS, said
from banyan.service.supplies.feeds.wording import refusal
from banyan.service.supplies.model import BoardEvent, ItemsSet, Status
from banyan.wire import sse

_encode: Final = msgspec.json.Encoder().encode
_LETTER: Final[dict[Status, str]] = dict(
    zip(("in_stock", "few", "reserved", "sold_out", "not_listed", "unknown"), LETTERS, strict=True)
)
Rows = npt.NDArray[np.int64]


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """See the module's text for its shape."""

    seq: int
    after: int
    items: list[str]
    as_of: list[str]
    codes: list[str] = []
    count: list[list[int | None]] = []
    reserved: list[list[int]] = []
    available: list[list[int | None]] = []
    status: list[str] = []
    row_as_of: list[str] = []
    gone: list[str] = []
    places: bool = False
    notices: bool = False
    reset: bool = False


class _Step(msgspec.Struct, frozen=True):
    """What one event changed; `rows` is None when too many for a delta."""

    seq: int
    rows: Rows | None
    places: bool
    notices: bool


class Deltas:
    """The past of one board, for readers that come back, and the bytes of the newest change, shared by all that wait.

    A reader holds its number and nothing else: a slow one costs no memory, it gets the state when it can read again.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._steps: deque[_Step] = deque(maxlen=SUPPLIES_DELTA_EVENTS)
        self._events: OrderedDict[int, bytes] = OrderedDict()
        self._events_seq = board.seq
        self._change: asyncio.Future[None] | None = None
        self.is_closed = False

    @property
    def oldest(self) -> int:
        """The smallest number after which everything is still known."""
        return self._steps[0].seq - 1 if self._steps else self._board.seq

    def hear(self, event: BoardEvent, change: Change, *, places: bool, notices: bool) -> None:
        """Take note of a change, and whether it changed the places or the notices document."""
        rows = np.unique(np.array(change.rows, np.int64))
        is_too_much = isinstance(event, ItemsSet) or rows.size > SUPPLIES_DELTA_ROWS
        self._steps.append(_Step(change.seq, None if is_too_much else rows, places, notices))
        self._wake()

    def close(self) -> None:
        """End every live reader."""
        self.is_closed = True
        self._wake()

    def since(self, after: int) -> Delta:
        """Everything that changed after `after`, as it is now. Raises Problem (410) when that is too long ago, and for
        a number this board has not reached."""
        if not self.oldest <= after <= self._board.seq:
            raise gone(after, self.oldest, self._board.seq)
        return self._delta(after)

    def event(self, after: int) -> bytes:
        """The same as a server-sent event; the `reset` event instead of a refusal: a browser's EventSource takes any
        status but 200 for the end. Made once for all readers at that number."""
        if self._events_seq != self._board.seq:
            self._events.clear()
            self._events_seq = self._board.seq
        known = self._events.get(after)
        if known is None:
            delta = self._delta(after) if self.oldest <= after <= self._board.seq else self._reset(after)
            name = "reset" if delta.reset else "stock"
            known = sse.encode(_encode(delta), event=name, event_id=str(delta.seq))
            self._events[after] = known
            if len(self._events) > SUPPLIES_DELTAS_KEPT:
                self._events.popitem(last=False)
        return known

    async def news(self, after: int, heartbeat_s: float) -> bool:
        """Wait until the board is past `after`; False when `heartbeat_s` went by without."""
        if self._change is None:
            self._change = asyncio.get_running_loop().create_future()
        change = self._change  # taken before looking, so that a change in between is not missed
        if self._board.seq == after and not self.is_closed:
            await asyncio.wait([change], timeout=heartbeat_s)
        return self._board.seq != after

    @property
    def seq(self) -> int:
        return self._board.seq

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)
        self._change = None

    def _reset(self, after: int) -> Delta:
        board = self._board
        names, times = [item.id for item in board.items], [said(at) for at in board.as_of]
        return Delta(seq=board.seq, after=after, items=names, as_of=times, places=True, notices=True, reset=True)

    def _delta(self, after: int) -> Delta:
        steps = [step for step in self._steps if step.seq > after]
        rows = [step.rows for step in steps if step.rows is not None]
        changed: Rows = np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int64)
        if len(rows) < len(steps) or changed.size > SUPPLIES_DELTA_ROWS:
            return self._reset(after)
        board, every = self._board, range(len(self._board.items))
        reserved = [board.reserved(item)[changed] for item in every]
        return Delta(
            seq=board.seq,
            after=after,
            items=[item.id for item in board.items],
            as_of=[said(at) for at in board.as_of],
            codes=[board.places[row].code for row in changed],
            count=[_or_null(board.count(item)[changed].tolist()) for item in every],
            reserved=[column.tolist() for column in reserved] if any(column.any() for column in reserved) else [],
            available=[_or_null(board.available(item)[changed].tolist()) for item in every],
            status=["".join(_LETTER[board.status(int(row), item)] for row in changed) for item in every],
            row_as_of=self._own_times(changed),
            gone=[board.places[row].code for row in changed if board.is_gone()[row]],
            places=any(step.places for step in steps),
            notices=any(step.notices for step in steps),
        )

    def _own_times(self, rows: Rows) -> list[str]:
        """By row: its own time (when it was last listed, when it is not now), empty where the item's holds."""
        board = self._board
        if not board.items or not rows.size:
            return []
        own = np.max([board.own_as_of(item)[rows] for item in range(len(board.items))], axis=0)
        return [iso(EpochS(at)) if at > 0 else "" for at in own.tolist()] if own.any() else []


def gone(after: int, oldest: int, newest: int) -> Problem:
    return refusal(Problem, "gone", field="after", status=410, after=after, oldest=oldest, newest=newest)


def _or_null(numbers: list[int]) -> list[int | None]:
    return [number if number >= 0 else None for number in numbers]
