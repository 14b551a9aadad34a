"""What may be looked at: the requests with their counts, one contact's evidence, and in public how often this power was
used.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import numpy as np

from banyan.craft.tracing.layout import STEP_X, STEP_Y
from banyan.craft.tracing.places import rounded
from banyan.craft.tracing.tracing import Hits
from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits_tracing import TRACE_EVIDENCE, TRACE_LEAST, TRACE_REQUESTS
from banyan.service.tracing import records
from banyan.service.tracing.asking import Counted, Shown, Why, told
from banyan.service.tracing.keeping import lake_of
from banyan.service.tracing.law import PURPOSE, basis_here, standing, under_order
from banyan.service.tracing.records import SQL, request_of, result_of
from banyan.service.tracing.releasing import Id
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import both, shelf_of
from banyan.service.tracing.vouching import lists

Number = Annotated[str, msgspec.Meta(min_length=1, max_length=20, title="身分證統一編號 Number")]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Listed(msgspec.Struct, frozen=True):
    """A request with who asked and who released it."""

    request: Counted
    at: str
    agency: str
    reason: str
    released_by: str
    released_at: str


class Meeting(msgspec.Struct, frozen=True):
    """When (the start of the time bucket's ping), the middle of the 500 m cell, for how long, and with which episode:
    a case's name in this request only, never who it is."""

    at: str
    lon: float
    lat: float
    minutes: int
    episode: str


class EvidenceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    person: Number
    reason: Why
    fields: tuple[str, ...] = ()


class MineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Evidence(msgspec.Struct, frozen=True):
    """Why somebody counts as a contact, the first meetings of each request."""

    meetings: Annotated[tuple[Meeting, ...], personal("C034")] | UnsetType = UNSET


class Used(msgspec.Struct, frozen=True):
    """How often this power was used under an order; `told` people were told, null under `least`; `lists` questions had
    their numbers let go to a machine without a node."""

    order: str
    questions: int
    released: int
    told: int | None
    lists: int = 0


class Standing(msgspec.Struct, frozen=True):
    """Under which order tracing runs now (`order` empty: under none, and everything is refused), until when, and what
    was done under each. `agencies` may ask."""

    order: str
    until: str
    sunset: str
    retention_days: int
    agencies: tuple[str, ...]
    least: int
    uses: tuple[Used, ...]


@SERVICE.operation(
    "standing", title={"zh-Hant": "足跡比對的使用情形", "en": "How tracing is used"},
    summary={"zh-Hant": "依哪項命令、到何時為止、用了幾次、通知了多少人。",
             "en": "Under which order, until when, how often it was used, and how many people were told."},
    data=OPEN, audience="public",
)  # fmt: skip
async def how_it_stands(ctx: Context, request: Nothing) -> Standing:
    order, basis = await standing(ctx), await basis_here(ctx)
    uses = await ctx.db.sql.read(_uses)
    return Standing(
        order=order.reference if order is not None else "",
        until=iso(order.until) if order is not None else "",
        sunset=iso(basis.sunset) if basis is not None else "",
        retention_days=basis.retention_days if basis is not None else 0,
        agencies=basis.recipients if basis is not None else (),
        least=TRACE_LEAST,
        uses=uses,
    )


def _uses(tx: Tx) -> tuple[Used, ...]:
    gone = lists(tx)
    found = {
        str(row[0]): Used(str(row[0]), int(str(row[1])), int(str(row[2])), rounded(int(str(row[3] or 0))),
                          gone.get(str(row[0]), 0))
        for row in tx.rows(SQL["totals"])
    }  # fmt: skip
    alone = {order: Used(order, 0, 0, rounded(0), many) for order, many in gone.items() if order not in found}
    return tuple((found | alone).values())


@SERVICE.operation(
    "requests", title={"zh-Hant": "比對紀錄", "en": "Requests to trace"},
    summary={"zh-Hant": "誰依哪項命令問了什麼、人數多少、誰放行。",
             "en": "Who asked what, the counts, and who released it."},
    data=OPEN, audience="officer", purpose=PURPOSE, rate="query",
)  # fmt: skip
async def requests(ctx: Context, request: Nothing) -> tuple[Listed, ...]:
    """The newest first. Raises Denied without an order."""
    await under_order(ctx)
    found = await ctx.db.sql.read(lambda tx: records.newest(tx, TRACE_REQUESTS))
    return tuple(
        Listed(
            told(one), iso(EpochS(one.at)), one.agency, one.reason, one.second_agency,
            iso(EpochS(one.released_at)) if one.released_at else "",
        )
        for one in found
    )  # fmt: skip


@SERVICE.operation(
    "evidence", title={"zh-Hant": "一位接觸者的依據", "en": "Why one person is a contact"},
    summary={"zh-Hant": "放行後，依理由查看一人的接觸時間、地點（500 公尺格）與分鐘；不顯示個案是誰。",
             "en": "After the release: when, where (500 m cell) and how long one person met a case; never who it was."},
    data=("health",), audience="officer", purpose=PURPOSE, subject="person", channels=("api",),
)  # fmt: skip
async def evidence(ctx: Context, request: EvidenceQuery) -> Evidence:
    """Raises NotFound alike for no request, one that is not released, and a person who is no contact."""
    order, _ = await under_order(ctx)
    found = await ctx.db.sql.read(lambda tx: request_of(tx, request.id))
    if found is None or found.order_id != order.reference or found.state != "released":
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    meetings = await _of_person(ctx, order.reference, found, shelf_of(ctx.db).subject_of(request.person))
    if not meetings:
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    return Evidence(meetings)


@SERVICE.operation(
    "mine", title={"zh-Hant": "我被列為接觸者的依據", "en": "Why I was told"},
    summary={"zh-Hant": "我的手機位置何時、何地與個案相近。", "en": "When and where my phone was near a case."},
    data=("health",), audience="citizen", purpose="own-affairs",
)  # fmt: skip
async def mine(ctx: Context, request: MineQuery) -> Evidence:
    """Of every released request under the order in force; of none, nothing. After the lapse nobody can read it."""
    order = await standing(ctx)
    if order is None or not ctx.caller.subject:
        return Evidence(())
    found = await ctx.db.sql.read(lambda tx: records.newest(tx, TRACE_REQUESTS))
    meetings: tuple[Meeting, ...] = ()
    for one in found:
        if one.order_id == order.reference and one.state == "released":
            meetings += await _of_person(ctx, order.reference, one, bytes.fromhex(ctx.caller.subject))
    return Evidence(meetings[:TRACE_EVIDENCE])


async def _of_person(ctx: Context, order: str, request: records.Request, subject: bytes) -> tuple[Meeting, ...]:
    hits = await result_of(shelf_of(ctx.db), request)
    lake = await lake_of(ctx.db, order, ())
    table = await asyncio.to_thread(lake.numbers)
    own = np.flatnonzero(table["person"] == np.void(subject)).astype(np.uint32)
    shown = msgspec.json.decode(request.shown, type=Shown)
    return meetings_of(hits.take(np.isin(hits.phone, own)), request.id, shown.rule.bucket_s)


def meetings_of(hits: Hits, request: str, bucket_s: int) -> tuple[Meeting, ...]:
    """In words: an episode is the case's place among those that this contact met, so that two contacts cannot compare
    their cases."""
    episodes: dict[int, str] = {}
    found = []
    for at, lon, lat, case in zip(
        hits.at.tolist(), hits.lon.tolist(), hits.lat.tolist(), hits.case.tolist(), strict=True
    ):
        episode = episodes.setdefault(case, f"{request[:6]}-{len(episodes) + 1}")
        east = ((lon + 180_000_000) // STEP_X + 0.5) * STEP_X / 1e6 - 180
        north = ((lat + 90_000_000) // STEP_Y + 0.5) * STEP_Y / 1e6 - 90
        minutes = max(1, bucket_s // 60)
        found.append(Meeting(iso(EpochS(at // bucket_s * bucket_s)), round(east, 4), round(north, 4), minutes, episode))
    return tuple(found)
