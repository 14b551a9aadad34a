"""Operations on tables: rows, facets, aggregates and one row by its key. Every answer names its source and its date."""

from __future__ import annotations

import asyncio
import unicodedata
from typing import Annotated, Literal

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.limits import (
    AGGREGATE_FIELDS,
    FACET_VALUES,
    LIST_DEFAULT_ROWS,
    NAME_CHARACTERS,
    QUERY_ROWS,
    RECORD_CELLS_INLINE,
)
from banyan.service.opendata import usage
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.filters import all_of, parse_filters, parse_sort, parse_words, split_names
from banyan.service.opendata.tables.query import (
    AggregateQuery,
    Compare,
    FacetQuery,
    Field,
    Filter,
    Function,
    Measure,
    SearchPage,
    SearchQuery,
)
from banyan.service.opendata.tables.records import Dialect, Plain, delimited, objects, plain_cell, plain_rows
from banyan.service.opendata.tables.refusals import not_found, wrong_value
from banyan.service.opendata.tables.tenancy import Register, engine, register

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""A version's number; 0 is the one served."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Filters = dict[str, object]
"""CKAN's filters: `{"county": "花蓮縣", "adult": {"gt": 10}, "$or": [...]}`."""
Records = list[dict[str, Plain] | list[Plain]]
_FUNCTIONS: tuple[Function, ...] = ("count", "sum", "avg", "min", "max", "median", "distinct")


class Origin(msgspec.Struct, frozen=True):
    """Where an answer comes from: the dataset, its resource and version, and the time the data is from (UTC)."""

    dataset: str
    title: str
    resource: str
    version: int
    as_of: str
    licence: str


class RowsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of a table. `register` is a resource's id or alias, or a dataset's name; `version` 0 is the one served.

    `q` must stand in any text column, each of `words` in its column (`{"name": "藥局"}`). `after` continues past that
    `_id` (only without `sort`); `records` chooses objects, lists, csv or tsv.
    """

    register: Name
    version: Number = 0
    filters: Filters = {}
    q: str = ""
    words: dict[str, str] = {}
    distinct: bool = False
    fields: tuple[str, ...] = ()
    sort: str = ""
    limit: Count = LIST_DEFAULT_ROWS
    offset: Count = 0
    after: Count | None = None
    total: bool = True
    records: Literal["objects", "lists", "csv", "tsv"] = "objects"
    dialect: Dialect = "plain"


class Rows(msgspec.Struct, frozen=True):
    """One page. `total` is null when it was not asked for; `next` is the `after` of the following page, else null."""

    origin: Origin
    fields: tuple[Field, ...]
    records: Records | str
    limit: int
    offset: int
    total: int | None
    next: int | None


class FacetsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    register: Name
    fields: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=AGGREGATE_FIELDS)]
    version: Number = 0
    filters: Filters = {}
    q: str = ""
    words: dict[str, str] = {}
    limit: Annotated[int, msgspec.Meta(ge=1, le=FACET_VALUES)] = 50


class FacetValue(msgspec.Struct, frozen=True):
    value: Plain
    count: int


class FacetAnswer(msgspec.Struct, frozen=True):
    field: str
    type: str
    values: tuple[FacetValue, ...]
    distinct: int
    """All values, those not listed too."""


class Facets(msgspec.Struct, frozen=True):
    origin: Origin
    facets: tuple[FacetAnswer, ...]


class GroupQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Group by columns and measure: `measures` are `count`, `sum:COLUMN`, `avg:`, `min:`, `max:`, `median:`,
    `distinct:`. `sort` names group columns or measures (`sum_adult desc`)."""

    register: Name
    by: Annotated[tuple[str, ...], msgspec.Meta(max_length=AGGREGATE_FIELDS)] = ()
    measures: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=AGGREGATE_FIELDS)] = ("count",)
    version: Number = 0
    filters: Filters = {}
    q: str = ""
    words: dict[str, str] = {}
    sort: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=QUERY_ROWS)] = 1_000


class Groups(msgspec.Struct, frozen=True):
    origin: Origin
    fields: tuple[Field, ...]
    records: list[dict[str, Plain]]


class KeyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row by its key. Several key columns are separated by commas, in their order."""

    register: Name
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS)]
    version: Number = 0


class Found(msgspec.Struct, frozen=True):
    origin: Origin
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    record: dict[str, Plain]


def origin(of: Register) -> Origin:
    return Origin(
        dataset=of.dataset.name,
        title=of.dataset.title,
        resource=of.resource.id,
        version=of.version.number,
        as_of=iso(of.version.as_of),
        licence=of.dataset.licence_id,
    )


def counted(ctx: Context, of: Register) -> None:
    """Note the use of the dataset, for its usage counts."""
    if ctx.caller.kind != "system":
        usage.note(ctx.db, of.dataset.id, "views" if ctx.caller.channel == "web" else "calls", ctx.now)


def names_of(given: tuple[str, ...]) -> tuple[str, ...]:
    """Column names given one by one, or several in one text with commas (CKAN's way)."""
    return tuple(name.strip('"') for text in given for name in split_names(text))


@SERVICE.operation(
    "rows",
    title={"zh-Hant": "查詢資料列", "en": "Query rows"},
    summary={
        "zh-Hant": "篩選、搜尋、排序並分頁取得一份資料的資料列。",
        "en": "Filter, search, sort and page through the rows of a table.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/rows/{register}",
    keys=("資料", "查詢", "rows"),
)
async def rows(ctx: Context, request: RowsQuery) -> Rows:
    """Raises NotFound for an unknown table, Invalid for an unknown column or a wrong value, Limit."""
    of = await register(ctx, request.register, request.version)
    counted(ctx, of)
    query = SearchQuery(
        where=parse_filters(request.filters),
        words=parse_words(request.q) + parse_words(request.words),
        distinct=request.distinct,
        fields=names_of(request.fields),
        sort=parse_sort(request.sort),
        limit=request.limit,
        offset=request.offset,
        after=request.after,
        include_total=request.total,
    )
    page = await engine(ctx.db).search(of.version, query)
    return Rows(
        origin=origin(of),
        fields=page.fields,
        records=await _written(page, request),
        limit=page.limit,
        offset=page.offset,
        total=page.total,
        next=page.next_after,
    )


async def _written(page: SearchPage, request: RowsQuery) -> Records | str:
    if len(page.rows) * len(page.fields) <= RECORD_CELLS_INLINE:
        return _records(page, request)
    return await asyncio.to_thread(_records, page, request)


def _records(page: SearchPage, request: RowsQuery) -> Records | str:
    found = plain_rows(page.fields, page.rows, request.dialect)
    if request.records == "objects":
        return list(objects(page.fields, found))
    if request.records == "lists":
        return list(found)
    return delimited(found, "," if request.records == "csv" else "\t")


@SERVICE.operation(
    "facets",
    title={"zh-Hant": "欄位值統計", "en": "Facet counts"},
    summary={
        "zh-Hant": "各欄位每個值的列數，可加上篩選條件。",
        "en": "How many rows hold each value of each column, under a filter.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/facets/{register}",
)
async def facets(ctx: Context, request: FacetsQuery) -> Facets:
    """Raises as `rows`."""
    of = await register(ctx, request.register, request.version)
    counted(ctx, of)
    query = FacetQuery(
        fields=names_of(request.fields),
        where=parse_filters(request.filters),
        words=parse_words(request.q) + parse_words(request.words),
        limit=request.limit,
    )
    found = await engine(ctx.db).facets(of.version, query)
    return Facets(
        origin=origin(of),
        facets=tuple(
            FacetAnswer(
                facet.field,
                facet.type,
                tuple(FacetValue(plain_cell(value), count) for value, count in facet.values),
                facet.distinct,
            )
            for facet in found
        ),
    )


@SERVICE.operation(
    "aggregate",
    title={"zh-Hant": "分組統計", "en": "Group and measure"},
    summary={
        "zh-Hant": "依欄位分組，計算筆數、總和、平均、最小、最大、中位數。",
        "en": "Group by columns; count, sum, average, minimum, maximum, median.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/aggregate/{register}",
)
async def aggregate(ctx: Context, request: GroupQuery) -> Groups:
    """Raises as `rows`."""
    of = await register(ctx, request.register, request.version)
    counted(ctx, of)
    query = AggregateQuery(
        by=names_of(request.by),
        measures=tuple(_measure(text) for text in request.measures),
        where=parse_filters(request.filters),
        words=parse_words(request.q) + parse_words(request.words),
        sort=parse_sort(request.sort),
        limit=request.limit,
    )
    grid = await engine(ctx.db).aggregate(of.version, query)
    return Groups(
        origin=origin(of), fields=grid.fields, records=objects(grid.fields, plain_rows(grid.fields, grid.rows))
    )


def _measure(text: str) -> Measure:
    name, _, field = text.partition(":")
    function = next((known for known in _FUNCTIONS if known == name.strip()), None)
    if function is None:
        raise wrong_value("measures", f"{name}: {', '.join(_FUNCTIONS)}")
    return Measure(function, field.strip())


@SERVICE.operation(
    "look_up",
    title={"zh-Hant": "以鍵查一列", "en": "Look up a row"},
    summary={
        "zh-Hant": "用代碼等鍵欄位查出一列資料；全形數字也可以。",
        "en": "One row by its key, such as a code; full-width digits are understood.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/look_up/{register}",
    keys=("代碼", "編號", "code"),
    channels=("web", "api", "chat", "mcp"),
)
async def look_up(ctx: Context, request: KeyQuery) -> Found:
    """Raises NotFound that names the key columns when no row has the key, or the table has none."""
    of = await register(ctx, request.register, request.version)
    counted(ctx, of)
    key = of.resource.key or tuple(column.name for column in of.version.columns if column.role == "key")
    if not key:
        raise not_found("no_key")
    query = SearchQuery(where=key_filter(key, request.key), limit=1, include_total=False)
    try:
        page = await engine(ctx.db).search(of.version, query)
    except Invalid:  # a text where the key is a number: no row has it
        page = None
    if page is None or not page.rows:
        known = next((column for column in of.version.columns if column.name == key[0]), None)
        example = known.examples[0] if known is not None and known.examples else ""
        raise not_found("no_row", key="、".join(key), value=request.key, example=example)
    [record] = objects(page.fields, plain_rows(page.fields, page.rows))
    return Found(origin(of), key, page.fields, record)


def key_filter(key: tuple[str, ...], text: str) -> Filter:
    """The row whose key columns have these values. The value as given and its NFKC form (full-width folded) count."""
    values = [text] if len(key) == 1 else [part.strip() for part in text.split(",")]
    if len(values) != len(key):
        raise wrong_value("key", f"{len(key)} values: {', '.join(key)}")
    tests: list[Filter] = []
    for name, value in zip(key, values, strict=True):
        forms = tuple(dict.fromkeys((value, unicodedata.normalize("NFKC", value).strip())))
        tests.append(Compare(name, "in", forms))
    found = all_of(tests)
    assert found is not None, "a key has a column"
    return found
