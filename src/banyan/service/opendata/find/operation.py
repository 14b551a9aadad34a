"""The operation `find_datasets`: search in Chinese and English, with facets, sorts and pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage import Tx
from banyan.limits import CKAN_SEARCH_ROWS, FACET_VALUES, PAGE_ROWS, QUERY_TEXT, SEARCH_DATASETS
from banyan.service.opendata import registry
from banyan.service.opendata.disclosing import of_dataset
from banyan.service.opendata.find.search import Wanted, facet_counts, search
from banyan.service.opendata.find.shelf import shelf_of
from banyan.service.opendata.licences import LICENCES
from banyan.service.opendata.model import Agency, Dataset, Theme
from banyan.service.opendata.service import SERVICE
from banyan.wire.ckan.solr import Term, write

Body = TypeVar("Body", Agency, Theme)
Query = Annotated[str, msgspec.Meta(max_length=QUERY_TEXT)]
FIELDS: Mapping[str, str] = {
    "agency": "organization",
    "theme": "groups",
    "tag": "tags",
    "format": "res_format",
    "licence": "license_id",
    "medal": "medal",
}
"""Our facets and the catalogue's field of each."""


class FindDatasets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Find datasets. `q` is words, or a query (`title:雨量 OR tags:水位`); each of its words must be found.

    `agency`, `theme`, `tag`, `format`, `licence`, `medal` keep what carries one of the values given. `filters` are
    queries that must hold too. `sort` is `score desc, metadata_modified desc` unless said; others: name, title, id,
    metadata_created. `facets` names the facets to count. `hidden` (administrator) includes private and deleted ones.
    """

    q: Query = ""
    agency: tuple[str, ...] = ()
    theme: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    format: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    medal: tuple[str, ...] = ()
    filters: tuple[Query, ...] = ()
    sort: Query = ""
    rows: Annotated[int, msgspec.Meta(ge=0, le=CKAN_SEARCH_ROWS)] = 20
    start: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 0
    facets: tuple[str, ...] = ()
    facet_limit: Annotated[int, msgspec.Meta(ge=1, le=FACET_VALUES)] = 50
    hidden: bool = False


class Hit(msgspec.Struct, frozen=True):
    """A found dataset with its agency's name and titles; `score` is 0 where no text decided."""

    dataset: Dataset
    agency: str
    agency_title: str
    agency_title_en: str
    medal: str
    score: float


class FacetValue(msgspec.Struct, frozen=True):
    """One value of a facet, as it reads in both languages, and how many of the found datasets carry it."""

    value: str
    title: str
    title_en: str
    count: int


class Found(msgspec.Struct, frozen=True):
    """One page; `count` is of all pages. `agencies` (by id) and `themes` (by name) are those of its datasets."""

    count: int
    hits: tuple[Hit, ...]
    facets: dict[str, tuple[FacetValue, ...]]
    agencies: dict[str, Agency] = {}
    themes: dict[str, Theme] = {}


@SERVICE.operation(
    "find_datasets",
    title={"zh-Hant": "找資料集", "en": "Find datasets"},
    summary={
        "zh-Hant": "以關鍵字與條件搜尋資料集；中文一個字也找得到，台與臺視為相同。",
        "en": "Search datasets by words and conditions; a single Chinese character is enough.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/datasets",
    keys=("資料集", "找資料", "搜尋", "dataset"),
    channels=("web", "api", "chat", "mcp"),
)
async def find_datasets(ctx: Context, request: FindDatasets) -> Found:
    """Raises Invalid for a filter or sort that cannot be read."""
    shelf = shelf_of(ctx.db.index)
    wanted = Wanted(
        q=request.q,
        filters=(*_chosen(request), *request.filters),
        sort=request.sort,
        hidden=request.hidden and ctx.caller.may_write,
        now=ctx.now,
    )

    def job(tx: Tx) -> Found:
        with shelf.lock:
            shelf.catch_up(tx)
            found = search(shelf, ctx.db.index, wanted)
            names = [name for name in request.facets if name in FIELDS]
            counted = {name: facet_counts(shelf, found.ids, FIELDS[name]) for name in names}
            page = found.ids[request.start : request.start + request.rows]
            medals = {id: shelf.cards[id].medal for id in page}
        facets = {name: _values(tx, name, pairs[: request.facet_limit]) for name, pairs in counted.items()}
        datasets = [of_dataset(one) for id in page if (one := registry.dataset_by(tx, id)) is not None]
        agencies = _known(registry.agency_by(tx, id) for id in {dataset.agency_id for dataset in datasets} - {""})
        themes = _known(registry.theme_by(tx, name) for name in {name for one in datasets for name in one.themes})
        return Found(
            count=len(found.ids),
            hits=tuple(_hit(one, agencies, medals[one.id], found.scores.get(one.id, 0.0)) for one in datasets),
            facets=facets,
            agencies={agency.id: agency for agency in agencies},
            themes={theme.name: theme for theme in themes},
        )

    return await ctx.db.sql.read_long(job)


def _chosen(request: FindDatasets) -> list[str]:
    """The facet choices as queries: any of a facet's values, and each facet."""
    queries = []
    for name, field in FIELDS.items():
        values: tuple[str, ...] = getattr(request, name)
        if values:
            queries.append(" OR ".join(write(Term(value, field, is_phrase=True)) for value in values))
    return queries


def _known(found: Iterable[Body | None]) -> list[Body]:
    return [one for one in found if one is not None]


def _hit(dataset: Dataset, agencies: list[Agency], medal: str, score: float) -> Hit:
    agency = next((one for one in agencies if one.id == dataset.agency_id), None)
    if agency is None:
        return Hit(dataset, "", "", "", medal, score)
    return Hit(dataset, agency.name, agency.title, agency.title_en or agency.title, medal, score)


def _values(tx: Tx, facet: str, pairs: list[tuple[str, int]]) -> tuple[FacetValue, ...]:
    return tuple(FacetValue(value, *_titles(tx, facet, value), count) for value, count in pairs)


def _titles(tx: Tx, facet: str, value: str) -> tuple[str, str]:
    if facet == "licence":
        licence = LICENCES.get(value)
        return (licence.title, licence.title_en) if licence else (value, value)
    if facet in ("agency", "theme"):
        body = registry.agency_by(tx, value) if facet == "agency" else registry.theme_by(tx, value)
        return (body.title, body.title_en or body.title) if body else (value, value)
    return value, value


class NamesPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names in alphabetical order, `rows` of them from `start` on."""

    start: Annotated[int, msgspec.Meta(ge=0, le=SEARCH_DATASETS)] = 0
    rows: Annotated[int, msgspec.Meta(ge=0, le=SEARCH_DATASETS)] = PAGE_ROWS


@SERVICE.operation(
    "dataset_names",
    title={"zh-Hant": "資料集名稱清單", "en": "Dataset names alone"},
    summary={
        "zh-Hant": "公開資料集的名稱，依字母排序；整份目錄也很快。",
        "en": "Names of the public datasets in alphabetical order; quick even for a whole nation.",
    },
    data=OPEN,
    audience="public",
    channels=("api",),
)
async def dataset_names(ctx: Context, request: NamesPage) -> list[str]:
    """Reads names only, no documents: 35,000 in a few milliseconds."""
    return await ctx.db.sql.read_long(lambda tx: registry.dataset_names(tx, limit=request.rows, offset=request.start))
