"""Bring a delimited text into the stage: DuckDB's parallel reader where the text is regular, else row by row.

DuckDB reads strictly; the first irregular row makes it refuse, and then we read exactly, pad short rows, keep what is
too long, and count both with line numbers.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import duckdb
import msgspec

from banyan.limits import CELL_BYTES, COLUMNS, INGEST_SAMPLE_BYTES, LINE_BYTES, MIB
from banyan.service.opendata.ingest.dialect import ALONE, Dialect, guess_dialect, reader_of, sample_rows, text_lines
from banyan.service.opendata.ingest.facts import Facts, facts_of
from banyan.service.opendata.ingest.header import Head, find_head
from banyan.service.opendata.ingest.held import TRIES, Held, guess_held, misfit
from banyan.service.opendata.ingest.options import Options
from banyan.service.opendata.ingest.refusal import beyond, invalid
from banyan.service.opendata.ingest.stage import Stage, literal
from banyan.service.opendata.model import ColumnType, Finding

EXAMPLES = 20
SLOW_NAME = "rows.csv"
NOTHING_HELD: Mapping[int, Held] = MappingProxyType({})
FAST_PART_BYTES = 15 * MIB
FAST_LEAST_BYTES = 2 * MIB
"""What one thread of DuckDB reads at a time, which is also its buffer and its longest line. A part of over 122,880 rows
is kept as it was read; smaller ones are put together again, row by row: 1.25 s of CPU for 0.85 at 1M rows. DuckDB's own
buffer is 32 of the longest line, one for each thread: that would be the whole memory bound."""


class Staged(msgspec.Struct, frozen=True):
    """What the stage table holds: columns c0, c1, … all text, under these names. `rest` when there is an overflow."""

    head: Head
    delimiter: str = ""
    findings: tuple[Finding, ...] = ()
    rest: bool = False
    hidden: dict[str, int] = {}
    """Stage columns that are not published as they are: lon, lat, geometry of GeoJSON."""
    declared: dict[str, ColumnType] = {}
    """Column types that the source itself declares (Parquet), by name."""
    facts: tuple[Facts, ...] = ()
    """Of every column, when they were counted already."""


class _Report:
    """Counts while reading row by row."""

    def __init__(self) -> None:
        self.short: list[int] = []
        self.long: list[int] = []
        self.shorts = self.longs = self.blank = 0
        self.broken_quote = 0

    def findings(self) -> Iterator[Finding]:
        if self.shorts:
            yield Finding("mended", "rows-short", count=self.shorts, examples=tuple(map(str, self.short)))
        if self.longs:
            yield Finding(
                "kept_raw", "rows-long", column="_rest", count=self.longs, examples=tuple(map(str, self.long))
            )
        if self.broken_quote:
            yield Finding("problem", "quote-broken", count=1, values={"line": str(self.broken_quote)})


def stage_text(stage: Stage, path: Path, options: Options, *, irregular: bool = False) -> Staged:
    """Fill `stage` from a UTF-8 text. Raises Invalid (no rows, too many columns) and Limit (cells, lines).

    `irregular` says that the fast reader has refused it already.
    """
    dialect, head, guess = _opening(path, options)
    if not irregular and (facts := _fast(stage, path, dialect, head)):
        return Staged(head, dialect.delimiter, guess, facts=facts)
    report = _Report()
    rest = _normalise(path, dialect, head, report, stage)
    _load(stage, stage.work / SLOW_NAME, ",", len(head.names) + 1, skip=0)
    (stage.work / SLOW_NAME).unlink()
    return Staged(head, dialect.delimiter, (*guess, *report.findings()), rest)


def stage_regular(stage: Stage, path: Path, options: Options) -> Staged | None:
    """Fill `stage` from what seems to be UTF-8; None when it is not, or not regular."""
    try:
        dialect, head, guess = _opening(path, options)
    except UnicodeDecodeError:
        return None
    facts = _fast(stage, path, dialect, head)
    return Staged(head, dialect.delimiter, guess, facts=facts) if facts else None


def _opening(path: Path, options: Options) -> tuple[Dialect, Head, tuple[Finding, ...]]:
    dialect = guess_dialect(path, delimiter=options.delimiter)
    head = find_head(sample_rows(path, dialect), header_rows=options.header_rows)
    if not head.names:
        raise invalid("file-empty")
    if len(head.names) > COLUMNS:
        raise beyond("columns", count=len(head.names), bound=COLUMNS)
    return dialect, head, _about_dialect(dialect, declared=bool(options.delimiter))


def _fast(stage: Stage, path: Path, dialect: Dialect, head: Head) -> tuple[Facts, ...]:
    """Fill `stage` with DuckDB's reader, which refuses what is not UTF-8 or not regular: then nothing."""
    width, held = len(head.names), guess_held(path, dialect, len(head.names))
    for left in reversed(range(TRIES)):
        try:
            _load(stage, path, dialect.delimiter, width, skip=head.skip_lines, held=held if left else {})
            facts = facts_of(stage, width)
            if _holds(stage, path, facts):
                return tuple(facts)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if (place := misfit(error)) is not None:
                held = {other: one for other, one in held.items() if other != place}
                continue
        stage.clear()
        break
    return ()


