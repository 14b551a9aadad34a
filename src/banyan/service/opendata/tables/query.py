"""What one may ask of a table: frozen, hashable values, so that an answer can be kept by its question.

Names follow CKAN 2.12 `datastore_search` where it has the thing.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

import msgspec

from banyan.limits import LIST_DEFAULT_ROWS

Scalar = str | int | float | bool | None
"""A value in a question, as it came in; `columns.coerce` turns it into the column's type."""

Cell = str | int | float | bool | date | datetime | time | Decimal | None
"""A value in an answer, typed by its column."""

CompareOp = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte", "contains", "startswith", "isnull"]
COMPARE_OPS: tuple[CompareOp, ...] = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "contains", "startswith", "isnull")


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    """One test of one column. `value` is a tuple for `in`, a bool for `isnull` (False means "has a value")."""

    field: str
    op: CompareOp
    value: Scalar | tuple[Scalar, ...]


class Group(msgspec.Struct, frozen=True, tag="group"):
    """All (`$and`) or any (`$or`) of the items; an empty `$and` is true, an empty `$or` false."""

    op: Literal["$and", "$or"]
    items: tuple[Compare | Group, ...]


Filter = Compare | Group


class Words(msgspec.Struct, frozen=True):
    """Each blank-separated word of `text` must stand in a text cell of the row: of `field`, or of any when empty."""

    text: str
    field: str = ""


class SortKey(msgspec.Struct, frozen=True):
    field: str
    descending: bool = False
    nulls: Literal["first", "last"] = "last"


class SearchQuery(msgspec.Struct, frozen=True):
    """Rows of one version. Without `sort` they come by `_id`, and `after` continues past that `_id` (keyset paging)."""

    where: Compare | Group | None = None
    words: tuple[Words, ...] = ()
    distinct: bool = False
    fields: tuple[str, ...] = ()
    sort: tuple[SortKey, ...] = ()
    limit: int = LIST_DEFAULT_ROWS
    offset: int = 0
    after: int | None = None
    include_total: bool = True


class Field(msgspec.Struct, frozen=True):
    """A column of an answer: `id` as asked or published, `type` in CKAN's words."""

    id: str
    type: str


class SearchPage(msgspec.Struct, frozen=True):
    """One page of rows in the order of `fields`. `next_after` is the `_id` to continue from, None at the end."""

    fields: tuple[Field, ...]
    rows: tuple[tuple[Cell, ...], ...]
    limit: int
    offset: int
    total: int | None = None
    next_after: int | None = None


class FacetQuery(msgspec.Struct, frozen=True):
    """How many rows hold each value of each field, under a filter; the most frequent `limit` values each."""

    fields: tuple[str, ...]
    where: Compare | Group | None = None
    words: tuple[Words, ...] = ()
    limit: int = 50


class Facet(msgspec.Struct, frozen=True):
    """`values` are (value, rows), most first, ties by value; `distinct` counts all values, those not listed too."""

    field: str
    type: str
    values: tuple[tuple[Cell, int], ...]
    distinct: int


Function = Literal["count", "sum", "avg", "min", "max", "median", "distinct"]


class Measure(msgspec.Struct, frozen=True):
    """One figure of a group. `count` without a field counts rows."""

    function: Function
    field: str = ""

    @property
    def name(self) -> str:
        return f"{self.function}_{self.field}" if self.field else self.function


class AggregateQuery(msgspec.Struct, frozen=True):
    """Group by columns and measure. Sorted by `sort` (group columns or measure names), else by the groups."""

    by: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = (Measure("count"),)
    where: Compare | Group | None = None
    words: tuple[Words, ...] = ()
    sort: tuple[SortKey, ...] = ()
    limit: int = 1_000
