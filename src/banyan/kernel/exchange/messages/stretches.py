"""Stretches: the frames of one publication or of several, and the exchanges in them, as one row.

A row for each exchange with three indexes was most of what publishing cost, and each of its statements took the
interpreter from the loop (docs/decisions/0137). Here an exchange is found by its entry, or by reading a span of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from banyan.kernel.exchange.messages import names
from banyan.kernel.exchange.messages.frame import Frame
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.limits_road import MESSAGES_STRETCH

SQL: Final = load_statements("banyan.kernel.exchange.messages", "messages.sql")
_HEAD: Final = np.dtype([(name, "<i8") for name in ("seq", "first", "entries", "due", "size")] + [("until", "<f8")])
"""A frame; `size` is how many bytes of the lines are its exchanges."""
Heads = NDArray[np.void]
_EVER: Final = 1e300
_encoder: Final = msgspec.msgpack.Encoder()
_NOTHING: Final = _encoder.encode(())


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one looks an exchange up by; `place` is its own among the entries of a frame."""

    place: int
    xid: str
    message_id: str
    role: str
    client: str
    service: str
    at: float
    status: int


class Written(msgspec.Struct, frozen=True):
    """A frame as it stands in the journal, and the exchanges in it whose records can be read."""

    seq: int
    frame: Frame
    seen: tuple[Seen, ...]


class Stretch(msgspec.Struct, frozen=True, array_like=True):
    """A row: entries `first` up to `after` in frames `seq` up to `last`. `since` and `until` hold all its moments;
    `owed`: the first day on which some of `lines` are due, None without any; `due_last`: of all its frames. `names`:
    of who takes part, None when an older version made it."""

    first: int
    after: int
    seq: int
    last: int
    since: float
    until: float
    owed: int | None
    due_last: int
    heads: bytes
    lines: bytes
    names: str | None


class Line(msgspec.Struct, frozen=True):
    """An exchange as the index knows it: `idx` is its entry, `seq` the frame that holds its record."""

    idx: int
    seq: int
    xid: str
    message_id: str
    role: str
    client: str
    service: str
    at: float
    status: int


class Sought(msgspec.Struct, frozen=True):
    """What is looked for: by `xid` or `message_id`; else by client or service, in a span of time."""

    xid: str = ""
    message_id: str = ""
    client: str = ""
    service: str = ""
    since: float = 0.0
    until: float = 1e12
    most: int = 100


_decoder: Final = msgspec.msgpack.Decoder(tuple[Seen, ...])


def cut(frames: Sequence[Written]) -> Iterator[Sequence[Written]]:
    """Frames in lots that make one stretch each."""
    start = count = 0
    for place, one in enumerate(frames):
        count += len(one.frame.entries)
        if count >= MESSAGES_STRETCH:
            yield frames[start : place + 1]
            start, count = place + 1, 0
    if start < len(frames):
        yield frames[start:]


def stretch_of(frames: Sequence[Written]) -> Stretch:
    """The row of frames that follow one another."""
    lines = [_encoder.encode(one.seen) if one.seen else b"" for one in frames]
    heads = np.empty(len(frames), _HEAD)
    told = zip(frames, lines, strict=True)
    heads[:] = [
        (one.seq, one.frame.first, len(one.frame.entries), one.frame.day, len(part), one.frame.until)
        for one, part in told
    ]
    since = min([seen.at for one in frames for seen in one.seen], default=_EVER)
    told_names = names.names_of(one.seen for one in frames)
    return _stretch(heads, b"".join(lines), min(since, float(heads["until"].min())), told_names)


def add(tx: Tx, new: Stretch, fan: int) -> None:
    """Put it after the others, joined with the last ones when `fan` or more of them are small."""
    rows = tx.rows(SQL["newest_stretches"], limit=fan * 2)
    sizes = [new.after - new.first, *(_int(after) - _int(first) for first, after in rows)]
    taken = _taken(sizes, fan) - 1
    if taken > 0:
        first = _int(rows[taken - 1][0])
        before = [_row(row) for row in tx.rows(SQL["stretches_from"], first=first)]
        tx.run(SQL["drop_stretches_from"], first=first)
        new = _joined([*before, new])
    _put(tx, new)


