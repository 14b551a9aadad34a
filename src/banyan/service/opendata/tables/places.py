"""The operation `nearest`: the k nearest rows of a register that has points, with any filter of `rows`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits import NEAREST
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.columns import ROW_ID
from banyan.service.opendata.tables.filters import all_of, parse_filters, parse_words
from banyan.service.opendata.tables.nearest import nearest as nearest_of
from banyan.service.opendata.tables.operations import Filters, Name, Number, Origin, counted, origin
from banyan.service.opendata.tables.query import Compare, Field, SearchQuery
from banyan.service.opendata.tables.records import Plain, objects, plain_rows
from banyan.service.opendata.tables.tenancy import engine, register


class NearestQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `k` rows nearest to `lon`, `lat` (WGS84 degrees), within `radius` metres when it is given. Filters as in
    `rows`, but over all rows: the k nearest of those that pass."""

    register: Name
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    k: Annotated[int, msgspec.Meta(ge=1, le=NEAREST)] = 10
    radius: Annotated[float, msgspec.Meta(gt=0)] | None = None
    version: Number = 0
    filters: Filters = {}
    q: str = ""


class Place(msgspec.Struct, frozen=True):
    metres: float
    """Great-circle distance, rounded to a decimetre."""
    record: dict[str, Plain]


class Nearest(msgspec.Struct, frozen=True):
    origin: Origin
    fields: tuple[Field, ...]
    places: tuple[Place, ...]


@SERVICE.operation(
    "nearest",
    title={"zh-Hant": "最近的地點", "en": "Nearest places"},
    summary={
        "zh-Hant": "依經緯度找出最近的資料列，附直線距離，可加上篩選條件。",
        "en": "The rows nearest to a place, with great-circle distances, under any filter.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/nearest/{register}",
    keys=("附近", "最近", "nearest"),
    channels=("web", "api", "chat", "mcp"),
)
async def nearest(ctx: Context, request: NearestQuery) -> Nearest:
    """Raises as `rows`, and NotFound when the table has no points."""
    of = await register(ctx, request.register, request.version)
    counted(ctx, of)
    tables = engine(ctx.db)
    points = await tables.points(of.version)
    where, words = parse_filters(request.filters), parse_words(request.q)
    only = await tables.ids(of.version, where, words) if where is not None or words else None
    radius_m = float("inf") if request.radius is None else request.radius
    found = await asyncio.to_thread(
        nearest_of, points, (request.lon, request.lat), k=request.k, radius_m=radius_m, only=only
    )
    shown = SearchQuery(
        where=all_of([Compare(ROW_ID, "in", tuple(near.id for near in found))]),
        limit=len(found),
        include_total=False,
    )
    page = await tables.search(of.version, shown)
    records = {record[ROW_ID]: record for record in objects(page.fields, plain_rows(page.fields, page.rows))}
    places = tuple(Place(round(near.metres, 1), records[near.id]) for near in found)
    return Nearest(origin(of), page.fields, places)
