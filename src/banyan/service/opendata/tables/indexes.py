"""Which columns have postings: they are built in the background when a column is first filtered or counted by."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import duckdb

from banyan.limits import POSTING_ROWS, POSTINGS_BYTES
from banyan.service.opendata.model import Version
from banyan.service.opendata.tables.answers import Recent
from banyan.service.opendata.tables.columns import ROW_ID, Stored
from banyan.service.opendata.tables.compose import From
from banyan.service.opendata.tables.postings import Posting, build
from banyan.service.opendata.tables.workers import Connection

Reading = Callable[[Version], AbstractContextManager[tuple[Connection, From]]]


class Indexes:
    """Postings by (version, column), the least used dropped at POSTINGS_BYTES. `reading` opens a version's rows."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._lock = threading.Lock()
        self._held: Recent[tuple[str, str], Posting] = Recent(POSTINGS_BYTES, lambda posting: posting.size)
        self._asked: set[tuple[str, str]] = set()
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="tables-postings")

    def get(self, version: Version, column: Stored) -> Posting | None:
        """The column's postings; None when there are none, and then they are on their way if they are worth it."""
        key = (version.parquet, column.name)
        with self._lock:
            found = self._held.get(key)
            if found is None and key not in self._asked and self._is_worth(version, column):
                self._asked.add(key)
                self._builder.submit(self._build, key, version, column)
            return found

    def drop(self, parquet: str) -> None:
        """Forget a version."""
        with self._lock:
            self._held.drop_all(lambda key: key[0] == parquet)
            self._asked = {key for key in self._asked if key[0] != parquet}

    def wait(self) -> None:
        """Return when all that was asked for is built."""
        self._builder.submit(lambda: None).result()

    def close(self) -> None:
        self._builder.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def _is_worth(version: Version, column: Stored) -> bool:
        return column.name != ROW_ID and column.duck != "DOUBLE" and version.rows <= POSTING_ROWS

    def _build(self, key: tuple[str, str], version: Version, column: Stored) -> None:
        try:
            with self._reading(version) as (connection, source):
                found = build(connection, source, column)
        except duckdb.Error:
            return  # no memory for it, or its version is gone: DuckDB goes on answering
        if found is not None:
            with self._lock:
                self._held.put(key, found)
