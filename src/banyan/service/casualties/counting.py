"""Counters for the press: persons by hospital and condition, where no group is so small that it tells of somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import duckdb
import msgspec

from banyan.craft.privacy import Table, safe_table
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.kernel.storage.statements import load_statements
from banyan.limits_casualties import CASUALTY_SMALL
from banyan.service.casualties import records
from banyan.service.casualties.rules import SHOWN, Stay, current
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.shelf import shelf_of

SQL: Final = load_statements("banyan.service.casualties", "counting.sql", is_portable=False)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class Count(msgspec.Struct, frozen=True):
    """`condition` empty: all of the hospital; both empty: everybody."""

    hospital: str
    condition: str
    persons: int


class Counts(msgspec.Struct, frozen=True):
    """Each person once, where she is now. Groups under `small` persons, and one more that would give them away by
    subtraction, are left out."""

    counts: tuple[Count, ...]
    small: int
    as_of: str


@SERVICE.operation(
    "counts",
    title={"zh-Hant": "傷病患統計", "en": "Counts of casualties"},
    summary={
        "zh-Hant": "各醫院人數，轉院只算一次；人數太少的格子不公布。",
        "en": "Persons by hospital, a transferred one once; small groups are left out.",
    },
    data=OPEN,
    audience="public",
)
async def counts(ctx: Context, request: Nothing) -> Counts:
    stays = await ctx.db.sql.read_long(records.all_stays)
    if not stays:
        return Counts((), CASUALTY_SMALL, iso(ctx.now))
    table = await asyncio.to_thread(_table, stays, shelf_of(ctx.db).key)
    found = tuple(_count((*cell.path, "", ""), cell.persons) for cell in table.cells)
    return Counts(found, CASUALTY_SMALL, iso(ctx.now))


def _count(path: tuple[str | None, ...], persons: int) -> Count:
    return Count(path[0] or "", path[1] or "", persons)


def _table(stays: Mapping[str, Sequence[Stay]], secret: bytes) -> Table:
    now = {person: current(said) for person, said in stays.items()}
    lists = {
        "persons": list(now),
        "hospitals": [one.hospital for one in now.values()],
        "conditions": [SHOWN[one.status] for one in now.values()],
    }
    with duckdb.connect() as connection:
        people = connection.sql(SQL["people"].text, params=lists)
        columns = ("hospital", "condition")
        return safe_table(people, connection, person="person", columns=columns, k=CASUALTY_SMALL, secret=secret)
