"""The lake under the law: a day's key has two locks, the order's and the day's own; either's end is its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np

from banyan.craft.tracing.importing import Delivery
from banyan.craft.tracing.lake import ROW, Lake, Row, Taken, day_of
from banyan.craft.tracing.model import HOUR_S, Fixes
from banyan.errors import Unavailable
from banyan.kernel.storage import Drawer
from banyan.service.tracing.records import KEY_BYTES, SQL
from banyan.service.tracing.shelf import Shelf, shelf_of

NUMBERS: Final = ""


def day_scope(day: str) -> str:
    return f"tracing:{day or 'numbers'}"


def lake_folder(shelf: Shelf, order: str) -> Path:
    """Each order has a lake of its own: what one collected, another does not find."""
    return shelf.folder / "lake" / sha256(order.encode()).hexdigest()[:32]


async def lake_of(db: Drawer, order: str, days: Iterable[str], *, make: bool = False) -> Lake:
    """The lake with the keys of these days and of the numbers. Raises Destroyed for a day that is over, when it is to
    be made; to be read, such a day has nothing."""
    shelf = shelf_of(db)
    keys = {}
    for day in (NUMBERS, *days):
        key = await _key(db, shelf, order, day, make=make)
        if key is not None:
            keys[day] = key

    def key_of(day: str) -> bytes:
        if day not in keys:
            raise Unavailable("a day of positions has no key", remedy="its time is over, or its order")
        return keys[day]

    return Lake(lake_folder(shelf, order), key_of, random=shelf.random)


async def take(
    db: Drawer, order: str, given: Delivery, persons: Mapping[int, bytes], *, now: float, days: int
) -> Taken:
    """Write a delivery. `persons` are the names (to the ledger) of whose numbers they are, where that is known."""
    hours = np.unique(given.pings.at // HOUR_S)
    fresh = [hour for hour in hours.tolist() if now - days * 86_400 <= hour * HOUR_S + HOUR_S <= now + 2 * HOUR_S]
    lake = await lake_of(db, order, sorted({day_of(hour)[0] for hour in fresh}), make=True)
    names: Row = np.zeros(len(given.numbers), ROW)["person"]
    for place, number in enumerate(given.numbers.tolist()):
        if number in persons:
            names[place] = np.void(persons[number])

    def job() -> Taken:
        slots = lake.slots_of(given.numbers, names)
        pings = given.pings
        return lake.add(Fixes(slots[pings.phone], pings.at, pings.lon, pings.lat), now=now, keep_days=days)

    async with shelf_of(db).turn:
        return await asyncio.to_thread(job)


async def _key(db: Drawer, shelf: Shelf, order: str, day: str, *, make: bool) -> bytes | None:
    row = await db.sql.read(lambda tx: tx.row(SQL["day_key"], day=day, order_id=order))
    subject = f"lake/{order}/{day}".encode()
    if row is None:
        if not make:
            return None
        key = shelf.random(KEY_BYTES)
        inner = await shelf.scopes.seal(day_scope(day), subject, key)
        sealed = await shelf.scopes.seal(shelf.scope_of(order), subject, inner)
        await db.sql.write(lambda tx: tx.run(SQL["put_key"], day=day, order_id=order, sealed=sealed))
        return key
    assert isinstance(row[0], bytes), "a sealed key is bytes"
    inner = await shelf.scopes.open(shelf.scope_of(order), subject, row[0])
    return await shelf.scopes.open(day_scope(day), subject, inner)
