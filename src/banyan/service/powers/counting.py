"""Emergency uses as open data: how often each agency used each order on each day, small counts withheld."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Final

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.policy import records
from banyan.kernel.policy.records import OrderUses
from banyan.limits import EMERGENCY_CELL_LEAST, EMERGENCY_COUNTS
from banyan.service.powers.reviewing import Nothing
from banyan.service.powers.service import SERVICE
from banyan.service.powers.shelf import shelf_of

EPOCH: Final = date(1970, 1, 1)


class Counted(msgspec.Struct, frozen=True):
    """Uses of an order by an agency on one of Taiwan's days (ISO 8601); null when fewer than `least`."""

    order: str
    agency: str
    day: str
    uses: int | None


class Counts(msgspec.Struct, frozen=True):
    """The newest days first. No totals: with one, a withheld cell could be worked out."""

    least: int
    cells: tuple[Counted, ...]


@SERVICE.operation(
    "emergency_counts",
    title={"zh-Hant": "緊急使用次數", "en": "Emergency uses counted"},
    summary={
        "zh-Hant": "每項命令、每個機關、每一天的使用次數；太小的數字不公布。",
        "en": "Uses by order, agency and day; numbers that are too small are withheld.",
    },
    data=OPEN,
    audience="public",
)
async def emergency_counts(ctx: Context, request: Nothing) -> Counts:
    found = await shelf_of(ctx.db).policy.read(partial(records.order_uses, most=EMERGENCY_COUNTS))
    return Counts(EMERGENCY_CELL_LEAST, tuple(_cell(one) for one in found))


def _cell(one: OrderUses) -> Counted:
    day = (EPOCH + timedelta(days=one.day)).isoformat()
    return Counted(one.order, one.agency, day, one.uses if one.uses >= EMERGENCY_CELL_LEAST else None)
