"""When quality is measured: soon after a dataset or version changes, and each day for freshness and links."""

from __future__ import annotations

from collections.abc import Callable

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage import Tx
from banyan.limits import QUALITY_BOARD_S, QUALITY_EVERY_S, QUALITY_LIVE_S, QUALITY_SOONEST_S
from banyan.service.opendata import registry
from banyan.service.opendata.model import Dataset
from banyan.service.opendata.quality.measure import SQL, measure
from banyan.service.opendata.service import SERVICE
from banyan.wire import national

_TIMER, _BOARD = "quality", "quality.board"


@SERVICE.on("version.published")
async def version_published(ctx: Context, event: Event) -> None:
    await _soon(ctx, event, wait_s=QUALITY_LIVE_S)


@SERVICE.on("dataset.saved")
async def dataset_saved(ctx: Context, event: Event) -> None:
    await _soon(ctx, event, wait_s=0)


@SERVICE.on("source.recovered")
async def source_recovered(ctx: Context, event: Event) -> None:
    await _soon(ctx, event, wait_s=QUALITY_LIVE_S)


async def _soon(ctx: Context, event: Event, *, wait_s: float) -> None:
    """Set the dataset's timer: many events become one measurement, and a slow link holds up no event.

    A live dataset is measured `wait_s` after its last measurement at the soonest; any other at once.
    """

    def job(tx: Tx) -> None:
        dataset = registry.dataset_by(tx, event.subject)
        if dataset is None:
            return
        last = tx.row(SQL["measured"], dataset_id=dataset.id)
        is_live = any(resource.live for resource in dataset.resources)
        soonest = float(last[0] or 0) + wait_s if last and is_live else ctx.now
        timers.set(tx, _TIMER, dataset.id, EpochS(max(ctx.now, soonest)))

    await ctx.db.sql.write(job)


@SERVICE.timer(_TIMER)
async def measure_again(ctx: Context, event: Event) -> None:
    """Set the next time first, so that a failure in between is only a late report."""
    dataset = await ctx.db.sql.read(lambda tx: registry.dataset_by(tx, event.subject))
    if dataset is None or dataset.state == "deleted":
        return
    await ctx.db.sql.write(lambda tx: timers.set(tx, _TIMER, dataset.id, _next(dataset, ctx.now)))
    # Imported here: the desk needs the reading process, which needs this package's look before publication.
    from banyan.service.opendata.desk import desk_of

    await measure(ctx, dataset.id, may_look=True, allow_private=desk_of(ctx.db).rules.allow_private)


def _next(dataset: Dataset, now: EpochS) -> EpochS:
    """A day on, or sooner when the dataset promises to be fresher than that."""
    frequency = national.parse(dataset.frequency)
    promised = frequency.interval_s if frequency else 0
    return EpochS(now + (min(QUALITY_EVERY_S, max(QUALITY_SOONEST_S, 2 * promised)) if promised else QUALITY_EVERY_S))


@SERVICE.timer(_BOARD)
async def write_day(ctx: Context, event: Event) -> None:
    """Each agency's standing today, for the trend; and forget links nobody names."""
    await ctx.db.sql.write(_day_writer(ctx.now))


@SERVICE.start
async def start(ctx: Context) -> None:
    """The board's timer runs from the first start on; datasets never measured are measured soon."""

    def job(tx: Tx) -> None:
        timers.set(tx, _BOARD, "", EpochS(ctx.now + 60))
        for (dataset_id,) in tx.rows(SQL["unmeasured"]):
            timers.set(tx, _TIMER, str(dataset_id), ctx.now)

    await ctx.db.sql.write(job)


def _day_writer(now: EpochS) -> Callable[[Tx], None]:
    def job(tx: Tx) -> None:
        for agency_id, datasets, _, mean, *medals in tx.rows(SQL["board"]):
            won = sum(int(count or 0) for count in medals)
            values = {"datasets": int(datasets or 0), "mqa": float(mean or 0), "medals": won}
            tx.run(SQL["put_day"], agency_id=agency_id, day=iso(now)[:10], **values)
        tx.run(SQL["drop_stale_links"], before=now - 30 * 86_400)
        timers.set(tx, _BOARD, "", EpochS(now + QUALITY_BOARD_S))

    return job
