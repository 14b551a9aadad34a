"""Actions that read tables: datastore_search, datastore_search_sql, datastore_info."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

import msgspec

from banyan.errors import NotFound
from banyan.service.opendata.ckan.action import Ask, RawJson, action
from banyan.service.opendata.ckan.declared import declared, no_rows
from banyan.service.opendata.model import Column
from banyan.service.opendata.tables import filterops, parse_filters
from banyan.service.opendata.tables.operations import Rows, RowsQuery
from banyan.service.opendata.tables.sql_operation import SqlQuery, SqlRows
from banyan.service.opendata.versions import ResourceAnswer, ResourceQuery
from banyan.wire.ckan.envelope import Json, not_found
from banyan.wire.ckan.values import Reader

PARAMS = (
    "resource_id id filters q full_text distinct plain language limit offset fields sort include_total records_format "
    "include_next_page total_estimation_threshold"
)
FORMATS = ("objects", "lists", "csv", "tsv")
NATIVE = {
    "text": "text",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "float8": "double precision",
    "numeric": "numeric",
    "bool": "boolean",
    "timestamp": "timestamp without time zone",
    "date": "date",
    "time": "time without time zone",
    "json": "json",
}
"""PostgreSQL's name of each type word, as `datastore_info` tells it."""
MOST_OFFSET = 2**40


@action("datastore_search", "查詢資料表。", "Search a table.", params=PARAMS)
async def datastore_search(ask: Ask) -> RawJson:
    """CKAN 2.12's answer, with the `_links` of earlier versions as well."""
    reader = ask.reader()
    query, echo = read_query(reader)
    for name in sorted(ask.params.keys() - set(PARAMS.split())):
        reader.wrong(name, f'invalid value "{ask.params[name]}"')
    with_next = reader.flag("include_next_page")
    reader.finish()
    found = await search(ask, query)
    result = {**echo, "include_next_page": with_next, "limit": found.limit, "resource_id": query.register}
    if found.total is not None:
        result["total"] = found.total
    if with_next and found.next is not None:
        result["next_page"] = {"_id": {"gt": found.next}}
    result["_links"] = _links(ask, query.offset, found.limit)
    fields: list[dict[str, Json]] = [{"id": field.id, "type": field.type} for field in found.fields]
    records: object = found.records
    if query.q or query.words:
        fields.append({"id": "rank", "type": "float"})
        records = _ranked(found, query)
    result["fields"] = fields
    head = msgspec.json.encode(result)
    return RawJson(head[:-1] + b',"records":' + msgspec.json.encode(records) + b"}")


async def search(ask: Ask, query: RowsQuery) -> Rows:
    """The rows, or CKAN's 404 that names the table."""
    try:
        found: Rows = await ask.call("rows", query)
    except NotFound as problem:
        held = await table_of(ask, query.register)
        empty = declared(held.resource)
        if empty is None:
            raise not_found(f'Resource "{query.register}" was not found.') from problem
        return no_rows(empty, held.dataset, held.resource, query)
    return found


async def table_of(ask: Ask, id: str) -> ResourceAnswer:
    """The resource, or CKAN's 404 that names it."""
    try:
        found: ResourceAnswer = await ask.call("resource", ResourceQuery(id))
    except NotFound as problem:
        raise not_found(f'Resource "{id}" was not found.') from problem
    return found


def read_query(reader: Reader) -> tuple[RowsQuery, dict[str, Json]]:
    """The question, and what of it CKAN repeats in its answer. Wrong values are noted in the reader."""
    register = reader.text("resource_id") or reader.text("id")
    if not register and "resource_id" not in reader.errors:
        reader.wrong("resource_id", "Missing value")
    limit = _whole(reader, "limit", 100)
    offset = _whole(reader, "offset", 0)
    records_format = _format(reader)
    total = reader.flag("include_total", default=True)
    echo: dict[str, Json] = {"include_total": total, "records_format": records_format}
    filters = reader.json("filters")
    if filters and not isinstance(filters, Mapping):
        reader.wrong("filters", "Not a dict")
    q, words = _words(reader, echo)
    query = RowsQuery(
        register=register or "-",
        filters=dict(filters) if isinstance(filters, Mapping) else {},
        q=q,
        words=words,
        distinct=reader.flag("distinct"),
        fields=tuple(reader.texts("fields")),
        sort=",".join(reader.texts("sort")) if not isinstance(reader.params.get("sort"), str) else reader.text("sort"),
        limit=limit,
        offset=offset,
        total=total,
        records=records_format,
        dialect="ckan",
    )
    if isinstance(filters, Mapping) and filters:
        echo["filters"] = filters
    if query.filters and not reader.errors and (where := parse_filters(query.filters)) is not None:
        echo["filterops"] = msgspec.to_builtins(filterops(where))
    if offset:
        echo["offset"] = offset
    if query.sort:
        echo["sort"] = query.sort
    if query.distinct:
        echo["distinct"] = True
    return query, echo


