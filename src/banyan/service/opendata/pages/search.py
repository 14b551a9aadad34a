"""The search page: words, facets, order, pages; and help when nothing is found."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.find.operation import FindDatasets, Found
from banyan.service.opendata.pages.addresses import with_pairs
from banyan.service.opendata.pages.saying import one, page_links, whole
from banyan.service.opendata.service import SERVICE

DATASETS = {"zh-Hant": "資料集", "en": "Datasets"}
PAGE = 20
FACETS = ("theme", "agency", "format", "medal", "licence", "tag")
SORTS = {
    "relevance": "",
    "newest": "metadata_modified desc",
    "title": "title asc",
}
FACET_SHOWN = 8


class Choice(msgspec.Struct, frozen=True):
    """One value of a facet, with the address that adds or removes it."""

    title: str
    count: int
    path: str
    here: bool


@SERVICE.page("GET", path="/dataset", title=DATASETS, menu=1)
async def search(request: FaceRequest) -> View:
    """Datasets that match the query of the address: `q`, facets (repeatable), `sort`, `page`."""
    text = one(request, "q").strip()[:500]
    sort = one(request, "sort", "relevance")
    number = whole(one(request, "page"), 1, most=5_000)
    chosen = {name: tuple(value for key, value in request.query if key == name and value) for name in FACETS}
    found: Found = await request.call(
        "opendata.find_datasets",
        FindDatasets(
            q=text,
            agency=chosen["agency"],
            theme=chosen["theme"],
            tag=chosen["tag"],
            format=chosen["format"],
            licence=chosen["licence"],
            medal=chosen["medal"],
            sort=SORTS.get(sort, ""),
            rows=PAGE,
            start=(number - 1) * PAGE,
            facets=FACETS,
            facet_limit=FACET_SHOWN,
        ),
    )
    address = [("q", text), *((name, value) for name in FACETS for value in chosen[name]), ("sort", sort)]
    values = {
        "found": found,
        "q": text,
        "sort": sort,
        "sorts": tuple(SORTS),
        "chosen": [(name, value) for name in FACETS for value in chosen[name]],
        "removals": {
            (name, value): with_pairs("/dataset", [pair for pair in address if pair != (name, value)])
            for name in FACETS
            for value in chosen[name]
        },
        "facets": [(name, _choices(found, name, chosen[name], address, request.lang)) for name in FACETS],
        "pages": page_links(number, max(1, -(-found.count // PAGE)), address, "/dataset"),
        "crumbs": ({"title": DATASETS[request.lang], "path": ""},),
    }
    return View("opendata/search.html", values, title=DATASETS[request.lang])


def _choices(
    found: Found, name: str, chosen: tuple[str, ...], address: list[tuple[str, str]], lang: str
) -> list[Choice]:
    """The values of one facet among what was found; a chosen one leads back without it."""
    choices = []
    for value in found.facets.get(name, ()):
        is_here = value.value in chosen
        pair = (name, value.value)
        pairs = [kept for kept in address if kept != pair] if is_here else [*address, pair]
        title = value.title_en if lang == "en" and value.title_en else value.title
        choices.append(Choice(title, value.count, with_pairs("/dataset", pairs), is_here))
    return choices
