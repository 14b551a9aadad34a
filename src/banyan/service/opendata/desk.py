"""The publishing desk of one drawer: what lives in memory while files are read. One a drawer, closed with it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Limit
from banyan.kernel.events import EpochS
from banyan.kernel.storage import Drawer, Store
from banyan.limits import PUBLISH_JOBS, PUBLISH_JOBS_KEPT, READER_NICE, SMALL_FILE_BYTES
from banyan.service.opendata.committing import Published
from banyan.service.opendata.ingest import Progress
from banyan.service.opendata.reader import Reader
from banyan.service.opendata.wording import refusal
from banyan.service.opendata.worker import Refusal

JobState = Literal["waiting", "fetching", "reading", "comparing", "committing", "done", "failed", "cancelled"]
ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled")


class FetchRules(msgspec.Struct, frozen=True):
    """What the node lets a publish read, from node.toml `[fetch]`."""

    allow_private: bool = False
    watch_folders: tuple[Path, ...] = ()


class JobView(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a publish stands. `done` of `total` in `unit`; total 0 when it cannot be known."""

    job: str
    state: JobState
    filename: str
    started: EpochS
    phase: str = ""
    done: int = 0
    total: int = 0
    unit: str = "bytes"
    published: Published | None = None
    refusal: Refusal | None = None


class Job:
    """One publish: its state, who waits for it, and the task that does it."""

    def __init__(self, id: str, *, filename: str, started: EpochS, idempotency_key: str = "") -> None:
        self.id = id
        self.filename = filename
        self.started = started
        self.idempotency_key = idempotency_key
        self.state: JobState = "waiting"
        self.progress = Progress("")
        self.published: Published | None = None
        self.refusal: Refusal | None = None
        self.task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def move(self, state: JobState, progress: Progress | None = None) -> None:
        """Take a state or a step in it, and wake who watches."""
        self.state = state
        self.progress = progress or Progress(state)
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, wait_s: float) -> None:
        """Wait for the next step, at most `wait_s`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), wait_s)

    def view(self) -> JobView:
        return JobView(
            job=self.id,
            state=self.state,
            filename=self.filename,
            started=self.started,
            phase=self.progress.phase,
            done=self.progress.done,
            total=self.progress.total,
            unit=self.progress.unit,
            published=self.published,
            refusal=self.refusal,
        )


class Desk:
    """Two lanes of reading (small files never wait for large ones), one turn a dataset, and the jobs."""

    def __init__(self) -> None:
        self.rules = FetchRules()
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self._small, self._large = Reader(), Reader(nice=READER_NICE)
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}
        self._looks: dict[str, asyncio.Future[None]] = {}

    def reader(self, size: int) -> Reader:
        """The lane for a file of `size` bytes."""
        return self._small if size <= SMALL_FILE_BYTES else self._large

    @asynccontextmanager
    async def turn(self, dataset: str) -> AsyncIterator[None]:
        """Publishes into one dataset go one after another."""
        lock = self._turns.setdefault(dataset, asyncio.Lock())
        self._waiting[dataset] = self._waiting.get(dataset, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[dataset] -= 1
            if not self._waiting[dataset]:
                del self._waiting[dataset], self._turns[dataset]

    def enter(self, job: Job) -> None:
        """Take a job on. Raises Limit when PUBLISH_JOBS are waiting or running."""
        running = sum(one.state not in ENDED for one in self.jobs.values())
        if running >= PUBLISH_JOBS:
            raise refusal(Limit, "publish.too_many_jobs", most=PUBLISH_JOBS)
        ended = [one.id for one in self.jobs.values() if one.state in ENDED]
        for old in ended[: max(0, len(ended) - PUBLISH_JOBS_KEPT)]:
            del self.jobs[old]
        self.jobs[job.id] = job

    def look(self, resource_id: str, work: Callable[[], Awaitable[None]]) -> None:
        """Look at a live source beside everything else; not while a look at it is under way."""
        running = self._looks.get(resource_id)
        if running is not None and not running.done():
            return
        task = asyncio.ensure_future(work())
        self._looks[resource_id] = task
        task.add_done_callback(lambda done: self._looks.pop(resource_id, None))

    async def warm(self) -> None:
        """Start the reading process of the small lane, so that the first publish does not wait for it."""
        await self._small.warm()

    async def close(self) -> None:
        """Stop every job and the reading processes."""
        tasks: list[asyncio.Future[None]] = [
            job.task for job in self.jobs.values() if job.task is not None and not job.task.done()
        ]
        tasks += self._looks.values()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._small.close()
        await self._large.close()


_desks: WeakKeyDictionary[Store, Desk] = WeakKeyDictionary()


def desk_of(db: Drawer) -> Desk:
    """The desk of this drawer, made when first asked for."""
    desk = _desks.get(db.sql)
    if desk is None:
        desk = _desks[db.sql] = Desk()
    return desk


def set_rules(db: Drawer, rules: FetchRules) -> None:
    """The composition root says what publishes from this drawer may read."""
    desk_of(db).rules = rules


async def close_desk(db: Drawer) -> None:
    """Before the drawer closes."""
    desk = _desks.pop(db.sql, None)
    if desk is not None:
        await desk.close()
