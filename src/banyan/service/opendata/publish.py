"""Publish anything real: the operations that take a file or an address and make a served version of it."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import traceback
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET

from banyan.errors import Conflict, Invalid, Limit, Problem
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage import Drawer, Tx
from banyan.limits import JOB_WAIT_S, LIVE_MAX_S, LIVE_MIN_S
from banyan.service.opendata import committing, files, registry, searching, uploads, usage
from banyan.service.opendata.committing import Published
from banyan.service.opendata.datasets import SaveDataset
from banyan.service.opendata.desk import ENDED, Job, JobView, close_desk, desk_of
from banyan.service.opendata.fetch import Fetched, fetch
from banyan.service.opendata.ingest import Options, Progress
from banyan.service.opendata.live import begin_live
from banyan.service.opendata.model import Live
from banyan.service.opendata.registry import SQL
from banyan.service.opendata.run import Plan, Run
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.slugs import AnySlug, plain_name, slug_of_file, stem_of, undated
from banyan.service.opendata.wording import refusal, unknown
from banyan.service.opendata.worker import Refusal


class Publish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Publish one file as one dataset, or as the next version of one.

    Give `file` (a ticket of `uploads.offer`) or `url`. Without `name` the file's own name, less its date, names the
    dataset, so that the next day's file is its next version.
    """

    file: str = ""
    filename: str = ""
    """What the file was called; its endings matter, its folder does not."""
    url: str = ""
    name: AnySlug = ""
    title: str = ""
    notes: str = ""
    agency: str = ""
    """Name, id or title; made when nobody has it."""
    licence: str = ""
    tags: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    frequency: str = ""
    as_of: str = ""
    """ISO 8601: the time the data is from, when the file does not say it or says it wrongly."""
    resource: str = ""
    """Id of the resource this is the next version of; empty: decided by name."""
    resource_name: str = ""
    add: bool = False
    """As one more resource of the dataset."""
    as_file: bool = False
    """Keep the file as it is, without reading a table from it."""
    fresh: bool = False
    """Forget the options remembered from the version before."""
    options: Options = Options()
    new_columns: tuple[str, ...] = ()
    """Columns that are new, though they resemble one that is gone."""
    accept: tuple[Literal["columns", "shrunk"], ...] = ()
    """Differences that would otherwise hold the file back."""
    live_s: Annotated[int, msgspec.Meta(ge=0, le=LIVE_MAX_S)] = 0
    """With `url`: look again every so many seconds; 0: once."""
    private: bool = False
    idempotency_key: str = ""


class JobQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A publish by its job's id. With `wait_s`, answer at its next step, or after that many seconds."""

    job: str
    wait_s: Annotated[float, msgspec.Meta(ge=0, le=JOB_WAIT_S)] = 0.0


class JobId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    job: str


