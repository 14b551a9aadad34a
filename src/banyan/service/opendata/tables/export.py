"""Downloads: a version's rows, all or filtered, in the formats people open. Streamed; memory does not grow with rows.

Texts are pulled a few thousand rows at a time only when the reader has taken the last ones. Parquet and XLSX need a
file: it is made in the work folder and removed after sending; an unfiltered Parquet is kept for range requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from banyan.limits import (
    EXPORT_CACHE_BYTES,
    EXPORT_ROWS_A_CHUNK,
    EXPORT_WORKERS,
    EXPORTS,
    FILE_CHUNK_BYTES,
    XLSX_ROWS,
)
from banyan.service.opendata.model import Version
from banyan.service.opendata.tables.answers import Recent
from banyan.service.opendata.tables.columns import ROW_ID, Shape, literal, quoted
from banyan.service.opendata.tables.compose import Text, chosen
from banyan.service.opendata.tables.engine import Tables
from banyan.service.opendata.tables.lines import Named, csv_line, geojson_line, json_line, tsv_line
from banyan.service.opendata.tables.query import Compare, Group, SearchQuery, SortKey, Words
from banyan.service.opendata.tables.refusals import not_found, too_busy, too_much
from banyan.service.opendata.tables.spreadsheet import write_xlsx
from banyan.service.opendata.tables.workers import Connection

Format = Literal["csv", "tsv", "json", "ndjson", "geojson", "parquet", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "geojson": "application/geo+json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Chunks = Generator[bytes, None, None]
_BOM = b"\xef\xbb\xbf"
_GZIP = 31
"""zlib's window bits for the gzip format."""
_GZIP_LEVEL = 3
"""Level 6 takes twice the time for a tenth less."""


class ExportQuery(msgspec.Struct, frozen=True):
    """What to download. Without `fields`, the published columns; `row_id` puts `_id` before them.

    `bom` helps old spreadsheets read UTF-8. `escape` guards CSV and TSV against formula injection (decision 0042).
    """

    format: Format = "csv"
    where: Compare | Group | None = None
    words: tuple[Words, ...] = ()
    fields: tuple[str, ...] = ()
    sort: tuple[SortKey, ...] = ()
    row_id: bool = False
    bom: bool = False
    escape: bool = False
    gz: bool = False


class Export(msgspec.Struct, frozen=True):
    """A download: chunks, or a file that stays. `etag` changes with the version and the question only."""

    body: AsyncIterator[bytes] | Path
    media_type: str
    suffix: str
    etag: str


class Exports:
    """Makes downloads of one engine's versions. At most EXPORTS are open at once."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._folder = tables.work / "exports"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pool = ThreadPoolExecutor(EXPORT_WORKERS, thread_name_prefix="export")
        self._open = 0
        self._kept: Recent[str, Path] = Recent(EXPORT_CACHE_BYTES, lambda path: path.stat().st_size, _removed)

    async def export(self, version: Version, query: ExportQuery) -> Export:
        """Raises Invalid for unknown columns, Limit for too many rows for XLSX, NotFound for GeoJSON without places,
        Unavailable when EXPORTS downloads are open."""
        shape = await self._tables.shape(version)
        plan = _Plan(shape, query)
        if query.format == "geojson" and not {"_lon", "_geometry"} & shape.names.keys():
            raise not_found("no_geometry")
        if query.format == "xlsx":
            await self._refuse_long(version, query)
        if self._open >= EXPORTS:
            raise too_busy()
        etag = _etag(version, query)
        suffix = f".{query.format}" + (".gz" if query.gz else "")
        media_type = "application/gzip" if query.gz else MEDIA_TYPES[query.format]
        body = await self._kept_parquet(version, plan, etag) if _is_kept(query) else self._chunks(version, plan)
        return Export(body, media_type, suffix, etag)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._kept.clear()

    async def _refuse_long(self, version: Version, query: ExportQuery) -> None:
        asked = SearchQuery(where=query.where, words=query.words, limit=0)
        rows = (await self._tables.search(version, asked)).total or 0
        if rows > XLSX_ROWS:
            raise too_much("xlsx_rows", rows=f"{rows:,}", limit=f"{XLSX_ROWS:,}")

    async def _chunks(self, version: Version, plan: _Plan) -> AsyncIterator[bytes]:
        """The download's bytes; whatever is open is closed when the reader stops early."""
        self._open += 1
        try:
            async with self._tables.reading(version) as (connection, source):
                made = self._made(connection, source, plan)
                packed = _gzipped(made) if plan.query.gz else made
                try:
                    while chunk := await self._next(packed, connection):
                        yield chunk
                finally:
                    packed.close()
                    made.close()
        finally:
            self._open -= 1

    async def _next(self, chunks: Chunks, connection: Connection) -> bytes:
        """The next chunk, made in a thread. When the reader goes away the query is stopped and the thread waited for:
        nothing may be closed under it."""
        pending = asyncio.get_running_loop().run_in_executor(self._pool, next, chunks, b"")
        try:
            return await asyncio.shield(pending)
        finally:
            if not pending.done():
                connection.interrupt()
                await asyncio.wait({pending})

    def _made(self, connection: Connection, source: str, plan: _Plan) -> Chunks:
        if plan.query.format == "parquet":
            return self._file(lambda path: _write_parquet(connection, source, plan, path))
        if plan.query.format == "xlsx":
            return self._file(
                lambda path: write_xlsx(connection, plan.rows_text(source), plan.values, plan.names, path)
            )
        return _lines(connection, source, plan)

    def _file(self, write: Callable[[Path], None]) -> Chunks:
        path = self._folder / f"{uuid.uuid4().hex}.part"
        try:
            write(path)
            with path.open("rb") as file:
                while chunk := file.read(FILE_CHUNK_BYTES):
                    yield chunk
        finally:
            path.unlink(missing_ok=True)

    async def _kept_parquet(self, version: Version, plan: _Plan, etag: str) -> Path:
        kept = self._kept.get(etag)
        if kept is not None:
            return kept
        path = self._folder / f"{etag}.parquet"
        part = path.with_suffix(f".{uuid.uuid4().hex}.part")
        connection = self._tables.workers.fresh()
        source = f"read_parquet({literal(str(self._tables.parquet(version)))})"
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._pool, _write_parquet, connection, source, plan, part)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
            connection.close()
        self._kept.put(etag, path)
        return path


