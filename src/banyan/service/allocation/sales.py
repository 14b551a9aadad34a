"""Days of sales: kept by whoever has them, read back as what the demand estimate takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Annotated

import msgspec
import numpy as np

from banyan.craft.allot.demand import Observed
from banyan.errors import Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage import Drawer, Tx
from banyan.limits_allocation import (
    ALLOCATION_DAY_BYTES,
    ALLOCATION_DAYS,
    ALLOCATION_OUTLETS,
    ALLOCATION_SLOTS,
    ALLOT_DEMAND,
)
from banyan.service.allocation.model import Day, ItemId, OutletCode
from banyan.service.allocation.records import SQL
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.wording import both, invalid

Units = Annotated[int, msgspec.Meta(ge=0, le=ALLOT_DEMAND)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


class SaleDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A day's sales of an item: for each outlet ALLOCATION_SLOTS half hours from 06:00 Taiwan time: units `sold`, and
    the percent of the half hour in which it had something to sell (`seen`). A sold-out shop is not seen."""

    item: ItemId
    day: Day
    codes: Annotated[tuple[OutletCode, ...], msgspec.Meta(max_length=ALLOCATION_OUTLETS)]
    sold: tuple[tuple[Units, ...], ...]
    seen: tuple[tuple[Percent, ...], ...]


class DayKept(msgspec.Struct, frozen=True):
    """`sha256` of the document as it is kept."""

    item: str
    day: str
    outlets: int
    sold: int
    sha256: str


@SERVICE.operation(
    "save_day",
    title={"zh-Hant": "存入一天的銷售", "en": "Keep a day's sales"},
    summary={
        "zh-Hant": "各點每半小時賣出幾個、有多少時間有貨可賣；同一天再存就是更正。",
        "en": "What each outlet sold by half hour and how long it had something; the same day again corrects it.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def save_day(ctx: Context, request: SaleDay) -> DayKept:
    """The same day twice is one. Raises Invalid for rows that do not fit, Limit for a day that is too large."""
    day_of(request.day, "day")
    for field, rows in (("sold", request.sold), ("seen", request.seen)):
        if len(rows) != len(request.codes) or any(len(row) != ALLOCATION_SLOTS for row in rows):
            raise invalid(field, "rows", slots=ALLOCATION_SLOTS)
    if len(set(request.codes)) != len(request.codes):
        raise invalid("codes", "twice")
    return await keep_day(ctx.db, request)


async def keep_day(db: Drawer, sales: SaleDay) -> DayKept:
    """Durable when it answers; days over the bound are forgotten."""
    body = await asyncio.to_thread(msgspec.json.encode, sales)
    if len(body) > ALLOCATION_DAY_BYTES:
        raise Limit(both("large_day"), remedy=both("large_day_remedy"))
    ref = await asyncio.to_thread(db.blobs.put_bytes, body)
    total = sum(sum(row) for row in sales.sold)
    oldest = (date.fromisoformat(sales.day) - timedelta(days=2 * ALLOCATION_DAYS)).isoformat()

    def job(tx: Tx) -> None:
        named = {"item": sales.item, "day": sales.day, "document": ref.sha256}
        tx.run(SQL["put_day"], outlets=len(sales.codes), sold=total, **named)
        tx.run(SQL["drop_days"], item=sales.item, before=oldest)

    await db.sql.write(job)
    return DayKept(sales.item, sales.day, len(sales.codes), total, ref.sha256)


async def observed(db: Drawer, days: Mapping[str, str], codes: Sequence[str], towns: Sequence[int]) -> Observed:
    """The days (their hashes by day) as rows; of outlets that are not in `codes` nothing is said."""
    return await asyncio.to_thread(partial(_observed, db, days, codes, towns))


def _observed(db: Drawer, days: Mapping[str, str], codes: Sequence[str], towns: Sequence[int]) -> Observed:
    place = {code: row for row, code in enumerate(codes)}
    outlet: list[int] = []
    weekday: list[int] = []
    sold = [np.zeros((0, ALLOCATION_SLOTS), np.int64)]
    seen = [np.zeros((0, ALLOCATION_SLOTS), np.int64)]
    for day, blob in sorted(days.items()):
        sales = msgspec.json.decode(db.blobs.path(blob).read_bytes(), type=SaleDay)
        known = [row for row, code in enumerate(sales.codes) if code in place]
        outlet += [place[sales.codes[row]] for row in known]
        weekday += [date.fromisoformat(day).weekday()] * len(known)
        if known:
            sold.append(np.array(sales.sold, np.int64)[known])
            seen.append(np.array(sales.seen, np.int64)[known])
    return Observed(
        outlets=len(codes),
        town=np.array(towns, np.int64),
        outlet=np.array(outlet, np.int64),
        weekday=np.array(weekday, np.int64),
        sold=np.concatenate(sold),
        seen=np.concatenate(seen) / 100.0,
    )


def day_of(text: str, field: str) -> date:
    """Raises Invalid naming the field for a day the calendar has not."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid(field, "no_such_day") from None