def _whole(reader: Reader, field: str, default: int) -> int:
    value = reader.integer(field, default, complaints=("Invalid integer", "Please enter an integer value"))
    if value < 0:
        reader.wrong(field, "Must be a natural number")
        return default
    return min(value, MOST_OFFSET)


def _format(reader: Reader) -> Literal["objects", "lists", "csv", "tsv"]:
    match reader.one_of("records_format", FORMATS, "objects"):
        case "lists":
            return "lists"
        case "csv":
            return "csv"
        case "tsv":
            return "tsv"
        case _:
            return "objects"


def _words(reader: Reader, echo: dict[str, Json]) -> tuple[str, dict[str, str]]:
    """`q` as one text or as texts by column. `plain=false` sends PostgreSQL's operators: their words remain."""
    plain = reader.flag("plain", default=True)
    if reader.has("plain") and not plain:
        echo["plain"] = False
    given = reader.params.get("q")
    if given is None or given == "":
        given = reader.params.get("full_text")
    if isinstance(given, str) and given.startswith("{"):
        given = reader.json("q")
    if given is None or given == "":
        return "", {}
    if isinstance(given, Mapping) and all(isinstance(text, str | int | float) for text in given.values()):
        echo["q"] = given
        return "", {field: _plainly(str(text), plain) for field, text in given.items()}
    if isinstance(given, str | int | float):
        echo["q"] = given
        return _plainly(str(given), plain), {}
    reader.wrong("q", "Expected a string or a dict of field names and strings")
    return "", {}


def _plainly(text: str, plain: bool) -> str:
    return text if plain else " ".join(re.sub(r":\*|[&|!()<>':]", " ", text).split())


def _links(ask: Ask, offset: int, limit: int) -> dict[str, Json]:
    """`start` and `next` as CKAN had them until 2.11: paths with the same parameters."""
    path = "/api/3/action/datastore_search"
    plain = {key: _link_value(value) for key, value in ask.params.items() if key not in ("offset", "callback")}
    start = urlencode(plain)
    return {"start": f"{path}?{start}", "next": f"{path}?{urlencode({**plain, 'offset': str(offset + limit)})}"}


def _link_value(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _ranked(found: Rows, query: RowsQuery) -> object:
    """The records with `rank`: the share of a row's text that the words make up. Texts (csv, tsv) stay as they are."""
    asked = sum(len(text) for text in (query.q, *query.words.values()))
    if isinstance(found.records, str):
        return found.records
    ranked: list[object] = []
    for record in found.records:
        cells = record.values() if isinstance(record, dict) else record
        text = sum(len(cell) for cell in cells if isinstance(cell, str))
        rank = round(min(1.0, asked / text), 6) if text else 0.0
        ranked.append({**record, "rank": rank} if isinstance(record, dict) else [*record, rank])
    return ranked


@action("datastore_search_sql", "以 SQL 查詢資料表（唯讀）。", "Query tables with one SELECT.", params="sql")
async def datastore_search_sql(ask: Ask) -> RawJson:
    reader = ask.reader()
    sql = reader.required("sql")
    reader.finish()
    found: SqlRows = await ask.call("sql", SqlQuery(sql))
    result: dict[str, object] = {"sql": sql, "records": found.records, "fields": found.fields}
    if found.truncated:
        result["records_truncated"] = True
    return RawJson(msgspec.json.encode(result))


@action("datastore_info", "資料表的欄位與大小。", "Columns and size of a table.", params="id resource_id")
async def datastore_info(ask: Ask) -> Json:
    reader = ask.reader()
    id = reader.text("resource_id") or reader.required("id")
    reader.finish()
    found = await table_of(ask, id)
    empty, version = declared(found.resource), found.version
    if version is None and empty is None:
        raise not_found(f'Resource "{id}" was not found.')
    columns = version.columns if version else tuple(Column(*pair) for pair in (empty.columns if empty else {}).items())
    page = await search(ask, RowsQuery(register=found.resource.id, limit=0, total=False))
    types = {field.id: field.type for field in page.fields}
    key = set(empty.key if empty else found.resource.key)
    return {
        "fields": [_column(column, types.get(column.name, "text"), column.name in key) for column in columns],
        "meta": {
            "id": found.resource.id,
            "count": version.rows if version else 0,
            "table_type": "BASE TABLE",
            "size": version.parquet_bytes if version else 0,
            "db_size": version.parquet_bytes if version else 0,
            "idx_size": 0,
            "aliases": list(found.aliases),
        },
    }


def _column(column: Column, kind: str, is_key: bool) -> dict[str, Json]:
    info = {"label": column.title, "notes": column.description, "unit": column.unit}
    told = {key: text for key, text in info.items() if text}
    shown: dict[str, Json] = {
        "id": column.name,
        "type": kind,
        "schema": {
            "native_type": NATIVE.get(kind, kind),
            "notnull": False,
            "index_name": f"key_{column.name}" if is_key else None,
            "is_index": is_key,
            "uniquekey": False,
        },
    }
    return shown | ({"info": told} if told else {})
