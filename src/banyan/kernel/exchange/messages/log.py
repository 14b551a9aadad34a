"""The message log: `keep` is durable when it returns, everything else follows behind.

One frame of the journal takes all exchanges that came within some turns of the loop, or while a thread wrote the frame
before it, so that they share a seal, a write and a flush. The journal is the truth; tree and index are made from it
behind, and again after a crash.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from time import perf_counter
from typing import Final

import msgspec

from banyan.errors import Limit, Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.messages import frame as frames
from banyan.kernel.exchange.messages.bodies import BodyFiles
from banyan.kernel.exchange.messages.daykeys import DayKeys, Random, day_of
from banyan.kernel.exchange.messages.flushing import Flushing
from banyan.kernel.exchange.messages.frame import Frame, Kept, Opening, Part
from banyan.kernel.exchange.messages.index import Index, Seen, Written, seen_in
from banyan.kernel.exchange.messages.record import named, written
from banyan.kernel.exchange.road.model import Body, Exchanged, Told
from banyan.kernel.ledger.entries import SALT_BYTES
from banyan.kernel.storage.journal import Journal
from banyan.limits_road import (
    MESSAGES_BATCH,
    MESSAGES_BATCH_BYTES,
    MESSAGES_GROUP,
    MESSAGES_GROUP_S,
    MESSAGES_INLINE_BYTES,
    MESSAGES_KEEP_MOST_S,
    MESSAGES_RETENTION_S,
    MESSAGES_WAITING,
)

_READ_AT_ONCE: Final = 256
"""Frames: at most 1 GB of the largest, a few MB of usual ones."""
_ROOM: Final = "Try again in a moment; the call was not answered, for it could not be logged."


class _Waiting:
    """One exchange on its way to the disk."""

    __slots__ = ("at", "bodies", "day", "entry", "exchanged", "opening", "size", "told")

    def __init__(
        self,
        entry: bytes,
        at: float,
        day: int,
        told: Told,
        *,
        opening: Opening | None = None,
        bodies: tuple[Kept, ...] = (),
        exchanged: Exchanged | None = None,
    ) -> None:
        self.entry, self.at, self.day, self.told = entry, at, day, told
        self.opening, self.bodies, self.exchanged = opening, bodies, exchanged
        self.size = len(entry) + (len(opening.record) if opening else 0)
        if bodies:
            self.size += sum(len(one.sealed) for one in bodies)


class Log:
    """Keeps exchanges of this gateway in `journal`, sealed by `keys`. `retention_s`: how long records can be read."""

    def __init__(
        self,
        journal: Journal,
        keys: DayKeys,
        files: BodyFiles,
        *,
        clock: Clock,
        random: Random,
        stopwatch: Callable[[], float] = perf_counter,
        retention_s: float = MESSAGES_RETENTION_S,
    ) -> None:
        self.journal, self.keys, self.files = journal, keys, files
        self._clock, self._random, self._retention_s = clock, random, retention_s
        self._waiting: deque[_Waiting] = deque()
        self._due: asyncio.Handle | None = None
        """That a frame will be written; `_writing` does it already, by a thread."""
        self._writing: asyncio.Task[None] | None = None
        self._stopwatch, self._flushing = stopwatch, Flushing(stopwatch)
        self._tail: list[Written] = []
        self._next = 0

    async def keep(self, exchanged: Exchanged) -> None:
        """`MessageLog.keep`: durable when it returns. Raises Problem when it cannot be written."""
        self._check_room()
        salt = self._random(SALT_BYTES)
        entry, record = written(exchanged, salt)
        day = day_of(exchanged.at + self._retention_s)
        bodies: tuple[Kept, ...] = ()
        if exchanged.keep_bodies_s > 0:
            bodies = await self._sealed_bodies(exchanged, entry)
            day = max((day, *(one.day for one in bodies)))
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        opening = Opening(salt, record)
        self._put(
            _Waiting(entry, exchanged.at, day, _settling(done), opening=opening, bodies=bodies, exchanged=exchanged)
        )
        await done

    def put(self, exchanged: Exchanged, told: Told) -> None:
        """As `keep`, of an exchange whose bodies have MESSAGES_INLINE_BYTES at most: `told` hears when it is durable,
        or what went wrong. Raises Problem at once when too many wait."""
        self._check_room()
        salt = self._random(SALT_BYTES)
        entry, record = written(exchanged, salt)
        day = day_of(exchanged.at + self._retention_s)
        bodies: tuple[Kept, ...] = ()
        if exchanged.keep_bodies_s > 0:
            until = _kept_until(exchanged)
            parts = _parts(exchanged)
            bodies = tuple([self._inline(part, body, until, entry) for part, body in parts if body is not None])
            day = max(day, until)
        opening = Opening(salt, record)
        self._put(_Waiting(entry, exchanged.at, day, told, opening=opening, bodies=bodies, exchanged=exchanged))

    async def say(self, entry: bytes) -> int:
        """Write a public entry; its index once it is durable."""
        now = self._clock()
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._put(_Waiting(entry, now, day_of(now), _settling(done)))
        return await done

    async def recover(self, index: Index, size: int, grow: Callable[[Sequence[bytes]], None]) -> None:
        """Once, before the first `keep`: bring the index and a tree of `size` entries up to the journal."""
        seq, following = await index.end()
        read = self._frames(max(seq, self.journal.first_seq - 1))
        while some := await asyncio.to_thread(lambda: list(islice(read, _READ_AT_ONCE))):
            behind: list[Written] = []
            for number, frame in some:
                if seq and frame.first != following:
                    raise _broken(f"frame {number} begins at entry {frame.first}, not {following}")
                behind.append(Written(number, frame, seen_in(frame, frames.openings_of(frame, self.keys))))
                seq, following = number, frame.first + len(frame.entries)
            await index.add(behind)
        self._next = following
        size = await self.regrow(index, size, grow)
        if size != following:
            raise _broken(f"the tree has {size} entries, and the journal ends before {following}")

    async def regrow(self, index: Index, size: int, grow: Callable[[Sequence[bytes]], None]) -> int:
        """Bring a tree of `size` entries up to the index, from the journal; its size then."""
        found = await index.frame_with(size)
        if found is None:
            return size
        read = self._frames(found[0] - 1)
        until = (await index.end())[1]
        while some := await asyncio.to_thread(lambda: list(islice(read, _READ_AT_ONCE))):
            for _, frame in some:
                missing = frame.entries[size - frame.first :]
                if frame.first < until and missing:
                    await asyncio.to_thread(grow, missing)
                    size += len(missing)
        return size

    @property
    def size(self) -> int:
        """Entries that are durable."""
        return self._next

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def take_tail(self) -> list[Written]:
        """What was written since this was asked last."""
        tail, self._tail = self._tail, []
        return tail

    def put_back(self, tail: Sequence[Written]) -> None:
        """What was taken and could not be used."""
        self._tail[:0] = tail

    def frame_at(self, seq: int) -> Frame:
        """A frame of the journal. Reads its segment: not on the loop."""
        return next(self._frames(seq - 1))[1]

    def frames_since(self, seq: int) -> Iterator[Frame]:
        """Frames from `seq` on."""
        return (frame for _, frame in self._frames(seq - 1))

    async def close(self) -> None:
        """Finish what waits."""
        while self._writing is not None or self._due is not None:
            await (asyncio.sleep(0) if self._writing is None else asyncio.wait([self._writing]))
        await asyncio.to_thread(self.journal.close)

    def _frames(self, after: int) -> Iterator[tuple[int, Frame]]:
        return ((seq, frames.decode(data)) for seq, data in self.journal.replay(after))

    def _check_room(self) -> None:
        if len(self._waiting) >= MESSAGES_WAITING:
            raise Limit(
                f"{MESSAGES_WAITING} exchanges wait to be logged already (MESSAGES_WAITING).",
                remedy=_ROOM,
                status=429,
                kind="message-log-full",
                retry_after_s=1,
            )

    def _put(self, one: _Waiting) -> None:
        self._waiting.append(one)
        if self._due is None and self._writing is None:
            self._due = asyncio.get_running_loop().call_soon(self._turn, 0, self._stopwatch())

    def _turn(self, came: int, since: float) -> None:
        """Wait for company as long as it comes: a flush for few costs each of them more, and while calls come there is
        other work. When a turn brought none, whoever waits is alone. `came`: how many there were a turn ago."""
        waiting = len(self._waiting)
        if came < waiting < MESSAGES_GROUP and self._stopwatch() - since < MESSAGES_GROUP_S:
            self._due = asyncio.get_running_loop().call_soon(self._turn, waiting, since)
            return
        self._due = None
        if self._flushing.is_here():
            self._write_here()
        else:
            self._writing = asyncio.ensure_future(self._write())

    def _write_here(self) -> None:
        """Frame after frame by the loop itself, until nothing waits."""
        try:
            while self._waiting:
                batch = self._batch()
                try:
                    frame = self._frame(batch)
                    begun = self._stopwatch()
                    seq = self.journal.append_here(frames.encode(frame))
                    self._flushing.took(self._stopwatch() - begun)
                except Exception as error:  # the worker loop: whoever waits is told, the next may fare better
                    self._failed(batch, error)
                    continue
                self._kept(batch, seq, frame)
        finally:
            _settle(self._waiting, _broken("its writer ended"))

    async def _write(self) -> None:
        """The same by the journal's thread."""
        try:
            while self._waiting:
                batch = self._batch()
                try:
                    frame = self._frame(batch)
                    seq = await self.journal.append(frames.encode(frame))
                except Exception as error:  # as above
                    self._failed(batch, error)
                    continue
                self._kept(batch, seq, frame)
        finally:
            self._writing = None
            _settle(self._waiting, _broken("its writer ended"))

    def _kept(self, batch: list[_Waiting], seq: int, frame: Frame) -> None:
        """It is durable: tell whoever waits."""
        seen = tuple([_seen(place, one.exchanged) for place, one in enumerate(batch) if one.exchanged])
        self._tail.append(Written(seq, frame, seen))
        self._next += len(batch)
        for place, one in enumerate(batch):
            one.told(frame.first + place, None)

    def _failed(self, batch: list[_Waiting], error: Exception) -> None:
        _settle(batch, error if isinstance(error, Problem) else _broken(f"{type(error).__name__}"))
        if not isinstance(error, Problem | OSError):
            raise error

    def _batch(self) -> list[_Waiting]:
        """The next ones whose openings go under one key."""
        first = self._waiting.popleft()
        batch, size = [first], first.size
        while self._waiting and len(batch) < MESSAGES_BATCH:
            one = self._waiting[0]
            size += one.size
            if one.day != first.day or (one.opening is None) != (first.opening is None) or size > MESSAGES_BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _frame(self, batch: list[_Waiting]) -> Frame:
        entries = tuple([one.entry for one in batch])
        openings = tuple([one.opening for one in batch if one.opening is not None])
        day = batch[0].day
        bodies = [msgspec.structs.replace(kept, place=place) for place, one in enumerate(batch) for kept in one.bodies]
        sealed = frames.sealed_openings(self.keys, day, entries, openings) if openings else b""
        return Frame(1, self._next, max(one.at for one in batch), day, entries, sealed, tuple(bodies))

    async def _sealed_bodies(self, exchanged: Exchanged, entry: bytes) -> tuple[Kept, ...]:
        day, parts = _kept_until(exchanged), _parts(exchanged)
        return tuple([await self._sealed(part, body, day, entry) for part, body in parts if body is not None])

    async def _sealed(self, part: Part, body: Body, day: int, entry: bytes) -> Kept:
        if body.size <= MESSAGES_INLINE_BYTES:
            return self._inline(part, body, day, entry)
        name = await self.files.write(body, day, self.keys.sealing(day), frames.about_body(entry, part))
        return Kept(0, part, day, body.size, file=name)

    def _inline(self, part: Part, body: Body, day: int, entry: bytes) -> Kept:
        sealed = self.keys.seal(day, body.whole(MESSAGES_INLINE_BYTES), frames.about_body(entry, part))
        return Kept(0, part, day, body.size, sealed=sealed)


def _kept_until(exchanged: Exchanged) -> int:
    """The day whose key seals the bodies."""
    return day_of(exchanged.at + min(exchanged.keep_bodies_s, MESSAGES_KEEP_MOST_S))


def _parts(exchanged: Exchanged) -> tuple[tuple[Part, Body | None], ...]:
    return ("request", exchanged.request_body), ("answer", exchanged.answer_body)


def _seen(place: int, one: Exchanged) -> Seen:
    client, service = named(one.client), named(one.service)
    return Seen(place, one.xid, one.message_id, one.role, client, service, one.at, one.status)


def _settle(batch: deque[_Waiting] | list[_Waiting], problem: Exception) -> None:
    while batch:
        batch.pop().told(-1, problem)


def _settling(done: asyncio.Future[int]) -> Told:
    def told(index: int, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(index)
        else:
            done.set_exception(error)

    return told


def _broken(what: str) -> Problem:
    return Problem(
        f"The message log cannot go on: {what}.",
        remedy="Restore journal and tiles together from a backup, and check the disk.",
        kind="message-log-damaged",
    )