@SERVICE.operation(
    "publish",
    title={"zh-Hant": "發布資料", "en": "Publish data"},
    summary={
        "zh-Hant": "讀取上傳的檔案或網址，做成資料集的新版本；完成後才回覆。",
        "en": "Reads an uploaded file or an address into a new version of a dataset; answers when it is served.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    channels=("api",),
)
async def publish(ctx: Context, request: Publish) -> Published:
    """Raises what fetching, reading, comparing and saving refuse; the version before then stays in service."""
    job = begin(ctx, request)
    assert job.task is not None, "a job has a task"
    await asyncio.shield(asyncio.wait([job.task]))
    if job.published is not None:
        return job.published
    assert job.refusal is not None, "a job that ended has published or says why not"
    raise job.refusal.problem()


@SERVICE.operation(
    "begin_publish",
    title={"zh-Hant": "開始發布資料", "en": "Begin to publish data"},
    summary={
        "zh-Hant": "開始發布，立即回覆工作編號；以 publish_progress 查詢進度。",
        "en": "Begins a publish and answers its job at once; ask publish_progress how it stands.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    channels=("api",),
)
async def begin_publish(ctx: Context, request: Publish) -> JobView:
    return begin(ctx, request).view()


@SERVICE.operation(
    "publish_progress",
    title={"zh-Hant": "發布進度", "en": "Progress of a publish"},
    summary={
        "zh-Hant": "發布工作的狀態、進度與結果。",
        "en": "State, progress and outcome of a publish job.",
    },
    data=OPEN,
    audience="administrator",
    path="/api/opendata/publish_progress/{job}",
    channels=("api",),
)
async def publish_progress(ctx: Context, request: JobQuery) -> JobView:
    job = _job(ctx.db, request.job)
    if request.wait_s and job.state not in ENDED:
        await job.changed(request.wait_s)
    return job.view()


@SERVICE.operation(
    "cancel_publish",
    title={"zh-Hant": "取消發布", "en": "Cancel a publish"},
    summary={
        "zh-Hant": "停止發布工作，不留下任何半成品；已完成的發布不受影響。",
        "en": "Stops a publish job and leaves nothing behind; one that is already served stays.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    channels=("api",),
)
async def cancel_publish(ctx: Context, request: JobId) -> JobView:
    job = _job(ctx.db, request.job)
    if job.task is not None and not job.task.done():
        job.task.cancel()
        await asyncio.wait([job.task])
    return job.view()


def begin(ctx: Context, request: Publish) -> Job:
    """Take the request on as a job of the drawer's desk. Raises Invalid when it names no source."""
    desk = desk_of(ctx.db)
    if bool(request.file) == bool(request.url):
        raise refusal(Invalid, "publish.one_source", field="file")
    if request.as_of and committing.epoch(request.as_of) is None:
        raise refusal(Invalid, "publish.as_of", field="as_of")
    if request.live_s and (request.live_s < LIVE_MIN_S or not request.url):
        raise refusal(Invalid, "publish.live_span", field="live_s", least=LIVE_MIN_S)
    twin = next((job for job in desk.jobs.values() if _is_twin(job, request)), None)
    if twin is not None:
        return twin
    filename = request.filename or request.file or request.url.rstrip("/").rpartition("/")[2].partition("?")[0]
    key = request.idempotency_key
    job = Job(uuid.uuid4().hex, filename=plain_name(filename), started=ctx.now, idempotency_key=key)
    desk.enter(job)
    job.task = asyncio.get_running_loop().create_task(_work(ctx, job, request))
    return job


def _is_twin(job: Job, request: Publish) -> bool:
    """The same request still running: a retry waits for it."""
    return bool(request.idempotency_key) and job.idempotency_key == request.idempotency_key and job.state not in ENDED


async def _work(ctx: Context, job: Job, request: Publish) -> None:
    """The body of a job; it never raises but records how it ended."""
    try:
        job.published = await _published(ctx, job, request)
        job.move("done")
    except Problem as problem:
        job.refusal = Refusal.of(problem)
        job.move("failed")
    except asyncio.CancelledError:
        job.refusal = Refusal.of(refusal(Conflict, "publish.cancelled"))
        job.move("cancelled")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        job.refusal = Refusal.of(
            refusal(Limit, "publish.storage_full", status=507) if full else _broke(ctx, job, error)
        )
        job.move("failed")
    except Exception as error:  # the worker loop records what nobody foresaw, and the node goes on
        job.refusal = Refusal.of(_broke(ctx, job, error))
        job.move("failed")
    finally:
        await uploads.forget(request.file)


def _broke(ctx: Context, job: Job, error: Exception) -> Problem:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    ctx.log("publish.broke", {"job": job.id, "error": type(error).__name__, "where": where})
    return refusal(Problem, "publish.broke", job=job.id)


async def _published(ctx: Context, job: Job, request: Publish) -> Published:
    if not request.url:
        path = uploads.path_of(request.file)
        if path is None:
            raise unknown("upload", request.file)
        return await _run(ctx, job, request, path, None)

    def told(done: int, total: int) -> None:
        job.move("fetching", Progress("fetch", done, total))

    path = ctx.db.work / f"fetched-{job.id}"
    try:
        fetched = await fetch(request.url, path, rules=desk_of(ctx.db).rules, told=told)
        named = msgspec.structs.replace(request, filename=request.filename or fetched.filename)
        return await _run(ctx, job, named, path, fetched)
    finally:
        with suppress(OSError):
            await asyncio.to_thread(path.unlink)


async def _run(ctx: Context, job: Job, request: Publish, path: Path, fetched: Fetched | None) -> Published:
    payload = await asyncio.to_thread(_payload, request, path)
    known = await ctx.db.sql.read(lambda tx: _answered(tx, request.idempotency_key, payload))
    if known is not None:
        return known
    plan = await ctx.db.sql.read(lambda tx: _plan(tx, request, path))
    live = None
    if request.live_s and fetched is not None:
        live = Live(request.url, request.live_s, last_try=ctx.now, last_good=ctx.now, etag=fetched.etag)
    plan = msgspec.structs.replace(plan, payload=payload, live=live)
    published = await Run(desk_of(ctx.db), ctx.db, job, plan, ctx.now).go()
    if live is not None and published.tables:
        first = published.tables[0].resource_id
        await ctx.db.sql.write(lambda tx: begin_live(tx, first, live, ctx.now))
    return published


def _plan(tx: Tx, request: Publish, path: Path) -> Plan:
    """What the request comes to: the dataset it names, or the one its file's name leads to."""
    filename = plain_name(request.filename)
    name = request.name
    if not name and request.resource:
        owned = registry.resource_by(tx, request.resource)
        if owned is None:
            raise unknown("resource", request.resource)
        name = owned[0].name
    name = name or slug_of_file(filename)
    is_there = registry.dataset_by(tx, name) is not None
    title = request.title or ("" if is_there else undated(stem_of(filename)))
    return Plan(
        file=path,
        filename=filename,
        save=SaveDataset(
            name=name,
            title=title or UNSET,
            notes=request.notes or UNSET,
            licence_id=request.licence or UNSET,
            tags=request.tags or UNSET,
            themes=request.themes or UNSET,
            frequency=request.frequency or UNSET,
            private=True if request.private else UNSET,
        ),
        agency=request.agency,
        as_of=request.as_of,
        resource_id=request.resource,
        resource_name=request.resource_name,
        add=request.add,
        as_file=request.as_file,
        fresh=request.fresh,
        options=request.options,
        new_columns=request.new_columns,
        accept=request.accept,
        url=request.url,
        idempotency_key=request.idempotency_key,
    )


def _payload(request: Publish, path: Path) -> str:
    """The fingerprint of what is asked: the bytes and every field but the names of the upload and the key."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(msgspec.json.encode(msgspec.structs.replace(request, file="", idempotency_key=""), order="sorted"))
    return digest.hexdigest()


def _answered(tx: Tx, key: str, payload: str) -> Published | None:
    row = tx.row(SQL["publish_key"], idempotency_key=key) if key else None
    if row is None:
        return None
    if row[0] != payload:
        raise refusal(Invalid, "publish.key_reused", field="idempotency_key")
    return msgspec.json.decode(str(row[1]), type=Published)


def _job(db: Drawer, id: str) -> Job:
    job = desk_of(db).jobs.get(id)
    if job is None:
        raise unknown("job", id)
    return job


@SERVICE.start
async def begin_day(ctx: Context) -> None:
    """Sweep what a crash left, bring the index up to date."""
    swept = await files.sweep_leftovers(ctx.db)
    if swept:
        ctx.log("publish.swept", {"files": swept})
    await searching.catch_up(ctx.db)


@SERVICE.stop
async def end_day(ctx: Context) -> None:
    """Stop what is being read, write the last counts."""
    await close_desk(ctx.db)
    await usage.close(ctx.db)