class _Plan:
    """The SELECT of a download, with its parameters."""

    def __init__(self, shape: Shape, query: ExportQuery) -> None:
        self.query = query
        self._text = Text(shape)
        asked = SearchQuery(fields=query.fields or tuple(column.name for column in shape.public))
        head = ((ROW_ID, shape.names[ROW_ID]),) if query.row_id and ROW_ID not in query.fields else ()
        self.columns: Named = (*head, *chosen(shape, asked))
        self.names = tuple(name for name, _ in self.columns)
        self._condition = self._text.condition(query.where, query.words)
        self._order = f" ORDER BY {self._text.order(query.sort)}, {ROW_ID}" if query.sort else ""
        self.values = self._text.values
        self._shape = shape

    def rows_text(self, source: str) -> str:
        names = ", ".join(f"{quoted(column.name)} AS {quoted(name)}" for name, column in self.columns)
        return f"SELECT {names} FROM {source}{self._condition}{self._order}"

    def lines_text(self, source: str) -> str:
        return f"SELECT {self._line()} FROM {source}{self._condition}{self._order}"

    def _line(self) -> str:
        if self.query.format == "csv":
            return csv_line(self.columns, escape=self.query.escape)
        if self.query.format == "tsv":
            return tsv_line(self.columns, escape=self.query.escape)
        if self.query.format == "geojson":
            return geojson_line(self.columns, self._shape)
        return json_line(self.columns)


def _lines(connection: Connection, source: str, plan: _Plan) -> Chunks:
    head, between, end = _frame(plan)
    found = connection.execute(plan.lines_text(source), plan.values)
    lead = head
    is_empty = True
    while rows := found.fetchmany(EXPORT_ROWS_A_CHUNK):
        yield lead + between.join(row[0] for row in rows).encode("utf-8")
        lead = between.encode()
        is_empty = False
    if is_empty:
        yield head + (end if plan.query.format in ("json", "geojson") else b"")
    else:
        yield end


def _frame(plan: _Plan) -> tuple[bytes, str, bytes]:
    """What stands before the lines, between two of them, and after the last."""
    bom = _BOM if plan.query.bom else b""
    if plan.query.format == "json":
        return b"[\n", ",\n", b"\n]\n"
    if plan.query.format == "geojson":
        return b'{"type":"FeatureCollection","features":[\n', ",\n", b"\n]}\n"
    if plan.query.format == "ndjson":
        return b"", "\n", b"\n"
    mark = "," if plan.query.format == "csv" else "\t"
    return bom + (mark.join(_cell(name, mark) for name in plan.names) + "\r\n").encode(), "\r\n", b"\r\n"


def _cell(name: str, mark: str) -> str:
    if mark == "\t":
        return " ".join(name.split())
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\r\n') else name


def _write_parquet(connection: Connection, source: str, plan: _Plan, path: Path) -> None:
    target = f"{literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    connection.execute(f"COPY ({plan.rows_text(source)}) TO {target}", plan.values)


def _gzipped(chunks: Chunks) -> Chunks:
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
    for chunk in chunks:
        packed = packer.compress(chunk)
        if packed:
            yield packed
    yield packer.flush()


def _is_kept(query: ExportQuery) -> bool:
    return query == ExportQuery(format="parquet", row_id=query.row_id)


def _etag(version: Version, query: ExportQuery) -> str:
    asked = msgspec.json.encode((version.parquet, version.number, query))
    return hashlib.sha256(asked).hexdigest()[:32]


def _removed(_: str, path: Path) -> None:
    path.unlink(missing_ok=True)
