"""The real series of 2020 as board events: the first snapshot whole, then what each changed."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from tests.make import shared_data
from tests.service.supplies.make import ADULT, AT, CHILD

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.model import BoardEvent, ItemsSet, Place, PlacesChanged, StockTick


def outlets() -> PlacesChanged:
    """All outlets of 2020 with what is known of their place."""
    with gzip.open(shared_data("supplies/outlets.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        places = tuple(_place(row) for row in csv.DictReader(file))
    return PlacesChanged(AT, places)


def _place(row: dict[str, str]) -> Place:
    return Place(
        code=row["id"],
        name=row["name"],
        address=row["address"],
        phone=row["phone"],
        county=row["county"],
        town=row["town"],
        lon=float(row["lon"]) if row["lon"] else None,
        lat=float(row["lat"]) if row["lat"] else None,
        located="single" if row["lon"] else "none",
    )


def day(date: str) -> list[BoardEvent]:
    """Items, places, and a tick for each snapshot of `2020-02-09`, `2020-02-14` or `2020-03-03`."""
    return [ItemsSet(AT, (ADULT, CHILD)), outlets(), *ticks(date)]


def ticks(date: str) -> Iterator[StockTick]:
    before: dict[str, tuple[int, int]] = {}
    with gzip.open(shared_data(f"supplies/stock_series_{date}.csv.gz"), "rt", encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for moment, block in groupby(rows, key=lambda row: row[0]):
            now = {code: (int(adult), int(child)) for _, code, adult, child in block}
            changed = {code: pair for code, pair in now.items() if before.get(code) != pair}
            at = EpochS(datetime.fromisoformat(moment).timestamp())
            yield StockTick(
                at=at,
                as_of=at,
                source="masks",
                items=("mask-adult", "mask-child"),
                codes=tuple(changed),
                counts=(tuple(one for one, _ in changed.values()), tuple(two for _, two in changed.values())),
                gone=tuple(before.keys() - now.keys()),
            )
            before = now
