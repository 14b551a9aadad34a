"""The SQL store over one SQLite file: one writer thread with group commit at synchronous=FULL, reads inline.

Exactly one process writes a file (the drawer's lock sees to it); readers never wait for the writer (WAL).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar, cast

import apsw

from banyan.errors import Conflict, Problem, Unavailable
from banyan.kernel.storage.batches import Batched, done, runs
from banyan.kernel.storage.full import is_nearly_full, storage_full
from banyan.kernel.storage.statements import for_sqlite
from banyan.kernel.storage.store import Batch, Item, Row, SchemaTx, SqlValue, Statement, Tx
from banyan.kernel.storage.values import refuse_unfit, unfit
from banyan.kernel.storage.worker import Failed, GroupWorker
from banyan.limits import (
    GROUP_COMMIT_JOBS,
    READ_THREADS,
    SQL_BUSY_S,
    SQL_STATEMENTS_CACHED,
    WRITE_AHEAD_BYTES,
    WRITE_QUEUE_JOBS,
)

T = TypeVar("T")
_SETTINGS: Final = (
    "pragma journal_mode=wal",
    "pragma synchronous=full",  # a commit returns when the write-ahead log is flushed
    "pragma foreign_keys=on",
    "pragma trusted_schema=off",
    "pragma cell_size_check=on",
    f"pragma journal_size_limit={WRITE_AHEAD_BYTES}",
)


class SqliteStore:
    """One service's records in `path`. See `Store` for what the methods promise."""

    is_alone = True
    """No other process writes: listeners hear of every signal, before the one who wrote does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, str] = {}
        self._writer = _connect(path)
        self._reader = _connect(path, is_reader=True)
        self._reader_lock = threading.Lock()
        self._turn: asyncio.AbstractEventLoop | None = None
        self._long_readers = threading.local()
        self._long_connections: list[apsw.Connection] = []
        self._pool = ThreadPoolExecutor(READ_THREADS, thread_name_prefix=f"read {path.name}")
        self._listeners: list[Callable[[str], None]] = []
        self._worker: GroupWorker[Callable[[Tx], object], object] = GroupWorker(
            f"write {path}", self._run_group, group=GROUP_COMMIT_JOBS, queue=WRITE_QUEUE_JOBS
        )

    async def read(self, job: Callable[[Tx], T]) -> T:
        # The lock is for tests and tools with several event loops; one loop never waits here.
        with self._reader_lock:
            loop = asyncio.get_running_loop()
            if self._turn is not loop:
                self._begin_turn(loop)
            tx = _SqliteTx(self._reader, self._texts, self._path)
            try:
                return job(tx)
            finally:
                tx.end()

    async def read_long(self, job: Callable[[Tx], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read_in_thread, job)

    async def write(self, job: Callable[[Tx], T]) -> T:
        return cast(T, await self._worker.do(job))

    async def write_each(self, batch: Batch[Item, T], item: Item) -> T:
        return cast(T, await self._worker.do(Batched(batch, item)))

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def migrate(self, job: Callable[[SchemaTx], T]) -> T:
        outcome = self._alone(cast("Callable[[Tx], object]", job))
        if isinstance(outcome, Failed):
            raise outcome.error
        return cast(T, outcome)

    async def close(self) -> None:
        await asyncio.to_thread(self.shut)

    def shut(self) -> None:
        self._worker.close()
        self._pool.shutdown()
        with self._reader_lock:  # the loop may be about to end a turn of this connection
            if self._turn is not None:
                self._end_view()
            self._reader.close()
        for connection in (*self._long_connections, self._writer):
            connection.close()

    def _read_in_thread(self, job: Callable[[Tx], T]) -> T:
        connection: apsw.Connection | None = getattr(self._long_readers, "connection", None)
        if connection is None:
            connection = self._long_readers.connection = _connect(self._path, is_reader=True)
            self._long_connections.append(connection)
        return self._view(connection, job)

    def _begin_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """One transaction for all that this turn of the loop reads: beginning one costs as much as a short read, and
        ending it forgets the pages. A write's answer comes to the loop after the turn that ended before it."""
        self._end_view()
        self._reader.execute("begin")
        self._turn = loop
        loop.call_soon(self._end_turn, loop)

    def _end_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._reader_lock:
            if self._turn is loop:
                self._end_view()

    def _end_view(self) -> None:
        self._turn = None
        if self._reader.in_transaction:
            self._reader.execute("rollback")

    def _view(self, connection: apsw.Connection, job: Callable[[Tx], T]) -> T:
        """Run in one read transaction, so that every statement sees the same commit."""
        tx = _SqliteTx(connection, self._texts, self._path)
        connection.execute("begin")
        try:
            return job(tx)
        finally:
            tx.end()
            connection.execute("rollback")

    def _run_group(self, jobs: list[Callable[[Tx], object]]) -> Sequence[object | Failed]:
        self._roll_back()  # a disk error may have left the last group's transaction open
        if len(jobs) == 1:
            return [self._alone(jobs[0])]
        try:
            # A job seldom fails, and a boundary around each costs a third of a small job: first without.
            return self._together(jobs, is_bounded=False)
        except _GroupLost:
            self._roll_back()
        try:
            return self._together(jobs, is_bounded=True)
        except _GroupLost:
            # SQLite gave up the whole transaction (a full disk does that), so each job stands for itself.
            return [self._alone(job) for job in jobs]

    def _together(self, jobs: list[Callable[[Tx], object]], *, is_bounded: bool) -> Sequence[object | Failed]:
        """Run the jobs in one transaction; `is_bounded` lets one fail alone, else its failure loses the group."""
        run = self._writer.execute
        outcomes: list[object | Failed] = []
        signals: list[str] = []
        try:
            run("begin immediate")
        except apsw.Error as error:
            return [Failed(translated(error, self._path))] * len(jobs)
        for some in [[job] for job in jobs] if is_bounded else runs(jobs):
            if is_bounded:
                run("savepoint job")
            tx = _SqliteTx(self._writer, self._texts, self._path)
            try:
                answers = done(some, tx)
                tx.finish()
                outcomes += answers
                signals += tx.signals
            except Exception as error:  # the worker loop: one job's error is its own
                if not is_bounded or not self._writer.in_transaction:
                    raise _GroupLost from error
                outcomes.append(Failed(error))
                run("rollback to job")
            tx.end()
            if is_bounded:
                run("release job")
        try:
            run("commit")
        except apsw.Error as error:
            self._roll_back()
            raise _GroupLost from error
        self._tell(signals)
        return outcomes

    def _alone(self, job: Callable[[Tx], object]) -> object | Failed:
        tx = _SqliteTx(self._writer, self._texts, self._path)
        try:
            self._writer.execute("begin immediate")
            outcome = job(tx)
            tx.finish()
            self._writer.execute("commit")
        except apsw.Error as error:
            self._roll_back()
            return Failed(translated(error, self._path))
        except Exception as error:  # the worker loop: the one who asked is told
            self._roll_back()
            return Failed(error)
        finally:
            tx.end()
        self._tell(tx.signals)
        return outcome

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("rollback")

    def _tell(self, signals: list[str]) -> None:
        for topic in dict.fromkeys(signals):
            for listener in tuple(self._listeners):
                listener(topic)


