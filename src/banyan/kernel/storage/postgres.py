"""The SQL store over PostgreSQL: the same statements, the same promises, for a service that outgrew one machine.

A service's tables live in a schema of its name. Writes go through one connection with group commit and a savepoint a
job, as on SQLite; several nodes may write. Reads run in threads, each in one repeatable-read snapshot. The database
must sort text by code points (collation C), as SQLite does. A server set to `synchronous_commit = off` is overruled: a
write that returned is durable.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from banyan.errors import Conflict, Problem, Unavailable
from banyan.kernel.storage.batches import Batched, Job, done, runs
from banyan.kernel.storage.full import storage_full
from banyan.kernel.storage.pglisten import Ear, channel_of
from banyan.kernel.storage.pgtypes import register_types
from banyan.kernel.storage.statements import for_postgres, script_for_postgres
from banyan.kernel.storage.store import Batch, Item, Row, SchemaTx, SqlValue, Statement, Tx
from banyan.kernel.storage.values import refuse_unfit, unfit
from banyan.kernel.storage.worker import Failed, GroupWorker
from banyan.limits import GROUP_COMMIT_JOBS, POSTGRES_CONNECT_S, POSTGRES_READERS, WRITE_QUEUE_JOBS

T = TypeVar("T")
Connection = psycopg.Connection[Row]
_MIGRATION_LOCK: Final = 0x42_41_4E_59  # "BANY": any fixed number that all nodes know
_DURABLE: Final = (
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
)
_PROBE: Final = ("B", "_", "a", "b", "é", "台", "臺", "𠮷")
_SORTED_PROBE: Final = "select word from unnest(array['台','é','b','𠮷','a','_','臺','B']::text[]) word order by word"


class PostgresStore:
    """One service's records in `schema` of the database at `address`. See `Store` for what the methods promise."""

    def __init__(self, address: str, *, schema: str) -> None:
        self._address = make_conninfo(address, connect_timeout=int(POSTGRES_CONNECT_S))
        self._schema = schema
        self._texts: dict[str, str] = {}
        self._writer = self._connect()
        self._prepare_schema()
        self._readers = threading.local()
        self._reader_connections: list[Connection] = []
        self._pool = ThreadPoolExecutor(POSTGRES_READERS, thread_name_prefix=f"read {schema}")
        self._ear: Ear | None = None
        self._worker: GroupWorker[Callable[[Tx], object], object] = GroupWorker(
            f"write {schema}", self._run_group, group=GROUP_COMMIT_JOBS, queue=WRITE_QUEUE_JOBS
        )

    async def read(self, job: Callable[[Tx], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read_in_thread, job)

    read_long = read

    async def write(self, job: Callable[[Tx], T]) -> T:
        return cast(T, await self._worker.do(job))

    async def write_each(self, batch: Batch[Item, T], item: Item) -> T:
        return cast(T, await self._worker.do(Batched(batch, item)))

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        if self._ear is None:
            self._ear = Ear(self._connect, channel_of(self._schema))
        return self._ear.listen(callback)

    def migrate(self, job: Callable[[SchemaTx], T]) -> T:
        def alone(tx: Tx) -> T:
            self._writer.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            return job(cast(SchemaTx, tx))

        outcome = self._alone(alone)
        if isinstance(outcome, Failed):
            raise outcome.error
        return cast(T, outcome)

    async def close(self) -> None:
        await asyncio.to_thread(self.shut)

    def shut(self) -> None:
        self._worker.close()
        self._pool.shutdown()
        if self._ear:
            self._ear.close()
        for connection in (*self._reader_connections, self._writer):
            connection.close()

    def _connect(self) -> Connection:
        try:
            connection: Connection = psycopg.connect(self._address, autocommit=True)
        except psycopg.OperationalError as error:
            raise _unreachable() from error
        register_types(connection)
        connection.execute(sql.SQL("set search_path to {}").format(sql.Identifier(self._schema)))
        connection.execute(_DURABLE)
        return connection

    def _prepare_schema(self) -> None:
        refuse_other_order([str(row[0]) for row in self._writer.execute(_SORTED_PROBE)])
        with self._writer.transaction():
            # Two nodes that start together would both try, and the server refuses the second.
            self._writer.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            self._writer.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(self._schema)))

    def _read_in_thread(self, job: Callable[[Tx], T]) -> T:
        connection = self._begun_reader()
        tx = _PostgresTx(connection, self._texts, self._schema)
        try:
            return job(tx)
        finally:
            tx.end()
            with suppress(psycopg.Error):  # a broken connection is replaced by the next read
                connection.execute("rollback")

    def _begun_reader(self) -> Connection:
        """This thread's connection in a new snapshot, connected again when the server dropped it."""
        begin = "begin isolation level repeatable read read only"
        connection: Connection | None = getattr(self._readers, "connection", None)
        if connection is not None:
            with suppress(psycopg.OperationalError):
                connection.execute(begin)
                return connection
            self._reader_connections.remove(connection)
            connection.close()
        connection = self._readers.connection = self._connect()
        self._reader_connections.append(connection)
        connection.execute(begin)
        return connection

    def _run_group(self, jobs: list[Callable[[Tx], object]]) -> Sequence[object | Failed]:
        if len(jobs) == 1:
            return [self._alone(jobs[0])]
        try:
            return self._together(jobs)
        except _GroupLost:
            # The server refused the whole transaction before its commit was asked for: each job stands for itself.
            return [self._alone(job) for job in jobs]

    def _together(self, jobs: list[Callable[[Tx], object]]) -> Sequence[object | Failed]:
        outcomes: list[object | Failed] = []
        self._begin()
        boundary = "savepoint job"
        waiting: deque[list[Job]] = deque(runs(jobs))
        while waiting:
            some = waiting.popleft()
            self._step(boundary)
            boundary = "release job; savepoint job"
            tx = _PostgresTx(self._writer, self._texts, self._schema)
            try:
                answers = done(some, tx)
                tx.finish()
                outcomes += answers
            except Exception as error:  # the worker loop: one job's error is its own
                boundary = "rollback to job; release job; savepoint job"
                if len(some) > 1:
                    waiting.extendleft([job] for job in reversed(some))
                else:
                    outcomes.append(Failed(error))
            tx.end()
        last = "rollback to job; " if isinstance(outcomes[-1], Failed) else ""
        return self._committed(outcomes, last)

    def _begin(self) -> None:
        """Begin, connected again when the server dropped us; nothing was asked of it yet, so that is safe."""
        if self._writer.info.transaction_status != TransactionStatus.IDLE:
            self._roll_back()
        try:
            self._writer.execute("begin")
        except psycopg.OperationalError:
            self._writer.close()
            self._writer = self._connect()
            self._writer.execute("begin")

    def _step(self, boundary: str) -> None:
        try:
            self._writer.execute(boundary)
        except psycopg.Error as error:
            self._roll_back()
            raise _GroupLost from error

    def _committed(self, outcomes: list[object | Failed], last: str) -> Sequence[object | Failed]:
        try:
            self._writer.execute(f"{last}commit")
        except psycopg.Error as error:
            self._roll_back()
            # Whether the commit took effect is unknown when the connection broke, so nothing is tried again.
            return [Failed(translated(error))] * len(outcomes)
        return outcomes

    def _alone(self, job: Callable[[Tx], object]) -> object | Failed:
        self._begin()
        tx = _PostgresTx(self._writer, self._texts, self._schema)
        try:
            outcome = job(tx)
            tx.finish()
            self._writer.execute("commit")
        except psycopg.Error as error:
            self._roll_back()
            return Failed(translated(error))
        except Exception as error:  # the worker loop: the one who asked is told
            self._roll_back()
            return Failed(error)
        finally:
            tx.end()
        return outcome

    def _roll_back(self) -> None:
        with suppress(psycopg.Error):  # a broken connection is replaced by the next group
            self._writer.execute("rollback")


