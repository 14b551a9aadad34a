"""The officers' desk as operations: the worklist, and one alert with every channel's exact text and counts.

What the preview shows is what goes out: the texts come from where the dispatch takes them.
"""

from __future__ import annotations

import asyncio

import msgspec

from banyan.errors import Denied, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.service.alerts import capping, cellular, keeping, life, texts
from banyan.service.alerts.acting import AUTHOR, RELEASER, Id, Stands, officer, stands
from banyan.service.alerts.asking import Everything, PublicAlert, said_of
from banyan.service.alerts.keeping import Lived, Result
from banyan.service.alerts.model import Alert, Content, Version
from banyan.service.alerts.outlets import Plan, said_in
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import Shelf, both, shelf_of
from banyan.wire.cap.writing import write as write_cap


class Row(msgspec.Struct, frozen=True):
    """A line of the worklist."""

    id: str
    headline: str
    state: str
    pending: str
    status: str
    severity: str
    agency: str
    second: str
    waits_for_me: bool
    sent: str


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id


class Preview(msgspec.Struct, frozen=True):
    """Every channel's text of one message. `plans` are counts by channel before it goes out."""

    version: int
    kind: str
    content: Content
    cap: str
    web: PublicAlert
    chat: dict[str, str]
    sms: tuple[texts.Sent, ...]
    cells: tuple[cellular.Screen, ...]
    plans: dict[str, Plan]
    is_for_people: bool
    too_long: bool


class Sheet(msgspec.Struct, frozen=True):
    """One alert for its officers."""

    stands: Stands
    agency: str
    second: str
    author: str
    is_mine: bool
    """Whether the caller proposed what is pending: then another must release it, when it is grave."""
    pending: Preview | None
    out: Preview | None
    lived: tuple[Lived, ...]
    results: tuple[Result, ...]


@SERVICE.operation(
    "desk", title={"zh-Hant": "告警工作清單", "en": "The alerts' worklist"},
    summary={"zh-Hant": "本機關擬的、待核放的與生效中的告警。", "en": "What the agency writes, releases and has out."},
    data=OPEN, audience="officer", purpose="administration", channels=("api",),
)  # fmt: skip
async def desk(ctx: Context, request: Everything) -> tuple[Row, ...]:
    who = officer(ctx.caller, AUTHOR, RELEASER)
    found = await ctx.db.sql.read(lambda tx: keeping.desk(tx, who.agency))
    return tuple(_row(alert, who.agency, ctx) for alert in found)


@SERVICE.operation(
    "sheet", title={"zh-Hant": "一則告警的工作頁", "en": "One alert for its officers"},
    summary={"zh-Hant": "各管道的完整文字、送達數量與結果。",
             "en": "Every channel's exact text, how many it reaches, and what came of it."},
    data=OPEN, audience="officer", purpose="administration", channels=("api",),
)  # fmt: skip
async def sheet(ctx: Context, request: Asking) -> Sheet:
    """Raises NotFound for nobody's alert, Denied for another agency's."""
    who, shelf = officer(ctx.caller, AUTHOR, RELEASER), shelf_of(ctx.db)

    found = await ctx.db.sql.read(lambda tx: keeping.alert_of(tx, request.id))
    if found is None:
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    if who.agency not in (found.agency, found.second):
        raise Denied(both("refused.other_agency"), remedy=both("fix.other_agency"), kind="other-agency")
    lived, results = await ctx.db.sql.read(lambda tx: (keeping.life_of(tx, found.id), keeping.results_of(tx, found.id)))
    pending, newest = found.pending, found.newest
    names = await shelf.names(found.agency)
    return Sheet(
        stands=stands(found, ctx.now, lived[-1].entry if lived else 0),
        agency=names["zh-Hant"],
        second=(await shelf.names(found.second))["zh-Hant"],
        author=pending.author.agency if pending else "",
        is_mine=pending is not None and pending.author.id == who.id,
        pending=await _preview(ctx, shelf, found, pending) if pending else None,
        out=await _preview(ctx, shelf, found, newest) if newest else None,
        lived=lived,
        results=results,
    )


async def _preview(ctx: Context, shelf: Shelf, alert: Alert, version: Version) -> Preview:
    names = await shelf.names(alert.agency)
    sender = await ctx.db.sql.read(lambda tx: keeping.sender_of(tx, alert.agency))
    dated = version if version.sent else msgspec.structs.replace(version, sent=ctx.now)
    is_actual = version.content.status == "Actual"
    outlets = shelf.people if is_actual else shelf.sinks
    address = f"{shelf.public_url}/alerts/{alert.id}"
    langs = said_in(version)
    sms = tuple(texts.sms(version, lang, names) for lang in langs)
    screens = tuple(cellular.screen(version.content, texts.spoken(version, lang, names), lang) for lang in langs)
    wanted = [one for one in version.content.channels if one != "web"]
    plans = await asyncio.gather(*(outlets.plan(one, version.content.areas) for one in wanted))
    return Preview(
        version=version.number,
        kind=version.kind,
        content=version.content,
        cap=write_cap(capping.cap_of(alert, dated, sender=sender, agency=names, web=address)).decode(),
        web=said_of(alert, dated, names, ctx.now),
        chat={lang: texts.chat(version, lang, names, address) for lang in langs},
        sms=sms,
        cells=screens,
        plans=dict(zip(wanted, plans, strict=True)),
        is_for_people=is_actual,
        too_long=any(one.is_too_long for one in sms) or any(one.is_too_long for one in screens),
    )


def _row(alert: Alert, agency: str, ctx: Context) -> Row:
    version = alert.pending or alert.newest
    state = life.state_of(alert, ctx.now)
    pending = alert.pending.stage if alert.pending else ""
    two = alert.pending is not None and life.needs_second(alert)
    mine = pending == "proposed" and (alert.second == agency or not two)
    return Row(
        id=alert.id,
        headline=texts.headline(version, "zh-Hant") if version else "",
        state=state,
        pending=pending,
        status=version.content.status if version else "",
        severity=version.content.severity if version else "",
        agency=alert.agency,
        second=alert.second,
        waits_for_me=mine or (pending == "draft" and alert.agency == agency),
        sent=iso(alert.newest.sent) if alert.newest else "",
    )


__all__ = ["Sheet", "desk", "sheet"]
