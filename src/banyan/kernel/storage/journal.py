"""The journal: an append-only log of events for hot state machines; acknowledged is on disk.

One thread writes groups and flushes each with one fdatasync, into room that zeros have made before: a file that grows
has the file system write its own log too, at twice the cost (docs/decisions/0139). A segment is a file named by its
first seq; a snapshot is a state after a seq, so that replay is short and old segments can go. Opening truncates a torn
tail (never acknowledged), zeros with it, and refuses damage to what was acknowledged. Format: `frames.py`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from banyan.errors import Limit, Problem, Unavailable
from banyan.kernel.storage import frames
from banyan.kernel.storage.durable import flush_folder, make_folders
from banyan.kernel.storage.full import is_no_room, storage_full
from banyan.kernel.storage.snapshots import Snapshots
from banyan.kernel.storage.worker import Failed, GroupWorker
from banyan.limits import (
    JOURNAL_AHEAD_BYTES,
    JOURNAL_AHEAD_LEAST_BYTES,
    JOURNAL_FRAME_BYTES,
    JOURNAL_GROUP_FRAMES,
    JOURNAL_SEGMENT_BYTES,
    JOURNAL_SNAPSHOTS,
    WRITE_QUEUE_JOBS,
)

_SUFFIX: Final = ".segment"


class _Segment(msgspec.Struct):
    """One file: `first` is its first seq, `last` its newest (first - 1 when empty), `size` its sound bytes."""

    path: Path
    first: int
    last: int
    salt: int
    size: int


class Journal:
    """The log in `folder`. Only one process opens it (the drawer's lock sees to it)."""

    def __init__(self, folder: Path, *, segment_bytes: int = JOURNAL_SEGMENT_BYTES) -> None:
        make_folders(folder)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._snapshots = Snapshots(folder, keep=JOURNAL_SNAPSHOTS)
        self._segments = _recover(folder)
        if not self._segments:
            self._segments = [_create(folder, 1)]
        _refuse_missing_start(self._segments, self._snapshots.newest_seq())
        self._is_failed = False
        self._is_over = False
        self._has_written = False
        self._room = 0
        """How far the newest segment's file reaches, if it is known."""
        self._file = os.open(self._segments[-1].path, os.O_RDWR)
        self._worker: GroupWorker[bytes, int] = GroupWorker(
            f"journal {folder}", self._write_group, group=JOURNAL_GROUP_FRAMES, queue=WRITE_QUEUE_JOBS
        )

    @property
    def last_seq(self) -> int:
        """The newest durable seq; 0 when nothing was ever written."""
        return self._segments[-1].last

    async def append(self, payload: bytes) -> int:
        """Write one event; return its seq (1, 2, 3 ... without gaps) once it is durable.

        Raises Limit when it is larger than JOURNAL_FRAME_BYTES, too many wait, or the disk is full (507).
        """
        if len(payload) > JOURNAL_FRAME_BYTES:
            raise _too_large()
        return await self._worker.do(payload)

    def append_here(self, payload: bytes) -> int:
        """As `append`, but the caller's own thread waits for the disk: for one who writes alone, with nothing under way
        by `append`, and has seen that the disk is quick."""
        if len(payload) > JOURNAL_FRAME_BYTES:
            raise _too_large()
        if self._file < 0:
            raise Unavailable("The store is closed.", remedy="Start the node again.", kind="storage-closed")
        (done,) = self._write_group([payload])
        if isinstance(done, Failed):
            raise done.error
        return done

    @property
    def first_seq(self) -> int:
        """The oldest event that can be replayed (last_seq + 1 without any)."""
        return self._segments[0].first

    def replay(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Every durable event with seq > `after`, in order, as of the call. Raises Problem when they were pruned."""
        until = self.last_seq
        segments = [msgspec.structs.replace(one) for one in list(self._segments) if one.last > after]
        if after < until and (not segments or segments[0].first > after + 1):
            raise _damaged(self._folder, f"events after {after} were pruned", "Start from the latest snapshot.")
        return _events(segments, after, until)

    def snapshot(self, seq: int, state: bytes, *, replayable: int | None = None) -> None:
        """Keep the state after event `seq` durably; the newest two are kept, and with `replayable` as many as it takes
        to make any later state again. Flushes: a large one goes to a thread."""
        assert 0 <= seq <= self.last_seq, f"a snapshot at {seq} of a journal at {self.last_seq}"
        try:
            self._snapshots.write(seq, state, back_to=replayable)
        except OSError as error:
            raise (storage_full() if is_no_room(error) else error) from error

    def latest_snapshot(self, *, until: int | None = None) -> tuple[int, bytes] | None:
        """The newest sound snapshot (at or before event `until`); a damaged one falls back to the one before."""
        return self._snapshots.latest(until)

    def roll(self) -> None:
        """Begin a new segment with the next event, so that `prune` may let go of the one that is running."""
        self._is_over = True

    def prune(self) -> int:
        """Delete segments that lie wholly behind the oldest kept snapshot; return how many."""
        keep_after = self._snapshots.oldest_seq()
        old = [one for one in self._segments[:-1] if one.last <= keep_after]
        del self._segments[: len(old)]  # one step, for others read and append meanwhile
        for segment in old:
            segment.path.unlink()
        if old:
            flush_folder(self._folder)
        return len(old)

    def close(self) -> None:
        """Finish what waits. Calling twice is harmless."""
        self._worker.close()
        if self._file >= 0:
            if self._has_written and not self._is_failed:
                os.ftruncate(self._file, self._segments[-1].size)
                os.fdatasync(self._file)  # the last mark, so that damage at rest is never taken for a torn tail
            os.close(self._file)
            self._file = -1

    def _write_group(self, payloads: list[bytes]) -> Sequence[int | Failed]:
        if self._is_failed:
            return [Failed(_failed())] * len(payloads)
        try:
            self._rotate_when_full()
            segment = self._segments[-1]
            seqs = range(segment.last + 1, segment.last + 1 + len(payloads))
            self._write_all(segment, _encoded(payloads, segment), seqs[-1])
        except OSError as error:
            return [Failed(self._give_up(error))] * len(payloads)
        return seqs

    def _write_all(self, segment: _Segment, data: bytes, last: int) -> None:
        self._has_written = True
        _write_at(self._file, data, segment.size)
        self._make_room(segment.size + len(data))
        os.fdatasync(self._file)
        segment.size += len(data)
        segment.last = last
        # The mark needs no flush: it only helps to tell damage from a torn tail, and is part of the next group.
        mark = frames.encode_frame(b"", salt=segment.salt, seq=last, durable=last, kind=frames.MARK)
        try:
            _write_at(self._file, mark, segment.size)
        except OSError:
            return
        segment.size += len(mark)

    def _make_room(self, end: int) -> None:
        """Zeros behind `end`, when what comes next would not fit: flushed with what was written."""
        if end + frames.FRAME_HEAD_BYTES <= self._room:
            return
        room = end + min(JOURNAL_AHEAD_BYTES, max(JOURNAL_AHEAD_LEAST_BYTES, end))
        try:
            _write_at(self._file, bytes(room - end), end)
        except OSError:  # the disk may be full: frames still go in as long as they fit
            return
        self._room = room

    def _rotate_when_full(self) -> None:
        current = self._segments[-1]
        if current.last < current.first or not (self._is_over or current.size >= self._segment_bytes):
            return
        os.ftruncate(self._file, current.size)  # before there is a next one: only the last may have zeros behind it
        os.fdatasync(self._file)
        self._room = 0
        following = _create(self._folder, current.last + 1)
        os.close(self._file)
        self._segments.append(following)
        self._is_over = False
        self._file = os.open(following.path, os.O_RDWR)

    def _give_up(self, error: OSError) -> Exception:
        """Cut off what was half written. When even that fails the journal stops: its tail is unknown."""
        try:
            self._room = 0
            os.ftruncate(self._file, self._segments[-1].size)
            os.fsync(self._file)
        except OSError:
            self._is_failed = True
            return _failed()
        if is_no_room(error):
            return storage_full()
        # After a failed flush the kernel may have dropped the pages: only a new look at the file tells what is there.
        self._is_failed = True
        return _failed()


def _encoded(payloads: list[bytes], segment: _Segment) -> bytes:
    durable = segment.last
    return b"".join(
        frames.encode_frame(payload, salt=segment.salt, seq=seq, durable=durable)
        for seq, payload in enumerate(payloads, durable + 1)
    )


def _write_at(descriptor: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, position)
        view, position = view[written:], position + written


def _create(folder: Path, first: int) -> _Segment:
    path = folder / f"{first:020}{_SUFFIX}"
    salt = secrets.randbits(32)
    aside = path.with_suffix(".tmp")
    with aside.open("wb") as file:
        file.write(frames.encode_head(salt, first))
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    flush_folder(folder)
    return _Segment(path=path, first=first, last=first - 1, salt=salt, size=frames.HEAD_BYTES)


def _recover(folder: Path) -> list[_Segment]:
    for leftover in folder.glob("*.tmp"):
        leftover.unlink()
    paths = sorted(folder.glob(f"*{_SUFFIX}"))
    segments: list[_Segment] = []
    for path in paths:
        segment = _recover_segment(path, is_last=path == paths[-1])
        if segments and segment.first != segments[-1].last + 1:
            raise _damaged(path, f"it starts at {segment.first}, after {segments[-1].last}", _RESTORE)
        segments.append(segment)
    return segments


def _recover_segment(path: Path, *, is_last: bool) -> _Segment:
    data = path.read_bytes()
    head = frames.decode_head(data)
    if head is None or head[1] != int(path.name.removesuffix(_SUFFIX)):
        raise _damaged(path, "its head is not readable", _RESTORE)
    salt, first = head
    segment = _Segment(path=path, first=first, last=first - 1, salt=salt, size=frames.HEAD_BYTES)
    for frame in frames.sound_frames(memoryview(data), salt=salt, first=first):
        segment.last, segment.size = frame.seq, frame.end
    if segment.size < len(data):
        _cut_torn_tail(segment, data, is_last=is_last)
    return segment


def _cut_torn_tail(segment: _Segment, data: bytes, *, is_last: bool) -> None:
    if frames.known_durable_behind(data, segment.size, salt=segment.salt) > segment.last or not is_last:
        raise _damaged(segment.path, f"event {segment.last + 1} was acknowledged and is broken", _RESTORE)
    descriptor = os.open(segment.path, os.O_RDWR)
    try:
        os.ftruncate(descriptor, segment.size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_missing_start(segments: list[_Segment], snapshot: int) -> None:
    if segments[0].first > snapshot + 1:
        raise _damaged(segments[0].path, f"events {snapshot + 1} to {segments[0].first - 1} are missing", _RESTORE)
    if segments[-1].last < snapshot:
        raise _damaged(segments[-1].path, f"it ends at {segments[-1].last}, before snapshot {snapshot}", _RESTORE)


def _events(segments: list[_Segment], after: int, until: int) -> Iterator[tuple[int, bytes]]:
    for segment in segments:
        try:
            with segment.path.open("rb") as file:
                data = file.read(segment.size)
        except FileNotFoundError as error:
            raise _damaged(segment.path, "its events were pruned meanwhile", "Start from a later snapshot.") from error
        last = segment.first - 1
        for frame in frames.sound_frames(memoryview(data), salt=segment.salt, first=segment.first):
            last = frame.seq
            if frame.kind == frames.EVENT and after < frame.seq <= until:
                yield frame.seq, data[frame.start + frames.FRAME_HEAD_BYTES : frame.end]
        if last < min(segment.last, until):
            raise _damaged(segment.path, f"event {last + 1} can no longer be read", _RESTORE)


_RESTORE: Final = "Keep the folder as it is, restore it from a backup or a standby, and check the disk."


def _damaged(path: Path, what: str, remedy: str) -> Problem:
    return Problem(f"Journal {path} is damaged: {what}.", remedy=remedy, kind="journal-damaged")


def _too_large() -> Problem:
    return Limit(f"One event is at most {JOURNAL_FRAME_BYTES} bytes.", remedy="Send it in parts.")


def _failed() -> Problem:
    return Unavailable(
        "The disk failed while the journal was written.", remedy="Check the disk, then restart.", kind="storage-failed"
    )
