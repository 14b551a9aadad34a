"""A bounded pool of threads over one DuckDB instance, each query with a time limit that really stops it.

DuckDB has no statement timeout: a query is stopped by `interrupt()` from outside, so the clock starts before the
query does and runs until its rows are in hand. Source: DuckDB 2.0, measured in field notes s4.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import duckdb

from banyan.limits import QUERY_QUEUE, QUERY_TIME_S
from banyan.service.opendata.tables.refusals import too_busy, too_much

T = TypeVar("T")
Connection = duckdb.DuckDBPyConnection


class _Run:
    """One job's state, so that a late clock never interrupts the next job on the same connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self.stopped = False

    def begin(self, connection: Connection) -> bool:
        with self._lock:
            self._connection = connection
            return not self.stopped

    def end(self) -> None:
        with self._lock:
            self._connection = None

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            if self._connection is not None:
                self._connection.interrupt()


class Workers:
    """Runs jobs on DuckDB off the event loop. Settings are locked once the instance is open."""

    def __init__(self, name: str, *, threads: int, settings: Mapping[str, str | int | bool | list[str]]) -> None:
        self._instance = duckdb.connect(":memory:")
        for key, value in settings.items():
            self._instance.execute(f"SET {key} = {setting(value)}")
        self._instance.execute("SET lock_configuration = true")
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._own = threading.local()
        self._waiting = 0

    async def run(self, job: Callable[[Connection], T], *, time_s: float = QUERY_TIME_S) -> T:
        """Run `job` on a connection of this instance. Raises Unavailable when QUERY_QUEUE jobs wait already, Limit when
        `time_s` seconds (waiting counted) or the instance's memory did not suffice."""
        if self._waiting >= QUERY_QUEUE:
            raise too_busy()
        run = _Run()
        loop = asyncio.get_running_loop()
        clock = loop.call_later(time_s, run.stop)
        self._waiting += 1
        try:
            return await loop.run_in_executor(self._pool, self._work, job, run)
        except asyncio.CancelledError:
            run.stop()
            raise
        except duckdb.InterruptException:
            raise too_much("query_time", seconds=time_s) from None
        except duckdb.OutOfMemoryException:
            raise too_much("query_memory") from None
        finally:
            self._waiting -= 1
            clock.cancel()

    def _work(self, job: Callable[[Connection], T], run: _Run) -> T:
        connection = self.connection()
        if not run.begin(connection):
            raise duckdb.InterruptException("stopped before it began")
        try:
            return job(connection)
        finally:
            run.end()

    def connection(self) -> Connection:
        """This thread's own connection to the instance."""
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = self._instance.cursor()
        return found

    def fresh(self) -> Connection:
        """A connection for one long reading (a download); the caller closes it."""
        return self._instance.cursor()

    def close(self) -> None:
        """Wait for running jobs, then close the instance."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._instance.close()


def setting(value: str | int | bool | list[str]) -> str:
    """A value as DuckDB's SET takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(setting(item) for item in value) + "]"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
