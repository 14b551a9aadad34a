"""The delimiter and quoting of a delimited text, from a sample; and its rows, exactly as RFC 4180 reads them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from banyan.limits import CELL_BYTES, INGEST_SAMPLE_BYTES, LINE_BYTES, MIB
from banyan.service.opendata.ingest.refusal import beyond, invalid

if TYPE_CHECKING:
    import _csv

DELIMITERS = (",", "\t", ";", "|", "，", "^", "~", ":", "\x1f", "\x01", " ")
"""In order of preference when two split the sample equally well."""
LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""Physical lines as Python's universal newlines see them, ends kept."""
ALONE = "\x1f"
"""Stands for a delimiter where there is one column."""
SURE = 0.6
"""Share of sample rows that must have the usual width before we believe a delimiter."""


class Dialect(msgspec.Struct, frozen=True):
    """`share` is the part of the sample's rows with the usual `width`."""

    delimiter: str
    width: int
    share: float
    quoted: bool = True


class Row(msgspec.Struct, frozen=True):
    """A row and the number of its last physical line (1-based)."""

    cells: list[str]
    line: int


def sample_rows(path: Path, dialect: Dialect, limit: int = 400) -> list[Row]:
    """The first rows of a UTF-8 text, blank ones too; a row that the sample cuts is left out."""
    return list(_parse(_sample_lines(path), dialect.delimiter, dialect.quoted, limit))


def guess_dialect(path: Path, *, delimiter: str = "") -> Dialect:
    """The delimiter that splits the sample into the most regular rows; a given one is only measured."""
    lines = _sample_lines(path)
    if delimiter:
        delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise invalid("delimiter-unknown", "delimiter", delimiter=delimiter[:10])
        return _measure(lines, delimiter)
    measured = [_measure(lines, candidate) for candidate in DELIMITERS]
    usable = [one for one in measured if one.width > 1 and one.share >= SURE]
    if not usable:
        return Dialect(_most_frequent(measured) or ALONE, 1, 1.0)
    return max(usable, key=lambda one: (round(one.share, 1), one.delimiter in ",\t;|", one.width > 2, one.share))


def _most_frequent(measured: list[Dialect]) -> str:
    """A very ragged file: a comma or tab that splits at least half of the rows somehow."""
    wide = [one for one in measured if one.width > 1 and one.delimiter in ",\t;|"]
    return max(wide, key=lambda one: one.share).delimiter if wide else ""


def _measure(lines: list[str], delimiter: str) -> Dialect:
    widths = Counter(
        len(row.cells) for row in _parse(lines, delimiter, True, 400) if any(cell.strip() for cell in row.cells)
    )
    if not widths:
        return Dialect(delimiter, 1, 0.0)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return Dialect(delimiter, width, count / widths.total())


def _sample_lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read(INGEST_SAMPLE_BYTES)
        whole = not file.read(1)
    lines = LINE.findall(text)
    return lines if whole else lines[:-1] or lines


def _parse(lines: Iterable[str], delimiter: str, quoted: bool, limit: int) -> Iterator[Row]:
    reader = reader_of(lines, delimiter, quoted=quoted)
    try:
        for number, cells in enumerate(reader):
            if number >= limit:
                return
            yield Row(cells, reader.line_num)
    except csv.Error as error:
        raise beyond("cell-bytes", bound_mib=CELL_BYTES // MIB) from error


def reader_of(lines: Iterable[str], delimiter: str, *, quoted: bool = True) -> _csv.Reader:
    """Python's reader in the given dialect; cells over CELL_BYTES raise csv.Error."""
    csv.field_size_limit(CELL_BYTES)
    if not quoted:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, quotechar=None)
    return csv.reader(lines, delimiter=delimiter, quotechar='"', doublequote=True, strict=False)


def text_lines(path: Path, *, skip: int = 0) -> Iterator[str]:
    """The physical lines of a UTF-8 text after the first `skip`, each at most LINE_BYTES long."""
    with path.open(encoding="utf-8", newline="") as file:
        for number in range(1, 1 << 62):
            line = file.readline(LINE_BYTES)
            if not line:
                return
            if len(line) >= LINE_BYTES:
                raise beyond("line-bytes", line=number, bound_mib=LINE_BYTES // MIB)
            if number > skip:
                yield line
