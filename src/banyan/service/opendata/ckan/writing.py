"""Actions that write tables: datastore_create, datastore_upsert, datastore_delete.

A table written here is published like any other: the new rows become the next version, compared with the last, and
earlier versions stay. Writers of one table wait for each other. Larger tables come as files (resource_create).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from weakref import WeakValueDictionary

import msgspec

from banyan.errors import Conflict, Limit, NotFound
from banyan.limits import DATASTORE_ROWS, QUERY_ROWS
from banyan.service.opendata import uploads
from banyan.service.opendata.ckan.action import Ask, action
from banyan.service.opendata.ckan.changing import ChangeRows
from banyan.service.opendata.ckan.declared import KEY, Declared, declared, word
from banyan.service.opendata.ckan.mapping import WRITTEN
from banyan.service.opendata.ckan.saving_resources import resource_values
from banyan.service.opendata.ckan.written import (
    Method,
    Record,
    Table,
    add_columns,
    apply,
    check_key,
    check_records,
    columns_of,
    lines,
    method_of,
    typed,
)
from banyan.service.opendata.committing import Published
from banyan.service.opendata.datasets import DatasetQuery, ResourceId, SaveResource
from banyan.service.opendata.ingest import Options
from banyan.service.opendata.model import Dataset, Resource
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.tables.operations import Rows, RowsQuery
from banyan.service.opendata.tables.query import Scalar
from banyan.service.opendata.uploads import BeginUpload
from banyan.service.opendata.versions import ResourceAnswer, ResourceQuery
from banyan.wire.ckan.envelope import Json, not_found, validation_error
from banyan.wire.ckan.values import Reader

READ_ONLY = 'Cannot edit read-only resource. Either pass"force" as True or change url_type to "datastore"'
_TURNS: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


@action(
    "datastore_create",
    "建立資料表，或加入欄位與資料列。",
    "Create a table, or add columns and rows to it.",
    params="resource_id resource aliases fields records primary_key indexes force include_records",
    needs="create resources",
)
async def datastore_create(ask: Ask) -> Json:
    reader = ask.reader()
    id, given = reader.text("resource_id"), reader.json("resource")
    if not id and not isinstance(given, Mapping):
        reader.wrong("resource_id", "Missing value")
    columns, records = columns_of(reader), [dict(row) for row in reader.rows("records")]
    key, aliases = tuple(reader.texts("primary_key")), tuple(reader.texts("aliases"))
    reader.finish()
    if isinstance(given, Mapping) and not id:
        id = await _new_resource(ask, given)
    async with _turn(id):
        found = await _writable(ask, id, is_new=isinstance(given, Mapping))
        table = _columns_alone(found)
        before = Table(dict(table.columns), table.key, [])
        table.columns |= {name: kind for name, kind in columns.items() if name not in table.columns}
        add_columns(table, records)
        table.key = key = key or table.key
        check_key(table)
        if not table.columns:
            raise validation_error({"fields": ["Missing value"]})
        written = [typed(record, table.columns) for record in records]
        method: Method = "upsert" if key else "insert"
        if found.resource.is_table and (before.columns, before.key) == (table.columns, table.key):
            await _change(ask, found, table, written, method)
        else:
            table.records = await _records(ask, found)
            apply(table, written, method)
            await _write(ask, found, table)
    if aliases:
        await ask.call("save_resource", SaveResource(id=id, aliases=aliases))
    return _told(ask, id, records) | {
        "fields": [{"id": name, "type": word(kind)} for name, kind in table.columns.items()],
        "primary_key": list(key),
        "method": "insert",
    }


@action(
    "datastore_upsert",
    "新增或更新資料列。",
    "Insert or update rows.",
    params="resource_id records method force dry_run include_records",
    needs="edit resources",
)
async def datastore_upsert(ask: Ask) -> Json:
    reader = ask.reader()
    id = reader.required("resource_id")
    records = [dict(row) for row in reader.rows("records")]
    method = method_of(reader)
    reader.finish()
    async with _turn(id):
        found = await _writable(ask, id)
        _must_be_table(found)
        table = _columns_alone(found)
        check_records(table, records, method)
        written = [typed(record, table.columns) for record in records]
        if not reader.flag("dry_run"):
            await _change(ask, found, table, written, method)
    return _told(ask, id, records) | {"method": method}


@action(
    "datastore_delete",
    "刪除資料列；沒有 filters 時刪除整個資料表。",
    "Delete rows; without filters, the whole table.",
    params="resource_id filters force",
    needs="edit resources",
)
async def datastore_delete(ask: Ask) -> Json:
    reader = ask.reader()
    id = reader.required("resource_id")
    filters = reader.json("filters")
    if filters is not None and not isinstance(filters, Mapping):
        reader.wrong("filters", "Not a dict")
    reader.finish()
    async with _turn(id):
        found = await _writable(ask, id)
        _must_be_table(found)
        if not isinstance(filters, Mapping):
            await _drop(ask, found)
        elif found.resource.is_table:
            await _remove(ask, found, dict(filters))
    return {"resource_id": id} | ({"filters": dict(filters)} if isinstance(filters, Mapping) else {})


def _turn(id: str) -> asyncio.Lock:
    lock = _TURNS.get(id)
    if lock is None:
        lock = _TURNS[id] = asyncio.Lock()
    return lock


async def _new_resource(ask: Ask, given: Mapping[str, Json]) -> str:
    reader = Reader(given)
    package = reader.required("package_id")
    values = resource_values(reader, whole=False)
    reader.finish()
    dataset: Dataset = await ask.call("dataset", DatasetQuery(package))
    saved: Resource = await ask.call("save_resource", msgspec.convert({**values, "dataset": dataset.id}, SaveResource))
    return saved.id


async def _writable(ask: Ask, id: str, *, is_new: bool = False) -> ResourceAnswer:
    """The resource, when its rows may be written: made here before, or `force` is given."""
    try:
        found: ResourceAnswer = await ask.call("resource", ResourceQuery(id))
    except NotFound as problem:
        raise not_found(f'Resource "{id}" was not found.') from problem
    is_ours = is_new or found.resource.url.endswith(WRITTEN) or declared(found.resource) is not None
    if not is_ours and not ask.reader().flag("force"):
        raise validation_error({"read-only": [READ_ONLY]})
    return found


def _must_be_table(found: ResourceAnswer) -> None:
    if not found.resource.is_table and declared(found.resource) is None:
        raise not_found(f'Resource "{found.resource.id}" was not found.')


def _columns_alone(found: ResourceAnswer) -> Table:
    """The table's columns and key; nothing when there is no table yet."""
    if found.version is None:
        before = declared(found.resource) or Declared({})
        return Table(dict(before.columns), before.key, [])
    return Table({column.name: column.type for column in found.version.columns}, found.resource.key, [])


