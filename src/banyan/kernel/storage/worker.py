"""One thread that does jobs in groups: the way to make many small durable writes share one disk flush.

The caller awaits its own answer. Jobs that arrive while a group is being written form the next group, so a group is
as large as the load asks for and a lone write waits for nobody.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import msgspec

from banyan.errors import Limit, Unavailable

Job = TypeVar("Job")
Answer = TypeVar("Answer")


async def to_the_end(work: Awaitable[Answer]) -> Answer:
    """Wait for `work` also when cancelled, then pass the cancellation on: for what changes something shared in a thread
    that nobody can stop, and must not begin a second time beside it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # looked at, so that nobody complains of it
        raise cancelled
    return task.result()


class Failed(msgspec.Struct, frozen=True):
    """A job's error, carried back to the one who asked."""

    error: Exception


class GroupWorker(Generic[Job, Answer]):
    """`run` gets 1..`group` jobs in the order they came and returns one answer or Failed for each.

    At most `queue` jobs wait; a further one is refused with Limit at once, for a queue in memory only hides overload.
    """

    def __init__(
        self, name: str, run: Callable[[list[Job]], Sequence[Answer | Failed]], *, group: int, queue: int
    ) -> None:
        self._name = name
        self._run = run
        self._group = group
        self._queue_bound = queue
        self._queue: SimpleQueue[list[_Asked[Job, Answer]] | None] = SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Asked[Job, Answer]]] = {}
        self._waiting = 0
        self._gate = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def do(self, job: Job) -> Answer:
        """Do the job; return when its group is done."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        with self._gate:
            if self._is_closed:
                raise Unavailable("The store is closed.", remedy="Start the node again.", kind="storage-closed")
            if self._waiting >= self._queue_bound:
                raise Limit(
                    f"{self._queue_bound} writes are waiting already (WRITE_QUEUE_JOBS).",
                    remedy="Try again in a moment with the same idempotency key.",
                    status=429,
                    kind="write-queue-full",
                    retry_after_s=1,
                )
            self._waiting += 1
            gathered = self._gathered.get(loop)
            if gathered is None:
                gathered = self._gathered[loop] = []
                loop.call_soon(self._hand_over, loop)
            gathered.append(_Asked(job, future, loop))
        return await future

    def close(self) -> None:
        """Finish what waits, then end the thread. Calling twice is harmless."""
        with self._gate:
            if not self._is_closed:
                self._is_closed = True
                for gathered in self._gathered.values():
                    self._queue.put(gathered)
                self._gathered.clear()
                self._queue.put(None)
        self._thread.join()

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """What one turn of the loop asked for goes to the thread at once: waking it costs more than a small job, and
        two threads that run at once take the interpreter from one another."""
        with self._gate:
            gathered = self._gathered.pop(loop, None)
            if gathered is not None:
                self._queue.put(gathered)

    def _work(self) -> None:
        is_last = False
        while not is_last:
            asked, is_last = self._next_groups()
            for start in range(0, len(asked), self._group):
                group = asked[start : start + self._group]
                with self._gate:
                    self._waiting -= len(group)
                _deliver(group, self._answers([one.job for one in group]))

    def _next_groups(self) -> tuple[list[_Asked[Job, Answer]], bool]:
        """All that waits, in the order it came; True when it is the last."""
        asked: list[_Asked[Job, Answer]] = []
        following = self._queue.get()
        while following is not None:
            asked += following
            try:
                following = self._queue.get_nowait()
            except Empty:
                return asked, False
        return asked, True

    def _answers(self, jobs: list[Job]) -> Sequence[Answer | Failed]:
        try:
            answers = self._run(jobs)
        except Exception as error:  # the worker loop: every caller is told, the thread goes on
            return [Failed(error)] * len(jobs)
        assert len(answers) == len(jobs), f"{self._name}: {len(answers)} answers to {len(jobs)} jobs"
        return answers


class _Asked(Generic[Job, Answer]):
    __slots__ = ("future", "job", "loop")

    def __init__(self, job: Job, future: asyncio.Future[Answer], loop: asyncio.AbstractEventLoop) -> None:
        self.job = job
        self.future = future
        self.loop = loop


def _deliver(asked: list[_Asked[Job, Answer]], answers: Sequence[Answer | Failed]) -> None:
    """Hand the answers over with one wake-up for each event loop, not one for each job."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Answer], Answer | Failed]]] = {}
    for one, answer in zip(asked, answers, strict=True):
        by_loop.setdefault(one.loop, []).append((one.future, answer))
    for loop, pairs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, pairs)
        except RuntimeError:  # that loop has ended: nobody waits for these answers any more
            continue


def _settle(pairs: list[tuple[asyncio.Future[Answer], Answer | Failed]]) -> None:
    for future, answer in pairs:
        if future.done():
            continue
        if isinstance(answer, Failed):
            future.set_exception(answer.error)
        else:
            future.set_result(answer)
