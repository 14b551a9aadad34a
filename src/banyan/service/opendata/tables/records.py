"""Cells as a client gets them: JSON values, CKAN's csv and tsv texts. One cell has one text everywhere."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, cast

from banyan.service.opendata.tables.query import Cell, Field

Plain = str | int | float | bool | None
"""A JSON value of a cell."""
Dialect = Literal["plain", "ckan"]
"""`plain` writes times as ISO 8601 (`2020-03-01T08:00:00`), `ckan` with milliseconds, as its DataStore does."""
Row = Sequence[Cell]
_BARE = frozenset({"text", "int", "int4", "int8", "bool", "json"})


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
    changed = [index for index, field in enumerate(fields) if field.type not in _BARE]
    found = []
    for row in rows:
        cells = cast(list[Plain], list(row))
        for index in changed:
            cells[index] = plain_cell(cells[index], dialect)
        found.append(cells)
    return found


def objects(fields: Sequence[Field], rows: Iterable[Sequence[Plain]]) -> list[dict[str, Plain]]:
    """Rows as JSON objects, keys in the order of `fields`."""
    names = [field.id for field in fields]
    return [dict(zip(names, row, strict=True)) for row in rows]


def delimited(rows: Iterable[Sequence[Plain]], delimiter: str) -> str:
    """CKAN's `csv` and `tsv` records: no header, `\\n` line ends, null as nothing, booleans as True and False."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


def formatter(kind: str) -> Callable[[object], str]:
    """How a download writes a cell of a CKAN type as text: null as nothing, booleans as true and false."""
    if kind == "bool":
        return lambda cell: "" if cell is None else ("true" if cell else "false")
    if kind in ("float8", "numeric"):
        return _number_text
    return lambda cell: "" if cell is None else str(plain_cell(cell))


def _number_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        whole = math.isfinite(cell) and cell == int(cell) and abs(cell) < 2**53
        return str(int(cell)) if whole else (repr(cell) if math.isfinite(cell) else "")
    return str(cell)
