"""The page of one dataset: what it is, whose, how fresh, how good, and every way to get it."""

from __future__ import annotations

import asyncio

from markupsafe import Markup

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.datasets import DatasetQuery
from banyan.service.opendata.export import packages
from banyan.service.opendata.export.entry import Entry, EntryQuery
from banyan.service.opendata.export.site import current
from banyan.service.opendata.find.operation import FindDatasets, Found, Hit
from banyan.service.opendata.licences import LICENCES
from banyan.service.opendata.pages.addresses import dataset_path
from banyan.service.opendata.pages.mapping import picture_of
from banyan.service.opendata.pages.saying import Crumb, titled
from banyan.service.opendata.pages.table import formats_of
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.operations import RowsQuery
from banyan.service.opendata.usage import UsageQuery
from banyan.service.opendata.versions import ResourceAnswer, ResourceQuery
from banyan.wire import schemaorg

PREVIEW_ROWS = 8
RELATED = 4


@SERVICE.page("GET", path="/dataset/{name}")
async def dataset(request: FaceRequest) -> View:
    """A former name leads to the present one; a private dataset is shown to who may write."""
    entry = await entry_of(request)
    if request.params["name"] != entry.dataset.name:
        return View("", {}, redirect=dataset_path(entry.dataset.name), status=301)
    tables = entry.tables()
    usage, related = await asyncio.gather(
        request.call("opendata.usage", UsageQuery(entry.dataset.name)), _related(request, entry)
    )
    lang = request.lang
    values = {
        "entry": entry,
        "dataset": entry.dataset,
        "path": dataset_path(entry.dataset.name),
        "tables": tables,
        "formats": {resource.id: formats_of(version) for resource, version in tables},
        "answers": await _answers(request, entry),
        "preview": await _preview(request, tables[0][0].id) if tables else None,
        "picture": await picture_of(request, *tables[0]) if tables and tables[0][1].geometry else None,
        "licence": LICENCES.get(entry.dataset.licence_id),
        "usage": usage.total,
        "related": related,
        "jsonld": Markup(  # noqa: S704 - for_script leaves no character that could end the element
            schemaorg.for_script(packages.jsonld(entry, current(), request.base_url, lang)).decode()
        ),
        "crumbs": (
            Crumb({"zh-Hant": "資料集", "en": "Datasets"}[lang], "/dataset"),
            Crumb(titled(entry.dataset, lang)),
        ),
        "page_lead": entry.dataset.notes[:150].replace("\n", " "),
    }
    return View("opendata/dataset.html", values, title=titled(entry.dataset, lang))


async def entry_of(request: FaceRequest) -> Entry:
    """The dataset with what belongs to it. What is not public is read by its own operation, for who may."""
    name = request.params["name"]
    try:
        entry: Entry = await request.call("opendata.entry", EntryQuery(name))
    except NotFound:
        if not request.caller.may_write:
            raise
        entry = Entry(dataset=await request.call("opendata.dataset", DatasetQuery(name)))
    return entry


async def _answers(request: FaceRequest, entry: Entry) -> dict[str, ResourceAnswer]:
    """Age and freshness of each table."""
    found = await asyncio.gather(
        *(request.call("opendata.resource", ResourceQuery(resource.id)) for resource, _ in entry.tables())
    )
    return {answer.resource.id: answer for answer in found}


async def _preview(request: FaceRequest, resource: str) -> object:
    return await request.call("opendata.rows", RowsQuery(register=resource, limit=PREVIEW_ROWS, records="lists"))


async def _related(request: FaceRequest, entry: Entry) -> list[Hit]:
    """Others of the same themes, this one left out."""
    if not entry.dataset.themes:
        return []
    found: Found = await request.call(
        "opendata.find_datasets", FindDatasets(theme=entry.dataset.themes, rows=RELATED + 1)
    )
    return [hit for hit in found.hits if hit.dataset.id != entry.dataset.id][:RELATED]
