"""SMS of our warnings, for their officers: how far each campaign is, by counts, and its stop. Never a number.

Other services' campaigns (the fence's, tracing's) are between them and the persons they write to: none is shown here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from banyan.craft.notify.model import Progress
from banyan.errors import Denied, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.storage.store import Tx
from banyan.service.alerts import keeping, texts
from banyan.service.alerts.acting import AUTHOR, RELEASER, Id, officer
from banyan.service.alerts.asking import Everything
from banyan.service.alerts.desk_pages import DESK, PRIVATE
from banyan.service.alerts.model import Alert
from banyan.service.alerts.pages import TITLE
from banyan.service.alerts.sending import campaign_of
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import both, shelf_of

CAMPAIGNS: Final = {"zh-Hant": "告警簡訊", "en": "SMS of warnings"}
OWN: Final = "alerts/"
VERSION_DIGITS: Final = 5


class Campaign(msgspec.Struct, frozen=True):
    """One message's SMS by counts of telephones; `parts` is what the network charges for. Of operators' SMS the counts
    are in tens, and neither receipts nor parts are known."""

    id: str
    version: int
    headline: str
    begun: str
    total: int
    left: int
    taken: int
    delivered: int
    failed: int
    expired: int
    stopped: int
    parts: int
    is_stopped: bool


class Stopping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    version: Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Stopped(msgspec.Struct, frozen=True):
    """`count` telephones will not be told any more; `entry` is the act's place in the public ledger."""

    count: int
    entry: int


@SERVICE.operation(
    "campaigns", title=CAMPAIGNS,
    summary={"zh-Hant": "本機關告警簡訊的進度；只有數量，沒有號碼。",
             "en": "How far the SMS of the agency's warnings are; counts only, never a number."},
    data=OPEN, audience="officer", purpose="administration", channels=("api",),
)  # fmt: skip
async def campaigns(ctx: Context, request: Everything) -> tuple[Campaign, ...]:
    """Of alerts that the caller's agency wrote or released; nothing on a node that sends none."""
    who, shelf = officer(ctx.caller, AUTHOR, RELEASER), shelf_of(ctx.db)
    shown = await ctx.db.sql.read(lambda tx: _by_operators(tx, who.agency)) if shelf.afar is not None else []
    for one in await shelf.sms.campaigns() if shelf.sms is not None else ():
        id, _, number = one.campaign.removeprefix(OWN).rpartition("/")
        if not one.campaign.startswith(OWN) or not number.isdecimal():
            continue
        alert = await ctx.db.sql.read(lambda tx, id=id: keeping.alert_of(tx, id))  # type: ignore[misc]  # bound now, for the loop goes on
        if alert is not None and who.agency in (alert.agency, alert.second) and 1 <= int(number) <= len(alert.chain):
            shown.append(_shown(one, id, int(number), texts.headline(alert.chain[int(number) - 1], "zh-Hant")))
    return tuple(shown)


@SERVICE.operation(
    "stop_sms", title={"zh-Hant": "停止簡訊", "en": "Stop the SMS"},
    summary={"zh-Hant": "停止一則告警還沒送出的簡訊；告警本身仍然有效。",
             "en": "Send no more SMS of one message; the warning itself stands."},
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def stop_sms(ctx: Context, request: Stopping) -> Stopped:
    """By one officer of either agency. It is stopped first and written down then: to stop must wait for nothing."""
    who, shelf = officer(ctx.caller, AUTHOR, RELEASER), shelf_of(ctx.db)
    alert = await ctx.db.sql.read(lambda tx: keeping.alert_of(tx, request.id))
    if alert is None or (shelf.sms is None and shelf.afar is None):
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    if who.agency not in (alert.agency, alert.second):
        raise Denied(both("refused.other_agency"), remedy=both("fix.other_agency"), kind="other-agency")
    campaign = campaign_of(request.id, request.version)
    is_here = shelf.sms is not None and await shelf.sms.progress(campaign) is not None
    is_afar = shelf.afar is not None and request.version <= len(alert.chain)
    if not is_here and not is_afar:
        raise NotFound(both("no_campaign"), remedy=both("no_campaign_remedy"))
    count = await shelf.sms.stop(campaign) if shelf.sms is not None and is_here else 0
    if shelf.afar is not None and is_afar:
        count += await shelf.afar.stop(request.id, request.version)
    said = act_entry("alert", step="stop_sms", id=request.id, version=request.version, digest="", agency=who.agency)
    entry = await shelf.ledger.append_once(f"alert/{request.id}/stop_sms/{request.version}", said)
    return Stopped(count, entry)


@SERVICE.page("GET", path="/alerts/desk/campaigns")
async def page(request: FaceRequest) -> View:
    return await _page(request, "")


@SERVICE.page("POST", path="/alerts/desk/campaigns", rate="write")
async def stop(request: FaceRequest) -> View:
    form = await request.form()
    number = form.get("version")
    asked = {
        "id": form.get("id"),
        "version": int(number) if number.isascii() and number.isdecimal() and len(number) <= VERSION_DIGITS else 0,
    }
    try:
        await request.call("alerts.stop_sms", asked)
    except Denied:
        raise
    except Problem as problem:
        return await _page(request, f"{problem.title} {problem.remedy}", status=problem.status)
    return View("", {}, redirect="/alerts/desk/campaigns", headers=PRIVATE)


async def _page(request: FaceRequest, wrong: str, *, status: int = 200) -> View:
    rows: Sequence[Campaign] = await request.call("alerts.campaigns", Everything())
    title = CAMPAIGNS[request.lang]
    crumbs = (
        {"title": TITLE[request.lang], "path": "/alerts"},
        {"title": DESK[request.lang], "path": "/alerts/desk"},
        {"title": title, "path": ""},
    )
    values = {"rows": rows, "wrong": wrong, "styles": ("alerts.css",), "crumbs": crumbs}
    return View("alerts/campaigns.html", values, title=title, status=status, headers=PRIVATE)


def _by_operators(tx: Tx, agency: str) -> list[Campaign]:
    """What operators said of the agency's messages when they were asked last, in tens."""
    return [
        _heard(alert, one)
        for alert in keeping.desk(tx, agency)
        for one in keeping.results_of(tx, alert.id)
        if one.channel == "sms" and one.state != "skipped" and 1 <= one.version <= len(alert.chain)
    ]


def _heard(alert: Alert, one: keeping.Result) -> Campaign:
    """While it waits there is something left to stop, though no operator may have counted yet."""
    version = alert.chain[one.version - 1]
    rest, waits = max(0, one.total - one.reached), one.state == "waiting"
    is_stopped = not waits and "stopped" in one.note
    return Campaign(
        id=alert.id, version=one.version, headline=texts.headline(version, "zh-Hant"), begun=iso(version.sent),
        total=one.total, left=max(1, rest) if waits else 0, taken=one.reached, delivered=0,
        failed=0 if waits or is_stopped else rest, expired=0, stopped=rest if is_stopped else 0, parts=0,
        is_stopped=is_stopped,
    )  # fmt: skip


def _shown(one: Progress, id: str, number: int, headline: str) -> Campaign:
    return Campaign(
        id=id, version=number, headline=headline, begun=iso(EpochS(one.accepted_at)), total=one.total, left=one.left,
        taken=one.sent, delivered=one.delivered, failed=one.failed, expired=one.expired, stopped=one.stopped,
        parts=one.parts, is_stopped=one.is_stopped,
    )  # fmt: skip
