"""A node with a map of a small county, a week of sales, and officers of supplies."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tests.make import Client, Node, a_node
from tests.service.supplies.make import ADULT, CHILD

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM, Caller
from banyan.service.allocation.parts import SERVICE
from banyan.service.allocation.sales import SaleDay
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import BoardEvent, ItemsSet, Place, PlacesChanged, StockTick
from banyan.service.supplies.parts import SERVICE as SUPPLIES

ITEM = "mask-adult"
NOW = EpochS(1_581_696_000.0)
"""2020-02-15T00:00:00 in Taiwan."""
DAY = "2020-02-15"
WEEK = tuple(f"2020-02-{day:02d}" for day in range(8, 15))
PROPOSER, SECOND = (
    Caller("officer", name, agency="TW/GOV/CDC", roles=("supplies",), assurance="aal2") for name in ("o-1", "o-2")
)
BORDER = Caller("officer", "o-9", agency="TW/GOV/NIA", roles=("border",), assurance="aal2")
TOKEN = Caller("administrator", "administrator")
TOWNS = (("09020060", "金門縣", "烏坵鄉"), ("10015010", "花蓮縣", "花蓮市"), ("10015050", "花蓮縣", "吉安鄉"))
"""One outlet, twelve, two: a town with an only one, a town, a rural town."""
OUTLETS = tuple(
    Place(
        code=f"59{number:08d}", name=f"藥局{number}", county=county, town=town, town_code=code,
        lon=121.6 + number / 500, lat=23.97, located="single",
    )
    for number, (code, county, town) in enumerate((TOWNS[0], *[TOWNS[1]] * 12, *[TOWNS[2]] * 2))
)  # fmt: skip
DEMAND = (6, *(40 * number for number in range(1, 13)), 100, 180)
STOCK = (0, *[0] * 6, *[10] * 5, 2_000, 0, 0)
EVENTS: tuple[BoardEvent, ...] = (
    ItemsSet(NOW, (ADULT, CHILD)),
    PlacesChanged(NOW, OUTLETS),
    StockTick(
        at=EpochS(NOW - 10), as_of=EpochS(NOW - 10), source="masks", items=(ITEM,),
        codes=tuple(one.code for one in OUTLETS), counts=(STOCK,),
    ),
)  # fmt: skip


class World(msgspec.Struct):
    """`public` asks as anybody, `by` as an officer."""

    node: Node

    @property
    def client(self) -> Client:
        return self.node.client

    async def by(self, who: Caller, act: str, **values: Any) -> Any:
        return await self.node.gate.call(f"allocation.{act}", values, caller=who)

    async def public(self, act: str, **values: Any) -> Any:
        return await self.by(ANONYMOUS, act, **values)

    async def proposed(self, **values: Any) -> str:
        asked = {"item": ITEM, "day": DAY, "supply": 30, **values}
        return str((await self.by(PROPOSER, "propose", **asked)).id)


def a_day(day: str, *, stock: int = 200, demand: tuple[int, ...] = DEMAND) -> SaleDay:
    """Sales of a day on which every outlet opened with `stock`: steady from 08:00 to 18:00 until it ran out."""
    open_ = np.zeros(32)
    open_[4:24] = 1 / 20
    wish = np.cumsum(np.array(demand)[:, None] * open_, axis=1)
    held = np.minimum(wish, stock)
    sold = np.rint(np.diff(np.rint(held), axis=1, prepend=0)).astype(int)
    seen = np.where(wish <= stock, 100, 0) * (open_ > 0)
    return SaleDay(
        item=ITEM,
        day=day,
        codes=tuple(one.code for one in OUTLETS),
        sold=tuple(map(tuple, sold.tolist())),
        seen=tuple(map(tuple, seen.tolist())),
    )


def in_a_world(story: Callable[[World], Awaitable[None]], *, days: tuple[str, ...] = WEEK) -> None:
    """Run a story in a fresh world whose map stands and whose sales of `days` are kept."""

    async def run(folder: Path) -> None:
        async with a_node(folder, [SUPPLIES, SERVICE], clock=lambda: NOW) as node:
            board = kept_of(node.drawers["supplies"])
            for event in EVENTS:
                await board.commit(event)
            for day in days:
                await node.gate.call("allocation.save_day", a_day(day), caller=SYSTEM)
            await story(World(node))

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
