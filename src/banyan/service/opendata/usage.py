"""How often each dataset is looked at, downloaded and called: per day, no personal data.

Counts gather in memory and are written in one transaction every few seconds; a crash loses at most those seconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, SqlValue, Store, Tx
from banyan.limits import USAGE_DAYS, USAGE_FLUSH_S, USAGE_LEADERS
from banyan.service.opendata import registry
from banyan.service.opendata.registry import SQL
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.wording import unknown

Kind = Literal["views", "downloads", "calls"]
KINDS: tuple[Kind, ...] = ("views", "downloads", "calls")
Counts = Counter[tuple[str, str, Kind]]


class UsageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts of one dataset by day; without a name, the most used datasets of the span."""

    name: str = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=USAGE_DAYS)] = 30


class DayCount(msgspec.Struct, frozen=True):
    """One day (UTC, YYYY-MM-DD) of one dataset, or a sum."""

    day: str
    views: int
    downloads: int
    calls: int


class Leader(msgspec.Struct, frozen=True):
    dataset_id: str
    name: str
    title: str
    views: int
    downloads: int
    calls: int


class Usage(msgspec.Struct, frozen=True):
    """`total` since the beginning (its day is empty); `days` and `leaders` within the span asked for."""

    total: DayCount
    days: tuple[DayCount, ...] = ()
    leaders: tuple[Leader, ...] = ()


class Meter:
    """The counts of one drawer that are not yet written."""

    def __init__(self, db: Drawer) -> None:
        self._db = db
        self._counts: Counts = Counter()
        self._task: asyncio.Task[None] | None = None

    def add(self, dataset_id: str, kind: Kind, now: EpochS) -> None:
        self._counts[dataset_id, _day(now), kind] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        await asyncio.sleep(USAGE_FLUSH_S)
        await self.flush()

    async def flush(self) -> None:
        """Write what has gathered, in one transaction; what cannot be written is kept for the next time."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._db.sql.write(lambda tx: _add(tx, counts))
        except Problem:
            self._counts.update(counts)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self.flush()


_meters: WeakKeyDictionary[Store, Meter] = WeakKeyDictionary()


def note(db: Drawer, dataset_id: str, kind: Kind, now: EpochS) -> None:
    """Count one view, download or API call of a dataset. Costs about a microsecond."""
    meter = _meters.get(db.sql)
    if meter is None:
        meter = _meters[db.sql] = Meter(db)
    meter.add(dataset_id, kind, now)


async def flush(db: Drawer) -> None:
    """Write the counts of this drawer now."""
    if (meter := _meters.get(db.sql)) is not None:
        await meter.flush()


async def close(db: Drawer) -> None:
    """Write the last counts and stop, before the drawer closes."""
    if (meter := _meters.pop(db.sql, None)) is not None:
        await meter.close()


def _add(tx: Tx, counts: Counts) -> None:
    days: dict[tuple[str, str], dict[Kind, int]] = {}
    for (dataset_id, day, kind), count in counts.items():
        days.setdefault((dataset_id, day), {})[kind] = count
    tx.run_many(
        SQL["add_usage"],
        [
            {
                "dataset_id": dataset_id,
                "day": day,
                "views": kinds.get("views", 0),
                "downloads": kinds.get("downloads", 0),
                "calls": kinds.get("calls", 0),
            }
            for (dataset_id, day), kinds in days.items()
        ],
    )


def usage_of(tx: Tx, dataset_id: str, since: str) -> Usage:
    """The counts written so far of one dataset."""
    total = tx.row(SQL["usage_total"], dataset_id=dataset_id)
    assert total is not None, "a sum always has a row"
    days = tx.rows(SQL["usage_days"], dataset_id=dataset_id, since=since)
    return Usage(
        total=_count("", total),
        days=tuple(_count(str(day), counts) for day, *counts in days),
    )


def leaders_of(tx: Tx, since: str, limit: int) -> tuple[Leader, ...]:
    """The most used public datasets since a day."""
    leaders = []
    for dataset_id, *counts in tx.rows(SQL["usage_leaders"], since=since, limit=limit):
        found = registry.dataset_by(tx, str(dataset_id))
        if found is not None:
            leaders.append(Leader(found.id, found.name, found.title, *(int(count or 0) for count in counts)))
    return tuple(leaders)


def _count(day: str, counts: Sequence[SqlValue]) -> DayCount:
    views, downloads, calls = (int(count or 0) for count in counts)
    return DayCount(day=day, views=views, downloads=downloads, calls=calls)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


@SERVICE.operation(
    "usage",
    title={"zh-Hant": "使用次數", "en": "Usage counts"},
    summary={
        "zh-Hant": "資料集每日的瀏覽、下載與介接次數，不含個人資料；不給名稱時列出最常用的資料集。",
        "en": "Views, downloads and API calls by day, no personal data; without a name, the most used datasets.",
    },
    data=OPEN,
    audience="public",
    keys=("使用次數", "熱門", "usage"),
)
async def usage(ctx: Context, request: UsageQuery) -> Usage:
    await flush(ctx.db)
    since = _day(ctx.now - timedelta(days=request.days - 1).total_seconds())
    if not request.name:
        leaders = await ctx.db.sql.read_long(lambda tx: leaders_of(tx, since, USAGE_LEADERS))
        views, downloads, calls = (sum(getattr(one, kind) for one in leaders) for kind in KINDS)
        return Usage(total=DayCount("", views, downloads, calls), leaders=leaders)
    found = await ctx.db.sql.read(lambda tx: registry.dataset_by(tx, request.name))
    if found is None or not (ctx.caller.may_write or found.is_public):
        raise unknown("dataset", request.name)
    return await ctx.db.sql.read(lambda tx: usage_of(tx, found.id, since))
