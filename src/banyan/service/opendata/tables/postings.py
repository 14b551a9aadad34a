"""Postings: for a column of few values, which rows hold each value. What an index is to SQLite, for facets and totals.

Rows are numbered by their position in the order of `_id`. Of a column, `codes` says each row's value and `rows` lists
the rows value by value. A total under equality filters is then the length of a slice, a facet one count over it:
0.2 ms instead of 3 over a million rows, measured together. Six bytes a row and column.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy
from numpy.typing import NDArray

from banyan.limits import POSTING_VALUES
from banyan.service.opendata.tables.columns import ROW_ID, Shape, Stored, coerce, quoted
from banyan.service.opendata.tables.compose import From
from banyan.service.opendata.tables.query import Cell, Compare, Facet, Filter, Group
from banyan.service.opendata.tables.workers import Connection

Positions = NDArray[numpy.int32]


class Posting(msgspec.Struct, frozen=True, eq=False):
    """One column's index. `values` are in rising order, null last; value i has `rows[starts[i]:starts[i + 1]]`."""

    values: tuple[Cell, ...]
    numbers: dict[Cell, int]
    codes: NDArray[numpy.uint16]
    rows: Positions
    starts: NDArray[numpy.int64]

    @property
    def size(self) -> int:
        return int(self.codes.nbytes + self.rows.nbytes + self.starts.nbytes) + 200 * len(self.values)


def build(connection: Connection, source: From, column: Stored) -> Posting | None:
    """Index a column; None when it has more than POSTING_VALUES values."""
    name = quoted(column.name)
    distinct = f"SELECT DISTINCT {name} AS v FROM {source.text}"
    found = connection.execute(f"{distinct} ORDER BY v NULLS LAST LIMIT {POSTING_VALUES + 1}").fetchall()
    if len(found) > POSTING_VALUES:
        return None
    numbered = f"SELECT v, row_number() OVER (ORDER BY v NULLS LAST) - 1 AS code FROM ({distinct})"
    sql = (
        f"SELECT CAST(n.code AS USMALLINT) AS code FROM {source.text} AS r JOIN ({numbered}) AS n "
        f"ON r.{name} IS NOT DISTINCT FROM n.v ORDER BY r.{ROW_ID}"
    )
    codes = numpy.asarray(connection.execute(sql).fetchnumpy()["code"], dtype=numpy.uint16)
    rows = numpy.argsort(codes, kind="stable").astype(numpy.int32)
    starts = numpy.zeros(len(found) + 1, dtype=numpy.int64)
    numpy.cumsum(numpy.bincount(codes, minlength=len(found)), out=starts[1:])
    values = tuple(row[0] for row in found)
    return Posting(values, {value: number for number, value in enumerate(values)}, codes, rows, starts)


def equalities(shape: Shape, where: Filter | None) -> list[tuple[Stored, tuple[Cell, ...]]] | None:
    """A filter as columns with the values each may have; None when it says anything else."""
    if where is None:
        return []
    items = where.items if isinstance(where, Group) and where.op == "$and" else (where,)
    found = []
    for item in items:
        if not isinstance(item, Compare) or item.op not in ("eq", "in"):
            return None
        column = shape.column(item.field, "filters")
        given = item.value if isinstance(item.value, tuple) else (item.value,)
        found.append((column, tuple(dict.fromkeys(coerce(column, value, "filters") for value in given))))
    return found


def matching(tests: Sequence[tuple[Posting, tuple[Cell, ...]]]) -> Positions | None:
    """The rows that pass all tests, in no order; None means every row."""
    if not tests:
        return None
    lists = sorted(
        ((_rows(posting, values), posting, values) for posting, values in tests), key=lambda one: len(one[0])
    )
    found = lists[0][0]
    for _, posting, values in lists[1:]:
        allowed = numpy.zeros(len(posting.values), dtype=bool)
        allowed[[posting.numbers[value] for value in values if value in posting.numbers]] = True
        found = found[allowed[posting.codes[found]]]
    return found


def facet(name: str, column: Stored, posting: Posting, rows: Positions | None, limit: int) -> Facet:
    """The counts of a column's values over `rows`, most first, ties by value."""
    kinds = len(posting.values)
    counts = numpy.diff(posting.starts) if rows is None else numpy.bincount(posting.codes[rows], minlength=kinds)
    order = numpy.lexsort((numpy.arange(kinds), -counts))
    shown = [(posting.values[number], int(counts[number])) for number in order[:limit] if counts[number]]
    return Facet(name, column.ckan, tuple(shown), int(numpy.count_nonzero(counts)))


def _rows(posting: Posting, values: tuple[Cell, ...]) -> Positions:
    numbers = [posting.numbers[value] for value in values if value in posting.numbers]
    slices = [posting.rows[posting.starts[number] : posting.starts[number + 1]] for number in numbers]
    return numpy.concatenate(slices) if len(slices) > 1 else slices[0] if slices else numpy.empty(0, dtype=numpy.int32)