def frame_with(tx: Tx, idx: int) -> tuple[int, int] | None:
    """(seq, first) of the frame in which an entry stands."""
    row = tx.row(SQL["heads_with"], idx=idx)
    if row is None or idx >= _int(row[0]):
        return None
    heads = _heads(row[1])
    head = heads[int(np.searchsorted(heads["first"], idx, side="right")) - 1]
    return int(head["seq"]), int(head["first"])


def frame_since(tx: Tx, since: float) -> int | None:
    """The first frame that has a record of that moment or later."""
    row = tx.row(SQL["first_since"], since=since)
    found = None if row is None or row[0] is None else tx.row(SQL["heads_at"], first=row[0])
    if found is None:
        return None
    heads = _heads(found[0])
    return int(heads["seq"][heads["until"] >= since][0])


def frame_kept(tx: Tx, today: int) -> int | None:
    """The first frame that must still be read."""
    row = tx.row(SQL["heads_kept"], today=today)
    if row is None:
        return None
    heads = _heads(row[0])
    return int(heads["seq"][heads["due"] >= today][0])


def first_kept(tx: Tx) -> int | None:
    """No exchange before this entry can be read any more; None: none at all can."""
    row = tx.row(SQL["first_kept"])
    return None if row is None else _int(row[0])


class Lines:
    """Exchanges by their entries, in one transaction: rows read are kept, for candidates often stand together."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._row: tuple[int, int, Heads, bytes] | None = None

    def at(self, idx: int) -> Line | None:
        """None when it was forgotten, or is no exchange."""
        row = self._row
        if row is None or not row[0] <= idx < row[1]:
            found = self._tx.row(SQL["lines_with"], idx=idx)
            if found is None:
                return None
            row = self._row = (_int(found[0]), _int(found[1]), _heads(found[2]), _bytes(found[3]))
        _, after, heads, lines = row
        if idx >= after or not lines:
            return None
        frame = int(np.searchsorted(heads["first"], idx, side="right")) - 1
        start = int(heads["size"][:frame].sum())
        head = heads[frame]
        part = lines[start : start + int(head["size"])]
        place = idx - int(head["first"])
        return next((_line(seen, head) for seen in _decoder.decode(part or _NOTHING) if seen.place == place), None)


def newest(tx: Tx, sought: Sought, most: int) -> list[Line]:
    """By client, service and span; the newest first."""
    found: list[Line] = []
    since, ended, at, name = sought.since, _EVER, 0, names.pattern(sought)
    while row := tx.row(SQL["newest_before"], since=since, until=sought.until, ended=ended, at=at, name=name):
        at, ended = _int(row[0]), _float(row[1])
        found = _newest_in(_heads(row[2]), _bytes(row[3]), sought, found, most)
        if len(found) == most:
            since = max(since, found[-1].at)
    return found


def forget(tx: Tx, day: int) -> None:
    """Drop the exchanges that were due up to `day`; where their frames stand is still known."""
    tx.run(SQL["empty_due_names"], day=day)
    tx.run(SQL["empty_due"], day=day, nothing=b"")
    while row := tx.row(SQL["partly_due"], day=day):
        stretch = _row(row)
        heads = _heads(stretch.heads).copy()
        parts = _parts(heads, stretch.lines)
        heads["size"][heads["due"] <= day] = 0
        kept = [part for part, due in zip(parts, heads["due"], strict=True) if due > day]
        tx.run(SQL["drop_stretch"], first=stretch.first)
        _put(tx, _stretch(heads, b"".join(kept), stretch.since, _names_in(kept)))


def drop_frames(tx: Tx, seq: int) -> None:
    """Forget frames up to `seq`."""
    tx.run(SQL["drop_before"], seq=seq)
    row = tx.row(SQL["partly_before"], seq=seq)
    if row is not None:
        stretch = _row(row)
        heads = _heads(stretch.heads)
        gone = int((heads["seq"] <= seq).sum())
        kept = _parts(heads, stretch.lines)[gone:]
        tx.run(SQL["drop_stretch"], first=stretch.first)
        _put(tx, _stretch(heads[gone:], b"".join(kept), stretch.since, _names_in(kept)))


def _newest_in(heads: Heads, lines: bytes, sought: Sought, found: list[Line], most: int) -> list[Line]:
    """`found` and what one row has, the `most` newest of them. Frames in which the name does not occur as bytes are not
    read, nor those before what was found."""
    name = (sought.client or sought.service).encode()
    if name not in lines:
        return found
    parts = _parts(heads, lines)
    for frame in np.argsort(heads["until"], kind="stable")[::-1]:
        head, part = heads[frame], parts[frame]
        if head["until"] < (found[-1].at if len(found) == most else sought.since):
            break
        if part and name in part:
            found += [_line(seen, head) for seen in _decoder.decode(part) if _is_sought(seen, sought)]
            found.sort(key=lambda line: (-line.at, -line.idx))
            del found[most:]
    return found


def _is_sought(seen: Seen, sought: Sought) -> bool:
    if sought.client:
        return seen.client == sought.client and sought.since <= seen.at < sought.until
    return sought.service in ("", seen.service) and sought.since <= seen.at < sought.until


def _taken(sizes: Sequence[int], fan: int) -> int:
    """How many of the rows are joined, the newest first: those at the end that are small, when there are many."""
    taken = 1
    for most in (fan, fan * fan):
        small = next((place for place, size in enumerate(sizes) if size >= most), len(sizes))
        if small >= fan:
            taken = small
    return taken


def _joined(stretches: Sequence[Stretch]) -> Stretch:
    heads = _heads(b"".join([one.heads for one in stretches]))
    lines, since = b"".join([one.lines for one in stretches]), min(one.since for one in stretches)
    return _stretch(heads, lines, since, names.joined(one.names for one in stretches))


def _names_in(parts: Sequence[bytes]) -> str:
    return names.names_of(_decoder.decode(part) for part in parts if part)


def _stretch(heads: Heads, lines: bytes, since: float, told_names: str | None) -> Stretch:
    owed = heads["due"][heads["size"] > 0]
    newest = heads[-1]
    return Stretch(
        first=int(heads["first"][0]),
        after=int(newest["first"] + newest["entries"]),
        seq=int(heads["seq"][0]),
        last=int(newest["seq"]),
        since=since,
        until=float(heads["until"].max()),
        owed=int(owed.min()) if len(owed) else None,
        due_last=int(heads["due"].max()),
        heads=heads.tobytes(),
        lines=lines,
        names=told_names,
    )


def _put(tx: Tx, one: Stretch) -> None:
    tx.run(SQL["add_stretch"], **{name: getattr(one, name) for name in Stretch.__struct_fields__ if name != "names"})
    if one.names is not None:
        tx.run(SQL["add_names"], first=one.first, names=one.names)


def _row(row: Row) -> Stretch:
    """Frames whose exchanges are all forgotten say so: when they are joined to others their sizes count."""
    one = msgspec.convert(row, Stretch)
    if one.lines:
        return one
    heads = _heads(one.heads).copy()
    heads["size"] = 0
    return msgspec.structs.replace(one, heads=heads.tobytes())


def _heads(data: SqlValue | bytes) -> Heads:
    return np.frombuffer(_bytes(data), _HEAD)


def _parts(heads: Heads, lines: bytes) -> list[bytes]:
    """The lines of each frame."""
    ends = np.cumsum(heads["size"]).tolist() if lines else [0] * len(heads)
    return [lines[start:end] for start, end in pairwise([0, *ends])]


def _line(seen: Seen, head: np.void) -> Line:
    idx, seq = int(head["first"]) + seen.place, int(head["seq"])
    return Line(idx, seq, seen.xid, seen.message_id, seen.role, seen.client, seen.service, seen.at, seen.status)


def _int(value: SqlValue) -> int:
    assert isinstance(value, int), "a number"
    return value


def _float(value: SqlValue) -> float:
    assert isinstance(value, float), "a moment"
    return value


def _bytes(value: SqlValue) -> bytes:
    assert isinstance(value, bytes), "bytes"
    return value
