"""Live sources: a resource follows a URL or a watched file. A bad source never replaces a good version.

A durable timer looks every so many seconds. What fails (no answer, broken, empty, other columns, too many rows gone)
is counted, backed off and shown with its age; the good version stays.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from banyan.errors import Invalid, Problem
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import EpochS, Event, timers
from banyan.kernel.storage import Tx
from banyan.limits import LIVE_AGAIN_S, LIVE_BACKOFF_S, LIVE_LOSS, LIVE_MAX_S, LIVE_MIN_S, LIVE_SETTLE_S
from banyan.service.opendata import registry, retention
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.datasets import SaveDataset
from banyan.service.opendata.desk import Job, desk_of
from banyan.service.opendata.fetch import fetch
from banyan.service.opendata.model import Dataset, Live, Resource
from banyan.service.opendata.run import Plan, Run
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.slugs import plain_name
from banyan.service.opendata.versions import find_resource
from banyan.service.opendata.watching import copied, look, watched_path
from banyan.service.opendata.wording import refusal, unknown

TIMER = "live"
HELD = ("shrunk", "another-table", "columns-gone", "column-lost")
"""Refusals that wait for a person's word; the others are trouble of the source."""
Accept = Literal["columns", "shrunk"]


class Follow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let a resource follow a source: an http(s) address, or a file below a folder the node lets be watched."""

    resource: str
    source: str
    every_s: Annotated[int, msgspec.Meta(ge=LIVE_MIN_S, le=LIVE_MAX_S)]


class FollowNow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Look at a live source now; `accept` takes what was held back for its lost columns or rows."""

    resource: str
    accept: tuple[Accept, ...] = ()


class Unfollow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resource: str


