"""Actions that read packages: list, show, search, autocomplete."""

from __future__ import annotations

from collections.abc import Mapping

from banyan.errors import Invalid
from banyan.limits import CKAN_SEARCH_ROWS, FACET_VALUES, PAGE_ROWS, SEARCH_DATASETS
from banyan.service.opendata.ckan.action import Ask, action
from banyan.service.opendata.ckan.mapping import package
from banyan.service.opendata.export.entry import EntryQuery
from banyan.service.opendata.find import FacetValue, FindDatasets, Found, NamesPage
from banyan.wire.ckan.envelope import ActionError, Json, search_error, search_query_error
from banyan.wire.ckan.licences import LICENCES
from banyan.wire.ckan.solr import Term, write
from banyan.wire.ckan.values import Reader

SEARCH_PARAMS = (
    "q fl fq fq_list rows sort start wt qf bf boost facet facet.mincount facet.limit facet.field tie defType mm df "
    "include_drafts include_deleted include_private use_default_schema"
)
DEFAULT_SORT = "score desc, metadata_modified desc"
FACETS = {
    "organization": "agency",
    "groups": "theme",
    "tags": "tag",
    "res_format": "format",
    "license_id": "licence",
    "medal": "medal",
}
"""CKAN's facet fields and ours."""


@action("package_list", "公開資料集的名稱。", "Names of the public datasets.", params="limit offset")
async def package_list(ask: Ask) -> Json:
    reader = ask.reader()
    limit = min(reader.natural("limit", SEARCH_DATASETS), SEARCH_DATASETS)
    offset = min(reader.natural("offset", 0), SEARCH_DATASETS)
    reader.finish()
    names: list[str] = await ask.call("dataset_names", NamesPage(start=offset, rows=limit))
    return list(names)


@action("package_show", "一個資料集的全部描述。", "A dataset with all its metadata.", params="id")
async def package_show(ask: Ask) -> Json:
    reader = ask.reader()
    name = reader.text("id") or reader.required("name_or_id")
    reader.finish()
    return await show(ask, name)


async def show(ask: Ask, name: str) -> dict[str, Json]:
    """The package of that name or id, as `package_show` gives it. Raises NotFound."""
    entry = await ask.call("entry", EntryQuery(name))
    agencies = {entry.agency.id: entry.agency} if entry.agency else {}
    return package(entry.dataset, agencies, {theme.name: theme for theme in entry.themes}, ask.site_url)


def packages_of(found: Found, ask: Ask) -> list[dict[str, Json]]:
    return [package(hit.dataset, found.agencies, found.themes, ask.site_url) for hit in found.hits]


@action(
    "current_package_list_with_resources",
    "資料集與資源，最近修改的在前。",
    "Datasets with their resources, the last changed first.",
    params="limit offset page",
)
async def current_package_list_with_resources(ask: Ask) -> Json:
    reader = ask.reader()
    limit = min(reader.natural("limit", CKAN_SEARCH_ROWS), CKAN_SEARCH_ROWS)
    offset = reader.natural("offset", max(reader.natural("page", 1) - 1, 0) * limit)
    reader.finish()
    return list(packages_of(await ask.call("find_datasets", FindDatasets(rows=limit, start=_start(offset))), ask))


@action(
    "package_search", "搜尋資料集（Solr 語法）。", "Search datasets (Solr syntax).", params=SEARCH_PARAMS + " ext_*"
)
async def package_search(ask: Ask) -> Json:
    """Raises 400 Search Query Error for an unknown parameter, 409 Search Error for a filter that cannot be read."""
    params = {name: value for name, value in ask.params.items() if not name.startswith("ext_")}
    unknown = sorted(params.keys() - set(SEARCH_PARAMS.split()))
    if unknown:
        raise search_query_error(f"Invalid search parameters: {unknown}")
    reader = Reader(params)
    wanted, fields = _wanted(reader)
    reader.finish()
    found = await _found(ask, wanted)
    kept = reader.texts("fl")
    results = packages_of(found, ask)
    counted = {field: found.facets.get(FACETS.get(field, ""), ()) for field in fields}
    return {
        "count": found.count,
        "facets": {field: {value.value: value.count for value in values} for field, values in counted.items()},
        "results": [_only(one, kept) for one in results] if kept and "*" not in kept else list(results),
        "sort": wanted.sort,
        "search_facets": {field: _facet(field, values) for field, values in counted.items()},
    }


