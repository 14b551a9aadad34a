"""The parent's side of the SQL sandbox: a few kept processes, each killed when it is late or gone wrong."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import msgspec

from banyan.errors import Problem
from banyan.limits import QUERY_QUEUE, QUERY_TIME_S, SQL_ANSWER_BYTES, SQL_GRACE_S, SQL_PROCESSES, SQL_START_S
from banyan.service.opendata.tables.refusals import too_busy, too_much
from banyan.service.opendata.tables.sqlworker import LENGTH_BYTES, Order, Reply, frame

Sources = dict[str, tuple[str, tuple[str, ...]]]
Resolve = Callable[[tuple[str, ...]], Awaitable[Sources]]
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")


class _Box:
    """One process. `is_broken` once it was killed: what it would still say belongs to nobody."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.is_broken = False

    async def ask(self, order: Order, time_s: float) -> Reply:
        """One order, one reply. A process that is late, dead or was cut off in between is killed."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None, "a pipe was asked for"
        assert stdout is not None, "a pipe was asked for"
        is_whole = False
        try:
            async with asyncio.timeout(time_s):
                stdin.write(frame(msgspec.msgpack.encode(order)))
                await stdin.drain()
                head = await stdout.readexactly(LENGTH_BYTES)
                body = await stdout.readexactly(int.from_bytes(head, "big"))
            is_whole = True
        except TimeoutError:
            raise too_much("query_time", seconds=QUERY_TIME_S) from None
        except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
            raise too_much("query_memory") from None
        finally:
            if not is_whole:
                await self.end()
        return _accepted(msgspec.msgpack.decode(body, type=Reply))

    async def end(self) -> None:
        self.is_broken = True
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class Sandbox:
    """Runs public SQL in at most SQL_PROCESSES processes. They start at the first query and end with `close`."""

    def __init__(self) -> None:
        self._free: list[_Box] = []
        self._turn = asyncio.Semaphore(SQL_PROCESSES)
        self._waiting = 0

    async def run(self, sql: str, resolve: Resolve) -> Reply:
        """The rows of one SELECT. `resolve` gives the sources of the registers it names, and refuses what it must.

        Raises Invalid (409), Denied (403), NotFound (404), Limit (time, memory, answer's size), Unavailable.
        """
        if self._waiting >= QUERY_QUEUE:
            raise too_busy()
        self._waiting += 1
        try:
            async with self._turn:
                box = await self._taken()
                try:
                    named = await box.ask(Order(sql), QUERY_TIME_S)
                    sources = await resolve(named.tables)
                    return await box.ask(Order(sql, sources), QUERY_TIME_S + SQL_GRACE_S)
                finally:
                    if not box.is_broken:
                        self._free.append(box)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the processes."""
        while self._free:
            await self._free.pop().end()

    async def _taken(self) -> _Box:
        if self._free:
            return self._free.pop()
        box = _Box(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "banyan.service.opendata.tables.sqlworker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(os.environ),
                limit=SQL_ANSWER_BYTES,
            )
        )
        await box.ask(Order("SELECT 1", {}), SQL_START_S)
        return box


def _accepted(reply: Reply) -> Reply:
    said = reply.refused
    if said is None:
        return reply
    raise Problem(said.title, kind=said.kind, status=said.status, remedy=said.remedy, fields=said.fields)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """What Python needs to start; no secret of the node's."""
    return {name: given[name] for name in _ENVIRONMENT if name in given} | {"LANG": "C.UTF-8"}
