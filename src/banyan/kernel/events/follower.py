"""Following a feed live: many readers of one process, woken by the commit, served from memory when they keep up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from banyan.kernel.events import feed
from banyan.kernel.events.feed import Event
from banyan.kernel.storage.store import Store
from banyan.limits import FEED_PAGE_EVENTS, FEED_TAIL_EVENTS

HEARTBEAT_S: Final = 15.0
"""Silence after which a follower is told that nothing happened; proxies cut streams that stay silent for 30."""


class Follower:
    """Live readers of one store's feed, in one event loop. A reader holds only its cursor, so a slow one costs nothing:
    it reads from the store what the shared tail no longer has."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._change: asyncio.Future[None] = self._loop.create_future()
        self._tail: deque[Event] = deque(maxlen=FEED_TAIL_EVENTS)
        self._head = -1
        self._reading = asyncio.Lock()
        self._is_stale = True
        self._is_closed = False
        self._stop_listening = store.listen(self._hear)

    async def follow(
        self, after: int, *, topic: str = "", heartbeat_s: float = HEARTBEAT_S
    ) -> AsyncIterator[Sequence[Event]]:
        """Batches of events with seq > `after`, for ever; an empty batch after `heartbeat_s` of silence."""
        while not self._is_closed:
            change = self._change  # taken before reading, so that a commit in between is not missed
            events = await self._since(after, topic)
            if events:
                after = events[-1].seq
                yield events
                continue
            await asyncio.wait([change], timeout=heartbeat_s)
            if not change.done():
                yield ()

    def close(self) -> None:
        """End every reader."""
        self._is_closed = True
        self._stop_listening()
        self._wake()

    async def _since(self, after: int, topic: str) -> Sequence[Event]:
        await self._catch_up()
        if after >= self._head:
            return ()
        if self._tail and self._tail[0].seq <= after + 1:
            return self._from_tail(after, topic)
        return await feed.read(self._store, after, topic=topic)

    def _from_tail(self, after: int, topic: str) -> Sequence[Event]:
        behind = self._tail[-1].seq - after
        newest = [self._tail[-n] for n in range(behind, 0, -1)]
        return [event for event in newest if not topic or event.topic == topic]

    async def _catch_up(self) -> None:
        """The first reader that wakes reads what is new for all."""
        if not self._is_stale and not self._reading.locked():
            return
        # Also while another's read is under way: what it brings was signalled before this reader began to wait.
        async with self._reading:
            while self._is_stale:
                self._is_stale = False
                if self._head < 0:
                    self._head = await self._store.read(feed.newest)
                    continue
                new = await feed.read(self._store, self._head)
                self._tail.extend(new)
                self._head = new[-1].seq if new else self._head
                self._is_stale = self._is_stale or len(new) == FEED_PAGE_EVENTS

    def _hear(self, _topic: str) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop has ended: nobody follows any more
            return

    def _wake(self) -> None:
        self._is_stale = True
        if not self._change.done():
            self._change.set_result(None)
        self._change = self._loop.create_future()
