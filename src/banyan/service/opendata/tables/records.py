"""Cells as a client gets them: JSON values, CKAN's csv and tsv texts. One cell has one text everywhere."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import methodcaller
from typing import Literal, cast

from banyan.service.opendata.tables.query import Cell, Field

Plain = str | int | float | bool | None
"""A JSON value of a cell."""
Dialect = Literal["plain", "ckan"]
"""`plain` writes times as ISO 8601 (`2020-03-01T08:00:00`), `ckan` with milliseconds, as its DataStore does."""
Row = Sequence[Cell]
_BARE = frozenset({"text", "int", "int4", "int8", "float8", "bool", "json"})
"""Types whose cells are JSON values as they are (a NaN is written as null by the JSON encoder)."""


def plain_cell(cell: object, dialect: Dialect = "plain") -> Plain:
    """The JSON value of a cell; NaN and infinities, which JSON lacks, become null."""
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="milliseconds" if dialect == "ckan" else "auto")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return float(cell) if cell.is_finite() else None
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    return str(cell)


def plain_rows(fields: Sequence[Field], rows: Iterable[Row], dialect: Dialect = "plain") -> list[list[Plain]]:
    """Rows as JSON lists. Only columns whose type needs it are rewritten."""
    found = [cast(list[Plain], list(row)) for row in rows]
    for index, field in enumerate(fields):
        if field.type not in _BARE:
            write = _writer(field.type, dialect)
            for cells in found:
                if cells[index] is not None:
                    cells[index] = write(cells[index])
    return found


def _writer(kind: str, dialect: Dialect) -> Callable[[object], Plain]:
    if kind in ("date", "time") or (kind == "timestamp" and dialect == "plain"):
        return methodcaller("isoformat")
    return lambda cell: plain_cell(cell, dialect)


def objects(fields: Sequence[Field], rows: Iterable[Sequence[Plain]]) -> list[dict[str, Plain]]:
    """Rows as JSON objects, keys in the order of `fields`."""
    names = [field.id for field in fields]
    return [dict(zip(names, row, strict=True)) for row in rows]


def delimited(rows: Iterable[Sequence[Plain]], delimiter: str) -> str:
    """CKAN's `csv` and `tsv` records: no header, `\\n` line ends, null as nothing, booleans as True and False."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()
