"""Hot versions: a second copy of a Parquet version in DuckDB's own format, in the order of `_id`.

A large Parquet lies sorted by its facet columns, which makes facets fast and pages in source order slow. The copy
turns a filtered page of 100 out of a million rows from 12.8 ms to 0.8 and an unfiltered one from 55 to 1 (medians of
one machine); making it takes about 1 s per million rows, in the background, while Parquet answers. Copies are
derived: they lie in the work folder, are swept at start, and the least used go when HOT_BYTES is reached.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb

from banyan.limits import HOT_BYTES
from banyan.service.opendata.tables.columns import ROW_ID, literal, quoted
from banyan.service.opendata.tables.workers import Connection


class _Copy:
    """One attached copy. It is detached when nobody reads it any more."""

    def __init__(self, name: str, path: Path, size: int) -> None:
        self.name = name
        self.path = path
        self.size = size
        self.readers = 0
        self.is_leaving = False


class HotTables:
    """Copies by the lake key of their version. Every method may be called from any thread."""

    def __init__(self, connection: Connection, work: Path, *, limit: int = HOT_BYTES) -> None:
        self._connection = connection
        self._work = work
        self._limit = limit
        self._lock = threading.Lock()
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._loading: dict[str, Future[None]] = {}
        self._refused: set[str] = set()
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="tables-hot")
        self._made = 0
        work.mkdir(parents=True, exist_ok=True)

    def borrow(self, key: str) -> _Copy | None:
        """The copy of `key`, kept until `give_back`; None when there is none (yet)."""
        with self._lock:
            copy = self._copies.get(key)
            if copy is not None:
                copy.readers += 1
                self._copies.move_to_end(key)
            return copy

    def give_back(self, copy: _Copy) -> None:
        with self._lock:
            copy.readers -= 1
            is_last = copy.is_leaving and copy.readers == 0
        if is_last:
            self._detach(copy)

    def load(self, key: str, parquet: Path, packed: frozenset[str]) -> Future[None]:
        """Make the copy in the background, once; the future ends when it is there or will not be. Columns in `packed`
        (texts of few values) are compressed, the others lie as they are: fetching rows takes half the time."""
        with self._lock:
            loading = self._loading.get(key)
            if loading is not None:
                return loading
            if key in self._copies or key in self._refused:
                done: Future[None] = Future()
                done.set_result(None)
                return done
            self._made += 1
            name = f"hot_{self._made}"
            future = self._loader.submit(self._make, key, parquet, name, packed)
            self._loading[key] = future
            return future

    def drop(self, key: str) -> None:
        """Forget the copy of a version that was removed."""
        with self._lock:
            copy = self._copies.pop(key, None)
            self._refused.discard(key)
        if copy is not None:
            self._leave(copy)

    def drop_removed(self, is_there: Callable[[str], bool]) -> None:
        """Drop the copies of versions whose Parquet is gone."""
        for key in [key for key in list(self._copies) if not is_there(key)]:
            self.drop(key)

    def close(self) -> None:
        self._loader.shutdown(wait=True, cancel_futures=True)
        for key in list(self._copies):
            self.drop(key)

    def _make(self, key: str, parquet: Path, name: str, packed: frozenset[str]) -> None:
        path = self._work / f"{name}.duckdb"
        connection = self._connection.cursor()
        try:
            connection.execute(f"ATTACH {literal(str(path))} AS {quoted(name)}")
            _copy(connection, name, parquet, packed)
            connection.execute(f"CHECKPOINT {quoted(name)}")
            self._keep(key, _Copy(name, path, path.stat().st_size))
        except (duckdb.Error, OSError):
            # No room or no memory for a copy is no reason to stop answering: Parquet goes on.
            with self._lock:
                self._refused.add(key)
            self._forget(connection, name, path)
        finally:
            connection.close()
            with self._lock:
                self._loading.pop(key, None)

    def _keep(self, key: str, copy: _Copy) -> None:
        leaving = []
        with self._lock:
            self._copies[key] = copy
            while sum(held.size for held in self._copies.values()) > self._limit and len(self._copies) > 1:
                leaving.append(self._copies.popitem(last=False)[1])
        for old in leaving:
            self._leave(old)

    def _leave(self, copy: _Copy) -> None:
        with self._lock:
            copy.is_leaving = True
            is_idle = copy.readers == 0
        if is_idle:
            self._detach(copy)

    def _detach(self, copy: _Copy) -> None:
        connection = self._connection.cursor()
        self._forget(connection, copy.name, copy.path)
        connection.close()

    @staticmethod
    def _forget(connection: Connection, name: str, path: Path) -> None:
        connection.execute(f"DETACH DATABASE IF EXISTS {quoted(name)}")
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _copy(connection: Connection, name: str, parquet: Path, packed: frozenset[str]) -> None:
    source = f"read_parquet({literal(str(parquet))})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    columns = ", ".join(
        f"{quoted(column)} {kind}" + ("" if column in packed else " USING COMPRESSION 'uncompressed'")
        for column, kind, *_ in described
    )
    connection.execute(f"CREATE TABLE {quoted(name)}.rows ({columns})")
    connection.execute(f"INSERT INTO {quoted(name)}.rows SELECT * FROM {source} ORDER BY {ROW_ID}")
