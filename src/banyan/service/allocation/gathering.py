"""Gather what a plan follows from: outlets and stock of the map, days of sales, rules and limits, residents by town."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from banyan.craft.allot.demand import Estimate, estimate
from banyan.craft.allot.reasons import FloorOf
from banyan.errors import Limit, NotFound
from banyan.kernel.catalogue.operation import Call, Context
from banyan.limits_allocation import ALLOCATION_OUTLETS, ALLOT_DEMAND
from banyan.service.allocation import records
from banyan.service.allocation.model import Inputs, Limits, Outlets, Rules
from banyan.service.allocation.sales import day_of, observed
from banyan.service.allocation.wording import both, conflict, unknown

VERSION: Final = 1
PEOPLE: Final = (
    ("縣市別", "county"),
    ("鄉鎮市區別", "town"),
    ("人口數", "people_total"),
    ("統計年月", "statistic_yyymm"),
)
"""County, town, residents and month, as the household registration's tables call them."""
PAGE: Final = 32_000


class Place(msgspec.Struct, frozen=True):
    """An outlet of the map."""

    code: str
    name: str
    town: str
    lon: float | None
    lat: float | None
    stock: int


class Board(msgspec.Struct, frozen=True):
    """An item and its outlets, by code."""

    title: dict[str, str]
    unit: dict[str, str]
    places: tuple[Place, ...]


class _Item(msgspec.Struct):
    id: str
    title: dict[str, str]
    unit: dict[str, str]
    count: list[int | None]
    status: str


class _Stock(msgspec.Struct):
    items: list[_Item]


class _Places(msgspec.Struct):
    code: list[str]
    name: list[str]
    towns: list[tuple[str, str, str]]
    town: list[int]
    lon: list[float | None]
    lat: list[float | None]
    gone: list[int]


class _Pack(msgspec.Struct):
    stock: _Stock
    places: _Places


async def gather(ctx: Context, item: str, day: str, supply: int) -> Inputs:
    """Raises NotFound for an item the map has not, Conflict when no sales are known, Limit for too many outlets."""
    weekday = day_of(day, "day").weekday()
    board = await _board(ctx.call, item)
    rules, limits, days = await ctx.db.sql.read(
        lambda tx: (records.rules_of(tx, item), records.limits_of(tx, item), records.days_of(tx, item, day))
    )
    if not days:
        raise conflict("no_sales", item=item)
    towns = sorted({place.town for place in board.places})
    number = {town: place for place, town in enumerate(towns)}
    seen = await observed(
        ctx.db, days, [place.code for place in board.places], [number[place.town] for place in board.places]
    )
    found = await asyncio.to_thread(estimate, seen)
    return Inputs(
        version=VERSION,
        item=item,
        title=board.title,
        unit=board.unit,
        day=day,
        supply=supply,
        rules=rules,
        dispersion=round(found.dispersion, 3),
        unseen=round(found.unseen, 3),
        days=days,
        people=await _people(ctx.call, rules.people),
        outlets=outlets_of(board.places, found, weekday, rules, limits),
    )


def outlets_of(
    places: Sequence[Place], found: Estimate, weekday: int, rules: Rules, limits: Mapping[str, Limits]
) -> Outlets:
    """The columns; floors by the rules, by an officer's word where there is one."""
    inhabited = Counter(place.town for place in places)
    floors = [_floor(place, inhabited[place.town], rules, limits.get(place.code, Limits())) for place in places]
    rooms = [limits.get(place.code, Limits()).room for place in places]
    expected = np.clip(np.rint(found.expected[:, weekday]), 0, ALLOT_DEMAND).astype(np.int64)
    error = np.clip(np.ceil(found.error[:, weekday]), 0, ALLOT_DEMAND).astype(np.int64)
    return Outlets(
        code=tuple(place.code for place in places),
        name=tuple(place.name for place in places),
        town=tuple(place.town for place in places),
        lon=tuple(place.lon for place in places),
        lat=tuple(place.lat for place in places),
        expected=tuple(expected.tolist()),
        error=tuple(error.tolist()),
        floor=tuple(floor for floor, _ in floors),
        floor_of=tuple(why for _, why in floors),
        room=tuple(rules.room if room is None else room for room in rooms),
        stock=tuple(place.stock for place in places),
    )


def _floor(place: Place, neighbours: int, rules: Rules, limits: Limits) -> tuple[int, FloorOf]:
    if limits.floor is not None:
        return limits.floor, "set" if limits.floor else ""
    if place.town and neighbours == 1 and rules.only_floor:
        return rules.only_floor, "only"
    if place.town and neighbours <= rules.rural_outlets and rules.rural_floor:
        return rules.rural_floor, "rural"
    return 0, ""


async def _board(call: Call, item: str) -> Board:
    """The map's outlets that ever had the item."""
    answer: Any = await call("supplies.pack", {})
    return await asyncio.to_thread(_board_of, bytes(answer.body), item)


def _board_of(body: bytes, item: str) -> Board:
    pack = msgspec.json.decode(body, type=_Pack)
    found = next((one for one in pack.stock.items if one.id == item), None)
    if found is None:
        raise unknown("item", item=item)
    all_of, gone = pack.places, set(pack.places.gone)
    places = [
        Place(
            code=code,
            name=all_of.name[row],
            town="".join(all_of.towns[all_of.town[row]][1:]) if all_of.town[row] >= 0 else "",
            lon=all_of.lon[row],
            lat=all_of.lat[row],
            stock=found.count[row] or 0,
        )
        for row, code in enumerate(all_of.code)
        if row not in gone and found.status[row] != "u"
    ]
    if len(places) > ALLOCATION_OUTLETS:
        raise Limit(both("many_outlets", most=ALLOCATION_OUTLETS), remedy=both("many_outlets_remedy"))
    return Board(found.title, found.unit, tuple(sorted(places, key=lambda place: place.code)))


async def _people(call: Call, dataset: str) -> dict[str, int]:
    """Residents by town out of the dataset's newest month; empty when there is none, or it says nothing of the kind:
    then nothing is said per head."""
    if not dataset:
        return {}
    ask = {"register": dataset, "records": "lists", "limit": 0, "total": False}
    try:
        head: Any = await call("opendata.rows", ask)
        names = {field.id for field in head.fields}
        fields = [next((name for name in known if name in names), "") for known in PEOPLE]
        if not all(fields):
            return {}
        answer: Any = await call("opendata.rows", ask | {"fields": fields, "limit": PAGE})
    except NotFound:
        return {}
    newest = max((_number(row[3]) for row in answer.records), default=0)
    rows = [row for row in answer.records if _number(row[3]) == newest]
    return {f"{row[0]}{row[1]}": _number(row[2]) for row in sorted(rows, key=lambda row: (row[0], row[1]))}


def _number(value: Any) -> int:
    """A cell as a whole number, written with thousands separators or not; 0 for anything else."""
    text = str(value).replace(",", "")
    return int(float(text)) if text.replace(".", "", 1).isdigit() else 0
