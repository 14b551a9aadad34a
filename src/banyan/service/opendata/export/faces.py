"""The catalogue and each dataset in other standards' words: DCAT-AP, Data Package, schema.org, Croissant, CSVW."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.limits import CATALOGUE_PAGE_DATASETS
from banyan.service.opendata.export import packages
from banyan.service.opendata.export.answers import answer, page_count, page_number, tag
from banyan.service.opendata.export.describe import catalogue, describe, iri_of
from banyan.service.opendata.export.entry import Entries, EntriesQuery, Entry, EntryQuery
from banyan.service.opendata.export.site import current
from banyan.service.opendata.model import Resource, Version
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.wording import unknown
from banyan.wire import csvw as csvw_wire
from banyan.wire import datapackage, dcat

_JSON = "application/json; charset=utf-8"
_LD = "application/ld+json; charset=utf-8"


def _catalogue_face(syntax: dcat.Syntax) -> Callable[[FaceRequest], Awaitable[FaceAnswer]]:
    async def run(request: FaceRequest) -> FaceAnswer:
        page, size = page_number(request), CATALOGUE_PAGE_DATASETS
        query = EntriesQuery(start=(page - 1) * size, rows=size)
        found: Entries = await request.call("opendata.entries", query)
        pages = page_count(found.total, size)
        if page > pages:
            raise NotFound(f"page {page}", remedy=f"The last page is {pages}.")
        base = request.base_url
        paging = dcat.Paging(f"{base}/catalog.{syntax}", page, pages, found.total, size)
        site = catalogue(current(), base, found.changed)
        datasets = (describe(entry, base) for entry in found.entries)
        iris = [iri_of(entry, base) for entry in found.entries]
        chunks = dcat.catalog_chunks(syntax, site, datasets, paging, iris)
        etag = tag(found.revision, page, base)
        return answer(request, chunks, dcat.MEDIA_TYPES[syntax], etag=etag, links=_links(paging))

    return run


def _links(paging: dcat.Paging) -> str:
    """RFC 8288 links of the pages beside this one."""
    near = {"first": 1, "prev": paging.page - 1, "next": paging.page + 1, "last": paging.pages}
    found = ((name, page) for name, page in near.items() if 1 <= page <= paging.pages)
    return ", ".join(f'<{paging.url}?page={page}>; rel="{name}"' for name, page in found)


def _dataset_face(syntax: dcat.Syntax) -> Callable[[FaceRequest], Awaitable[FaceAnswer]]:
    async def run(request: FaceRequest) -> FaceAnswer:
        entry = await entry_asked(request)
        base = request.base_url
        body = dcat.dataset_bytes(syntax, catalogue(current(), base, entry.modified), describe(entry, base))
        return answer(request, body, dcat.MEDIA_TYPES[syntax], etag=entry_tag(entry, base))

    return run


async def entry_asked(request: FaceRequest) -> Entry:
    """The entry of the path's `{name}`. Raises NotFound."""
    found: Entry = await request.call("opendata.entry", EntryQuery(name=request.params["name"]))
    return found


def entry_tag(entry: Entry, *parts: str) -> str:
    measured = entry.quality.at if entry.quality else 0
    return tag(entry.dataset.id, entry.modified, measured, *parts)


for _syntax in dcat.MEDIA_TYPES:
    SERVICE.face("GET", path=f"/catalog.{_syntax}")(_catalogue_face(_syntax))
    SERVICE.face("GET", path="/dataset/{name}." + _syntax)(_dataset_face(_syntax))


@SERVICE.face("GET", path="/dataset/{name}/datapackage.json")
async def data_package(request: FaceRequest) -> FaceAnswer:
    entry = await entry_asked(request)
    body = datapackage.write(packages.package(entry, request.base_url))
    return answer(request, body, _JSON, etag=entry_tag(entry, request.base_url))


@SERVICE.face("GET", path="/dataset/{name}/schema.org.jsonld")
async def schema_org(request: FaceRequest) -> FaceAnswer:
    entry = await entry_asked(request)
    body = packages.jsonld(entry, current(), request.base_url, request.lang)
    return answer(request, body, _LD, etag=entry_tag(entry, request.base_url, request.lang))


@SERVICE.face("GET", path="/dataset/{name}/croissant.jsonld")
async def croissant(request: FaceRequest) -> FaceAnswer:
    entry = await entry_asked(request)
    body = packages.croissant_of(entry, request.base_url)
    return answer(request, body, _LD, etag=entry_tag(entry, request.base_url))


@SERVICE.face("GET", path="/dataset/{name}/resource/{id}/schema.json")
async def table_schema(request: FaceRequest) -> FaceAnswer:
    entry = await entry_asked(request)
    resource, version = _table_asked(entry, request.params["id"])
    body = packages.schema(resource, version).json()
    return answer(request, body, _JSON, etag=entry_tag(entry, resource.id))


@SERVICE.face("GET", path="/dataset/{name}/resource/{id}/csv-metadata.json")
async def csv_metadata(request: FaceRequest) -> FaceAnswer:
    entry = await entry_asked(request)
    resource, version = _table_asked(entry, request.params["id"])
    body = packages.csvw_of(entry, resource, version, request.base_url)
    return answer(request, body, csvw_wire.MEDIA_TYPE, etag=entry_tag(entry, resource.id, request.base_url))


def _table_asked(entry: Entry, resource_id: str) -> tuple[Resource, Version]:
    found = next((pair for pair in entry.tables() if pair[0].id == resource_id), None)
    if found is None:
        raise unknown("resource", resource_id)
    return found
