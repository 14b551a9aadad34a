"""What officers see of the road: who takes part, what is offered, the calls of now, the queue, and what needs somebody.

Calls and letters are those of the officer's own agency, on either side; members and services are everybody's to know.
"""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.service.exchange.granting import Nothing, grants
from banyan.service.exchange.service import SERVICE
from banyan.service.exchange.shelf import Alert, Letter, MemberRow, ServiceRow, is_about_services, shelf_of
from banyan.service.exchange.wording import MESSAGES, officer, unknown

LANGUAGES = ("zh-Hant", "en")


class AlertView(msgspec.Struct, frozen=True):
    """In words: what it is, and who must do what."""

    code: str
    tone: str
    title: Text
    remedy: Text


class Standing(msgspec.Struct, frozen=True):
    """The gateway, the directory in force (moments RFC 3339 UTC), members and services."""

    server: str
    edge: str
    peer: str
    directory_version: str
    directory_state: str
    directory_issued: str
    directory_until: str
    members: tuple[MemberRow, ...]
    services: tuple[ServiceRow, ...]
    alerts: tuple[AlertView, ...]


class CallView(msgspec.Struct, frozen=True):
    """One exchange. `fault` is the road's code when it refused or failed; `xid` is in both sides' message logs."""

    xid: str
    at: str
    role: str
    client: str
    service: str
    method: str
    status: int
    fault: str
    took_ms: int

    @property
    def is_about(self) -> bool:
        return is_about_services(self.service)


class LetterView(msgspec.Struct, frozen=True):
    """A message of the queue. `next_at` is empty for a dead one."""

    id: str
    client: str
    service: str
    state: str
    since: str
    attempts: int
    next_at: str
    last: str


class BasisChoice(msgspec.Struct, frozen=True):
    """A basis that speaks of a service of the officer's agency."""

    id: str
    title: Text
    statute: Text
    recipients: tuple[str, ...]
    purposes: tuple[str, ...]


class LetterNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str


class Done(msgspec.Struct, frozen=True):
    id: str