class _GroupLost(Exception):
    """The server rolled back the whole group."""


class _PostgresTx:
    """Tx over one connection; usable until the job returns, and not after an error."""

    __slots__ = ("_connection", "_is_usable", "_schema", "_texts", "error")

    def __init__(self, connection: Connection, texts: dict[str, str], schema: str) -> None:
        self._connection = connection
        self._texts = texts
        self._schema = schema
        self._is_usable = True
        self.error: Exception | None = None

    def rows(self, statement: Statement, **values: SqlValue) -> list[Row]:
        cursor = self._executed(statement, values)
        return cursor.fetchall() if cursor.description else []

    def row(self, statement: Statement, **values: SqlValue) -> Row | None:
        found = self.rows(statement, **values)
        return found[0] if found else None

    def run(self, statement: Statement, **values: SqlValue) -> int:
        return self._executed(statement, values).rowcount

    def run_many(self, statement: Statement, values: Sequence[dict[str, SqlValue]]) -> int:
        for one in values:
            refuse_unfit(one)
        cursor = self._connection.cursor()
        try:
            cursor.executemany(self._text(statement), values)
            return cursor.rowcount
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._broken(translated(error)) from error

    def signal(self, topic: str) -> None:
        # Delivered by the server at commit, to every node; several of one topic in a transaction count once.
        self._connection.execute("select pg_notify(%s, %s)", (channel_of(self._schema), topic))

    def script(self, text: str) -> None:
        try:
            self._connection.execute(script_for_postgres(text))
        except psycopg.Error as error:
            raise translated(error) from error

    def finish(self) -> None:
        """Raise the error that the job should have let pass: on PostgreSQL a commit would silently undo all."""
        if self.error is not None:
            raise self.error

    def end(self) -> None:
        self._is_usable = False

    def _executed(self, statement: Statement, values: dict[str, SqlValue]) -> psycopg.Cursor[Row]:
        refuse_unfit(values)
        try:
            return self._connection.execute(self._text(statement), values)
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._broken(translated(error)) from error

    def _broken(self, error: Exception) -> Exception:
        self._is_usable = False
        self.error = error
        return error

    def _text(self, statement: Statement) -> str:
        assert self._is_usable, "a Tx is used after its job returned or failed"
        text = self._texts.get(statement.text)
        if text is None:
            text = self._texts[statement.text] = for_postgres(statement.text)
        return text


