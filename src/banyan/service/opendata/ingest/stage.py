"""The bench of one ingest: a private DuckDB with bounded memory that can be interrupted and reaches nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from importlib.resources import files
from pathlib import Path

import duckdb

from banyan.limits import INGEST_DISK_BYTES, INGEST_MEMORY_BYTES, INGEST_POLL_S, INGEST_RESIDENT_BYTES, MIB
from banyan.service.opendata.ingest.held import Held, looking, reading
from banyan.service.opendata.ingest.options import Watch

Cell = str | int | float | bool | None
Rows = list[tuple[object, ...]]


def identifier(name: str) -> str:
    """The one way a data-dependent name enters SQL text."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The one way our own constants (paths in the work folder, macro names' arguments) enter SQL text."""
    return "'" + text.replace("'", "''") + "'"


class Stage:
    """A DuckDB connection with our macros. `run` blocks, but sees a cancel within INGEST_POLL_S.

    Small inputs stage in memory; larger ones in a file of the work folder, so that the memory bound holds.
    `stage` has the columns c0, c1, … of text; those of `held` are values v… in truth, and their text is a look at them.
    """

    def __init__(self, work: Path, reads: Path, watch: Watch, *, expected_bytes: int) -> None:
        self.work = work
        self.watch = watch
        self.held: Mapping[int, Held] = {}
        in_memory = expected_bytes <= INGEST_RESIDENT_BYTES
        database = ":memory:" if in_memory else str(work / "stage.duckdb")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ingest")
        self._opened = self._thread.submit(_opened, database, work, reads)

    @property
    def _con(self) -> duckdb.DuckDBPyConnection:
        """It opens beside what the caller does first: with our macros that takes as long as guessing the dialect."""
        return self._opened.result()

    def run(self, sql: str, parameters: Sequence[object] = (), *, phase: str = "") -> Rows:
        """All rows of one statement. Raises Cancelled when the caller asks to stop, duckdb.Error as DuckDB does."""
        self.watch.check()
        job = self._thread.submit(lambda: self._con.execute(sql, parameters).fetchall())
        while not wait((job,), timeout=INGEST_POLL_S).done:
            try:
                if phase:
                    self.watch.step(phase, int(max(self._con.query_progress(), 0)), 100, "percent")
                else:
                    self.watch.check()
            except BaseException:
                self._con.interrupt()
                wait((job,))
                raise
        return job.result()

    @property
    def table(self) -> str:
        """Where rows can be deleted."""
        return "held" if self.held else "stage"

    def fill(self, source: str, width: int, held: Mapping[int, Held]) -> None:
        """Make `stage` from a table function that gives text cells. Raises duckdb.Error, `misfit` for a held column."""
        if not held:
            self.run(f"create table stage as select * from {source}", phase="read")
            return
        for place, one in held.items():
            if one.words:
                self.run(f"create or replace type words_{place} as enum ({', '.join(map(literal, one.words))})")
        cells = ", ".join(reading(place, held.get(place)) for place in range(width))
        self.run(f"create table held as select {cells} from {source}", phase="read")
        self.run(f"create view stage as select {looking(width, held)} from held")
        self.held = held

    def clear(self) -> None:
        """Forget what `fill` made, if it made it."""
        for statement in ("drop view stage", "drop table held") if self.held else ("drop table if exists stage",):
            self.run(statement)
        self.held = {}

    def row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[object, ...]:
        """The one row of an aggregate."""
        return self.run(sql, parameters)[0]

    def count(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """The one number of an aggregate."""
        value = self.row(sql, parameters)[0]
        assert isinstance(value, int), f"count: {sql}"
        return value

    def arrays(self, sql: str) -> dict[str, object]:
        """The columns of a bounded query as numpy arrays."""
        return self._thread.submit(lambda: dict(self._con.execute(sql).fetchnumpy())).result()

    def register(self, name: str, columns: dict[str, object]) -> None:
        """Numpy arrays as a table that is read in place."""
        self._thread.submit(self._con.register, name, columns).result()

    def unregister(self, name: str) -> None:
        self._thread.submit(self._con.unregister, name).result()

    def close(self) -> None:
        self._thread.shutdown(wait=True)
        self._con.close()


def _opened(database: str, work: Path, reads: Path) -> duckdb.DuckDBPyConnection:
    """A connection that reaches nothing but `work` and `reads`, with our macros."""
    con = duckdb.connect(database)
    for statement in (
        f"set memory_limit='{INGEST_MEMORY_BYTES // MIB}MiB'",
        "set threads=2",
        "set TimeZone='UTC'",
        "set enable_progress_bar=true",
        "set enable_progress_bar_print=false",
        f"set temp_directory={literal(str(work / 'spill'))}",
        f"set max_temp_directory_size='{INGEST_DISK_BYTES // MIB}MiB'",
        f"set allowed_directories=[{literal(str(work))}]",
        f"set allowed_paths=[{literal(str(reads))}]",
        "set enable_external_access=false",
        "set autoinstall_known_extensions=false",
        "set lock_configuration=true",
    ):
        con.execute(statement)
    con.execute(files(__package__).joinpath("macros.sql").read_text(encoding="utf-8"))
    return con
