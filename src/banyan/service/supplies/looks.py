"""One look at a stock register: its cells read strictly, and what of it is news to the board.

Pure. Nothing is guessed: a cell that is no whole number, a row whose own time is cut off, a code said twice with
different numbers keep what the board has, and are counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.kernel.events.clock import EpochS
from banyan.limits_supplies import SUPPLIES_CELL_MOST, SUPPLIES_EXAMPLES
from banyan.service.supplies.board import Board
from banyan.service.supplies.columns import NOT_LISTED, UNKNOWN
from banyan.service.supplies.hours import TAIPEI
from banyan.service.supplies.model import StockTick
from banyan.service.supplies.reading import Cell, Table
from banyan.service.supplies.sources import Looked, Source

UNREAD: Final = -1
"""In `counts`: the cell could not be read."""
AHEAD_S: Final = 300.0
"""A source's clock may be this far before ours; a later time is an error, not a prediction."""
CODE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,19}")
DIGITS: Final = re.compile(r"[0-9]{1,9}(?:\.0+)?")
TIME_14: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})")


class Look(msgspec.Struct, frozen=True):
    """What a register says now. `counts[item][row]` is UNREAD where nothing can be believed; `times` holds a row's own
    time where it is not the look's, else 0. `duplicates`: codes said twice with different numbers."""

    looked: Looked
    as_of: EpochS
    items: tuple[str, ...]
    codes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    times: tuple[float, ...]
    rows: int
    malformed: int = 0
    duplicates: int = 0
    future: int = 0
    examples: tuple[str, ...] = ()
    last: str = ""
    """The code of the file's last row when its end may be cut off: the file ends in a number or an empty cell."""

    @property
    def unread(self) -> int:
        """Rows with a number that could not be read."""
        return sum(1 for row in zip(*self.counts, strict=True) if UNREAD in row)


def without(look: Look, codes: Container[str]) -> Look:
    """The look but for its rows of `codes`."""
    kept = [row for row, code in enumerate(look.codes) if code not in codes]
    if len(kept) == len(look.codes):
        return look
    return msgspec.structs.replace(
        look,
        codes=tuple(look.codes[row] for row in kept),
        counts=tuple(tuple(column[row] for row in kept) for column in look.counts),
        times=tuple(look.times[row] for row in kept),
    )


class Row(msgspec.Struct):
    """One row while it is read."""

    code: str
    counts: tuple[int, ...]
    time: float


def look_of(table: Table, source: Source, now: EpochS) -> Look:
    """Read the rows of a table whose columns are under the names of `source`."""
    read = _Reading(table, source, now)
    rows, duplicates = _once(read.rows())
    as_of = EpochS(max((row.time for row in rows if UNREAD not in row.counts), default=0.0))
    looked = table.register.looked
    return Look(
        looked=looked,
        as_of=as_of or looked.as_of,
        items=tuple(source.items),
        codes=tuple(row.code for row in rows),
        counts=tuple(tuple(row.counts[place] for row in rows) for place in range(len(source.items))),
        times=tuple(0.0 if row.time == as_of else row.time for row in rows),
        rows=table.rows,
        malformed=read.malformed,
        duplicates=duplicates,
        future=read.future,
        examples=tuple(read.examples),
        last=read.open_end(),
    )


def whole(cell: Cell) -> int:
    """A whole number from 0 to SUPPLIES_CELL_MOST as it is written; UNREAD for everything else."""
    if type(cell) is int:  # what nearly every cell is; a bool is not
        return cell if 0 <= cell <= SUPPLIES_CELL_MOST else UNREAD
    if isinstance(cell, bool) or cell is None:
        return UNREAD
    if isinstance(cell, str):
        written = unicodedata.normalize("NFKC", cell).strip()
        if DIGITS.fullmatch(written) is None:
            return UNREAD
        cell = float(written)
    return int(cell) if 0 <= cell <= SUPPLIES_CELL_MOST and cell == int(cell) else UNREAD