async def _change(ask: Ask, found: ResourceAnswer, table: Table, records: list[Record], method: Method) -> None:
    """Write the records into the table that is served; the first ones of a declared table are published."""
    if not found.resource.is_table:
        apply(table, records, method)
        await _write(ask, found, table)
    elif records:
        wanted = ChangeRows(found.resource.id, method, msgspec.convert(records, list[dict[str, Scalar]]))
        try:
            await ask.call("change_rows", wanted)
        except NotFound as problem:
            raise validation_error({"key": [f"key not found: {problem.title}"]}) from problem
        except Conflict as problem:
            taken = problem.kind == "key-taken"
            words = "duplicate key value violates unique constraint" if taken else problem.title
            raise validation_error({"records": [words]}) from problem


async def _remove(ask: Ask, found: ResourceAnswer, filters: dict[str, object]) -> None:
    """Remove the rows that pass; a table that loses its last row is declared again."""
    page = await ask.call("rows", RowsQuery(register=found.resource.id, filters=filters, limit=0))
    assert found.version is not None, "only a served table has rows to remove"
    if page.total == found.version.rows:
        await _write(ask, found, _columns_alone(found))
    elif page.total:
        await ask.call("change_rows", ChangeRows(found.resource.id, "delete", filters=filters))


async def _records(ask: Ask, found: ResourceAnswer) -> list[Record]:
    """Every row, to be published again with new columns or another key."""
    if found.version is None:
        return []
    if found.version.rows > DATASTORE_ROWS:
        raise Limit(
            f"datastore_create changes the columns of tables of up to {DATASTORE_ROWS} rows.",
            remedy="Publish a larger table as a file, with resource_create or ./banyan publish.",
            kind="datastore-rows",
        )
    return await _rows(ask, found.resource.id, fields=[column.name for column in found.version.columns])