class _GroupLost(Exception):
    """The engine rolled back the whole group."""


class _SqliteTx:
    """Tx over one connection; usable until the job returns, and not after an error."""

    __slots__ = ("_connection", "_is_usable", "_path", "_texts", "error", "signals")

    def __init__(self, connection: apsw.Connection, texts: dict[str, str], path: Path) -> None:
        self._connection = connection
        self._texts = texts
        self._path = path
        self._is_usable = True
        self.error: Exception | None = None
        self.signals: list[str] = []

    def rows(self, statement: Statement, **values: SqlValue) -> list[Row]:
        refuse_unfit(values)
        try:
            return self._connection.execute(self._text(statement), values).fetchall()
        except (apsw.Error, UnicodeEncodeError) as error:
            raise self._broken(translated(error, self._path)) from error

    def row(self, statement: Statement, **values: SqlValue) -> Row | None:
        # All rows are stepped through: an INSERT .. RETURNING is complete only when its cursor is exhausted.
        found = self.rows(statement, **values)
        return found[0] if found else None

    def run(self, statement: Statement, **values: SqlValue) -> int:
        self.rows(statement, **values)
        return self._connection.changes()

    def run_many(self, statement: Statement, values: Sequence[dict[str, SqlValue]]) -> int:
        for one in values:
            refuse_unfit(one)
        before = self._connection.total_changes()
        try:
            self._connection.executemany(self._text(statement), values).fetchall()
            return self._connection.total_changes() - before
        except (apsw.Error, UnicodeEncodeError) as error:
            raise self._broken(translated(error, self._path)) from error

    def signal(self, topic: str) -> None:
        self.signals.append(topic)

    def script(self, text: str) -> None:
        try:
            self._connection.execute(for_sqlite(text)).fetchall()
        except apsw.Error as error:
            raise translated(error, self._path) from error

    def finish(self) -> None:
        """Raise the error that the job should have let pass: on PostgreSQL a commit would silently undo all."""
        if self.error is not None:
            raise self.error

    def end(self) -> None:
        self._is_usable = False

    def _broken(self, error: Exception) -> Exception:
        self._is_usable = False
        self.error = error
        return error

    def _text(self, statement: Statement) -> str:
        assert self._is_usable, "a Tx is used after its job returned or failed"
        text = self._texts.get(statement.text)
        if text is None:
            text = self._texts[statement.text] = for_sqlite(statement.text)
        return text


def translated(error: apsw.Error | UnicodeEncodeError, path: Path) -> Exception:
    """The house's error for a driver's error; a mistake in SQL stays what it is, a programmer's error."""
    if isinstance(error, apsw.FullError) or (isinstance(error, apsw.IOError) and is_nearly_full(path)):
        return storage_full()
    if isinstance(error, UnicodeEncodeError):
        return unfit()
    if isinstance(error, apsw.ConstraintError):
        if getattr(error, "extendedresult", 0) == apsw.SQLITE_CONSTRAINT_DATATYPE:  # absent from its types
            return unfit()
        return Conflict("A rule of the records refuses this.", remedy="Read the record again.", kind="constraint")
    if isinstance(error, apsw.BusyError):
        return Unavailable("The records are locked.", remedy="Try again.", kind="storage-busy", retry_after_s=1)
    if isinstance(error, apsw.IOError):
        return Problem("The disk failed.", remedy="Check the disk of the data folder.", kind="storage-failed")
    return error


def _connect(path: Path, *, is_reader: bool = False) -> apsw.Connection:
    connection = apsw.Connection(os.fspath(path), statementcachesize=SQL_STATEMENTS_CACHED)
    connection.set_busy_timeout(int(SQL_BUSY_S * 1000))
    for setting in (apsw.SQLITE_DBCONFIG_DQS_DML, apsw.SQLITE_DBCONFIG_DQS_DDL):
        connection.config(setting, 0)  # a misspelt "column" is an error, not a text
    # A plan that looks at the values is made again whenever one changes: twice the cost of a short read.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    for pragma in (*_SETTINGS, *(("pragma query_only=on",) if is_reader else ())):
        connection.execute(pragma)
    return connection
