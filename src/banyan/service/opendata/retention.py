"""Which versions of a live source are kept: all of the last hour, then one an hour, then one a day. Pure, but `prune`.

A version published by hand, the first one, and one whose columns changed are lasting: never pruned.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.kernel.events import EpochS
from banyan.kernel.storage import Drawer, Tx
from banyan.limits import KEEP_ALL_S, KEEP_DAILY_S, KEEP_HOURLY_S
from banyan.service.opendata import files
from banyan.service.opendata.registry import SQL

HOUR_S = 3600
DAY_S = 86_400


class Age(msgspec.Struct, frozen=True):
    """What retention knows of a version."""

    number: int
    at: EpochS
    is_lasting: bool


def surplus(ages: Sequence[Age], now: EpochS) -> list[int]:
    """Numbers of the versions to drop. The newest is always kept; of an hour or a day, its last version is."""
    newest_first = sorted(ages, key=lambda age: -age.number)
    seen: set[tuple[str, int]] = set()
    drop = []
    for place, age in enumerate(newest_first):
        slot = ("all", age.number) if now - age.at <= KEEP_ALL_S else _slot(age.at, now)
        is_first_of_slot = slot is not None and slot not in seen
        if slot is not None:
            seen.add(slot)
        if place and not age.is_lasting and not is_first_of_slot:
            drop.append(age.number)
    return drop


def _slot(at: EpochS, now: EpochS) -> tuple[str, int] | None:
    """The span of time of which one version is kept; None beyond the last span."""
    age_s = now - at
    if age_s <= KEEP_HOURLY_S:
        return ("hour", int(at // HOUR_S))
    if age_s <= KEEP_DAILY_S:
        return ("day", int(at // DAY_S))
    return None


async def prune(db: Drawer, resource_id: str, now: EpochS) -> int:
    """Drop the surplus versions of a live resource and the files only they pointed to; how many versions."""

    def job(tx: Tx) -> tuple[int, list[files.FileRef]]:
        rows = tx.rows(SQL["version_ages"], resource_id=resource_id)
        ages = [Age(int(number or 0), EpochS(float(at or 0)), bool(lasting)) for number, at, lasting in rows]
        refs: list[files.FileRef] = []
        drop = surplus(ages, now)
        for number in drop:
            refs += files.release_version(tx, resource_id, number, now)
        return len(drop), refs

    dropped, refs = await db.sql.write(job)
    await files.sweep(db, refs)
    return dropped