async def _rows(ask: Ask, id: str, *, fields: Sequence[str]) -> list[Record]:
    found: list[Record] = []
    query = RowsQuery(register=id, fields=tuple(f'"{name}"' for name in fields))
    query = msgspec.structs.replace(query, limit=QUERY_ROWS, total=False)
    while True:
        page: Rows = await ask.call("rows", query)
        found += [dict(row) for row in page.records if isinstance(row, dict)]
        if page.next is None:
            return found
        query = msgspec.structs.replace(query, after=page.next)


async def _write(ask: Ask, found: ResourceAnswer, table: Table) -> None:
    """Publish the table as the next version of its resource; a table without rows is only declared."""
    if not table.records:
        if found.resource.is_table:
            await _drop(ask, found)
        text = msgspec.json.encode(Declared(table.columns, table.key)).decode()
        extras = {**found.resource.extras, KEY: text}
        await ask.call("save_resource", SaveResource(id=found.resource.id, extras=extras))
        return
    ticket = (await ask.call("begin_upload", BeginUpload())).file
    try:
        path = uploads.path_of(ticket)
        assert path is not None, "a ticket has a place until it is forgotten"
        await asyncio.to_thread(path.write_bytes, lines(table))
        published: Published = await ask.call("publish", _asked(found, table, ticket))
        assert published.resource_id == found.resource.id, "a publish keeps its resource"
    finally:
        await uploads.forget(ticket)
    # The lines were our own way to bring the rows in; to its readers the table's format is what it was, or CSV.
    shown = "" if found.resource.url.endswith(WRITTEN) else found.resource.format
    extras = {key: text for key, text in found.resource.extras.items() if key != KEY}
    await ask.call("save_resource", SaveResource(id=found.resource.id, format=shown or "CSV", extras=extras))


def _asked(found: ResourceAnswer, table: Table, ticket: str) -> Publish:
    return Publish(
        file=ticket,
        filename=WRITTEN.removeprefix("/"),
        name=found.dataset.name,
        resource=found.resource.id,
        resource_name=found.resource.name,
        fresh=True,
        options=Options(types=dict(table.columns), key=table.key),
        accept=("columns", "shrunk"),
        idempotency_key=uuid.uuid4().hex,
    )


async def _drop(ask: Ask, found: ResourceAnswer) -> None:
    """Remove the table and keep its resource, as CKAN does."""
    kept = found.resource
    await ask.call("delete_resource", ResourceId(kept.id))
    again = SaveResource(
        id=kept.id,
        dataset=found.dataset.id,
        name=kept.name,
        description=kept.description,
        format=kept.format,
        url="",
        extras={key: text for key, text in kept.extras.items() if key != KEY},
    )
    await ask.call("save_resource", again)


def _told(ask: Ask, id: str, records: Sequence[Record]) -> Record:
    told: Record = {"resource_id": id}
    return told | ({"records": list(records)} if ask.reader().flag("include_records") else {})