def moment(cell: Cell) -> float:
    """A time as registers write it (`2020/02/14 09:05:34`, ISO 8601, 14 digits); Taiwan's when it names no zone. 0 when
    it is none."""
    written = str(cell).strip().replace("/", "-") if isinstance(cell, str | int) else ""
    if found := TIME_14.fullmatch(written):
        written = "{}-{}-{}T{}:{}:{}".format(*found.groups())
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return 0.0
    if len(written) < len("2020-02-14"):
        return 0.0
    return (at if at.tzinfo else at.replace(tzinfo=TAIPEI)).timestamp()


class _Reading:
    """The rows of one table, and what of them could not be read."""

    def __init__(self, table: Table, source: Source, now: EpochS) -> None:
        self._table, self._source = table, source
        self._latest = now + AHEAD_S
        self.malformed = self.future = 0
        self.examples: list[str] = []

    def rows(self) -> list[Row]:
        table, source = self._table, self._source
        codes = table.column(source.columns["code"])
        counted = [table.column(column) for column in source.items.values()]
        clock = source.columns.get("as_of", "")
        times = self._times(table.column(clock)) if clock else [0.0] * table.rows
        found = []
        for code, time, *cells in zip(codes, times, *counted, strict=True):
            written = "" if code is None else str(code).strip()
            if CODE.fullmatch(written) is None:
                self.malformed += 1
                self._note(code)
                continue
            row = Row(written, tuple(whole(cell) for cell in cells), time)
            self.future += time > self._latest
            if (clock and time == 0) or time > self._latest:
                row.counts, row.time = (UNREAD,) * len(cells), 0.0
                self._note(f"{written}: {clock}")
            elif UNREAD in row.counts:
                self._note(f"{written}: {cells[row.counts.index(UNREAD)]}")
            found.append(row)
        return found

    def open_end(self) -> str:
        """The last row's code, when nothing after its numbers shows that the file was not cut off there."""
        table, source = self._table, self._source
        if not table.rows:
            return ""
        if table.last not in source.items.values() and table.cells[table.last][-1] not in (None, ""):
            return ""
        return str(table.column(source.columns["code"])[-1] or "").strip()

    def _times(self, cells: Sequence[Cell]) -> list[float]:
        """Open data keeps times without zone as they were written, and those with a zone in UTC; which of the two a
        column is shows when its newest one is the version's own time."""
        known: dict[Cell, float] = {cell: moment(cell) for cell in set(cells)}
        newest = max(known.values(), default=0.0)
        offset = TAIPEI.utcoffset(None).total_seconds()
        if newest and newest + offset == self._table.register.looked.as_of:
            known = {cell: time + offset if time else 0.0 for cell, time in known.items()}
        return [known[cell] for cell in cells]

    def _note(self, what: object) -> None:
        if len(self.examples) < SUPPLIES_EXAMPLES:
            self.examples.append(str(what)[:60])


