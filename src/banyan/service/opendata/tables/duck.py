"""Questions as DuckDB answers them: one connection, the rows of one version, a value back. Nothing is kept here."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy
from numpy.typing import NDArray

from banyan.service.opendata.tables.columns import ROW_ID, Shape, ckan_type, literal
from banyan.service.opendata.tables.compose import (
    From,
    Text,
    aggregate_text,
    chosen,
    count_text,
    facet_text,
    search_text,
)
from banyan.service.opendata.tables.nearest import Points, points
from banyan.service.opendata.tables.query import (
    AggregateQuery,
    Cell,
    Facet,
    FacetQuery,
    Field,
    Filter,
    SearchPage,
    SearchQuery,
    Words,
)
from banyan.service.opendata.tables.workers import Connection


class Grid(msgspec.Struct, frozen=True):
    """Rows of an aggregate in the order of `fields`."""

    fields: tuple[Field, ...]
    rows: tuple[tuple[Cell, ...], ...]


def schema(connection: Connection, parquet: Path) -> dict[str, str]:
    """The names and DuckDB types of a Parquet file's columns, in order."""
    described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(parquet))})").fetchall()
    return {name: duck for name, duck, *_ in described}


def search(connection: Connection, source: From, shaped: Shape, query: SearchQuery, total: int | None) -> SearchPage:
    """One page of rows; `total`, when it is known, is not counted again."""
    text = Text(shaped)
    rows: list[tuple[Cell, ...]] = connection.execute(search_text(text, query, source), text.values).fetchall()
    last = None
    if not query.distinct:
        last = rows[-1][-1] if rows else None
        rows = [row[:-1] for row in rows]
    is_full = len(rows) == query.limit and not query.sort and isinstance(last, int)
    if query.include_total and total is None:
        total = _count(connection, source, shaped, query, len(rows))
    return SearchPage(
        fields=tuple(Field(name, column.ckan) for name, column in chosen(shaped, query)),
        rows=tuple(rows),
        limit=query.limit,
        offset=query.offset,
        total=total,
        next_after=last if is_full and isinstance(last, int) else None,
    )


def _count(connection: Connection, source: From, shaped: Shape, query: SearchQuery, found: int) -> int:
    if query.after is None and 0 < found < query.limit:
        return query.offset + found  # the last page says the total without counting
    text = Text(shaped)
    row = connection.execute(count_text(text, query, source), text.values).fetchone()
    assert row is not None, "count(*) gives a row"
    return int(row[0])


def facets(connection: Connection, source: From, shaped: Shape, query: FacetQuery) -> tuple[Facet, ...]:
    found = []
    for name in query.fields:
        column = shaped.column(name, "fields")
        text = Text(shaped)
        rows = connection.execute(facet_text(text, column, query, source), text.values).fetchall()
        values = tuple((value, int(count)) for value, count, _ in rows)
        found.append(Facet(name, column.ckan, values, int(rows[0][2]) if rows else 0))
    return tuple(found)


def aggregate(connection: Connection, source: From, shaped: Shape, query: AggregateQuery) -> Grid:
    text = Text(shaped)
    sql, names = aggregate_text(text, query, source)
    found = connection.execute(sql, text.values)
    types = [str(column[1]) for column in found.description or ()]
    rows = tuple(found.fetchall())
    return Grid(tuple(Field(name, ckan_type(duck)) for name, duck in zip(names, types, strict=True)), rows)


def ids(
    connection: Connection, source: From, shaped: Shape, where: Filter | None, words: tuple[Words, ...]
) -> NDArray[numpy.int64]:
    """The `_id`s of the rows that pass, in rising order."""
    text = Text(shaped)
    sql = f"SELECT {ROW_ID} FROM {source.text}{text.condition(where, words)} ORDER BY {ROW_ID}"
    return _column(connection.execute(sql, text.values).fetchnumpy()[ROW_ID])


def placed(connection: Connection, source: From) -> Points:
    sql = (
        f"SELECT {ROW_ID}, _lon, _lat FROM {source.text} WHERE _lon IS NOT NULL AND _lat IS NOT NULL ORDER BY {ROW_ID}"
    )
    found = connection.execute(sql).fetchnumpy()
    return points(_column(found[ROW_ID]), numpy.asarray(found["_lon"]), numpy.asarray(found["_lat"]))


def _column(found: object) -> NDArray[numpy.int64]:
    return numpy.asarray(found, dtype=numpy.int64)
