"""From a file to tables: unpack, decode, read, infer, locate, write. Nothing is left behind on failure."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import msgspec

from banyan.limits import INGEST_DISK_BYTES, INGEST_MEMORY_BYTES, MIB
from banyan.service.opendata.ingest.beside import beside
from banyan.service.opendata.ingest.container import Member, digest, unpack
from banyan.service.opendata.ingest.delimited import Staged, stage_regular, stage_text
from banyan.service.opendata.ingest.encoding import Text, marks_of, presumed_utf8, to_utf8
from banyan.service.opendata.ingest.options import Options, Progress, Table, Watch
from banyan.service.opendata.ingest.parquet import stage_parquet
from banyan.service.opendata.ingest.refusal import beyond, invalid
from banyan.service.opendata.ingest.roles import ready_places
from banyan.service.opendata.ingest.sniff import sniff
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.ingest.table import finish
from banyan.service.opendata.model import Source


def ingest(
    source: Path,
    filename: str,
    *,
    options: Options | None = None,
    work: Path,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Table]:
    """Every table in `source`, as Parquet files in `work` (one a sheet, archive member or document).

    `filename` names the tables; it is not trusted for anything else. Raises Invalid (the file or an option is wrong:
    the title says what, the remedy how to mend), Limit (a bound), Cancelled. On any error `work` is as it was.
    """
    work.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="ingest-", dir=work))
    kept: list[Table] = []
    try:
        for table in _tables(source, filename, options or Options(), scratch, Watch(progress, cancelled)):
            parquet = work / f"{scratch.name}-{len(kept)}.parquet"
            table.parquet.rename(parquet)
            kept.append(msgspec.structs.replace(table, parquet=parquet))
    except BaseException:
        for table in kept:
            table.parquet.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return kept


def _tables(source: Path, filename: str, options: Options, scratch: Path, watch: Watch) -> Iterator[Table]:
    if source.stat().st_size == 0:
        raise invalid("file-empty")
    whole = Source(filename=filename, sha256="", size=0)
    with beside(lambda _: ready_places(), watch), beside(lambda quiet: digest(source, quiet), watch) as hashed:
        for number, member in enumerate(unpack(source, filename, scratch, watch, only=options.member)):
            folder = scratch / f"table-{number}"
            folder.mkdir()
            origin = msgspec.structs.replace(whole, container=member.container, member=member.member)
            for table in _read(member, origin, options, folder, watch):
                sha256, size = hashed.result()
                yield msgspec.structs.replace(
                    table,
                    source=msgspec.structs.replace(table.source, sha256=sha256, size=size),
                    provenance=(f"fetch {filename} sha256={sha256} bytes={size}", *table.provenance),
                )
            shutil.rmtree(folder, ignore_errors=True)


def _read(member: Member, origin: Source, options: Options, folder: Path, watch: Watch) -> Iterator[Table]:
    try:
        yield from READERS[sniff(member.path)](member, origin, options, folder, watch)
    except duckdb.OutOfMemoryException as error:
        raise beyond("memory", bound_mib=INGEST_MEMORY_BYTES // MIB, disk_gib=INGEST_DISK_BYTES >> 30) from error


def _text(member: Member, origin: Source, options: Options, folder: Path, watch: Watch) -> Iterator[Table]:
    presumed = None if options.encoding else presumed_utf8(member.path)
    table = _regular_text(presumed, origin, options, folder, watch, name=member.stem) if presumed else None
    if table:
        yield table
        return
    text = to_utf8(member.path, folder, watch, encoding=options.encoding)
    stage = Stage(folder, text.path, watch, expected_bytes=text.path.stat().st_size)
    try:
        refused = presumed is not None and text.path == member.path
        staged = stage_text(stage, text.path, options, irregular=refused)
        yield _delimited(stage, staged, text, origin, options, name=member.stem)
    finally:
        stage.close()


def _regular_text(
    text: Text, origin: Source, options: Options, folder: Path, watch: Watch, *, name: str
) -> Table | None:
    """The usual file, in one reading: DuckDB refuses what is not UTF-8, so nobody needs to look before."""
    stage = Stage(folder, text.path, watch, expected_bytes=text.path.stat().st_size)
    try:
        with beside(lambda quiet: marks_of(text.path, quiet), watch) as marks:
            staged = stage_regular(stage, text.path, options)
            if staged is None:
                return None
            text = msgspec.structs.replace(text, marks=marks.result())
        return _delimited(stage, staged, text, origin, options, name=name)
    finally:
        stage.close()


def _delimited(stage: Stage, staged: Staged, text: Text, origin: Source, options: Options, *, name: str) -> Table:
    source = msgspec.structs.replace(
        origin,
        format="tsv" if staged.delimiter == "\t" else "csv",
        media_type="text/tab-separated-values" if staged.delimiter == "\t" else "text/csv",
        encoding=text.encoding,
        delimiter=staged.delimiter,
        header_rows=staged.head.header_rows,
    )
    staged = msgspec.structs.replace(staged, findings=(*text.findings, *staged.findings))
    return finish(stage, staged, source, options, name=name, marks=text.marks)


def _workbook(member: Member, origin: Source, options: Options, folder: Path, watch: Watch) -> Iterator[Table]:
    source = msgspec.structs.replace(origin, format="xlsx", media_type=XLSX)
    from banyan.service.opendata.ingest.spreadsheet import sheets_of, stage_sheet

    made = False
    for number, sheet in enumerate(sheets_of(member.path, options, watch)):
        below = folder / str(number)
        below.mkdir()
        stage = Stage(below, member.path, watch, expected_bytes=0)
        try:
            staged = stage_sheet(stage, sheet, options)
            named = msgspec.structs.replace(source, sheet=sheet.name, header_rows=staged.head.header_rows)
            yield finish(stage, staged, named, options, name=sheet.name)
            made = True
        finally:
            stage.close()
    if not made:
        raise invalid("rows-none")


def _json(member: Member, origin: Source, options: Options, folder: Path, watch: Watch) -> Iterator[Table]:
    from banyan.service.opendata.ingest.jsontable import stage_json

    text = to_utf8(member.path, folder, watch, encoding=options.encoding)
    stage = Stage(folder, text.path, watch, expected_bytes=text.path.stat().st_size)
    try:
        staged, found = stage_json(stage, text.path, options)
        source = msgspec.structs.replace(
            origin, format=found.layout, media_type=JSON_TYPES[found.layout], encoding=text.encoding, header_rows=0
        )
        staged = msgspec.structs.replace(staged, findings=(*text.findings, *staged.findings))
        yield finish(stage, staged, source, options, name=member.stem)
    finally:
        stage.close()


def _parquet(member: Member, origin: Source, options: Options, folder: Path, watch: Watch) -> Iterator[Table]:
    stage = Stage(folder, member.path, watch, expected_bytes=4 * member.path.stat().st_size)
    try:
        staged = stage_parquet(stage, member.path)
        source = msgspec.structs.replace(
            origin, format="parquet", media_type="application/vnd.apache.parquet", header_rows=0
        )
        yield finish(stage, staged, source, options, name=member.stem)
    finally:
        stage.close()


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "geojson": "application/geo+json"}
Reader = Callable[[Member, Source, Options, Path, Watch], Iterator[Table]]
READERS: dict[str, Reader] = {"text": _text, "json": _json, "xlsx": _workbook, "parquet": _parquet}
