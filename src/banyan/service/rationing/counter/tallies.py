"""The engine's sums by day, kept beside the feed: what a day's sheet is made of.

Sums only grow, so writing them twice is harmless, and what a crash kept from being written is written at the start:
then its last moments may stand under the day of the restart. All days together are always exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import COUNTER_ITEMS
from banyan.service.rationing.counter.outlets import SQL
from banyan.service.rationing.engine.model import Stock

SUMS: Final = ("delivered", "corrected", "returned", "sold", "short")
Place = tuple[str, str]
"""An outlet and an item."""


class Tally(msgspec.Struct, frozen=True):
    """What happened to an item, since the beginning or within a day."""

    delivered: int = 0
    corrected: int = 0
    returned: int = 0
    sold: int = 0
    short: int = 0

    def minus(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) - getattr(other, name) for name in SUMS))


def tally_of(stock: Stock) -> Tally:
    return Tally(stock.delivered, stock.corrected, stock.returned, stock.sold, stock.short)


def put(tx: Tx, place: Place, day: int, tally: Tally) -> None:
    """The sums as they stand on a day."""
    outlet, item = place
    tx.run(SQL["put_tally"], outlet=outlet, item=item, day=day, **msgspec.structs.asdict(tally))


def until(tx: Tx, place: Place, day: int) -> Tally:
    """The sums at the end of a day."""
    row = tx.row(SQL["tally_until"], outlet=place[0], item=place[1], day=day)
    return Tally() if row is None else Tally(*(int(str(one)) for one in row))


def of_day(tx: Tx, place: Place, day: int) -> Tally:
    """What happened within a day."""
    return until(tx, place, day).minus(until(tx, place, day - 1))


def items(tx: Tx, outlet: str, day: int) -> list[str]:
    """Items that the outlet had on a day or before."""
    return [str(item) for (item,) in tx.rows(SQL["items_of"], outlet=outlet, day=day, limit=COUNTER_ITEMS)]


def behind(tx: Tx, stocks: Mapping[Place, Stock]) -> dict[Place, Stock]:
    """Those whose newest sums are not written."""
    rows = tx.rows(SQL["newest_tallies"])
    known = {(str(row[0]), str(row[1])): Tally(*(int(str(one)) for one in row[2:])) for row in rows}
    return {place: stock for place, stock in stocks.items() if known.get(place, Tally()) != tally_of(stock)}