def _wanted(reader: Reader) -> tuple[FindDatasets, list[str]]:
    """What to find, and CKAN's names of the facets to count."""
    rows = min(reader.natural("rows", 10), CKAN_SEARCH_ROWS)
    start = reader.natural("start", 0)
    limit = reader.integer("facet.limit", 50)
    fields = reader.texts("facet.field") if reader.flag("facet", default=True) else []
    filters = [*_one_or_many(reader, "fq"), *_one_or_many(reader, "fq_list")]
    hidden = reader.flag("include_private") or reader.flag("include_drafts") or reader.flag("include_deleted")
    if hidden:
        filters.append(_shown_states(reader))
    return FindDatasets(
        q=reader.text("q"),
        filters=tuple(filters),
        sort=reader.text("sort") or DEFAULT_SORT,
        rows=rows,
        start=_start(start),
        facets=tuple(dict.fromkeys(FACETS[field] for field in fields if field in FACETS)),
        facet_limit=FACET_VALUES if limit < 0 else max(1, min(limit, FACET_VALUES)),
        hidden=hidden,
    ), fields


def _one_or_many(reader: Reader, field: str) -> list[str]:
    """`fq` is one query, or repeated; a comma in it is no separator."""
    value = reader.params.get(field)
    if isinstance(value, str):
        return [value] if value.strip() else []
    return reader.texts(field)


def _shown_states(reader: Reader) -> str:
    """The filter for what the include_* parameters let in beside the public."""
    states = ["active"]
    states += ["draft"] if reader.flag("include_drafts") else []
    states += ["deleted"] if reader.flag("include_deleted") else []
    wanted = f"state:({' OR '.join(states)})"
    return wanted if reader.flag("include_private") else f"{wanted} AND capacity:public"


async def _found(ask: Ask, wanted: FindDatasets) -> Found:
    try:
        found: Found = await ask.call("find_datasets", wanted)
    except Invalid as problem:
        raise _as_search_error(problem) from problem
    return found


def _as_search_error(problem: Invalid) -> ActionError:
    return search_error(problem.fields[0].fix if problem.fields else problem.title)


def _start(start: int) -> int:
    return min(start, 10_000_000)


def _only(whole: Mapping[str, Json], kept: list[str]) -> dict[str, Json]:
    return {key: whole[key] for key in kept if key in whole}


def _facet(field: str, values: tuple[FacetValue, ...]) -> dict[str, Json]:
    items: list[dict[str, Json]] = [
        {"name": value.value, "display_name": _shown(field, value), "count": value.count} for value in values
    ]
    items.sort(key=lambda item: str(item["display_name"]), reverse=True)
    return {"title": field, "items": items}


def _shown(field: str, value: FacetValue) -> str:
    licence = LICENCES.get(value.value) if field == "license_id" else None
    return licence.title if licence else value.title


@action(
    "package_autocomplete",
    "名稱或標題含有這些字的資料集。",
    "Datasets whose name or title holds the text.",
    params="q limit",
)
async def package_autocomplete(ask: Ask) -> Json:
    reader = ask.reader()
    text = reader.required("q")
    limit = min(reader.natural("limit", 10), PAGE_ROWS)
    reader.finish()
    query = " OR ".join(
        (write(Term(text, "title", is_phrase=True)), write(Term(f"{_escaped(text)}*", "name", is_pattern=True)))
    )
    found = await ask.call("find_datasets", FindDatasets(filters=(query,), rows=limit, sort="title asc"))
    return [
        {
            "name": hit.dataset.name,
            "title": hit.dataset.title,
            "match_field": "title" if text in hit.dataset.title else "name",
            "match_displayed": hit.dataset.title if text in hit.dataset.title else hit.dataset.name,
        }
        for hit in found.hits
    ]


def _escaped(text: str) -> str:
    """The text with all that Solr would read as syntax taken as it is."""
    return "".join(char if char.isalnum() else "\\" + char for char in text)
