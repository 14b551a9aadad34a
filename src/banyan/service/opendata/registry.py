"""The registry of datasets: what is published, under which name, in which version. Plain functions over one `Tx`.

A dataset with its resources is one JSON document (`model.Dataset`); the columns beside it are only what is searched.
Agencies and themes likewise. Requests for data and usage are in the modules of those names; every statement is in
`registry.sql`. Nothing here decides rights: operations do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from banyan.errors import Conflict
from banyan.kernel.storage import Tx, load_statements
from banyan.service.opendata.model import Agency, Dataset, Quality, Resource, Theme, Version
from banyan.service.opendata.wording import refusal

SQL = load_statements("banyan.service.opendata", "registry.sql")
_PAGE = 500
Body = TypeVar("Body", Agency, Theme)


def encoded(document: msgspec.Struct) -> str:
    return msgspec.json.encode(document).decode()


def put_dataset(tx: Tx, dataset: Dataset) -> None:
    """Create or replace a dataset and everything that leads to it. Raises Conflict when another one has the name."""
    owner = tx.row(SQL["dataset_by_name"], name=dataset.name)
    if owner is not None and _dataset(owner[0]).id != dataset.id:
        raise name_taken(dataset.name)
    before = tx.row(SQL["dataset_by_id"], id=dataset.id)
    if before is not None and (old := _dataset(before[0]).name) != dataset.name:
        tx.run(SQL["put_old_name"], kind="dataset", name=old, id=dataset.id)
    tx.run(SQL["drop_old_name"], kind="dataset", name=dataset.name)
    tx.run(
        SQL["put_dataset"],
        id=dataset.id,
        name=dataset.name,
        title=dataset.title,
        agency_id=dataset.agency_id,
        licence_id=dataset.licence_id,
        state=dataset.state,
        private=int(dataset.private),
        metadata_created=dataset.metadata_created,
        metadata_modified=dataset.metadata_modified,
        document=encoded(dataset),
    )
    _put_words(tx, dataset)
    for position, resource in enumerate(dataset.resources):
        _put_resource(tx, dataset.id, resource, position)


def _put_words(tx: Tx, dataset: Dataset) -> None:
    tx.run(SQL["clear_tags"], dataset_id=dataset.id)
    tx.run_many(SQL["put_tag"], [{"dataset_id": dataset.id, "tag": tag} for tag in dataset.tags])
    tx.run(SQL["clear_themes"], dataset_id=dataset.id)
    tx.run_many(SQL["put_dataset_theme"], [{"dataset_id": dataset.id, "theme": theme} for theme in dataset.themes])


def _put_resource(tx: Tx, dataset_id: str, resource: Resource, position: int) -> None:
    tx.run(
        SQL["put_resource"],
        id=resource.id,
        dataset_id=dataset_id,
        position=position,
        version=resource.version,
        state=resource.state,
        file_sha256=resource.hash,
    )


def dataset_by(tx: Tx, name_or_id: str) -> Dataset | None:
    """A dataset of any state by id, name, or a name it had before (then `.name` is the new one: redirect to it)."""
    for statement, key in (("dataset_by_id", "id"), ("dataset_by_name", "name"), ("dataset_by_old_name", "name")):
        row = tx.row(SQL[statement], **{key: name_or_id})
        if row is not None:
            return _dataset(row[0])
    return None


def all_datasets(tx: Tx) -> Iterator[Dataset]:
    """Every dataset of every state, in order of id, read in pages."""
    after = ""
    while page := tx.rows(SQL["dataset_page"], after=after, limit=_PAGE):
        for row in page:
            yield (dataset := _dataset(row[0]))
        after = dataset.id


def dataset_names(tx: Tx, *, limit: int, offset: int = 0) -> list[str]:
    """Names of the public datasets, in alphabetical order."""
    return [str(row[0]) for row in tx.rows(SQL["dataset_names"], limit=limit, offset=offset)]


def dataset_count(tx: Tx) -> int:
    """How many datasets are public."""
    row = tx.row(SQL["dataset_count"])
    return int(row[0] or 0) if row else 0


def recent_datasets(tx: Tx, *, limit: int, offset: int = 0) -> list[Dataset]:
    """Public datasets, the last changed first."""
    return [_dataset(row[0]) for row in tx.rows(SQL["recent_datasets"], limit=limit, offset=offset)]


def datasets_of_agency(tx: Tx, agency_id: str, *, limit: int, offset: int = 0) -> list[Dataset]:
    """Public datasets of one agency, by title."""
    rows = tx.rows(SQL["datasets_of_agency"], agency_id=agency_id, limit=limit, offset=offset)
    return [_dataset(row[0]) for row in rows]


def tag_counts(tx: Tx) -> dict[str, int]:
    """Tags of public datasets with how many carry each, in alphabetical order."""
    return _counts(tx, "tag_counts")


def agency_counts(tx: Tx) -> dict[str, int]:
    """Public datasets of each agency, by its id."""
    return _counts(tx, "agency_counts")


def theme_counts(tx: Tx) -> dict[str, int]:
    """Public datasets under each theme, by its name."""
    return _counts(tx, "theme_counts")


def _counts(tx: Tx, statement: str) -> dict[str, int]:
    return {str(key): int(count or 0) for key, count in tx.rows(SQL[statement])}


def resource_by(tx: Tx, id_or_alias: str) -> tuple[Dataset, Resource] | None:
    """A resource of any state, with the dataset that holds it."""
    row = tx.row(SQL["resource_owner"], id=id_or_alias)
    if row is None:
        alias = tx.row(SQL["resource_by_alias"], alias=id_or_alias)
        if alias is None:
            return None
        id_or_alias = str(alias[0])
        row = tx.row(SQL["resource_owner"], id=id_or_alias)
    if row is None:
        return None
    dataset = _dataset(row[0])
    found = next((resource for resource in dataset.resources if resource.id == id_or_alias), None)
    return None if found is None else (dataset, found)


def put_resource(tx: Tx, dataset: Dataset, resource: Resource) -> Dataset:
    """The dataset with this resource added, or in place of the one with its id; written."""
    others = [one for one in dataset.resources if one.id != resource.id]
    place = next((at for at, one in enumerate(dataset.resources) if one.id == resource.id), len(others))
    others.insert(place, resource)
    resources = tuple(msgspec.structs.replace(one, position=at) for at, one in enumerate(others))
    changed = msgspec.structs.replace(dataset, resources=resources)
    put_dataset(tx, changed)
    return changed


def set_aliases(tx: Tx, resource_id: str, aliases: tuple[str, ...]) -> None:
    """Let these names, and only these, stand for the resource (CKAN DataStore aliases)."""
    tx.run(SQL["drop_aliases"], resource_id=resource_id)
    tx.run_many(SQL["put_alias"], [{"alias": alias, "resource_id": resource_id} for alias in aliases])


def aliases_of(tx: Tx, resource_id: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in tx.rows(SQL["aliases_of"], resource_id=resource_id))


def put_version(tx: Tx, version: Version, *, choices: str, lasting: bool = True) -> None:
    """Add or renew a version. `choices` is the fingerprint of the options it was made with; a version that is not
    `lasting` came from a live source without a change of columns, and may be pruned (see retention.py)."""
    tx.run(
        SQL["put_version"],
        resource_id=version.resource_id,
        number=version.number,
        at=version.at,
        table_rows=version.rows,
        parquet=version.parquet,
        sha256=version.source.sha256,
        choices=choices,
        lasting=int(lasting),
        document=encoded(version),
    )


def version_of(tx: Tx, resource: Resource, number: int = 0) -> Version | None:
    """A version of a resource; number 0 is the one served."""
    row = tx.row(SQL["version_by_number"], resource_id=resource.id, number=number or resource.version)
    return None if row is None else msgspec.json.decode(_text(row[0]), type=Version)


def versions_of(tx: Tx, resource_id: str, *, limit: int, before: int = 0) -> list[Version]:
    """Versions of a resource, the newest first, below number `before` when it is given."""
    top = before or 2**31 - 1
    rows = tx.rows(SQL["versions_before"], resource_id=resource_id, before=top, limit=limit)
    return [msgspec.json.decode(_text(row[0]), type=Version) for row in rows]


def version_count(tx: Tx, resource_id: str) -> int:
    row = tx.row(SQL["version_count"], resource_id=resource_id)
    return int(row[0] or 0) if row else 0


def put_quality(tx: Tx, quality: Quality) -> None:
    """Keep one quality report."""
    tx.run(SQL["put_quality"], dataset_id=quality.dataset_id, at=quality.at, document=encoded(quality))


def quality_series(tx: Tx, dataset_id: str, *, limit: int = 1) -> list[Quality]:
    """Quality reports of a dataset, the newest first."""
    rows = tx.rows(SQL["quality_series"], dataset_id=dataset_id, limit=limit)
    return [msgspec.json.decode(_text(row[0]), type=Quality) for row in rows]


def latest_qualities(tx: Tx) -> list[Quality]:
    """The newest quality report of every public dataset that has one."""
    return [msgspec.json.decode(_text(row[0]), type=Quality) for row in tx.rows(SQL["latest_qualities"])]


def purge_dataset(tx: Tx, dataset: Dataset) -> None:
    """Remove a dataset's records for good; its resources' versions and files are let go by `files.release_resource`."""
    for statement in ("purge_dataset_resources", "purge_dataset_old_names", "purge_dataset_quality"):
        tx.run(SQL[statement], id=dataset.id)
    tx.run(SQL["purge_dataset_usage"], id=dataset.id)
    tx.run(SQL["clear_tags"], dataset_id=dataset.id)
    tx.run(SQL["clear_themes"], dataset_id=dataset.id)
    tx.run(SQL["purge_dataset"], id=dataset.id)


def agency_by(tx: Tx, name_or_id: str) -> Agency | None:
    """An agency of any state by id, name, or a name it had before."""
    return _body(tx, "agency", name_or_id, Agency)


def theme_by(tx: Tx, name_or_id: str) -> Theme | None:
    """A theme of any state by id, name, or a name it had before."""
    return _body(tx, "theme", name_or_id, Theme)


def all_agencies(tx: Tx) -> list[tuple[Agency, int]]:
    """Every active agency by title, with how many public datasets it has."""
    counts = agency_counts(tx)
    agencies = [msgspec.json.decode(_text(row[0]), type=Agency) for row in tx.rows(SQL["all_agencies"])]
    return [(agency, counts.get(agency.id, 0)) for agency in agencies]


def all_themes(tx: Tx) -> list[tuple[Theme, int]]:
    """Every active theme by title, with how many public datasets are under it."""
    counts = theme_counts(tx)
    themes = [msgspec.json.decode(_text(row[0]), type=Theme) for row in tx.rows(SQL["all_themes"])]
    return [(theme, counts.get(theme.name, 0)) for theme in themes]


def put_agency(tx: Tx, agency: Agency) -> None:
    """Create or replace an agency. Raises Conflict when another one has the name."""
    _put_body(tx, "agency", agency, agency_by(tx, agency.id))


def put_theme(tx: Tx, theme: Theme) -> None:
    """Create or replace a theme. Raises Conflict when another one has the name."""
    _put_body(tx, "theme", theme, theme_by(tx, theme.id))


def _body(tx: Tx, kind: str, name_or_id: str, of: type[Body]) -> Body | None:
    for way, key in (("id", "id"), ("name", "name"), ("old_name", "name")):
        row = tx.row(SQL[f"{kind}_by_{way}"], **{key: name_or_id})
        if row is not None:
            return msgspec.json.decode(_text(row[0]), type=of)
    return None


def _put_body(tx: Tx, kind: str, body: Body, before: Body | None) -> None:
    owner = tx.row(SQL[f"{kind}_by_name"], name=body.name)
    if owner is not None and msgspec.json.decode(_text(owner[0]), type=type(body)).id != body.id:
        raise name_taken(body.name)
    if before is not None and before.name != body.name:
        tx.run(SQL["put_old_name"], kind=kind, name=before.name, id=body.id)
    tx.run(SQL["drop_old_name"], kind=kind, name=body.name)
    values = {"id": body.id, "name": body.name, "title": body.title, "state": body.state}
    tx.run(SQL[f"put_{kind}"], **values, document=encoded(body))


def name_taken(name: str) -> Conflict:
    return refusal(Conflict, "registry.name_taken", field="name", name=name)


def _dataset(document: object) -> Dataset:
    return msgspec.json.decode(_text(document), type=Dataset)


def _text(document: object) -> str:
    assert isinstance(document, str), "registry: a document is JSON text"
    return document
