"""How an item is shared out, and what a single outlet stores or needs: set by officers, read by everybody."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits_allocation import ALLOT_BOXES
from banyan.service.allocation import records
from banyan.service.allocation.model import Boxes, ItemId, Limits, OutletCode, Rules
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.wording import officer

Few = Annotated[int, msgspec.Meta(ge=0, le=1_000)]


class SaveRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `Rules` says; every field counts, also those left out."""

    item: ItemId
    box: Annotated[int, msgspec.Meta(ge=1, le=ALLOT_BOXES, title="每箱數量 Units a box")] = 50
    only_floor: Annotated[Few, msgspec.Meta(title="唯一地點的最低箱數 Floor of an only outlet")] = 2
    rural_floor: Annotated[Few, msgspec.Meta(title="偏鄉的最低箱數 Floor of rural outlets")] = 1
    rural_outlets: Annotated[Few, msgspec.Meta(title="幾個地點以下算偏鄉 Outlets of a rural town")] = 3
    room: Annotated[int, msgspec.Meta(ge=1, le=ALLOT_BOXES, title="可存放箱數 Room in boxes")] = 20
    stop: Annotated[int, msgspec.Meta(ge=0, le=100_000, title="一趟值多少 Units a stop must sell")] = 20
    radius_m: Annotated[int, msgspec.Meta(ge=0, le=500_000, title="調撥半徑（公尺） Radius of transfers")] = 10_000
    people: Annotated[str, msgspec.Meta(max_length=100, title="人口資料集 Dataset of residents")] = "population"


class RulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    item: ItemId = "mask-adult"


class SaveLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one outlet; what is left out goes back to the item's rules."""

    item: ItemId
    code: OutletCode
    room: Boxes | None = None
    floor: Boxes | None = None


class LimitsKept(msgspec.Struct, frozen=True):
    item: str
    code: str
    room: int | None
    floor: int | None


@SERVICE.operation(
    "save_rules",
    title={"zh-Hant": "訂定分配規則", "en": "Set the rules of sharing out"},
    summary={
        "zh-Hant": "每箱數量、唯一地點與偏鄉的最低量、存放上限。",
        "en": "Units a box, floors of only and rural outlets, room, and the price of a stop.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
)
async def save_rules(ctx: Context, request: SaveRules) -> Rules:
    officer(ctx)
    given = msgspec.structs.asdict(request)
    item = str(given.pop("item"))
    rules = Rules(**given)
    await ctx.db.sql.write(lambda tx: records.put_rules(tx, item, rules))
    return rules


@SERVICE.operation(
    "rules",
    title={"zh-Hant": "分配規則", "en": "Rules of sharing out"},
    summary={"zh-Hant": "一個品項怎麼分配。", "en": "How an item is shared out."},
    data=OPEN,
    audience="public",
)
async def rules(ctx: Context, request: RulesQuery) -> Rules:
    return await ctx.db.sql.read(lambda tx: records.rules_of(tx, request.item))


@SERVICE.operation(
    "save_limits",
    title={"zh-Hant": "訂定一個地點的上下限", "en": "Set an outlet's limits"},
    summary={
        "zh-Hant": "一個地點的存放上限與最低箱數。",
        "en": "An outlet's room and floor in boxes.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
)
async def save_limits(ctx: Context, request: SaveLimits) -> LimitsKept:
    officer(ctx)
    limits = Limits(request.room, request.floor)
    await ctx.db.sql.write(lambda tx: records.put_limits(tx, request.item, request.code, limits))
    return LimitsKept(request.item, request.code, request.room, request.floor)