def refuse_other_order(found: Sequence[str]) -> None:
    """Raise Problem unless the database put the probe's words in the order of their code points."""
    if tuple(found) != _PROBE:
        raise Problem(
            f"The database sorts text as {' '.join(found)}; Banyan needs code-point order, {' '.join(_PROBE)}.",
            remedy="Create it with: createdb --template=template0 --encoding=UTF8 --locale=C NAME",
            kind="wrong-collation",
        )


def translated(error: psycopg.Error | UnicodeEncodeError) -> Exception:
    """The house's error for a driver's error; a mistake in SQL stays what it is, a programmer's error."""
    if isinstance(error, UnicodeEncodeError | psycopg.DataError):
        return unfit()
    if isinstance(error, psycopg.errors.DiskFull):
        return storage_full()
    if isinstance(error, psycopg.IntegrityError):
        return Conflict("A rule of the records refuses this.", remedy="Read the record again.", kind="constraint")
    if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.LockNotAvailable):
        return Unavailable("The records are locked.", remedy="Try again.", kind="storage-busy", retry_after_s=1)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return _unreachable()
    return error


def _unreachable() -> Problem:
    return Unavailable(
        "The database does not answer.",
        remedy="Try again with the same idempotency key; the operator checks PostgreSQL.",
        kind="storage-unreachable",
        retry_after_s=5,
    )
