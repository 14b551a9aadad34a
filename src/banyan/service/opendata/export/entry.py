"""A catalogue entry: a dataset with all that its exports need, read in one view of the registry."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import feed
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.limits import CATALOGUE_PAGE_DATASETS, SITEMAP_URLS
from banyan.service.opendata import registry
from banyan.service.opendata.disclosing import of_dataset
from banyan.service.opendata.model import Agency, Dataset, Quality, Resource, Theme, Version
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.wording import unknown


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One public dataset with its agency, themes, served versions (by resource id) and newest quality report."""

    dataset: Dataset
    agency: Agency | None = None
    themes: tuple[Theme, ...] = ()
    versions: dict[str, Version] = {}
    quality: Quality | None = None

    def tables(self) -> list[tuple[Resource, Version]]:
        """Active resources that are tables, with the version served."""
        found = ((one, self.versions.get(one.id)) for one in self.dataset.resources if one.state == "active")
        return [(resource, version) for resource, version in found if version is not None]

    @property
    def modified(self) -> EpochS:
        """When the description or the data last changed."""
        return max([self.dataset.metadata_modified, *(version.at for version in self.versions.values())])


class EntryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry by the dataset's name or id."""

    name: str


class EntriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the catalogue in order of name, or with `latest` the last changed first."""

    start: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 0
    rows: Annotated[int, msgspec.Meta(ge=1, le=CATALOGUE_PAGE_DATASETS)] = 100
    latest: bool = False


class Entries(msgspec.Struct, frozen=True):
    """`revision` changes with anything that happens in the catalogue: an ETag."""

    total: int
    revision: int
    changed: EpochS
    entries: tuple[Entry, ...]


class NamesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    start: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 0
    rows: Annotated[int, msgspec.Meta(ge=0, le=SITEMAP_URLS)] = 1_000


class Names(msgspec.Struct, frozen=True):
    """Names of public datasets in order, each with when its description changed."""

    total: int
    revision: int
    names: tuple[tuple[str, EpochS], ...]


class Reading:
    """Reads entries in one view; agencies and themes, which many datasets share, are read once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._agencies: dict[str, Agency | None] = {}
        self._themes: dict[str, Theme | None] = {}

    def entry(self, dataset: Dataset) -> Entry:
        """A dataset with what belongs to it."""
        served = {one.id: registry.version_of(self._tx, one) for one in dataset.resources if one.is_table}
        themes = (self._theme(name) for name in dataset.themes)
        return Entry(
            dataset=of_dataset(dataset),
            agency=self._agency(dataset.agency_id) if dataset.agency_id else None,
            themes=tuple(theme for theme in themes if theme),
            versions={key: version for key, version in served.items() if version},
            quality=next(iter(registry.quality_series(self._tx, dataset.id)), None),
        )

    def _agency(self, agency_id: str) -> Agency | None:
        if agency_id not in self._agencies:
            self._agencies[agency_id] = registry.agency_by(self._tx, agency_id)
        return self._agencies[agency_id]

    def _theme(self, name: str) -> Theme | None:
        if name not in self._themes:
            self._themes[name] = registry.theme_by(self._tx, name)
        return self._themes[name]


def entry_of(tx: Tx, dataset: Dataset) -> Entry:
    """Read one dataset's entry."""
    return Reading(tx).entry(dataset)


@SERVICE.operation(
    "entry",
    title={"zh-Hant": "目錄項目", "en": "Catalogue entry"},
    summary={
        "zh-Hant": "一個資料集與它的機關、分類、目前版本與品質報告。",
        "en": "A dataset with its agency, themes, served versions and quality report.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/entry/{name}",
)
async def entry(ctx: Context, request: EntryQuery) -> Entry:
    """Raises NotFound; a hidden dataset is not found either, except by those who may write."""

    def job(tx: Tx) -> Entry | None:
        dataset = registry.dataset_by(tx, request.name)
        if dataset is None or not (dataset.is_public or ctx.caller.may_write):
            return None
        return entry_of(tx, dataset)

    found = await ctx.db.sql.read(job)
    if found is None:
        raise unknown("dataset", request.name)
    return found


@SERVICE.operation(
    "entries",
    title={"zh-Hant": "目錄", "en": "Catalogue entries"},
    summary={
        "zh-Hant": "依名稱排序的一頁目錄項目，供目錄匯出。",
        "en": "A page of catalogue entries in order of name, for catalogue exports.",
    },
    data=OPEN,
    audience="public",
)
async def entries(ctx: Context, request: EntriesQuery) -> Entries:
    def job(tx: Tx) -> Entries:
        reading = Reading(tx)
        if request.latest:
            datasets = registry.recent_datasets(tx, limit=request.rows, offset=request.start)
        else:
            names = registry.dataset_names(tx, limit=request.rows, offset=request.start)
            datasets = [found for name in names if (found := registry.dataset_by(tx, name))]
        return Entries(
            total=registry.dataset_count(tx),
            revision=feed.newest(tx),
            changed=_changed(tx),
            entries=tuple(reading.entry(dataset) for dataset in datasets),
        )

    return await ctx.db.sql.read_long(job)


@SERVICE.operation(
    "names",
    title={"zh-Hant": "資料集名稱", "en": "Dataset names"},
    summary={
        "zh-Hant": "公開資料集的名稱與最後修改時間，供網站地圖與增量收割。",
        "en": "Names of public datasets and when they changed, for site maps and incremental harvesting.",
    },
    data=OPEN,
    audience="public",
)
async def names(ctx: Context, request: NamesQuery) -> Names:
    def job(tx: Tx) -> Names:
        found = registry.dataset_names(tx, limit=request.rows, offset=request.start) if request.rows else []
        datasets = (registry.dataset_by(tx, name) for name in found)
        pairs = tuple((dataset.name, dataset.metadata_modified) for dataset in datasets if dataset)
        return Names(total=registry.dataset_count(tx), revision=feed.newest(tx), names=pairs)

    return await ctx.db.sql.read_long(job)


def _changed(tx: Tx) -> EpochS:
    newest = registry.recent_datasets(tx, limit=1)
    return newest[0].metadata_modified if newest else EpochS(0)
