"""The SQL store: one interface over SQLite (embedded) and PostgreSQL (grown).

A store belongs to one service. Writes go through one queue with group commit: when `write` returns, the job's rows are
on disk (SQLite `synchronous=FULL`; PostgreSQL `synchronous_commit=on`). A job that raises is rolled back alone.
Statements live in `*.sql` files in the common subset of both engines; see `statements.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

SqlValue = str | int | float | bytes | None
Row = tuple[SqlValue, ...]
T = TypeVar("T")
Item = TypeVar("Item")


class Statement(msgspec.Struct, frozen=True):
    """A named SQL text: `:name` placeholders, tokens such as `{bytes}` filled per engine."""

    name: str
    purpose: str
    text: str


class Tx(Protocol):
    """One transaction (write) or one consistent view (read). Never kept after the job returns."""

    def rows(self, statement: Statement, **values: SqlValue) -> list[Row]:
        """Run and return all rows (also for `INSERT .. RETURNING`)."""

    def row(self, statement: Statement, **values: SqlValue) -> Row | None:
        """Run and return the first row, or None."""

    def run(self, statement: Statement, **values: SqlValue) -> int:
        """Run an INSERT, UPDATE or DELETE; how many rows it wrote. On SQLite `returning` costs three times as much."""

    def run_many(self, statement: Statement, values: Sequence[dict[str, SqlValue]]) -> int:
        """Run once for each set of values; how many rows that wrote together."""

    def signal(self, topic: str) -> None:
        """Wake whoever listens to this store, after the commit and only if it succeeds."""


Batch = Callable[[Tx, Sequence[Item]], Sequence[T]]
"""`batch(tx, items)`: an answer for each item. When it raises, nothing of it stands and each item is done alone."""


class Store(Protocol):
    """One service's records."""

    async def read(self, job: Callable[[Tx], T]) -> T:
        """Run a short indexed read. On SQLite it runs inline (3.3x less CPU than a thread hop), and the reads of one
        turn of the event loop see the same commit: the newest when the first of them began."""

    async def read_long(self, job: Callable[[Tx], T]) -> T:
        """Run a read that may take over a millisecond, off the event loop."""

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run the job in the writer; return its value once it is durable. Raises Limit when the queue is full.

        A job touches nothing but its Tx: when its group is rolled back through another's fault it is run again.
        After an error from the Tx it must let the error pass; the engines differ in what would work afterwards.
        """

    async def write_each(self, batch: Batch[Item, T], item: Item) -> T:
        """`write` for one item of many alike: those that wait beside one another are given to `batch` together."""

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with the topic of each committed `Tx.signal`, from another thread; returns the way to stop."""

    async def close(self) -> None: ...


class SchemaTx(Tx, Protocol):
    """A transaction that may also change tables; only migrations get one."""

    def script(self, text: str) -> None:
        """Run several statements without parameters, tokens filled."""


class SchemaStore(Store, Protocol):
    """A store as the drawer opens it, before any service sees it."""

    def migrate(self, job: Callable[[SchemaTx], T]) -> T:
        """Run a job in one transaction here and now, alone among all processes."""

    def shut(self) -> None:
        """`close` without an event loop."""
