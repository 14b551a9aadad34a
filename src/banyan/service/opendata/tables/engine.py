"""The table engine: questions about immutable versions, answered by DuckDB in this process (`duck.py`), and what is
kept of them: copies, indexes, answers.

A version never changes, so an answer kept under (version, question) is exact for as long as it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy
from numpy.typing import NDArray

from banyan.kernel.storage.lake import Lake
from banyan.limits import (
    ANSWER_CACHE_BYTES,
    PAGE_ROWS,
    POINTS_BYTES,
    POSTING_ROWS_INLINE,
    POSTING_VALUES,
    QUERY_ROWS,
    QUERY_WORKERS,
    SHAPES_KEPT,
    TABLE_MEMORY_BYTES,
    TABLE_SPILL_BYTES,
    TABLE_THREADS,
)
from banyan.service.opendata.model import Version
from banyan.service.opendata.tables import duck
from banyan.service.opendata.tables.answers import Recent
from banyan.service.opendata.tables.columns import ROW_ID, Shape, literal, quoted, shape
from banyan.service.opendata.tables.compose import (
    From,
)
from banyan.service.opendata.tables.hot import HotTables
from banyan.service.opendata.tables.indexes import Indexes
from banyan.service.opendata.tables.nearest import Points
from banyan.service.opendata.tables.postings import Posting, equalities, facet, matching
from banyan.service.opendata.tables.query import (
    AggregateQuery,
    Cell,
    Facet,
    FacetQuery,
    Filter,
    SearchPage,
    SearchQuery,
    Words,
)
from banyan.service.opendata.tables.refusals import not_found, wrong_value
from banyan.service.opendata.tables.sandbox import Sandbox
from banyan.service.opendata.tables.workers import Connection, Workers

T = TypeVar("T")
_CELL_BYTES = 64
"""About what a cell of a kept answer costs in memory."""


Answer = SearchPage | duck.Grid | tuple[Facet, ...]


class Tables:
    """Answers questions about versions in `lake`; copies and spilled data lie in `work`. Close it at the end."""

    def __init__(self, lake: Lake, work: Path) -> None:
        self._lake = lake
        self.work = work / "tables"
        self.work.mkdir(parents=True, exist_ok=True)
        self.workers = Workers("tables", threads=QUERY_WORKERS, settings=_settings(self.work))
        self.sandbox = Sandbox()
        self._hot = HotTables(self.workers.connection(), self.work / "hot")
        self._indexes = Indexes(self._rows_of)
        self._shapes: Recent[str, Shape] = Recent(SHAPES_KEPT, lambda _: 1)
        self._answers: Recent[tuple[str, msgspec.Struct], Answer] = Recent(ANSWER_CACHE_BYTES, _weigh)
        self._points: Recent[str, Points] = Recent(POINTS_BYTES, lambda points: points.size)
        self._totals: Recent[tuple[str, SearchQuery], int] = Recent(SHAPES_KEPT, lambda _: 1)

    def parquet(self, version: Version) -> Path:
        """The version's file. Raises NotFound when the lake no longer has it."""
        path = self._lake.path(version.parquet)
        if not path.exists():
            raise not_found("no_table", name=version.resource_id)
        return path

    async def shape(self, version: Version) -> Shape:
        """The version's columns, read from the file once."""
        kept = self._shapes.get(version.parquet)
        if kept is None:
            parquet = self.parquet(version)
            kept = shape(version, await self.workers.run(lambda connection: duck.schema(connection, parquet)))
            self._shapes.put(version.parquet, kept)
        return kept

    async def search(self, version: Version, query: SearchQuery) -> SearchPage:
        """One page of rows. Raises Invalid for an unknown column or a wrong value, Limit for time or memory."""
        query = _bounded(query)
        kept = self._answers.get((version.parquet, query))
        if isinstance(kept, SearchPage):
            return kept
        shaped = await self.shape(version)
        total = await self._known_total(version, shaped, query)

        def job(connection: Connection, source: From) -> SearchPage:
            return duck.search(connection, source, shaped, query, total)

        page = await self.on_rows(version, job)
        if page.total is not None:
            self._totals.put((version.parquet, _counted(query)), page.total)
        self._answers.put((version.parquet, query), page)
        return page

    async def facets(self, version: Version, query: FacetQuery) -> tuple[Facet, ...]:
        """The counts of each value of each field."""
        kept = self._answers.get((version.parquet, query))
        if isinstance(kept, tuple):
            return kept
        shaped = await self.shape(version)
        found = await _aside(version, lambda: self._counted_facets(version, shaped, query))
        if found is None:
            found = await self.on_rows(
                version, lambda connection, source: duck.facets(connection, source, shaped, query)
            )
        self._answers.put((version.parquet, query), found)
        return found

    async def aggregate(self, version: Version, query: AggregateQuery) -> duck.Grid:
        """Groups and their measures, at most QUERY_ROWS."""
        if not 0 <= query.limit <= QUERY_ROWS:
            query = msgspec.structs.replace(query, limit=QUERY_ROWS)
        kept = self._answers.get((version.parquet, query))
        if isinstance(kept, duck.Grid):
            return kept
        shaped = await self.shape(version)
        grid = await self.on_rows(version, lambda connection, source: duck.aggregate(connection, source, shaped, query))
        self._answers.put((version.parquet, query), grid)
        return grid

    async def points(self, version: Version) -> Points:
        """The version's points, kept while POINTS_BYTES allow. Raises NotFound when it has none."""
        kept = self._points.get(version.parquet)
        if kept is None:
            if "_lon" not in (await self.shape(version)).names:
                raise not_found("no_points")
            kept = await self.on_rows(version, duck.placed)
            self._points.put(version.parquet, kept)
        return kept

    async def ids(self, version: Version, where: Filter | None, words: tuple[Words, ...]) -> NDArray[numpy.int64]:
        """The `_id`s of the rows that pass, in rising order."""
        shaped = await self.shape(version)
        return await self.on_rows(
            version, lambda connection, source: duck.ids(connection, source, shaped, where, words)
        )

    async def on_rows(self, version: Version, job: Callable[[Connection, From], T]) -> T:
        """Run `job(connection, source)` where `source` is the FROM text of the version: its copy, else its Parquet."""
        copy = self._hot.borrow(version.parquet)
        if copy is None:
            parquet = self.parquet(version)
            self._hot.drop_removed(lambda key: self._lake.path(key).exists())
            self._hot.load(version.parquet, parquet, _packed(version))
            source = From(f"read_parquet({literal(str(parquet))})", is_ordered=False)
            return await self.workers.run(lambda connection: job(connection, source))
        try:
            source = From(f"{quoted(copy.name)}.rows", is_ordered=True)
            return await self.workers.run(lambda connection: job(connection, source))
        finally:
            self._hot.give_back(copy)

    @contextmanager
    def _rows_of(self, version: Version) -> Iterator[tuple[Connection, From]]:
        """A connection of its own and the version's rows, for a long reading in any thread; waits for no copy."""
        copy = self._hot.borrow(version.parquet)
        connection = self.workers.fresh()
        try:
            if copy is not None:
                yield connection, From(f"{quoted(copy.name)}.rows", is_ordered=True)
            else:
                parquet = literal(str(self._lake.path(version.parquet)))
                yield connection, From(f"read_parquet({parquet})", is_ordered=False)
        finally:
            connection.close()
            if copy is not None:
                self._hot.give_back(copy)

    @asynccontextmanager
    async def reading(self, version: Version) -> AsyncIterator[tuple[Connection, str]]:
        """A connection of its own and a FROM text whose rows come in the order of `_id`, for one long reading."""
        await self.warm(version)
        with self._rows_of(version) as (connection, source):
            in_order = source.text if source.is_ordered else f"(SELECT * FROM {source.text} ORDER BY {ROW_ID})"
            yield connection, in_order

    async def warm(self, version: Version) -> None:
        """Make the version's copy now, and wait for it: what publishing may do before the first question comes."""
        await asyncio.wrap_future(self._hot.load(version.parquet, self.parquet(version), _packed(version)))

    def forget_answers(self) -> None:
        """Drop kept answers and totals: for tests and measurements."""
        self._answers.clear()
        self._totals.clear()

    async def indexed(self) -> None:
        """Wait until every index that was asked for is built: for tests and measurements."""
        await asyncio.to_thread(self._indexes.wait)

    def drop(self, version: Version) -> None:
        """Forget everything kept of a version that was removed."""
        self._hot.drop(version.parquet)
        self._shapes.drop(version.parquet)
        self._points.drop(version.parquet)
        self._indexes.drop(version.parquet)
        self._answers.drop_all(lambda key: key[0] == version.parquet)
        self._totals.drop_all(lambda key: key[0] == version.parquet)

    def close(self) -> None:
        """Stop: wait for running questions, detach and delete the copies."""
        self._indexes.close()
        self._hot.close()
        self.workers.close()
        self._answers.clear()

    async def stop(self) -> None:
        """`close`, the sandbox too, without holding the event loop while questions end."""
        await self.sandbox.close()
        await asyncio.to_thread(self.close)

    async def _known_total(self, version: Version, shaped: Shape, query: SearchQuery) -> int | None:
        """The total, when it is known without asking DuckDB."""
        if not query.include_total:
            return None
        if query.where is None and not query.words and not query.distinct:
            return version.rows
        known = self._totals.get((version.parquet, _counted(query)))
        if known is None and not query.words and not query.distinct:
            known = await _aside(version, lambda: self._posted_total(version, shaped, query.where))
        return known

    def _posted_total(self, version: Version, shaped: Shape, where: Filter | None) -> int | None:
        tests = self._tests(version, shaped, where)
        rows = None if tests is None else matching(tests)
        return None if rows is None else len(rows)

    def _counted_facets(self, version: Version, shaped: Shape, query: FacetQuery) -> tuple[Facet, ...] | None:
        """The facets from postings; None when a column has none (yet)."""
        columns = [(name, shaped.column(name, "fields")) for name in query.fields]
        tests = None if query.words else self._tests(version, shaped, query.where)
        held = [self._indexes.get(version, column) for _, column in columns]
        if tests is None or None in held:
            return None
        rows = matching(tests)
        return tuple(
            facet(name, column, posting, rows, query.limit)
            for (name, column), posting in zip(columns, held, strict=True)
            if posting is not None
        )

    def _tests(
        self, version: Version, shaped: Shape, where: Filter | None
    ) -> list[tuple[Posting, tuple[Cell, ...]]] | None:
        asked = equalities(shaped, where)
        if asked is None:
            return None
        held = [(self._indexes.get(version, column), values) for column, values in asked]
        return (
            [(posting, values) for posting, values in held if posting is not None]
            if all(posting is not None for posting, _ in held)
            else None
        )