def stage_rows(stage: Stage, rows: Iterable[list[str]], width: int) -> int:
    """Fill `stage` from rows of text cells already cut out (sheets, JSON records); returns the count."""
    count = 0
    target = stage.work / SLOW_NAME
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        for row in rows:
            writer.writerow([_storable(cell) for cell in row] if width > 1 else [*map(_storable, row), ""])
            count += 1
            if count % 5000 == 0:
                stage.watch.step("read", count, unit="rows")
    _load(stage, target, ",", max(width, 2), skip=0)
    target.unlink()
    return count


def _holds(stage: Stage, path: Path, facts: Sequence[Facts]) -> bool:
    """Whether the stage can hold the whole text: a first row longer than its buffer makes DuckDB return nothing.

    Quoting at most doubles the cells' bytes and adds three bytes a cell.
    """
    rows, cells = stage.count("select count(*) from stage"), sum(one.total for one in facts)
    return path.stat().st_size <= 2 * cells + rows * (3 * len(facts) + 2) + INGEST_SAMPLE_BYTES


def _load(
    stage: Stage, path: Path, delimiter: str, width: int, *, skip: int, held: Mapping[int, Held] = NOTHING_HELD
) -> None:
    """DuckDB's strict reader. Raises duckdb.Error on the first row that is not regular, or does not fit `held`."""
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(width))
    part = _part_bytes(path.stat().st_size)
    stage.fill(
        f"read_csv({literal(str(path))}, auto_detect=false, "
        f"header=false, skip={skip}, delim={literal(delimiter)}, quote='\"', escape='\"', "
        f"columns={{{columns}}}, nullstr='', strict_mode=true, "
        f"max_line_size={part}, buffer_size={part})",
        width,
        held,
    )


def _part_bytes(size: int) -> int:
    """As many parts for each of two threads."""
    parts = 2 * max(1, round(size / (2 * FAST_PART_BYTES)))
    return min(max(size // parts + INGEST_SAMPLE_BYTES, FAST_LEAST_BYTES), LINE_BYTES)


def _normalise(path: Path, dialect: Dialect, head: Head, report: _Report, stage: Stage) -> bool:
    """Write the rows as regular CSV with one more column for what is too long; whether that column is used."""
    width = len(head.names)
    quoted = dialect.quoted and not _quote_runs_away(path, dialect.delimiter, report)
    reader = reader_of(text_lines(path, skip=head.skip_lines), dialect.delimiter, quoted=quoted)
    total = path.stat().st_size
    with (stage.work / SLOW_NAME).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        try:
            for count, cells in enumerate(reader):
                if cells:
                    writer.writerow(_regular(cells, width, head.skip_lines + reader.line_num, report))
                if count % 5000 == 0:
                    stage.watch.step("read", min(file.tell(), total), total)
        except csv.Error as error:
            raise beyond("cell-bytes", bound_mib=CELL_BYTES // MIB) from error
    return report.longs > 0


def _regular(cells: list[str], width: int, line: int, report: _Report) -> list[str]:
    cells = [_storable(cell) for cell in cells]
    if len(cells) == width:
        return [*cells, ""]
    if len(cells) < width:
        report.shorts += 1
        if len(report.short) < EXAMPLES:
            report.short.append(line)
        return [*cells, *[""] * (width - len(cells)), ""]
    extra = cells[width:]
    if not any(extra):
        return [*cells[:width], ""]
    report.longs += 1
    if len(report.long) < EXAMPLES:
        report.long.append(line)
    return [*cells[:width], json.dumps(extra, ensure_ascii=False)]


def _quote_runs_away(path: Path, delimiter: str, report: _Report) -> bool:
    """A quote that opens and never closes would swallow the rest of the file: then quotes are plain characters."""
    inside = False
    start = 0
    for number, line in enumerate(text_lines(path), 1):
        before, inside = inside, _open_after(line, delimiter, inside)
        if inside and not before:
            start = number
    if inside:
        report.broken_quote = start
    return inside


def _open_after(line: str, delimiter: str, inside: bool) -> bool:
    """Whether a quoted cell is open at the end of this line."""
    if line.count('"') % 2 == 0:
        return inside
    place, size = 0, len(line)
    at_start = not inside
    while place < size:
        char = line[place]
        if inside:
            if char == '"':
                if line[place + 1 : place + 2] == '"':
                    place += 1
                else:
                    inside = False
        elif char == '"' and at_start:
            inside = True
        at_start = char == delimiter and not inside
        place += 1
    return inside


def _storable(cell: str) -> str:
    """NUL has a visible stand-in: no store of text keeps it well."""
    return cell.replace("\x00", "\u2400") if "\x00" in cell else cell


def _about_dialect(dialect: Dialect, *, declared: bool) -> tuple[Finding, ...]:
    if declared or dialect.delimiter in {",", ALONE}:
        return ()
    shown = {"\t": "tab", " ": "space", "\x1f": "0x1F", "\x01": "0x01"}.get(dialect.delimiter, dialect.delimiter)
    values = {"delimiter": shown, "share": f"{dialect.share:.0%}", "width": str(dialect.width)}
    return (Finding("guess", "delimiter", values=values, override="--delimiter CHAR"),)
