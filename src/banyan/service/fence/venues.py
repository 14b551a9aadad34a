"""Mass events (大型集會): a phone in self-health management that enters the cells of one, within its time, is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from banyan.craft.cells.model import Polygon, check_area
from banyan.errors import Invalid, Unavailable
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_FIELD, FENCE_LIST
from banyan.service.fence.law import on_duty, order_in_force
from banyan.service.fence.looking import Nothing
from banyan.service.fence.records import DAY_S
from banyan.service.fence.sealing import SQL
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import both, shelf_of

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=FENCE_FIELD)]
Point = tuple[Annotated[float, msgspec.Meta(ge=-180, le=180)], Annotated[float, msgspec.Meta(ge=-90, le=90)]]
MOST_S = 3 * DAY_S


class NewVenue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`outline` in degrees, longitude first; at most three days."""

    title_zh: Line
    title_en: Line
    outline: Annotated[tuple[Point, ...], msgspec.Meta(min_length=3, max_length=500)]
    start: Annotated[datetime, msgspec.Meta(tz=True)]
    until: Annotated[datetime, msgspec.Meta(tz=True)]


class Venue(msgspec.Struct, frozen=True):
    """`cells` is how many of the table's cells reach into the outline; times are RFC 3339 UTC."""

    number: int
    title: dict[str, str]
    outline: tuple[tuple[float, float], ...]
    start: str
    until: str
    cells: int


@SERVICE.operation(
    "add_venue", title={"zh-Hant": "登記大型集會", "en": "Add a mass event"},
    summary={
        "zh-Hant": "範圍與時段；自主健康管理者的手機進入就通知。",
        "en": "Its outline and time; phones in self-health management are told.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def add_venue(ctx: Context, request: NewVenue) -> Venue:
    """Raises Denied without an order, Invalid for an outline without a cell, Unavailable without positions."""
    await on_duty(ctx)
    engine, table = shelf_of(ctx.db).engine, shelf_of(ctx.db).cells
    if engine is None or table is None:
        raise Unavailable(both("no_engine"), remedy=both("no_engine_remedy"))
    start, until = request.start.timestamp(), request.until.timestamp()
    if not ctx.now < until <= start + MOST_S or start >= until:
        raise Invalid.at("until", both("fix_until"))
    area = Polygon((request.outline,))
    check_area(area)
    cells = table.within(area, reaching=True)
    if not len(cells):
        raise Invalid.at("outline", both("fix_outline"))

    def job(tx: Tx) -> Venue:
        row = tx.row(SQL["next_venue"])
        assert row is not None, "an upsert returns"
        number = int(str(row[0]))
        title = {"zh-Hant": request.title_zh, "en": request.title_en}
        made = Venue(number, title, request.outline, _iso(request.start), _iso(request.until), len(cells))
        tx.run(SQL["put_venue"], id=str(number), document=msgspec.json.encode(made), start=start, until=until)
        return made

    made = await ctx.db.sql.write(job)
    await engine.open_event(made.number, cells, int(start), int(until))
    return made


@SERVICE.operation(
    "venues", title={"zh-Hant": "大型集會", "en": "Mass events"},
    summary={"zh-Hant": "目前與將來的集會範圍，人人可看。", "en": "Events now and to come, for everybody to see."},
    data=OPEN, audience="public",
)  # fmt: skip
async def venues(ctx: Context, request: Nothing) -> tuple[Venue, ...]:
    await order_in_force(ctx)
    rows = await ctx.db.sql.read(lambda tx: tx.rows(SQL["venues"], now=ctx.now, limit=FENCE_LIST))
    return tuple(msgspec.json.decode(bytes(row[0]), type=Venue) for row in rows if isinstance(row[0], bytes))


def _iso(at: datetime) -> str:
    return iso(EpochS(at.timestamp()))
