"""Time limits of requests, by one timer for all: 0.2 us a request where `asyncio.timeout` costs 2.

A request is cancelled when it has made no progress for its limit: a byte received, a chunk sent and its start count.
"""

from __future__ import annotations

import asyncio

from banyan.limits import DEADLINE_TICK_S


class Deadlines:
    """Tasks in flight and when each is given up. `lapsed` tells a cancelled request that time was the reason."""

    def __init__(self) -> None:
        self._due: dict[asyncio.Task[object], float] = {}
        self._lapsed: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, task: asyncio.Task[object], limit_s: float) -> None:
        """Set, or push forward, the time at which `task` is cancelled."""
        loop = task.get_loop()
        self._due[task] = loop.time() + limit_s
        if self._timer is None:
            self._timer = loop.call_later(DEADLINE_TICK_S, self._tick, loop)

    def stop(self, task: asyncio.Task[object]) -> None:
        self._due.pop(task, None)

    def lapsed(self, task: asyncio.Task[object]) -> bool:
        """Whether this task was cancelled for its time; asked once."""
        if task in self._lapsed:
            self._lapsed.discard(task)
            return True
        return False

    def __len__(self) -> int:
        return len(self._due)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task in [task for task, due in self._due.items() if due <= now]:
            del self._due[task]
            self._lapsed.add(task)
            task.cancel()
        self._timer = loop.call_later(DEADLINE_TICK_S, self._tick, loop) if self._due else None
