"""One publish from bytes to a served version: keep the bytes, read them, compare, adopt, commit.

Nothing is served before the commit; whatever stops the run (a refusal, a cancel, a kill -9) leaves the version before
in service, and its files are swept here or at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from banyan.errors import Conflict, Problem
from banyan.kernel.events import EpochS
from banyan.kernel.storage import Drawer, Tx
from banyan.service.opendata import files, matching, registry, searching
from banyan.service.opendata.committing import (
    Commit,
    KeptFile,
    Published,
    Ready,
    carried,
    commit,
    commit_file,
    remember,
    renew,
)
from banyan.service.opendata.comparing import Comparison, Side
from banyan.service.opendata.datasets import SaveDataset
from banyan.service.opendata.desk import Desk, Job
from banyan.service.opendata.disclosing import disclosed
from banyan.service.opendata.drift import Drift, drift, translated
from banyan.service.opendata.files import FileRef
from banyan.service.opendata.ingest import Options, Table
from banyan.service.opendata.model import Dataset, Live, Resource, Version
from banyan.service.opendata.reader import Reader
from banyan.service.opendata.registry import SQL
from banyan.service.opendata.slugs import stem_of, undated
from banyan.service.opendata.wording import refusal, unknown
from banyan.service.opendata.worker import CompareOrder, ReadOrder

T = TypeVar("T")
OVERTAKEN_TRIES = 3


class Plan(msgspec.Struct, frozen=True):
    """What to publish, from where on disk, into what. `save` says what is known of the dataset."""

    file: Path
    filename: str
    save: SaveDataset
    agency: str = ""
    """Name, id or title; made when nobody has it."""
    as_of: str = ""
    resource_id: str = ""
    resource_name: str = ""
    add: bool = False
    as_file: bool = False
    fresh: bool = False
    """Forget the options remembered for the resource."""
    options: Options = Options()
    new_columns: tuple[str, ...] = ()
    accept: Sequence[str] = ()
    url: str = ""
    live: Live | None = None
    keeps_columns: bool = False
    """A column that is gone holds the file back, unless `accept` has `columns`."""
    largest_loss: float = 1.0
    """Share of rows that may be gone; above it the file is held back unless `accept` has `shrunk`."""
    idempotency_key: str = ""
    payload: str = ""


class Target(msgspec.Struct, frozen=True):
    """Where a table goes: the dataset and resource as they stand, what was decided for it, the version served."""

    dataset: Dataset | None
    resource: Resource | None
    remembered: Options
    served: Version | None


class Run:
    """The state of one run; `go` does it once."""

    def __init__(self, desk: Desk, db: Drawer, job: Job, plan: Plan, now: EpochS) -> None:
        self._desk, self._db, self._job, self._plan = desk, db, job, plan
        self._now, self._since = now, monotonic()
        self._work = db.work / "publish" / job.id
        self._staged: list[FileRef] = []

    async def go(self) -> Published:
        """Publish. Raises what reading, comparing or saving refuses; then nothing is left behind."""
        for left in range(OVERTAKEN_TRIES, -1, -1):
            standing = await self._db.sql.read(self._dataset)
            async with self._desk.turn(standing.id if standing else self._plan.save.name):
                try:
                    published = await self._tidily()
                except Conflict as conflict:
                    # A writer that saw the dataset under another key (its name, before it was made) came first.
                    if conflict.kind != "overtaken" or not left:
                        raise
                    continue
            await searching.refresh(self._db, published.dataset_id)
            return published
        raise AssertionError("the last try returns or raises")

    async def _tidily(self) -> Published:
        """One try; when it fails, its files are swept."""
        try:
            self._work.mkdir(parents=True, exist_ok=True)
            return await self._publish()
        except BaseException:
            staged, self._staged = self._staged, []
            await asyncio.shield(files.sweep(self._db, staged, job=self._job.id))
            raise
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, self._work, ignore_errors=True))

    def _dataset(self, tx: Tx) -> Dataset | None:
        return registry.dataset_by(tx, self._plan.save.id or self._plan.save.name)

    async def _publish(self) -> Published:
        plan = self._plan
        size, sha256 = await asyncio.to_thread(_digest, plan.file)
        target = await self._db.sql.read(self._target)
        if plan.as_file:
            return await self._as_file(target, size, sha256)
        options = plan.options if plan.fresh else matching.merged(target.remembered, plan.options)
        same = await self._same(target, sha256, matching.fingerprint(options))
        if same is not None:
            return same
        await self._keep(sha256)
        self._job.move("reading")
        reader = self._desk.reader(size)
        tables, options = await self._read(reader, sha256, target, options)
        self._job.move("comparing")
        places = matching.targets(target.dataset, tables, target.resource, add=plan.add)
        ready = [await self._ready(reader, table, place, options) for table, place in zip(tables, places, strict=True)]
        self._job.move("committing")
        whole = Commit(
            job=self._job.id,
            save=_named(plan.save, target.dataset),
            tables=tuple(ready),
            live=plan.live,
            agency=plan.agency,
            idempotency_key=plan.idempotency_key,
            payload=plan.payload,
        )
        return await self._committed(lambda tx: commit(tx, whole, self._at()))

    async def _committed(self, job: Callable[[Tx], Published]) -> Published:
        writing = asyncio.ensure_future(self._db.sql.write(job))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            return await writing  # a cancel that comes now is too late: the publish is true

    async def _as_file(self, target: Target, size: int, sha256: str) -> Published:
        """Keep the file as it is, as a resource without a table."""
        plan = self._plan
        await self._keep(sha256)
        kept = KeptFile(plan.filename, plan.resource_name or plan.filename, size, sha256)
        whole = Commit(job=self._job.id, save=_named(plan.save, target.dataset), tables=(), agency=plan.agency)
        named = target.resource.id if target.resource and plan.resource_id else str(uuid.uuid4())
        return await self._committed(lambda tx: commit_file(tx, whole, kept, named, self._at()))

    def _at(self) -> EpochS:
        return EpochS(self._now + monotonic() - self._since)

    def _target(self, tx: Tx) -> Target:
        plan = self._plan
        dataset = self._dataset(tx)
        resource = matching.anchor(dataset, resource_id=plan.resource_id, filename=plan.filename, add=plan.add)
        if plan.resource_id and resource is None:
            raise unknown("resource", plan.resource_id)
        return Target(dataset, resource, *_known(tx, resource))

    async def _same(self, target: Target, sha256: str, choices: str) -> Published | None:
        """When these bytes are served already, made with these options: that version, renewed."""
        dataset = target.dataset
        if dataset is None or dataset.state != "active" or self._plan.add:
            return None
        wanted = self._plan.resource_id

        def job(tx: Tx) -> Published | None:
            standing = [
                one for one in dataset.resources if one.is_table and one.hash == sha256 and wanted in ("", one.id)
            ]
            rows = [tx.row(SQL["version_standing"], resource_id=one.id, number=one.version) for one in standing]
            if not standing or any(row is None or row[0] != choices for row in rows):
                return None
            published = renew(tx, dataset, standing, self._at(), is_told=self._plan.live is None)
            remember(tx, self._plan.idempotency_key, self._plan.payload, published, self._at())
            return published

        return await self._db.sql.write(job)

    async def _keep(self, sha256: str) -> None:
        await self._stage(FileRef("blob", sha256))
        await _seen_through(asyncio.to_thread(self._db.blobs.put_file, self._plan.file, expect=sha256))

    async def _stage(self, *refs: FileRef) -> None:
        self._staged += refs
        await _seen_through(files.stage(self._db, refs, job=self._job.id, now=self._now))

    async def _read(
        self, reader: Reader, sha256: str, target: Target, options: Options
    ) -> tuple[tuple[Table, ...], Options]:
        """Read with the decisions made; when a remembered one names a column that changed its name, follow it."""
        try:
            return await self._tables(reader, sha256, options), options
        except Problem as problem:
            if problem.kind != "column-unknown" or target.served is None or self._plan.fresh:
                raise
            first_problem = problem
        bare = matching.merged(matching.without_names(target.remembered), matching.without_names(self._plan.options))
        tables = await self._tables(reader, sha256, bare)
        if len(tables) != 1:
            raise first_problem
        names = [column.name for column in tables[0].columns]
        found = drift(target.served.columns, tables[0].columns, apart=self._plan.new_columns)
        followed = matching.follow_names(target.remembered, found.renamed, names)
        if lost := matching.lost_names(followed, names):
            raise refusal(Conflict, "publish.column_lost", columns="、".join(lost), present="、".join(names[:20]))
        again = matching.merged(followed, self._plan.options)
        return await self._tables(reader, sha256, again), again

    async def _tables(self, reader: Reader, sha256: str, options: Options) -> tuple[Table, ...]:
        source = self._db.blobs.path(sha256)
        order = ReadOrder(source=source, filename=self._plan.filename, options=options, work=self._work)
        return await reader.read(order, lambda progress: self._job.move("reading", progress))

    async def _ready(self, reader: Reader, table: Table, place: Resource | None, options: Options) -> Ready:
        """Compare a table with the version it follows, and put its file in the lake under its final name."""
        served, last = await self._db.sql.read(lambda tx: _standing(tx, place))
        found, compared = Drift(), None
        key = table.key
        if place is not None and served is not None:
            found = drift(served.columns, table.columns, apart=self._plan.new_columns)
            self._refuse_another_table(served, table, found)
            key = options.key or _standing_key(place, table, found)
            compared = await self._compare(reader, served, table, key, found)
            self._refuse_loss(served, table, compared)
        resource_id = place.id if place else str(uuid.uuid4())
        parquet = f"{resource_id}/{last + 1:06d}-{self._job.id[:8]}.parquet"
        size = table.parquet.stat().st_size
        await self._stage(FileRef("lake", parquet))
        await _seen_through(asyncio.to_thread(self._db.lake.adopt, table.parquet, parquet))
        return Ready(
            table=msgspec.structs.replace(table, as_of=self._plan.as_of or table.as_of),
            resource_id=resource_id,
            number=last + 1,
            parquet=parquet,
            parquet_bytes=size,
            options=options,
            choices=matching.fingerprint(options),
            name=self._plan.resource_name or _name_of(table, self._plan.filename),
            previous=served.number if served else 0,
            columns=carried(table.columns, served, found),
            drift=found,
            comparison=compared,
            key=key,
            url=disclosed(self._plan.url),
        )

    async def _compare(
        self, reader: Reader, served: Version, table: Table, key: Sequence[str], found: Drift
    ) -> Comparison:
        old = Side(self._db.lake.path(served.parquet), served.columns)
        order = CompareOrder(old=old, new=Side(table.parquet, table.columns), key=tuple(key), renamed=found.renamed)
        return await reader.compare(order)

    def _refuse_another_table(self, served: Version, table: Table, found: Drift) -> None:
        if "columns" in self._plan.accept:
            return
        if self._plan.keeps_columns and found.gone:
            raise refusal(Conflict, "publish.columns_gone", columns="、".join(found.gone))
        if found.kept * 2 >= min(len(served.columns), len(table.columns)):
            return
        old = "、".join(column.name for column in served.columns[:10])
        new = "、".join(column.name for column in table.columns[:10])
        raise refusal(Conflict, "publish.another_table", old=old, new=new)

    def _refuse_loss(self, served: Version, table: Table, compared: Comparison) -> None:
        loss = compared.gone / served.rows if served.rows else 0.0
        if loss > self._plan.largest_loss and "shrunk" not in self._plan.accept:
            raise refusal(Conflict, "publish.shrunk", gone=compared.gone, before=served.rows, now=table.rows)


def _known(tx: Tx, resource: Resource | None) -> tuple[Options, Version | None]:
    if resource is None:
        return Options(), None
    row = tx.row(SQL["choice_of"], resource_id=resource.id)
    options = msgspec.json.decode(str(row[0]), type=Options) if row else Options()
    return options, registry.version_of(tx, resource) if resource.is_table else None


def _standing(tx: Tx, resource: Resource | None) -> tuple[Version | None, int]:
    """The version served and the highest number ever given."""
    if resource is None:
        return None, 0
    row = tx.row(SQL["last_number"], resource_id=resource.id)
    return registry.version_of(tx, resource), max(int(row[0] or 0) if row else 0, resource.version)


def _standing_key(resource: Resource, table: Table, found: Drift) -> tuple[str, ...]:
    key = translated(resource.key, found.renamed)
    return key if key and set(key) <= {column.name for column in table.columns} else table.key


def _named(save: SaveDataset, dataset: Dataset | None) -> SaveDataset:
    """The save for a dataset that exists: found by id, so that a rename in between does not make a second one."""
    if dataset is None:
        return save
    state: Literal["active"] | UnsetType = "active" if dataset.state == "deleted" else UNSET
    return msgspec.structs.replace(save, id=dataset.id, name="", state=state)


async def _seen_through(work: Awaitable[T]) -> T:
    """Wait for work that cannot be stopped half-way, also when cancelled: a thread goes on, and would put its file
    down after the sweep."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _name_of(table: Table, filename: str) -> str:
    """A file's only table is named as the file less its date; a sheet and a member keep their own names."""
    return undated(table.name) if table.name == stem_of(filename) else table.name
