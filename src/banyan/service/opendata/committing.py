"""The one transaction that makes a publish true: versions, resources, dataset, events, the retry's answer.

Everything it points to is on disk before it runs; before it nothing is served, after it everything is.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import msgspec

from banyan.errors import Conflict
from banyan.kernel.events import EpochS
from banyan.kernel.storage import Tx
from banyan.limits import PUBLISH_KEY_DAYS
from banyan.service.opendata import files, registry
from banyan.service.opendata.agencies import agency_for
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.comparing import Comparison, Delta
from banyan.service.opendata.datasets import SaveDataset, save_dataset
from banyan.service.opendata.drift import Drift, carry_names
from banyan.service.opendata.ingest import Options, Table
from banyan.service.opendata.model import Change, Column, Dataset, Finding, Live, Resource, Version
from banyan.service.opendata.registry import SQL
from banyan.service.opendata.wording import refusal

TAIWAN = timezone(timedelta(hours=8))


class Ready(msgspec.Struct, frozen=True):
    """One table on disk, waiting for its commit."""

    table: Table
    resource_id: str
    number: int
    parquet: str
    parquet_bytes: int
    options: Options
    choices: str
    name: str
    previous: int = 0
    """The version it was compared with; the commit is refused when another one is served by then."""
    columns: tuple[Column, ...] = ()
    """With the names they carried before."""
    drift: Drift = Drift()
    comparison: Comparison | None = None
    key: tuple[str, ...] = ()
    url: str = ""
    fetched: EpochS = EpochS(0)


class PublishedTable(msgspec.Struct, frozen=True, omit_defaults=True):
    """One table as it is served now. `is_new` is false when the same file was published before."""

    resource_id: str
    name: str
    version: int
    rows: int
    is_new: bool
    page: str
    columns: tuple[Column, ...] = ()
    change: Change | None = None
    findings: tuple[Finding, ...] = ()


class Published(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a publish made: the dataset's page (a path), and each table."""

    dataset_id: str
    name: str
    title: str
    page: str
    tables: tuple[PublishedTable, ...] = ()
    resource_id: str = ""
    """Of the first table, or of the file kept as it is."""
    created: bool = False


class VersionEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Data of `version.published`."""

    dataset: str
    resource: str
    version: int
    rows: int
    as_of: EpochS
    change: Change | None = None
    delta: Delta = Delta()


class Commit(msgspec.Struct, frozen=True):
    """All of one publish."""

    job: str
    save: SaveDataset
    tables: tuple[Ready, ...]
    agency: str = ""
    live: Live | None = None
    idempotency_key: str = ""
    payload: str = ""


class KeptFile(msgspec.Struct, frozen=True):
    """A file that is kept without a table read from it."""

    filename: str
    name: str
    size: int
    sha256: str


def commit(tx: Tx, whole: Commit, now: EpochS) -> Published:
    """Write it all. Raises Conflict when another publish came in between, and whatever saving a dataset refuses."""
    before = registry.dataset_by(tx, whole.save.id or whole.save.name)
    save = whole.save
    if whole.agency:
        save = msgspec.structs.replace(save, agency=agency_for(tx, whole.agency, now).id)
    dataset, _ = save_dataset(tx, save, now)
    published = []
    for ready in whole.tables:
        dataset, one = _add_version(tx, dataset, ready, whole.live, now)
        published.append(one)
    result = Published(
        dataset_id=dataset.id,
        name=dataset.name,
        title=dataset.title,
        page=f"/dataset/{dataset.name}",
        tables=tuple(published),
        resource_id=published[0].resource_id if published else "",
        created=before is None,
    )
    files.committed(tx, job=whole.job)
    remember(tx, whole.idempotency_key, whole.payload, result, now)
    return result


def commit_file(tx: Tx, whole: Commit, kept: KeptFile, resource_id: str, now: EpochS) -> Published:
    """Make a plain file a resource of the dataset."""
    result = commit(tx, whole, now)
    dataset = registry.dataset_by(tx, result.dataset_id)
    assert dataset is not None, "the dataset was saved in this transaction"
    before = next((one for one in dataset.resources if one.id == resource_id), None)
    made = before or Resource(id=resource_id, name=kept.name, created=now, last_modified=now)
    resource = msgspec.structs.replace(
        made,
        last_modified=now,
        format=made.format or kept.filename.rpartition(".")[2].upper()[:20],
        url=f"/dataset/{dataset.id}/resource/{resource_id}/download/{quote(kept.filename)}",
        url_type="upload",
        mimetype=mimetypes.guess_type(kept.filename)[0] or "application/octet-stream",
        size=kept.size,
        hash=kept.sha256,
        version=0,
    )
    registry.put_resource(tx, dataset, resource)
    return msgspec.structs.replace(result, resource_id=resource_id)


def remember(tx: Tx, key: str, payload: str, result: Published, now: EpochS) -> None:
    """Keep the answer for a retry under the same key, PUBLISH_KEY_DAYS long."""
    if key:
        tx.run(SQL["drop_publish_keys"], before=now - PUBLISH_KEY_DAYS * 86_400)
        document = registry.encoded(result)
        tx.run(SQL["put_publish_key"], idempotency_key=key, at=now, payload=payload, document=document)


def renew(tx: Tx, dataset: Dataset, resources: Sequence[Resource], now: EpochS, *, is_told: bool) -> Published:
    """The same bytes again: no new version, but a new as-of unless the source itself says one. `is_told`: as an event
    too (a live source that is looked at every minute would only make noise)."""
    tables = []
    for resource in resources:
        version = registry.version_of(tx, resource)
        assert version is not None, "a served version has its record"
        row = tx.row(SQL["version_standing"], resource_id=resource.id, number=version.number)
        assert row is not None, "a version has its standing"
        as_of = now if version.as_of == version.source.fetched else version.as_of
        source = msgspec.structs.replace(version.source, fetched=now)
        version = msgspec.structs.replace(version, as_of=as_of, source=source)
        registry.put_version(tx, version, choices=str(row[0]), lasting=bool(row[1]))
        tables.append(table_of(dataset, resource, version, is_new=False))
        if not is_told:
            continue
        renewed = {"dataset": dataset.id, "resource": resource.id, "version": version.number, "as_of": as_of}
        announce(tx, "version.renewed", dataset.name, renewed, now)
    page = f"/dataset/{dataset.name}"
    return Published(dataset.id, dataset.name, dataset.title, page, tuple(tables), resources[0].id)


def table_of(dataset: Dataset, resource: Resource, version: Version, *, is_new: bool) -> PublishedTable:
    """A version as a publisher is told of it."""
    return PublishedTable(
        resource_id=resource.id,
        name=resource.name,
        version=version.number,
        rows=version.rows,
        is_new=is_new,
        page=f"/dataset/{dataset.name}/resource/{resource.id}",
        columns=version.columns,
        change=version.change,
        findings=version.findings,
    )


def _add_version(
    tx: Tx, dataset: Dataset, ready: Ready, live: Live | None, now: EpochS
) -> tuple[Dataset, PublishedTable]:
    before = next((one for one in dataset.resources if one.id == ready.resource_id), None)
    if (before.version if before else 0) != ready.previous:
        raise refusal(Conflict, "publish.overtaken")
    version = _version(ready, now)
    is_lasting = live is None or ready.previous == 0 or not ready.drift.is_empty
    registry.put_version(tx, version, choices=ready.choices, lasting=is_lasting)
    resource = _resource(dataset, before, ready, now)
    if live is not None:
        resource = msgspec.structs.replace(resource, live=live)
    dataset = registry.put_resource(tx, dataset, resource)
    tx.run(SQL["put_choice"], resource_id=resource.id, document=registry.encoded(ready.options))
    event = VersionEvent(
        dataset=dataset.id,
        resource=resource.id,
        version=version.number,
        rows=version.rows,
        as_of=version.as_of,
        change=version.change,
        delta=ready.comparison.delta if ready.comparison else Delta(),
    )
    announce(tx, "version.published", dataset.name, event, now)
    return dataset, table_of(dataset, resource, version, is_new=True)


def _version(ready: Ready, now: EpochS) -> Version:
    table, compared = ready.table, ready.comparison
    change = None
    if compared is not None:
        change = Change(
            added=compared.added,
            changed=compared.changed,
            gone=compared.gone,
            same=compared.same,
            columns_added=ready.drift.added,
            columns_gone=ready.drift.gone,
            columns_renamed=ready.drift.renamed,
            columns_retyped=ready.drift.retyped,
        )
    fetched = ready.fetched or now
    return Version(
        resource_id=ready.resource_id,
        number=ready.number,
        at=now,
        as_of=epoch(table.as_of) or fetched,
        rows=table.rows,
        columns=ready.columns,
        source=msgspec.structs.replace(table.source, url=ready.url, fetched=fetched),
        parquet=ready.parquet,
        parquet_bytes=ready.parquet_bytes,
        findings=table.findings,
        change=change,
        sort=table.sort,
        bbox=table.bbox,
        geometry=table.geometry,
        provenance=table.provenance,
    )


def _resource(dataset: Dataset, before: Resource | None, ready: Ready, now: EpochS) -> Resource:
    source = ready.table.source
    made = before or Resource(
        id=ready.resource_id, name=ready.name, created=now, last_modified=now, position=len(dataset.resources)
    )
    return msgspec.structs.replace(
        made,
        name=made.name or ready.name,
        last_modified=now,
        format=source.format.upper(),
        url=f"/dataset/{dataset.id}/resource/{made.id}/download/{quote(source.filename)}",
        url_type="upload",
        mimetype=source.media_type,
        size=source.size,
        hash=source.sha256,
        version=ready.number,
        encoding=source.encoding,
        key=ready.key,
    )


def carried(ready_columns: Sequence[Column], before: Version | None, found: Drift) -> tuple[Column, ...]:
    """The table's columns with what the version before knew of them."""
    return carry_names(before.columns, ready_columns, found.renamed) if before else tuple(ready_columns)


def epoch(text: str) -> EpochS | None:
    """A time in ISO 8601; without a zone it is Taiwan's. None when it is not one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return EpochS((at if at.tzinfo else at.replace(tzinfo=TAIWAN)).timestamp())
