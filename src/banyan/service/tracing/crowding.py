"""How crowded it was, and where a broadcast goes: under the order, by 500 m cell and quarter hour, never who.

An alert is not made here. The shape of a crowd is handed to who writes alerts, as the area of a draft; two officers
release it as any other.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec

from banyan.craft.tracing.gathering import Gathering, gatherings
from banyan.craft.tracing.lake import day_of
from banyan.craft.tracing.model import HOUR_S
from banyan.craft.tracing.places import QUARTER_S, Crowd, crowds
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits_tracing import TRACE_GATHERINGS, TRACE_LEAST
from banyan.service.tracing.asking import Moment
from banyan.service.tracing.keeping import lake_of
from banyan.service.tracing.law import PURPOSE, under_order
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import shelf_of


class CrowdQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hour that holds this moment, in a box (WGS84 degrees)."""

    at: Moment
    west: float = 118.0
    south: float = 21.5
    east: float = 122.5
    north: float = 26.5


class CrowdCounts(msgspec.Struct, frozen=True):
    least: int
    cells: tuple[Crowd, ...]


class GatheringQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The quarter hour that holds this moment; cells with so many phones or more."""

    at: Moment
    phones: Annotated[int, msgspec.Meta(ge=TRACE_LEAST, le=1_000_000)] = 100


class Gatherings(msgspec.Struct, frozen=True):
    """Shapes of cells that touch, the fullest first; `more` were left out. An outline is what `alerts.draft` takes as
    the polygon of an area; `warning_page` is where officers write one, empty where this node has no alerts."""

    least: int
    shapes: tuple[Gathering, ...]
    more: int
    warning_page: str


@SERVICE.operation(
    "crowd", title={"zh-Hant": "人潮密度", "en": "How crowded it was"},
    summary={"zh-Hant": "每 500 公尺格、每刻鐘的手機數，供定向廣播；人數太少的格子不提供。",
             "en": "Phones by 500 m cell and quarter hour, to aim a broadcast; small cells are withheld."},
    data=OPEN, audience="officer", purpose=PURPOSE, rate="query", channels=("api",),
)  # fmt: skip
async def crowd(ctx: Context, request: CrowdQuery) -> CrowdCounts:
    """Raises Denied without an order."""
    inside = tuple(
        one for one in await _cells(ctx, request.at.timestamp())
        if request.west <= one.lon <= request.east and request.south <= one.lat <= request.north
    )  # fmt: skip
    return CrowdCounts(TRACE_LEAST, inside)


@SERVICE.operation(
    "gatherings", title={"zh-Hant": "人潮所在（供定向廣播）", "en": "Where crowds stood"},
    summary={"zh-Hant": "一刻鐘內手機數達標的相鄰格子合成一塊，作為告警草稿的範圍；告警仍由兩位人員核放。",
             "en": "Cells with enough phones in a quarter hour, joined where they touch: the area of an alert's draft,"
                   " which two officers release."},
    data=OPEN, audience="officer", purpose=PURPOSE, rate="query", channels=("api",),
)  # fmt: skip
async def where_crowds_stood(ctx: Context, request: GatheringQuery) -> Gatherings:
    """Raises Denied without an order."""
    begins = int(request.at.timestamp()) // QUARTER_S * QUARTER_S
    cells = [one for one in await _cells(ctx, request.at.timestamp()) if one.at == begins]
    found = await asyncio.to_thread(gatherings, cells, request.phones)
    return Gatherings(
        TRACE_LEAST, found[:TRACE_GATHERINGS], max(0, len(found) - TRACE_GATHERINGS), shelf_of(ctx.db).warning_page
    )


async def _cells(ctx: Context, at: float) -> tuple[Crowd, ...]:
    order, _ = await under_order(ctx)
    hour = int(at) // HOUR_S
    lake = await lake_of(ctx.db, order.reference, (day_of(hour)[0],))
    return await asyncio.to_thread(lambda: crowds(hour, lake.read(hour)))
