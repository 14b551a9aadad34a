"""A pharmacist's day on one page (日報表): what came, went, is left and is promised; for the screen and for paper."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.kernel.storage import Tx
from banyan.service.rationing.counter import tallies
from banyan.service.rationing.counter.outlets import Code, admitted, both, labelled
from banyan.service.rationing.counter.plates import holds_of
from banyan.service.rationing.counter.tallies import Tally
from banyan.service.rationing.counter.telling import teller_of
from banyan.service.rationing.engine.days import date_of, day_number, day_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.service import SERVICE


class DayQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`day` empty: today in Taiwan."""

    outlet: Code
    day: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$"), labelled("day")] = ""


class SheetRow(msgspec.Struct, frozen=True):
    """One item: what was there when the day began, what happened in it, and, of today, how it stands now. Always
    began + delivered + corrected + returned + short - sold = ended. `short` was sold by devices without a network
    beyond what they had. `left` and `held` are null of a day that is over."""

    item: str
    began: int
    delivered: int
    corrected: int
    returned: int
    sold: int
    short: int
    ended: int
    left: int | None = None
    held: int | None = None


class Sheet(msgspec.Struct, frozen=True):
    outlet: str
    name: dict[str, str]
    day: str
    as_of: str
    rows: tuple[SheetRow, ...]


@SERVICE.operation(
    "day_sheet",
    title={"zh-Hant": "日報表", "en": "Day sheet"},
    summary={
        "zh-Hant": "據點一天的進貨、售出、退回、更正、剩餘與保留。",
        "en": "An outlet's day: received, sold, returned, corrected, left and reserved.",
    },
    data=OPEN,
    audience="officer",
    purpose="012",
)
async def day_sheet(ctx: Context, request: DayQuery) -> Sheet:
    """Raises Denied at another's outlet, Invalid for a day that is none or to come."""
    outlet = await admitted(ctx, request.outlet)
    today = day_of(ctx.now)
    day = _day(request.day) if request.day else today
    if day > today:
        raise Invalid.at("day", both("no_day"))
    await teller_of(ctx.db).settled()

    def job(tx: Tx) -> list[tuple[str, Tally, Tally]]:
        names = tallies.items(tx, outlet.code, day)
        return [(item, tallies.until(tx, (outlet.code, item), day - 1), tallies.until(tx, (outlet.code, item), day))
                for item in names]  # fmt: skip

    found = await ctx.db.sql.read(job)
    rows = tuple([await _row(ctx, outlet.code, *one, is_today=day == today) for one in found])
    return Sheet(outlet.code, outlet.name, date_of(day).isoformat(), iso(ctx.now), rows)


async def _row(ctx: Context, outlet: str, item: str, before: Tally, after: Tally, *, is_today: bool) -> SheetRow:
    within = after.minus(before)
    left = held = None
    if is_today:
        stock = await engine_of(ctx.db).stock(outlet, item)
        promised = min(holds_of(ctx.db)((outlet, item)), stock.leased)
        left, held = stock.available + stock.leased - promised, stock.reserved + promised
    sums = within.delivered, within.corrected, within.returned, within.sold, within.short
    return SheetRow(item, _there(before), *sums, _there(after), left, held)


def _there(tally: Tally) -> int:
    """Units at the outlet, promised ones included."""
    return tally.delivered + tally.corrected + tally.returned + tally.short - tally.sold


def _day(text: str) -> int:
    try:
        return day_number(date.fromisoformat(text))
    except ValueError:
        raise Invalid.at("day", both("no_day")) from None
