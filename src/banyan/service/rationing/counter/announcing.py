"""What an outlet announces: when it sells, when and how many queue numbers it gives (號碼牌), its own words.

It goes on the feed in the commit that keeps it; the map shows it in place of what registers say of the outlet.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, feed
from banyan.kernel.storage import Drawer, Tx
from banyan.limits_rationing import COUNTER_NOTICE, COUNTER_PLATES
from banyan.service.rationing.counter.outlets import SQL, Code, admitted, both, known_outlet, labelled
from banyan.service.rationing.service import SERVICE

TOPIC: Final = "notice.announced"
"""Followed by `supplies`: {"at", "outlet", "sale": [start, end] or [], "plate": the same, "text"}; minutes of a day."""
Clock = Annotated[str, msgspec.Meta(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)?$", description="HH:MM, or empty")]


class Announcement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours in Taiwan, empty where there are none; a window has both ends. `plates`: how many numbers of an item are
    given on a day, 0 for none."""

    outlet: Code
    sale_from: Clock = ""
    sale_until: Clock = ""
    plate_from: Clock = ""
    plate_until: Clock = ""
    plates: Annotated[int, msgspec.Meta(ge=0, le=COUNTER_PLATES), labelled("plates")] = 0
    text: Annotated[str, msgspec.Meta(max_length=COUNTER_NOTICE), labelled("text")] = ""


class OutletQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outlet: Code


@SERVICE.operation(
    "announce",
    title={"zh-Hant": "公告販售時段", "en": "Announce hours"},
    summary={
        "zh-Hant": "公告販售、號碼牌時段與張數，以及給民眾的話；地圖立即更新。",
        "en": "Announce your hours, how many queue numbers you give, and your words; the map shows it at once.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
)
async def announce(ctx: Context, request: Announcement) -> Announcement:
    """Raises Denied at another's outlet, Invalid for half a window or one that ends before it begins."""
    await admitted(ctx, request.outlet)
    sale = _window(request.sale_from, request.sale_until, "sale_until")
    plate = _window(request.plate_from, request.plate_until, "plate_until")
    data = {"at": ctx.now, "outlet": request.outlet, "sale": sale, "plate": plate, "text": request.text}
    event = Event(topic=TOPIC, subject=request.outlet, data=msgspec.Raw(msgspec.json.encode(data)), at=ctx.now)
    document = msgspec.json.encode(request).decode()

    def job(tx: Tx) -> None:
        tx.run(SQL["put_notice"], outlet=request.outlet, document=document, at=ctx.now)
        feed.append(tx, event)

    await ctx.db.sql.write(job)
    return request


@SERVICE.operation(
    "announced",
    title={"zh-Hant": "據點公告", "en": "What an outlet announces"},
    summary={"zh-Hant": "販售與號碼牌時段、張數、公告。", "en": "Hours of sale and of queue numbers, and its words."},
    data=OPEN,
    audience="public",
)
async def announced(ctx: Context, request: OutletQuery) -> Announcement:
    """An outlet that announced nothing has empty fields. Raises NotFound."""
    await known_outlet(ctx, request.outlet)
    return await notice_of(ctx.db, request.outlet)


async def notice_of(db: Drawer, outlet: str) -> Announcement:
    row = await db.sql.read(lambda tx: tx.row(SQL["notice"], outlet=outlet))
    return Announcement(outlet) if row is None else msgspec.json.decode(str(row[0]), type=Announcement)


def minute_of(clock: str) -> int:
    """Of the day; 24:00 is its end."""
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _window(start: str, end: str, field: str) -> list[int]:
    """Both ends, or neither."""
    if not start and not end:
        return []
    if not start or not end or minute_of(start) >= minute_of(end):
        raise Invalid.at(field, both("window"))
    return [minute_of(start), minute_of(end)]
