"""The pages of one resource: rows, columns, what was guessed and mended, versions, and its API."""

from __future__ import annotations

from msgspec import structs

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.ingest.explain import explain
from banyan.service.opendata.model import Finding
from banyan.service.opendata.pages.addresses import download_address, rows_address, with_pairs
from banyan.service.opendata.pages.examples import examples
from banyan.service.opendata.pages.grid import OPS, PAGE, Asked, Test, asked_of, shown_columns
from banyan.service.opendata.pages.saying import one, page_links
from banyan.service.opendata.pages.table import Shown, formats_of, shown
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.operations import FacetsQuery
from banyan.service.opendata.versions import VersionsQuery

WORDS = {
    "columns": {"zh-Hant": "欄位說明", "en": "Columns"},
    "notes": {"zh-Hant": "判讀與修正", "en": "Guessed and mended"},
    "versions": {"zh-Hant": "版本與異動", "en": "Versions and changes"},
    "api": {"zh-Hant": "API 與範例", "en": "API and examples"},
}
KINDS = ("problem", "mended", "kept_raw", "guess")
SHOWN_VERSIONS = 50


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}")
async def rows(request: FaceRequest) -> View:
    """The rows, filtered and sorted by the address; or, for a file without a table, where to get it."""
    page = await shown(request)
    if page.version is None:
        return View("opendata/file.html", page.values("rows", request.lang), title=page.resource.name)
    asked = asked_of(request, page.version)
    group = one(request, "group")
    group = group if group in {column.name for column in page.version.columns} else ""
    found = await request.call("opendata.rows", asked.rows(page.resource.id))
    groups = await _groups(request, page, asked, group) if group else None
    total = found.total or 0
    values = page.values("rows", request.lang) | {
        "asked": asked,
        "found": found,
        "group": group,
        "groups": groups,
        "ops": OPS,
        "removals": _removals(page.path, asked),
        "tests": [*asked.tests, *[Test("", "eq", "")] * max(1, 3 - len(asked.tests))][:6],
        "columns": shown_columns(page.version),
        "sorts": {column.name: _sorted(page.path, asked, column.name) for column in page.version.columns},
        "pages": page_links(asked.page, max(1, -(-total // PAGE)), asked.pairs, page.path),
        "first": (asked.page - 1) * PAGE + 1 if total else 0,
        "last": min(asked.page * PAGE, total),
        "downloads": {
            name: download_address(page.resource.id, name, asked.api_pairs) for name in formats_of(page.version)
        },
        "api": rows_address(page.resource.id, asked.api_pairs),
        "pairs": asked.pairs,
    }
    return View("opendata/rows.html", values, title=f"{page.resource.name} – {page.dataset.title}")


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/fresh")
async def fresh(request: FaceRequest) -> View:
    """Only how fresh the table is: what an open page asks for again and again."""
    page = await shown(request)
    return View("opendata/fresh.html", {"version": page.table, "answer": page.answer})


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/columns")
async def columns(request: FaceRequest) -> View:
    """The column dictionary: type, meaning, unit, range, how full, former names."""
    page = await shown(request)
    here = WORDS["columns"][request.lang]
    values = page.values("columns", request.lang, here) | {"columns": shown_columns(page.table)}
    return View("opendata/columns.html", values, title=f"{here} – {page.resource.name}")


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/notes")
async def notes(request: FaceRequest) -> View:
    """Everything that was guessed, mended or kept raw, with its evidence and how to decide otherwise."""
    page = await shown(request)
    here = WORDS["notes"][request.lang]
    findings = sorted(page.table.findings, key=lambda finding: KINDS.index(finding.kind))
    values = page.values("notes", request.lang, here) | {
        "findings": [(finding, *said(finding, request.lang)) for finding in findings],
        "source": page.table.source,
        "provenance": page.table.provenance,
    }
    return View("opendata/notes.html", values, title=f"{here} – {page.resource.name}")


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/versions")
async def versions(request: FaceRequest) -> View:
    """The change log, newest first: rows added, changed, gone; columns that came, went or were renamed."""
    page = await shown(request)
    here = WORDS["versions"][request.lang]
    found = await request.call("opendata.versions", VersionsQuery(page.resource.id, limit=SHOWN_VERSIONS))
    values = page.values("versions", request.lang, here) | {"found": found}
    return View("opendata/versions.html", values, title=f"{here} – {page.resource.name}")


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/api")
async def api(request: FaceRequest) -> View:
    """How to ask for these rows from a program; every example is run by a test."""
    page = await shown(request)
    here = WORDS["api"][request.lang]
    values = page.values("api", request.lang, here) | {
        "examples": examples(page.resource, page.table, request.base_url),
        "base": request.base_url,
    }
    return View("opendata/api.html", values, title=f"{here} – {page.resource.name}")


def said(finding: Finding, lang: str) -> tuple[str, str]:
    """A finding in words; one that no catalogue knows shows its code rather than nothing."""
    try:
        return explain(finding, lang)
    except KeyError:
        return finding.code, ""


async def _groups(request: FaceRequest, page: Shown, asked: Asked, column: str) -> list[tuple[object, int, str]]:
    """Values of a column with their counts, and the address that keeps only that value."""
    found = await request.call(
        "opendata.facets",
        FacetsQuery(register=page.resource.id, fields=(f'"{column}"',), filters=asked.filters, q=asked.q, limit=50),
    )
    pairs = asked.pairs
    return [
        (
            value.value,
            value.count,
            with_pairs(page.path, [*pairs, ("f", column), ("o", "eq"), ("v", str(value.value))])
            if value.value is not None
            else "",
        )
        for value in found.facets[0].values
    ]


def _removals(path: str, asked: Asked) -> list[tuple[Test, str]]:
    """Each test with the address that asks the same without it."""
    return [
        (test, with_pairs(path, structs.replace(asked, tests=(*asked.tests[:place], *asked.tests[place + 1 :])).pairs))
        for place, test in enumerate(asked.tests)
    ]


def _sorted(path: str, asked: Asked, column: str) -> str:
    """The address sorted by a column; the other way round when it already is."""
    down = "1" if asked.sort == column and not asked.descending else ""
    pairs = [pair for pair in asked.pairs if pair[0] not in ("sort", "down")]
    return with_pairs(path, [*pairs, ("sort", column), ("down", down)])
