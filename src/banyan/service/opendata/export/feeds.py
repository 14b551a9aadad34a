"""What changed, for people and machines: the Atom feed, the site map, and what crawlers are asked to leave."""

from __future__ import annotations

import asyncio

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits import FEED_PAGE_ENTRIES, SITEMAP_URLS
from banyan.service.opendata.export import addresses
from banyan.service.opendata.export.answers import answer, page_count, page_number, tag
from banyan.service.opendata.export.entry import Entries, EntriesQuery, Entry, Names, NamesQuery
from banyan.service.opendata.export.site import current
from banyan.service.opendata.service import SERVICE
from banyan.wire import atom, sitemap
from banyan.wire.dcat.vocabularies import FILE_TYPES

_CHANNEL_PAGES = ("/accessibility", "/sitemap")
"""Pages of the portal itself, beside those that this service declares with a title."""
_LEFT = ("/dataset?", "/dataset/*?", "/en/dataset?", "/en/dataset/*?", "/openid/", "/en/openid/")
"""Searches and views of rows: each facet and filter links on to more of them, without an end."""


@SERVICE.face("GET", path="/feed.atom")
async def atom_feed(request: FaceRequest) -> FaceAnswer:
    """Datasets, the last changed first, in pages (RFC 5005)."""
    page, size = page_number(request), FEED_PAGE_ENTRIES
    query = EntriesQuery(start=(page - 1) * size, rows=size, latest=True)
    found: Entries = await request.call("opendata.entries", query)
    pages = page_count(found.total, size)
    if page > pages:
        raise NotFound(f"page {page}", remedy=f"The last page is {pages}.")
    body = await asyncio.to_thread(atom.write, _feed(found, request, page, pages))
    return answer(request, body, atom.MEDIA_TYPE, etag=tag(found.revision, page, request.lang, request.base_url))


def _feed(found: Entries, request: FaceRequest, page: int, pages: int) -> atom.Feed:
    site, base, english = current(), request.base_url, request.lang == "en"
    return atom.Feed(
        id=f"{base}/feed.atom",
        title=site.title_en if english else site.title,
        subtitle=site.description_en if english else site.description,
        updated=iso(max([found.changed, *(entry.modified for entry in found.entries)])),
        author=site.publisher_en if english else site.publisher,
        home=f"{base}/",
        address=f"{base}/feed.atom",
        page=page,
        pages=pages,
        language=request.lang,
        entries=[_entry(entry, base, english) for entry in found.entries],
    )


def _entry(entry: Entry, base: str, english: bool) -> atom.Entry:
    dataset = entry.dataset
    files = [
        (addresses.table_file(base, resource, "csv"), FILE_TYPES["CSV"].media_type, 0) for resource, _ in entry.tables()
    ]
    return atom.Entry(
        id=f"urn:uuid:{dataset.id}",
        title=(dataset.title_en if english else "") or dataset.title,
        updated=iso(entry.modified),
        published=iso(dataset.metadata_created),
        link=addresses.dataset_page(base + ("/en" if english else ""), dataset),
        summary=((dataset.notes_en if english else "") or dataset.notes)[:1_000],
        author=entry.agency.title if entry.agency else "",
        categories=tuple(theme.title for theme in entry.themes),
        enclosures=tuple(files),
    )


@SERVICE.face("GET", path="/sitemap.xml")
async def site_map(request: FaceRequest) -> FaceAnswer:
    """An index of site maps; with `?page=` one of them. Page 1 also has the fixed pages."""
    base = request.base_url
    if not any(key == "page" for key, _ in request.query):
        found: Names = await request.call("opendata.names", NamesQuery(rows=0))
        pages = page_count(found.total, SITEMAP_URLS)
        body = sitemap.write_index((f"{base}/sitemap.xml?page={page}", "") for page in range(1, pages + 1))
        return answer(request, body, sitemap.MEDIA_TYPE, etag=tag("index", pages, base))
    page = page_number(request)
    found = await request.call("opendata.names", NamesQuery(start=(page - 1) * SITEMAP_URLS, rows=SITEMAP_URLS))
    urls = [_url(base, path, EpochS(0)) for path in _named_pages()] if page == 1 else []
    urls += [_url(base, f"/dataset/{name}", changed) for name, changed in found.names]
    body = await asyncio.to_thread(sitemap.write, urls)
    return answer(request, body, sitemap.MEDIA_TYPE, etag=tag(found.revision, page, base))


@SERVICE.face("GET", path="/robots.txt")
async def robots(request: FaceRequest) -> FaceAnswer:
    """What crawlers are asked to leave, and where all data sets are listed (RFC 9309, sitemaps.org)."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in _LEFT),
        "",
        f"Sitemap: {request.base_url}/sitemap.xml",
        "",
    ]
    return answer(request, "\n".join(lines).encode(), "text/plain; charset=utf-8", etag=tag("robots", request.base_url))


def _named_pages() -> list[str]:
    """Pages that have a name in the menu or the site map, in the order they were declared."""
    named = [page.path for page in SERVICE.pages if page.title and "GET" in page.methods and "{" not in page.path]
    return list(dict.fromkeys((*named, *_CHANNEL_PAGES)))


def _url(base: str, path: str, changed: EpochS) -> sitemap.Url:
    languages = {"zh-Hant": base + path, "en": f"{base}/en{path}"}
    return sitemap.Url(base + path, iso(changed) if changed else "", languages)
