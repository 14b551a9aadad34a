"""Actions on resources: show, search, create with upload, update, patch, delete."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from banyan.errors import NotFound
from banyan.limits import CKAN_SEARCH_ROWS, QUERY_CHARACTERS, RESOURCE_SEARCH_DATASETS
from banyan.service.opendata.ckan.action import Ask, action
from banyan.service.opendata.ckan.mapping import resource as as_resource
from banyan.service.opendata.ckan.uploading import publish_file
from banyan.service.opendata.datasets import DatasetQuery, ResourceId, SaveResource
from banyan.service.opendata.find import FindDatasets, Found
from banyan.service.opendata.model import Dataset, Resource
from banyan.service.opendata.versions import ResourceAnswer, ResourceQuery
from banyan.wire.ckan.envelope import Json, not_found, search_error
from banyan.wire.ckan.values import Reader

PARAMS = "id package_id name description format url mimetype upload"
TEXTS = ("name", "description", "format", "url", "mimetype")
FACTS = ("created", "metadata_modified", "position", "state", "datastore_active", "url_type", "hash", "size")
OURS = frozenset((*TEXTS, *FACTS, "id", "package_id", "upload", "clear_upload", "last_modified", "package", "extras"))
"""Keys that are columns of ours or facts of the node; any other key of a resource is one of its extras."""


@action("resource_show", "一個資源。", "A resource.", params="id")
async def resource_show(ask: Ask) -> Json:
    reader = ask.reader()
    id = reader.required("id")
    reader.finish()
    return await shown(ask, id)


async def shown(ask: Ask, id: str) -> dict[str, Json]:
    """The resource as `resource_show` gives it. Raises NotFound."""
    found: ResourceAnswer = await ask.call("resource", ResourceQuery(id))
    return as_resource(found.resource, found.dataset.id, ask.site_url).as_dict()


@action(
    "resource_search",
    "依欄位搜尋資源。",
    "Search resources.",
    params="query limit offset order_by",
)
async def resource_search(ask: Ask) -> Json:
    """`query` is `field:text` or a list of them; each must be found in that field, folded by case."""
    reader = ask.reader()
    terms = [_term(reader, text) for text in _queries(reader)]
    limit, offset = min(reader.natural("limit", CKAN_SEARCH_ROWS), CKAN_SEARCH_ROWS), reader.natural("offset", 0)
    reader.finish()
    found = [row for row in await _candidates(ask, terms) if all(_holds(row, field, text) for field, text in terms)]
    return {"count": len(found), "results": found[offset : offset + limit]}


async def _candidates(ask: Ask, terms: Sequence[tuple[str, str]]) -> list[dict[str, Json]]:
    """Resources of the datasets that may hold the terms: the text index knows resources' names and descriptions.

    Terms of other fields alone look at every dataset, which is refused beyond RESOURCE_SEARCH_DATASETS of them.
    """
    words = " ".join(f'"{text}"' for field, text in terms if field in ("name", "description"))
    wanted = FindDatasets(q=words[:QUERY_CHARACTERS], sort="id asc", rows=CKAN_SEARCH_ROWS)
    rows: list[dict[str, Json]] = []
    while True:
        page: Found = await ask.call("find_datasets", wanted)
        if page.count > RESOURCE_SEARCH_DATASETS:
            raise search_error("too many resources to look at; add name:WORD or description:WORD")
        for hit in page.hits:
            rows += [as_resource(one, hit.dataset.id, ask.site_url).as_dict() for one in hit.dataset.resources]
        wanted = msgspec.structs.replace(wanted, start=wanted.start + len(page.hits))
        if not page.hits or wanted.start >= page.count:
            return rows


def _queries(reader: Reader) -> list[str]:
    value = reader.params.get("query")
    if isinstance(value, str):
        return [value]
    found = reader.texts("query")
    if not found:
        reader.wrong("query", "Missing value")
    return found


def _term(reader: Reader, text: str) -> tuple[str, str]:
    field, colon, wanted = text.partition(":")
    if not colon or not re.fullmatch(r"\w{1,40}", field):
        reader.wrong("query", "Must be <field>:<value> pair(s)")
    return field, wanted.strip().casefold()


def _holds(row: Mapping[str, Json], field: str, wanted: str) -> bool:
    value = row.get(field)
    return value is not None and wanted in str(value).casefold()


@action(
    "resource_create",
    "新增資源，可上傳檔案。",
    "Add a resource.",
    params=PARAMS,
    needs="create resources",
)
async def resource_create(ask: Ask) -> Json:
    reader = ask.reader()
    package = reader.required("package_id")
    values = resource_values(reader, whole=False)
    reader.finish()
    try:
        dataset: Dataset = await ask.call("dataset", DatasetQuery(package))
    except NotFound as problem:
        raise not_found("Package was not found.") from problem
    if ask.files:
        values["id"] = await publish_file(ask, dataset, name=reader.text("name"), id="")
    saved: Resource = await ask.call("save_resource", msgspec.convert({**values, "dataset": dataset.id}, SaveResource))
    return await shown(ask, saved.id)


@action(
    "resource_update",
    "改寫資源，可上傳。",
    "Replace a resource.",
    params=PARAMS,
    needs="edit resources",
)
async def resource_update(ask: Ask) -> Json:
    return await _change(ask, whole=True)


@action(
    "resource_patch",
    "修改資源，可上傳。",
    "Change a resource.",
    params=PARAMS,
    needs="edit resources",
)
async def resource_patch(ask: Ask) -> Json:
    return await _change(ask, whole=False)


@action("resource_delete", "刪除資源。", "Delete a resource.", params="id", needs="delete resources")
async def resource_delete(ask: Ask) -> Json:
    reader = ask.reader()
    id = reader.required("id")
    reader.finish()
    await ask.call("delete_resource", ResourceId(id))
    return None


async def _change(ask: Ask, *, whole: bool) -> Json:
    reader = ask.reader()
    id = reader.required("id")
    values = resource_values(reader, whole=whole)
    reader.finish()
    found: ResourceAnswer = await ask.call("resource", ResourceQuery(id))
    if ask.files:
        await publish_file(ask, found.dataset, name=reader.text("name"), id=found.resource.id)
    await ask.call("save_resource", msgspec.convert({**values, "id": found.resource.id}, SaveResource))
    return await shown(ask, found.resource.id)


def resource_values(reader: Reader, *, whole: bool) -> dict[str, object]:
    """The fields of a resource, under our names. With `whole`, a CKAN field left out is emptied."""
    values: dict[str, object] = {field: reader.text(field) for field in TEXTS if reader.has(field)}
    if reader.has("id"):
        values["id"] = reader.text("id")
    extras = {key: _as_text(value) for key, value in reader.params.items() if key not in OURS and value is not None}
    if reader.has("size") and not reader.has("upload"):
        extras["size"] = reader.text("size")
    if not whole:
        return values | ({"extras": extras} if extras else {})
    return {"description": "", **values, "extras": extras}


def without_empty_names(values: Mapping[str, object]) -> dict[str, object]:
    """An empty name or id means that none was given."""
    return {field: value for field, value in values.items() if value or field not in ("id", "name")}


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