async def _aside(version: Version, job: Callable[[], T]) -> T:
    """Run a count over postings: at once when it is short, in a thread when the table is large."""
    return job() if version.rows <= POSTING_ROWS_INLINE else await asyncio.to_thread(job)


def _packed(version: Version) -> frozenset[str]:
    """Text columns of few values: compressed they are codes into a dictionary, which filters and groups read fast."""
    return frozenset(
        column.name for column in version.columns if column.type == "text" and column.distinct <= POSTING_VALUES
    )


def _settings(work: Path) -> dict[str, str | int | bool | list[str]]:
    return {
        "memory_limit": f"{TABLE_MEMORY_BYTES}B",
        "threads": TABLE_THREADS,
        "temp_directory": str(work / "spill"),
        "late_materialization_max_rows": PAGE_ROWS,  # rows of a sorted page are fetched after the sort: 3x faster
        "max_temp_directory_size": f"{TABLE_SPILL_BYTES}B",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "TimeZone": "UTC",
    }


def _bounded(query: SearchQuery) -> SearchQuery:
    if query.limit < 0:
        raise wrong_value("limit", "Must be a natural number")
    if query.offset < 0:
        raise wrong_value("offset", "Must be a natural number")
    if query.after is not None and (query.sort or query.distinct):
        raise wrong_value("after", "Only for rows in the order of _id")
    return msgspec.structs.replace(query, limit=QUERY_ROWS) if query.limit > QUERY_ROWS else query


def _counted(query: SearchQuery) -> SearchQuery:
    """The part of a question that its total depends on."""
    fields = query.fields if query.distinct else ()
    return SearchQuery(where=query.where, words=query.words, distinct=query.distinct, fields=fields)


def _weigh(answer: Answer) -> int:
    if isinstance(answer, tuple):
        return _CELL_BYTES * (1 + sum(2 * len(facet.values) for facet in answer))
    return _CELL_BYTES * (1 + len(answer.rows) * max(1, len(answer.fields)))
