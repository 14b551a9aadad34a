"""Feed the board: a version of a followed register is published, it is read, judged, and what is news is committed.

A look that is not believed leaves the board as it is and says why. Several events in a burst read the newest version
once: what was looked at already is skipped.
"""

from __future__ import annotations

from functools import partial

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.storage import Tx
from banyan.service.supplies import sources
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.reading import Register, read_table, served
from banyan.service.supplies.remembering import ensure, fed_of
from banyan.service.supplies.service import SERVICE
from banyan.service.supplies.sources import Held, Looked, Source, Standing
from banyan.service.supplies.taking import Hold, Taken, Turn, take

TIMER = "read-register"


class _Published(msgspec.Struct):
    """What we read of the data of `version.published` and `version.renewed`."""

    dataset: str
    resource: str


@SERVICE.on("version.published", of="opendata")
@SERVICE.on("version.renewed", of="opendata")
async def published(ctx: Context, event: Event) -> None:
    """A register has a new version; whoever follows it reads it."""
    data = msgspec.json.decode(event.data, type=_Published)
    names = {event.subject, data.dataset, data.resource}
    for source, standing in await ctx.db.sql.read(sources.all_sources):
        if names & {source.register, standing.taken.resource}:
            await read_source(ctx, source.id)


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Look at every register soon after the start: versions may have come while we were away."""

    def job(tx: Tx) -> None:
        for source, _ in sources.all_sources(tx):
            timers.set(tx, TIMER, source.id, ctx.now)

    await ctx.db.sql.write(job)


@SERVICE.timer(TIMER)
async def due(ctx: Context, event: Event) -> None:
    await read_source(ctx, event.subject)


async def read_source(ctx: Context, id: str, *, again: bool = False, accept: bool = False) -> None:
    """Look at a source's register now. `again`: also a version that was looked at before; `accept`: believe it whatever
    the rules say. A register that is not there is noted, not raised. Raises Unavailable when open data is down."""
    fed = fed_of(ctx.db)
    async with fed.lock:
        found = await ctx.db.sql.read(lambda tx: sources.source_by(tx, id))
        if found is None:
            return
        await ensure(ctx, fed)
        source, standing = found
        looked = Looked()
        try:
            register = await served(ctx.call, source.register)
            looked = register.looked
            if standing.has_seen(looked) and not again:
                return
            present = _renamed(source, register)
            outcome = await _looked_at(ctx, present, standing, register, accept=accept)
            if isinstance(outcome, Taken) and present != source:
                await _announce(ctx, source, present, register)
        except NotFound:
            outcome = Hold("no-register")
        if isinstance(outcome, Hold):
            await _held(ctx, source, standing, looked, outcome)
        else:
            await _taken(ctx, source, standing, outcome)


async def _looked_at(
    ctx: Context, source: Source, standing: Standing, register: Register, *, accept: bool
) -> Taken | Hold:
    lost = register.lost(source.wanted)
    if lost:
        return Hold("no-column", {"columns": "、".join(lost)})
    table = await read_table(ctx.call, register, source.wanted)
    return await take(Turn(ctx.now, kept_of(ctx.db), fed_of(ctx.db), source, standing, table, accept))


def _renamed(source: Source, register: Register) -> Source:
    """The source under its columns' present names."""
    names = dict(register.renamed(source.wanted))
    columns = {field: names.get(name, name) for field, name in source.columns.items()}
    items = {item: names.get(name, name) for item, name in source.items.items()}
    return msgspec.structs.replace(source, columns=columns, items=items)


async def _announce(ctx: Context, source: Source, present: Source, register: Register) -> None:
    """Keep the new names, and tell each change on the feed. Only of a version that was taken in: a stale file with the
    old names is no change."""
    await ctx.db.sql.write(lambda tx: sources.rename_columns(tx, present))
    for old, new in register.renamed(source.wanted):
        said = {"source": source.id, "register": register.dataset, "old": old, "new": new}
        await _tell(ctx, "schema.changed", source.id, said | {"since_version": register.version.number})


async def _held(ctx: Context, source: Source, standing: Standing, looked: Looked, hold: Hold) -> None:
    before = standing.held
    is_same = before is not None and before.reason == hold.reason
    since = before.since if before is not None and is_same else ctx.now
    held = Held(looked, hold.reason, hold.values, since, hold.agreed)
    await _stand(ctx, source.id, msgspec.structs.replace(standing, held=held))
    if not is_same:
        await _tell(ctx, "source.held", source.id, _said(source, looked) | {"reason": hold.reason})


async def _taken(ctx: Context, source: Source, standing: Standing, taken: Taken) -> None:
    now = Standing(taken.looked, taken.as_of, ctx.now, taken.rows, taken.unread, taken.examples)
    await _stand(ctx, source.id, now)
    if standing.held is not None:
        await _tell(ctx, "source.resumed", source.id, _said(source, taken.looked))


async def _stand(ctx: Context, id: str, standing: Standing) -> None:
    await ctx.db.sql.write(partial(sources.put_standing, id=id, standing=standing))


def _said(source: Source, looked: Looked) -> dict[str, object]:
    return {"source": source.id, "register": source.register, "version": looked.version}


async def _tell(ctx: Context, topic: str, subject: str, data: dict[str, object]) -> None:
    await ctx.emit(Event(topic=topic, subject=subject, data=msgspec.Raw(msgspec.json.encode(data)), at=ctx.now))
