"""The node's side of the reading process: one kept warm, given one order at a time, killed on cancel or over memory.

Measured in docs/decisions/0061: a thread that reads a large CSV delays the event loop and its memory stays with the
node; a process gives both back.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from banyan.errors import Limit, Problem, Unavailable
from banyan.limits import READER_BYTES, READER_IDLE_S, READER_KEEP_BYTES, READER_LINE_BYTES, READER_WATCH_S
from banyan.service.opendata.comparing import Comparison
from banyan.service.opendata.ingest import Progress, Table
from banyan.service.opendata.wording import refusal
from banyan.service.opendata.worker import CompareOrder, Order, ReadOrder, Report, from_line, to_line


class Reader:
    """At most one reading process. `close` ends it; a cancelled order ends it too."""

    def __init__(self, *, nice: int = 0) -> None:
        self._nice = nice
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.Task[None] | None = None

    async def warm(self) -> None:
        """Start the process before the first order needs it."""
        async with self._turn:
            await self._started()

    async def read(self, order: ReadOrder, progress: Callable[[Progress], None]) -> tuple[Table, ...]:
        """Read a file. Raises what the ingest refuses, Limit over READER_BYTES, Unavailable when the process dies."""
        report = await self._ordered(Order(read=order), progress)
        assert report.tables is not None, "a read order is answered with tables"
        return report.tables

    async def compare(self, order: CompareOrder) -> Comparison:
        """Compare two versions. Raises as `read`."""
        report = await self._ordered(Order(compare=order), lambda progress: None)
        assert report.comparison is not None, "a compare order is answered with a comparison"
        return report.comparison

    async def close(self) -> None:
        """End the process."""
        if self._idle is not None and self._idle is not asyncio.current_task():
            self._idle.cancel()
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ordered(self, order: Order, progress: Callable[[Progress], None]) -> Report:
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            process = await self._started()
            watch = asyncio.create_task(_over_memory(process.pid))
            talk = asyncio.create_task(_talk(process, order, progress))
            try:
                await asyncio.wait((watch, talk), return_when=asyncio.FIRST_COMPLETED)
                if not talk.done():
                    raise refusal(Limit, "publish.too_much_memory", most=READER_BYTES >> 20)
                report = talk.result()
                if report.refusal is not None:
                    raise report.refusal.problem()
                if _resident_bytes(process.pid) > READER_KEEP_BYTES:
                    await self.close()
                return report
            except Problem as problem:
                if problem.status >= 500 or isinstance(problem, Limit):
                    await self.close()
                raise
            except asyncio.CancelledError:
                await asyncio.shield(self.close())
                raise
            finally:
                for task in (watch, talk):
                    task.cancel()
                await asyncio.gather(watch, talk, return_exceptions=True)
                self._idle = asyncio.create_task(self._rest())

    async def _rest(self) -> None:
        """Give the memory back when nobody has published for a while."""
        await asyncio.sleep(READER_IDLE_S)
        async with self._turn:
            await self.close()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "banyan.service.opendata.worker",
                str(self._nice),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=READER_LINE_BYTES,
            )
            await _next_report(self._process)
        return self._process


async def _talk(process: asyncio.subprocess.Process, order: Order, progress: Callable[[Progress], None]) -> Report:
    assert process.stdin is not None, "the reader listens on its stdin"
    try:
        process.stdin.write(to_line(order))
        await process.stdin.drain()
    except OSError:
        raise refusal(Unavailable, "publish.reader_died") from None
    while (report := await _next_report(process)).progress is not None:
        progress(report.progress)
    return report


async def _next_report(process: asyncio.subprocess.Process) -> Report:
    assert process.stdout is not None, "the reader reports on its stdout"
    line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise refusal(Unavailable, "publish.reader_died")
    return from_line(line, Report)


async def _over_memory(pid: int) -> None:
    """Return when the process holds more than READER_BYTES."""
    while _resident_bytes(pid) <= READER_BYTES:  # noqa: ASYNC110 - nothing tells when a process grows
        await asyncio.sleep(READER_WATCH_S)


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
