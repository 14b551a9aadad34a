"""The operation `change_rows`: some rows of a table written or removed, and the next version served.

The Parquet of the next version is made from the last one (tables/apply.py), not read again from a file: rows keep
their `_id`, a million rows take 1 to 2.5 s. Such versions may be pruned: they carry no new columns.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from pathlib import Path
from typing import Literal

import msgspec

from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.limits import CKAN_ACTION_S
from banyan.service.opendata import files, registry, searching
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.committing import VersionEvent
from banyan.service.opendata.files import FileRef
from banyan.service.opendata.model import Change, Column, Version
from banyan.service.opendata.registry import SQL
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables import parse_filters
from banyan.service.opendata.tables.apply import Applied, Method, apply_rows, delete_rows
from banyan.service.opendata.tables.operations import Filters, Name
from banyan.service.opendata.tables.query import Scalar
from banyan.service.opendata.tables.tenancy import Register, register
from banyan.service.opendata.wording import refusal


class ChangeRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`records` are written by `method` (insert, upsert, update; the last two by the table's key), or, with
    `method` delete, the rows that pass `filters` are removed. At least one row must stay."""

    register: Name
    method: Method | Literal["delete"] = "upsert"
    records: list[dict[str, Scalar]] = []
    filters: Filters = {}


class Changed(msgspec.Struct, frozen=True):
    """The version served now and what became of the rows."""

    resource: str
    version: int
    rows: int
    added: int
    changed: int
    gone: int


@SERVICE.operation(
    "change_rows",
    title={"zh-Hant": "寫入資料列", "en": "Write rows"},
    summary={
        "zh-Hant": "新增、更新或刪除資料表的列；每次寫入都成為新版本。",
        "en": "Insert, update or delete rows of a table; each write becomes a new version.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    channels=("api",),
    time_s=CKAN_ACTION_S,
)
async def change_rows(ctx: Context, request: ChangeRows) -> Changed:
    """Raises NotFound (no table, no such row), Invalid (column, value, key), Conflict (a key that is there; another
    version came meanwhile)."""
    of = await register(ctx, request.register)
    job = uuid.uuid4().hex
    work = ctx.db.work / f"rows-{job}"
    ref = FileRef("lake", f"{of.resource.id}/{of.version.number + 1:06d}-{job[:8]}.parquet")
    try:
        await asyncio.to_thread(work.mkdir)
        applied = await asyncio.to_thread(_applied, of, ctx.db.lake.path(of.version.parquet), request, work)
        await files.stage(ctx.db, [ref], job=job, now=ctx.now)
        await asyncio.to_thread(ctx.db.lake.adopt, applied.parquet, ref.key)
        size = (await asyncio.to_thread(ctx.db.lake.path(ref.key).stat)).st_size
        version = _next(of, applied, request, parquet=ref.key, size=size, now=ctx.now)
        changed = await ctx.db.sql.write(lambda tx: _commit(tx, of, version, applied, job=job))
    except BaseException:
        await asyncio.shield(files.sweep(ctx.db, [ref], job=job))
        raise
    finally:
        await asyncio.shield(asyncio.to_thread(_clear, work))
    await searching.refresh(ctx.db, of.dataset.id)
    return changed


def _applied(of: Register, parquet: Path, request: ChangeRows, work: Path) -> Applied:
    if request.method != "delete":
        key = of.resource.key
        return apply_rows(of.version, parquet, request.records, method=request.method, key=key, work=work)
    where = parse_filters(request.filters)
    if where is None:
        raise Invalid.at("filters", "Say which rows; a table without rows is dropped instead.")
    applied = delete_rows(of.version, parquet, where, work=work)
    if not applied.rows:
        raise Invalid.at("filters", "At least one row must stay; drop the table instead.")
    return applied


def _next(of: Register, applied: Applied, request: ChangeRows, *, parquet: str, size: int, now: EpochS) -> Version:
    before = of.version
    same = applied.rows - applied.added - applied.changed
    step = f"rows method={request.method} added={applied.added} changed={applied.changed} gone={applied.gone}"
    return msgspec.structs.replace(
        before,
        number=before.number + 1,
        at=now,
        as_of=now,
        rows=applied.rows,
        columns=tuple(_widened(column, request) for column in before.columns),
        parquet=parquet,
        parquet_bytes=size,
        change=Change(added=applied.added, changed=applied.changed, gone=applied.gone, same=same),
        provenance=(*(line for line in before.provenance if not line.startswith("rows ")), step),
    )


def _widened(column: Column, request: ChangeRows) -> Column:
    """A whole-number column's range with the values written, so that its type word stays true."""
    if column.type != "integer":
        return column
    written = [value for record in request.records if isinstance(value := record.get(column.name), int)]
    ends = [int(end) for end in (column.minimum, column.maximum) if end.lstrip("-").isdigit()]
    if not written:
        return column
    lowest, highest = min([*written, *ends]), max([*written, *ends])
    return msgspec.structs.replace(column, minimum=str(lowest), maximum=str(highest))


def _commit(tx: Tx, of: Register, version: Version, applied: Applied, *, job: str) -> Changed:
    """The one transaction that makes the write true."""
    held = registry.resource_by(tx, of.resource.id)
    if held is None or held[1].version != of.version.number:
        raise refusal(Conflict, "publish.overtaken")
    dataset, resource = held
    standing = tx.row(SQL["version_standing"], resource_id=resource.id, number=of.version.number)
    last = tx.row(SQL["last_number"], resource_id=resource.id)
    number = max(int(last[0] or 0) if last else 0, resource.version) + 1
    version = msgspec.structs.replace(version, number=number)
    registry.put_version(tx, version, choices=str(standing[0]) if standing else "", lasting=False)
    # Without the hash, the file it came from would count as news again, not as what is served.
    renewed = msgspec.structs.replace(resource, version=number, last_modified=version.at, hash="")
    registry.put_resource(tx, dataset, renewed)
    files.committed(tx, job=job)
    event = VersionEvent(dataset.id, resource.id, number, version.rows, version.as_of, version.change)
    announce(tx, "version.published", dataset.name, event, version.at)
    return Changed(resource.id, number, version.rows, applied.added, applied.changed, applied.gone)


def _clear(work: Path) -> None:

    shutil.rmtree(work, ignore_errors=True)