def _once(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """Each code once: of two rows the one with the later time of its own; of two with the same time that differ,
    neither is believed."""
    found: dict[str, Row] = {}
    conflicts: set[str] = set()
    for row in rows:
        known = found.get(row.code)
        if known is None or row.time > known.time:
            found[row.code] = row
            conflicts.discard(row.code)
        elif row.time == known.time and row.counts != known.counts:
            conflicts.add(row.code)
    for code in conflicts:
        found[code].counts = (UNREAD,) * len(found[code].counts)
    return list(found.values()), len(conflicts)


def listed_on(board: Board, items: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """By code: what the board shows of these items, for outlets that are on the list with any of them."""
    places = [board.item_of[item] for item in items]
    available = np.stack([board.available(place) for place in places])
    rows = np.flatnonzero((available != NOT_LISTED).any(axis=0))
    counts = [board.count(place)[rows].tolist() for place in places]
    return dict(zip([board.places[row].code for row in rows.tolist()], zip(*counts, strict=True), strict=True))


def tick_of(
    board: Board, look: Look, source: str, at: EpochS, *, doubted: Sequence[str] = (), tills: Container[str] = ()
) -> StockTick:
    """What of the look is news: rows that are new or changed, and those that left the list. `doubted` rows keep what
    the board has; `tills`, which the look is without, leave no list."""
    items = [board.item_of[item] for item in look.items]
    rows = np.array([board.row_of.get(code, -1) for code in look.codes], np.int64)
    doubts = np.isin(np.array(look.codes), np.array(doubted)) if doubted else np.zeros(len(rows), np.bool_)
    known = rows >= 0
    times = np.array(look.times)
    told = [np.where(doubts, UNREAD, np.array(look.counts[place], np.int64)) for place in range(len(items))]
    before = [_before(board, item, rows, known) for item in items]
    listed = np.stack([one.listed for one in before]).any(axis=0)
    is_unread = np.stack([counts == UNREAD for counts in told])
    late = listed & (times > 0) & (times < before[0].seen)  # an older row than the one shown
    kept = is_unread | late
    counts = [
        np.where(kept[place], np.where(listed, before[place].count, UNKNOWN), told[place])
        for place in range(len(items))
    ]
    own = np.where(kept.any(axis=0) & listed, before[0].seen, times)
    own = np.where(own == look.as_of, 0.0, own)
    is_news = ~listed | (own != before[0].own)
    for place in range(len(items)):
        is_news |= counts[place] != before[place].count
    is_news &= ~(kept.all(axis=0) & ~listed)  # nothing is known of it
    news = np.flatnonzero(is_news)
    return StockTick(
        at=at,
        as_of=look.as_of,
        source=source,
        items=look.items,
        codes=tuple(look.codes[row] for row in news.tolist()),
        counts=tuple(tuple(column[news].tolist()) for column in counts),
        row_as_of=tuple(own[news].tolist()) if own[news].any() else (),
        gone=tuple(code for code in _gone(board, items, rows[known]) if code not in tills),
    )


def _gone(board: Board, items: Sequence[int], present: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Codes that are listed with any of the items and are not among the rows present."""
    is_listed = np.stack([board.available(item) != NOT_LISTED for item in items]).any(axis=0)
    rows = np.setdiff1d(np.flatnonzero(is_listed), present)
    return tuple(board.places[row].code for row in rows.tolist())


def doubts(look: Look, listed: Mapping[str, tuple[int, ...]], *, remembered: tuple[int, ...]) -> tuple[str, ...]:
    """The last row, when its file may be cut off in it: its number fell or rows are missing, and the look before did
    not say the same."""
    if look.last not in look.codes or look.last not in listed:
        return ()
    place = look.codes.index(look.last)
    told = tuple(counts[place] for counts in look.counts)
    shown = listed[look.last]
    if told in (shown, remembered):
        return ()
    fell = any(new < old for new, old in zip(told, shown, strict=True))
    return (look.last,) if fell or not listed.keys() <= set(look.codes) else ()


def last_counts(look: Look) -> tuple[int, ...]:
    """What the row at the file's open end says; empty when it has none."""
    if look.last not in look.codes:
        return ()
    place = look.codes.index(look.last)
    return tuple(counts[place] for counts in look.counts)


class _Before(msgspec.Struct, frozen=True):
    """By row of a look: what the board has of one item. `seen`: as of when; `own`: that, where it is the row's own."""

    count: npt.NDArray[np.int64]
    listed: npt.NDArray[np.bool_]
    own: npt.NDArray[np.float64]
    seen: npt.NDArray[np.float64]


def _before(board: Board, item: int, rows: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> _Before:
    count = np.full(len(rows), UNKNOWN, np.int64)
    listed, own = np.zeros(len(rows), np.bool_), np.zeros(len(rows))
    there = rows[known]
    count[known] = board.count(item)[there]
    listed[known] = board.available(item)[there] != NOT_LISTED
    own[known] = np.where(listed[known], board.own_as_of(item)[there], 0.0)
    seen = np.where(own > 0, own, np.where(listed, board.as_of[item], 0.0))
    return _Before(count, listed, own, seen)


def as_text(at: EpochS) -> str:
    """A time in Taiwan, as a sentence says it: 2020-02-14 09:05:34."""
    return datetime.fromtimestamp(at, UTC).astimezone(TAIPEI).strftime("%Y-%m-%d %H:%M:%S")
