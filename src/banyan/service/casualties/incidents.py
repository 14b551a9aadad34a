"""The incident that the register is for, and whether it is a drill (演習): invented people, and every page says so."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

from banyan.errors import Conflict
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_casualties import CASUALTY_FIELD
from banyan.service.casualties import records
from banyan.service.casualties.counting import Nothing
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.shelf import both

SQL: Final = load_statements("banyan.service.casualties", "incidents.sql")
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=CASUALTY_FIELD)]


class Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title_zh: Line
    title_en: Line
    is_drill: bool = False
    began: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """RFC 3339 with its offset; now without it."""


class Incident(msgspec.Struct, frozen=True):
    """`began` is RFC 3339 UTC; all empty when nothing was begun. `ended` records are tombstones."""

    title: Text
    is_drill: bool
    began: str
    living: int
    ended: int


class Wiped(msgspec.Struct, frozen=True):
    records: int


@SERVICE.operation(
    "begin", title={"zh-Hant": "開設事件", "en": "Begin an incident"},
    summary={
        "zh-Hant": "這份名單是哪個事件的，是不是演習。",
        "en": "What the register is for, and whether it is a drill.",
    },
    data=OPEN, audience="administrator", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def begin(ctx: Context, request: Begun) -> Incident:
    """Raises Conflict when a drill's people and real ones would stand in one register."""
    began = min(ctx.now, request.began.timestamp()) if request.began is not None else ctx.now

    def job(tx: Tx) -> Incident:
        known = incident_of(tx)
        if known.living and known.is_drill != request.is_drill:
            raise Conflict(both("mixed"), remedy=both("mixed_remedy"), kind="drill")
        tx.run(SQL["put_incident"], title_zh=request.title_zh, title_en=request.title_en,
               is_drill=int(request.is_drill), now=began)  # fmt: skip
        return incident_of(tx)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "end_drill", title={"zh-Hant": "結束演習", "en": "End a drill"},
    summary={
        "zh-Hant": "演習的資料立即刪除，只留墓碑。",
        "en": "A drill's records are deleted at once, to tombstones.",
    },
    data=OPEN, audience="administrator", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def end_drill(ctx: Context, request: Nothing) -> Wiped:
    """Raises Conflict when it is none: real records end by their own days."""

    def job(tx: Tx) -> Wiped:
        if not incident_of(tx).is_drill:
            raise Conflict(both("no_drill"), remedy=both("no_drill_remedy"), kind="drill")
        tx.run(SQL["end_all"], now=ctx.now)
        wiped = sum(records.bury(tx, one.id, ctx.now) for one in records.everybody(tx))
        tx.run(SQL["drop_incident"])
        return Wiped(wiped)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "incident", title={"zh-Hant": "這是哪個事件", "en": "Which incident"},
    summary={
        "zh-Hant": "事件名稱、是否演習，與已屆期刪除的筆數。",
        "en": "Its name, whether a drill, and how many records ended.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def incident(ctx: Context, request: Nothing) -> Incident:
    return await ctx.db.sql.read(incident_of)


def incident_of(tx: Tx) -> Incident:
    row, counted = tx.row(SQL["incident"]), tx.row(SQL["count"])
    assert counted is not None, "a sum has a row"
    living, ended = int(str(counted[0])), int(str(counted[1]))
    if row is None:
        return Incident({"zh-Hant": "", "en": ""}, False, "", living, ended)
    return Incident(
        {"zh-Hant": str(row[0]), "en": str(row[1])}, bool(row[2]), iso(EpochS(float(str(row[3])))), living, ended
    )