@SERVICE.operation(
    "standing",
    title={"zh-Hant": "資料交換現況", "en": "How the exchange stands"},
    summary={
        "zh-Hant": "本閘道、目錄、成員、服務與警示。",
        "en": "This gateway, the directory, members, services and alerts.",
    },
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def standing(ctx: Context, request: Nothing) -> Standing:
    who, shelf = officer(ctx), shelf_of(ctx.db)
    here = shelf.road.here()
    alerts = [*await shelf.road.alerts(), *await _outdated(ctx, who.agency)]
    directory = here.directory
    return Standing(
        server=here.server,
        edge=here.edge,
        peer=here.peer,
        directory_version=directory.version,
        directory_state=directory.freshness,
        directory_issued=_moment(directory.issued_at),
        directory_until=_moment(directory.until),
        members=tuple(sorted(shelf.road.members(), key=lambda one: (not one.is_here, one.id))),
        services=tuple(sorted(shelf.road.services(), key=lambda one: one.id)),
        alerts=tuple(_alert(one) for one in sorted(alerts, key=lambda one: one.tone != "wrong")),
    )


@SERVICE.operation(
    "bases",
    title={"zh-Hant": "可引用的法律依據", "en": "Bases to name"},
    summary={
        "zh-Hant": "登記中涉及本機關服務的現行依據。",
        "en": "Current bases of the register that speak of this agency's services.",
    },
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def bases(ctx: Context, request: Nothing) -> tuple[BasisChoice, ...]:
    """By id."""
    who, shelf = officer(ctx), shelf_of(ctx.db)
    mine = {one.operation for one in shelf.road.services() if one.provider == who.agency and one.needs_purpose}
    named = mine | {f"{operation.partition('.')[0]}.*" for operation in mine}
    register = await shelf.bases()
    return tuple(
        BasisChoice(
            one.id,
            dict(one.title),
            {lang: one.statute.said(lang) for lang in LANGUAGES},
            one.recipients,
            one.purposes,
        )
        for _, one in sorted(register.by_id.items())
        if named & set(one.operations) and (not one.sunset or ctx.now < one.sunset) and one.needs != "self"
    )


@SERVICE.operation(
    "calls",
    title={"zh-Hant": "即時呼叫", "en": "Calls of now"},
    summary={
        "zh-Hant": "本機關發出和收到的最近呼叫，不含內容。",
        "en": "The newest calls of this agency, on either side, without their content.",
    },
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def calls(ctx: Context, request: Nothing) -> tuple[CallView, ...]:
    """The newest first."""
    who = officer(ctx)
    mine = (one for one in shelf_of(ctx.db).road.calls() if one.is_of(who.agency))
    return tuple(
        CallView(
            one.xid, iso(one.at), one.role, one.client, one.service, one.method, one.status, one.fault, one.took_ms
        )
        for one in mine
    )


@SERVICE.operation(
    "letters",
    title={"zh-Hant": "待送佇列", "en": "The queue"},
    summary={
        "zh-Hant": "本機關等待送達與送不到的訊息，不含內容。",
        "en": "Messages of this agency that wait or could not be delivered, without their content.",
    },
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def letters(ctx: Context, request: Nothing) -> tuple[LetterView, ...]:
    """Dead ones first: somebody has to decide."""
    mine = await _mine(ctx)
    return tuple(
        LetterView(
            id=one.id,
            client=one.client,
            service=one.service,
            state=one.state,
            since=iso(one.since),
            attempts=one.attempts,
            next_at=_moment(one.next_at) if one.state == "waiting" else "",
            last=one.last,
        )
        for one in sorted(mine, key=lambda one: one.state == "waiting")
    )


@SERVICE.operation(
    "revive_letter",
    title={"zh-Hant": "重新投遞", "en": "Try a message again"},
    summary={"zh-Hant": "把送不到的訊息放回佇列。", "en": "Put a message that could not be delivered into the queue."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def revive_letter(ctx: Context, request: LetterNamed) -> Done:
    """Raises NotFound for one that is not a dead one of this agency."""
    await _dead(ctx, request.id)
    if not await shelf_of(ctx.db).road.revive(request.id):
        raise unknown("letter")
    return Done(request.id)


@SERVICE.operation(
    "discard_letter",
    title={"zh-Hant": "放棄投遞", "en": "Give a message up"},
    summary={
        "zh-Hant": "放棄送不到的訊息；送件機關查得到。",
        "en": "Give up a message that could not be delivered; its sender can see that.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def discard_letter(ctx: Context, request: LetterNamed) -> Done:
    """Raises NotFound for one that is not a dead one of this agency."""
    await _dead(ctx, request.id)
    if not await shelf_of(ctx.db).road.discard(request.id):
        raise unknown("letter")
    return Done(request.id)


async def _mine(ctx: Context) -> list[Letter]:
    """What this agency's officers look after."""
    who = officer(ctx)
    return [one for one in await shelf_of(ctx.db).road.letters() if one.decider == who.agency]


async def _dead(ctx: Context, id: str) -> None:
    if not any(one.id == id and one.state != "waiting" for one in await _mine(ctx)):
        raise unknown("letter")


async def _outdated(ctx: Context, agency: str) -> list[Alert]:
    found = [one for one in await grants(ctx, Nothing()) if one.is_outdated and one.is_own]
    return [Alert("basis-changed", {"client": one.client, "service": one.service}) for one in found]


def _alert(one: Alert) -> AlertView:
    title = {lang: MESSAGES.text(f"exchange_alert.{one.code}", lang, **one.values) for lang in LANGUAGES}
    remedy = {lang: MESSAGES.text(f"exchange_alert.{one.code}_remedy", lang, **one.values) for lang in LANGUAGES}
    return AlertView(one.code, one.tone, title, remedy)


def _moment(at: EpochS) -> str:
    return iso(at) if at else ""
