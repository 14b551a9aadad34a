"""What the text index knows of each dataset. Derived: written after each commit, rebuilt at start when it lags.

Fields: `title notes tags agency columns name`. Facets: `agency theme tag licence format` (values as CKAN names
them); only public datasets are in the index. Its position in the feed says whether it lags.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from banyan.kernel.events import feed
from banyan.kernel.storage import Document, Drawer, Tx
from banyan.service.opendata import registry
from banyan.service.opendata.model import Dataset


def words_of(tx: Tx, dataset: Dataset) -> tuple[dict[str, str], dict[str, Sequence[str]]]:
    """The searched fields and the facets of a dataset."""
    agency = registry.agency_by(tx, dataset.agency_id) if dataset.agency_id else None
    themes = [theme for name in dataset.themes if (theme := registry.theme_by(tx, name)) is not None]
    active = [resource for resource in dataset.resources if resource.state == "active"]
    columns: dict[str, None] = {}
    for resource in active:
        version = registry.version_of(tx, resource) if resource.is_table else None
        for column in version.columns if version else ():
            columns.update(dict.fromkeys((column.name, column.title, *column.aliases)))
    fields = {
        "title": f"{dataset.title}\n{dataset.title_en}".strip(),
        "notes": "\n".join((dataset.notes, dataset.notes_en, *(f"{one.name} {one.description}" for one in active))),
        "tags": "\n".join((*dataset.tags, *(f"{theme.title} {theme.title_en}" for theme in themes))),
        "agency": f"{agency.title}\n{agency.title_en}".strip() if agency else "",
        "columns": "\n".join(column for column in columns if column),
        "name": dataset.name,
    }
    report = next(iter(registry.quality_series(tx, dataset.id)), None)
    facets: dict[str, Sequence[str]] = {
        "medal": [report.medal] if report and report.medal else [],
        "agency": [agency.name] if agency else [],
        "theme": list(dataset.themes),
        "tag": list(dataset.tags),
        "licence": [dataset.licence_id],
        "format": sorted({resource.format.upper() for resource in active if resource.format}),
    }
    return fields, facets


async def refresh(db: Drawer, *dataset_ids: str) -> None:
    """Bring the index up to date with datasets that were just committed."""
    reached = await db.sql.read(feed.newest)
    for dataset_id in dataset_ids:
        document = await db.sql.read(partial(_document, dataset_id=dataset_id))
        if document is None:
            db.index.remove(dataset_id)
        else:
            db.index.put(document.id, document.fields, document.facets)
    db.index.follow(reached)


async def catch_up(db: Drawer) -> None:
    """At start: build the index anew when it has not seen every event of the feed (it is new, or was lost)."""
    reached = await db.sql.read(feed.newest)
    if db.index.followed == reached and (len(db.index) or not reached):
        return
    documents = await db.sql.read_long(_documents)
    await asyncio.to_thread(db.index.clear)
    await asyncio.to_thread(db.index.put_many, documents)
    db.index.follow(reached)


def _documents(tx: Tx) -> list[Document]:
    return [Document(dataset.id, *words_of(tx, dataset)) for dataset in registry.all_datasets(tx) if dataset.is_public]


def _document(tx: Tx, dataset_id: str) -> Document | None:
    found = registry.dataset_by(tx, dataset_id)
    return None if found is None or not found.is_public else Document(found.id, *words_of(tx, found))
