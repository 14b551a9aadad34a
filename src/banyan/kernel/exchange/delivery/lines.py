"""Lines of waiting messages: one for each peer or service, so that who is down holds up nobody else.

A line carries up to `width` at once, in the order in which they are due, leaves a peer that keeps failing alone
(breaker.py) and sleeps until something is due or it is woken. What waits is in the store; here is only what is under
way, so a crash loses nothing but the attempts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.delivery.breaker import Breaker
from banyan.limits_road import DELIVERY_BACKOFF_S, DELIVERY_FLYING

T = TypeVar("T")
Carried = bool | None
"""Whether the other side works; None: the attempt tells nothing of it."""
_BLOCKED_S = 1.0
"""What is due but waits for one before it is looked at again, should nobody wake the line."""


class Waiting(Protocol[T]):
    """Where a kind of line finds its messages, and what it does with one."""

    async def keys(self) -> Sequence[str]:
        """The lines that have something waiting."""

    async def due(self, key: str, now: EpochS, most: int) -> Sequence[T]:
        """Messages that may go now, in order."""

    async def next_due(self, key: str) -> EpochS | None:
        """When the next is due; None when nothing waits."""

    def name(self, message: T) -> str:
        """A name that only this message has."""

    async def is_back(self, key: str) -> None:
        """The other side, which was left alone, works again."""

    async def carry(self, message: T) -> Carried:
        """Carry it out, unless it has changed meanwhile, and record what came of it. An error is noted, and the line
        rests a moment."""


class Line(Generic[T]):
    """One line. `ready` was found due and waits for a place: one look at the store serves a whole width."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.flying: dict[str, asyncio.Task[None]] = {}
        self.ready: deque[T] = deque()
        self.breaker = Breaker()
        self.rest_until = 0.0
        self.driver: asyncio.Task[None] | None = None


class Lines(Generic[T]):
    """`random` gives a float in 0..1; `failed` is told of errors that no line expects."""

    def __init__(
        self,
        waiting: Waiting[T],
        *,
        clock: Clock,
        random: Callable[[], float],
        failed: Callable[[str, Exception], None],
        width: int = DELIVERY_FLYING,
    ) -> None:
        self._waiting = waiting
        self._clock = clock
        self._random = random
        self._failed = failed
        self._width = width
        self._lines: dict[str, Line[T]] = {}
        self._is_running = False

    async def start(self) -> None:
        self._is_running = True
        for key in await self._waiting.keys():
            self.wake(key)

    async def stop(self) -> None:
        """Attempts under way are cancelled: they count as crashed, and what is recorded goes on at the next start."""
        self._is_running = False
        tasks = [line.driver for line in self._lines.values() if line.driver]
        tasks += [task for line in self._lines.values() for task in line.flying.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self, key: str) -> None:
        """Something was put into this line, or it may go on."""
        line = self._line(key)
        line.woken.set()
        if self._is_running and line.driver is None:
            line.driver = asyncio.create_task(self._drive(key, line), name=f"line {key}")

    def ensure(self, key: str) -> None:
        """Something that is due later than what waits already was put into this line."""
        if self._line(key).driver is None:
            self.wake(key)

    def hurry(self, key: str) -> None:
        """The peer was heard of: ask it now."""
        self._line(key).breaker = Breaker()
        self.wake(key)

    def state(self, key: str) -> Breaker:
        line = self._lines.get(key)
        return line.breaker if line else Breaker()

    async def turn(self) -> int:
        """Everything that may go now, once; how many went. For whoever drives the lines by hand."""
        return sum([await self.step(key) for key in await self._waiting.keys()])

    async def step(self, key: str) -> int:
        """`turn` of one line."""
        line = self._line(key)
        await self._launch(key, line)
        flying = list(line.flying.values())
        await asyncio.gather(*flying)
        return len(flying)

    def _line(self, key: str) -> Line[T]:
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = Line()
        return found

    async def _drive(self, key: str, line: Line[T]) -> None:
        """Until nothing waits any more; a failed look at the store is looked at again."""
        while True:
            line.woken.clear()
            try:
                wait_s = await self._launch(key, line)
            except Exception as error:  # the worker loop: what waits is safe, and the store may be back in a moment
                self._failed(key, error)
                wait_s = DELIVERY_BACKOFF_S
            if wait_s is None and not line.flying and not line.woken.is_set():
                line.driver = None
                if not line.breaker.failures:
                    del self._lines[key]
                return
            try:
                await asyncio.wait_for(line.woken.wait(), wait_s)
            except TimeoutError:
                continue

    async def _launch(self, key: str, line: Line[T]) -> float | None:
        """Start what may go; how many seconds until there may be more, None when only a wake can bring it."""
        now = self._clock()
        resting = max(line.rest_until, line.breaker.until if line.breaker.state(now) == "open" else 0.0)
        if now < resting:
            return resting - now
        free = line.breaker.places(now, self._width) - len(line.flying)
        if free <= 0:
            return None
        if len(line.ready) < free:
            found = await self._waiting.due(key, now, self._width + len(line.flying))
            line.ready = deque(one for one in found if self._waiting.name(one) not in line.flying)
        while free and line.ready:
            free -= 1
            one = line.ready.popleft()
            line.flying[self._waiting.name(one)] = asyncio.create_task(self._carried(key, line, one))
        if not free:
            return None
        due = await self._waiting.next_due(key)
        if due is None:
            return None
        return due - now if due > now else _BLOCKED_S

    async def _carried(self, key: str, line: Line[T], message: T) -> None:
        try:
            worked = await self._waiting.carry(message)
            if worked and line.breaker.is_tripped:
                line.breaker = line.breaker.worked()
                await self._waiting.is_back(key)
        except Exception as error:  # the worker loop: the message is where it was, and is tried again
            self._failed(key, error)
            line.rest_until = self._clock() + DELIVERY_BACKOFF_S
            worked = None
        finally:
            line.flying.pop(self._waiting.name(message), None)
            line.woken.set()
        if worked is True:
            line.breaker = line.breaker.worked()
        elif worked is False:
            line.breaker = line.breaker.failed(self._clock(), self._random())