@SERVICE.operation(
    "follow",
    title={"zh-Hant": "持續更新", "en": "Follow a live source"},
    summary={
        "zh-Hant": "定時查看網址或檔案，有新內容就成為新版本；壞掉的來源不會取代好的版本。",
        "en": "Looks at a URL or file on time; news become versions, and a broken source never replaces a good one.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def follow(ctx: Context, request: Follow) -> Resource:
    """Raises Denied for a file outside the watched folders, Invalid for an address we do not read."""
    watched_path(request.source, desk_of(ctx.db).rules.watch_folders)
    _, resource = await find_resource(ctx, request.resource)
    live = Live(request.source, request.every_s, last_good=ctx.now)

    await ctx.db.sql.write(lambda tx: begin_live(tx, resource.id, live, ctx.now))
    return msgspec.structs.replace(resource, live=live)


@SERVICE.operation(
    "unfollow",
    title={"zh-Hant": "停止持續更新", "en": "Stop following a live source"},
    summary={"zh-Hant": "不再查看來源；現有版本保留。", "en": "Looks no more; the versions stay."},
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def unfollow(ctx: Context, request: Unfollow) -> Resource:
    _, resource = await find_resource(ctx, request.resource)

    def job(tx: Tx) -> Resource:
        timers.cancel(tx, TIMER, resource.id)
        return set_live(tx, resource.id, None)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "follow_now",
    title={"zh-Hant": "立即查看來源", "en": "Look at a live source now"},
    summary={
        "zh-Hant": "不等時間到就查看；可確認接受被暫緩的資料。",
        "en": "Looks without waiting for the time; can accept what was held back.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def follow_now(ctx: Context, request: FollowNow) -> Resource:
    _, resource = await find_resource(ctx, request.resource)
    if resource.live is None:
        raise refusal(Invalid, "live.not_live", field="resource")
    await look_at(ctx, resource.id, accept=request.accept)
    held = await ctx.db.sql.read(lambda tx: registry.resource_by(tx, resource.id))
    if held is None:
        raise unknown("resource", request.resource)
    return held[1]


@SERVICE.timer(TIMER)
async def due(ctx: Context, event: Event) -> None:
    """A live resource's time has come; the event's subject is its id.

    The look is a task of the desk, so that a source that hangs delays no other; should the node die in it, the timer
    set here looks again.
    """
    await ctx.db.sql.write(lambda tx: timers.set(tx, TIMER, event.subject, EpochS(ctx.now + LIVE_AGAIN_S)))
    desk_of(ctx.db).look(event.subject, lambda: look_at(ctx, event.subject))


def begin_live(tx: Tx, resource_id: str, live: Live, now: EpochS) -> None:
    """Follow a source from now on."""
    set_live(tx, resource_id, live)
    timers.set(tx, TIMER, resource_id, EpochS(now + live.every_s))


def set_live(tx: Tx, resource_id: str, live: Live | None) -> Resource:
    """Write what is known of a live source, in the document of its dataset as it is now."""
    held = registry.resource_by(tx, resource_id)
    if held is None:
        raise unknown("resource", resource_id)
    resource = msgspec.structs.replace(held[1], live=live)
    registry.put_resource(tx, held[0], resource)
    return resource


async def look_at(ctx: Context, resource_id: str, *, accept: tuple[Accept, ...] = ()) -> None:
    """Look at the source once; publish what is new; set the next time. Records a failure and never raises for it."""
    held = await ctx.db.sql.read(lambda tx: registry.resource_by(tx, resource_id))
    if held is None or held[1].live is None or held[0].state == "deleted":
        return
    watch = Look(ctx, *held, held[1].live, accept)
    try:
        etag = await watch.once()
    except Problem as problem:
        await ctx.db.sql.write(partial(_failed, watch=watch, problem=problem))
        return
    await ctx.db.sql.write(partial(_went_well, watch=watch, etag=etag))
    await retention.prune(ctx.db, resource_id, ctx.now)


class Look(msgspec.Struct, frozen=True):
    """One look at one live source."""

    ctx: Context
    dataset: Dataset
    resource: Resource
    live: Live
    accept: tuple[Accept, ...]

    async def once(self) -> str:
        """Bring the source's present bytes into service; what to compare the next look with."""
        db, live = self.ctx.db, self.live
        rules = desk_of(db).rules
        path = db.work / f"live-{uuid.uuid4().hex}"
        try:
            file = watched_path(live.source, rules.watch_folders)
            if file is not None:
                return await self._file(file, path)
            fetched = await fetch(live.source, path, rules=rules, told=_quietly, etag=live.etag)
            if fetched.is_new:
                await self._publish(path, fetched.filename)
            return fetched.etag
        finally:
            with suppress(OSError):
                await asyncio.to_thread(path.unlink)

    async def _file(self, file: Path, copy: Path) -> str:
        seen = await asyncio.to_thread(look, file)
        was_read, stood_still = self.live.etag == _read(seen), self.live.etag == seen
        if was_read or not stood_still or not await asyncio.to_thread(copied, file, copy, seen):
            return self.live.etag if was_read else seen
        await self._publish(copy, file.name)
        return _read(seen)

    async def _publish(self, path: Path, filename: str) -> None:
        db, desk = self.ctx.db, desk_of(self.ctx.db)
        plan = Plan(
            file=path,
            filename=plain_name(filename),
            save=SaveDataset(id=self.dataset.id, name=self.dataset.name),
            resource_id=self.resource.id,
            accept=self.accept,
            url=self.live.source if "://" in self.live.source else "",
            live=self.live,
            largest_loss=LIVE_LOSS,
            keeps_columns=True,
        )
        job = Job(uuid.uuid4().hex, filename=filename, started=self.ctx.now)
        await Run(desk, db, job, plan, self.ctx.now).go()

    def next_at(self, live: Live) -> EpochS:
        """A file seen to change is looked at again soon; a failing source later and later."""
        if not live.failures and watching(live) and not live.etag.endswith(READ):
            return EpochS(self.ctx.now + min(live.every_s, LIVE_SETTLE_S))
        wait_s = live.every_s * 2 ** min(live.failures, 10)
        return EpochS(self.ctx.now + min(wait_s, max(live.every_s, LIVE_BACKOFF_S)))


def watching(live: Live) -> bool:
    """Whether the source is a file, not an address."""
    return not live.source.startswith(("http://", "https://"))


def _went_well(tx: Tx, watch: Look, etag: str) -> None:
    now = watch.ctx.now
    live = msgspec.structs.replace(watch.live, last_try=now, last_good=now, failures=0, error="", etag=etag)
    if watch.live.failures:
        announce(tx, "source.recovered", watch.dataset.name, {"resource": watch.resource.id}, now)
    _next(tx, watch, live)


def _failed(tx: Tx, watch: Look, problem: Problem) -> None:
    now = watch.ctx.now
    live = msgspec.structs.replace(
        watch.live, last_try=now, failures=watch.live.failures + 1, error=f"{problem.title} {problem.remedy}".strip()
    )
    if live.error != watch.live.error:  # said once, not at every look
        topic = "source.held" if problem.kind in HELD else "source.failed"
        said = {"resource": watch.resource.id, "kind": problem.kind, "title": problem.title}
        announce(tx, topic, watch.dataset.name, said, now)
    _next(tx, watch, live)


def _next(tx: Tx, watch: Look, live: Live) -> None:
    held = registry.resource_by(tx, watch.resource.id)
    if held is None or held[1].live is None or held[1].live.source != live.source:
        return  # deleted, let go, or following another source meanwhile
    set_live(tx, watch.resource.id, msgspec.structs.replace(live, every_s=held[1].live.every_s))
    timers.set(tx, TIMER, watch.resource.id, watch.next_at(live))


READ = " read"
"""Stands after the look of a watched file whose content is in service."""


def _read(seen: str) -> str:
    return seen + READ


def _quietly(done: int, total: int) -> None:
    return None
