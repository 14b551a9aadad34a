"""The demonstration's allocation: a week of sales out of the same course as the map's stock, and an approved plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from banyan.demo.course import ADULT, TAIPEI, Outlets, of_weeks, through_day
from banyan.demo.outlets import SEED, outlets
from banyan.demo.supplies import PACE
from banyan.errors import Conflict, Problem
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.service.allocation.sales import SaleDay
from banyan.service.allocation.watching import FIRST_S, SLOT_S, Watch

ITEM: Final = "mask-adult"
DAYS: Final = 7
"""Of sales: one of each weekday. A real node learns them night by night."""
BOXES: Final = 12_000
"""600,000 masks for 6,700 outlets, three in four of what they lack."""
LOOKS: Final = 32
REMOTE: Final = 40
"""Outlets at the ends of long roads, for which officers set a floor."""
AGENCY: Final = "TW/GOV/CDC"
Say = Callable[[str], None]


async def seed_allocation(gate: Gate, *, say: Say) -> None:
    """Once in a data folder: sales, floors, a plan by one officer that another approves. Nothing without the map."""
    known = gate.catalogue.operations
    if "allocation.propose" not in known or "supplies.pack" not in known:
        return
    if await gate.call("allocation.plans", {}, caller=SYSTEM):
        return
    today = datetime.fromtimestamp(gate.clock(), TAIPEI).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        for back in range(DAYS, 0, -1):
            sales = await asyncio.to_thread(sales_of, today - timedelta(days=back))
            await gate.call("allocation.save_day", sales, caller=SYSTEM)
        for one in outlets(SEED)[: REMOTE * 100 : 100]:
            limits = {"item": ITEM, "code": one.code, "floor": 3}
            await gate.call("allocation.save_limits", limits, caller=_officer("proposer"))
        asked = {"item": ITEM, "day": (today + timedelta(days=1)).date().isoformat(), "supply": BOXES}
        made = await gate.call("allocation.propose", asked, caller=_officer("proposer"))
        await gate.call("allocation.approve", {"id": made.id}, caller=_officer("approver"))
    except Conflict:
        return  # an earlier start did it
    except Problem as problem:
        say(f"  allocation: {problem.title} {problem.remedy}")
        return
    say(f"  allocation: {BOXES:,} boxes shared out, plan {made.id}")


def sales_of(day: datetime) -> SaleDay:
    """A day's sales by half hour, as the night's learning would read them out of the map's record."""
    codes = [one.code for one in outlets(SEED)]
    times = [day + timedelta(seconds=FIRST_S + SLOT_S * look) for look in range(LOOKS + 1)]
    stocks = through_day(SEED, ADULT, _course(), times)
    watch = Watch(dict(zip(codes, stocks[0].tolist(), strict=True)))
    for look, (before, stock) in enumerate(pairwise(stocks), 1):
        changed = np.flatnonzero(stock != before)
        rows = ([codes[place] for place in changed], stock[changed].tolist())
        watch.look(FIRST_S + SLOT_S * look - 1, *rows, gone=())
    named, sold, seen = watch.end()
    return SaleDay(ITEM, day.date().isoformat(), tuple(named), tuple(map(tuple, sold)), tuple(map(tuple, seen)))


def _course() -> Outlets:
    known = outlets(SEED)
    return Outlets(
        open_on=of_weeks([one.slots for one in known]),
        starts=np.array([one.sale / 60 for one in known]),
        pace=np.array([PACE[one.selling] for one in known]),
    )


def _officer(name: str) -> Caller:
    return Caller(
        "officer", f"demo-seed-{name}", channel="system", agency=AGENCY, roles=("supplies",), assurance="aal2"
    )
