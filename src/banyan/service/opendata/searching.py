"""What the text index knows of each dataset. Derived: written after each commit, rebuilt at start when it lags.

Fields: `title notes tags agency columns name`. Facets: `agency theme tag licence format state` (values as find and
CKAN name them); only public datasets are in the index.
"""

from __future__ import annotations

from collections.abc import Sequence

from banyan.kernel.storage import Drawer, Tx
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
    facets: dict[str, Sequence[str]] = {
        "agency": [agency.name] if agency else [],
        "theme": list(dataset.themes),
        "tag": list(dataset.tags),
        "licence": [dataset.licence_id],
        "format": sorted({resource.format.upper() for resource in active if resource.format}),
    }
    return fields, facets


async def refresh(db: Drawer, dataset: Dataset) -> None:
    """Bring the index up to date with a dataset that was just committed."""
    now = await db.sql.read(lambda tx: registry.dataset_by(tx, dataset.id))
    if now is None or not now.is_public:
        await db.index.remove(dataset.id)
        return
    fields, facets = await db.sql.read(lambda tx: words_of(tx, now))
    await db.index.put(now.id, fields, facets)
