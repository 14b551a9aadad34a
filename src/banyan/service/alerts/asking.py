"""What the public is told: alerts in force, those at a place, one alert with its chain, and what is over. Open data."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.dialogue import Card, Choice, Reply, Source, Utterance
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_alerts import ALERT_ARCHIVE
from banyan.service.alerts import keeping, life, places, texts
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.model import Alert, Area, Point, Status, Version
from banyan.service.alerts.outlets import said_in
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import MESSAGES, shelf_of

CHANNELS: Final = ("web", "api", "kiosk")
WORDS: Final = (
    "警報",
    "告警",
    "示警",
    "警戒",
    "災害",
    "災防",
    "停班停課",
    "避難",
    "warning",
    "alert",
    "danger",
    "emergency",
)
"""What somebody says who asks for alerts."""


class PublicArea(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where: names, and the code, the polygon (longitude, latitude) or the circle."""

    name: dict[str, str]
    code: str = ""
    polygon: tuple[Point, ...] = ()
    centre: Point | None = None
    radius_km: float = 0.0


class PublicAlert(msgspec.Struct, frozen=True):
    """One message as anybody may read it. `is_real` is false for exercises, tests and drafts: their texts begin with
    the mark that says so. Times are RFC 3339 UTC; `cap` is the path of the CAP document."""

    id: str
    version: int
    kind: str
    status: Status
    is_real: bool
    state: str
    event: str
    event_title: dict[str, str]
    severity: str
    urgency: str
    certainty: str
    level: str
    sent: str
    onset: str
    expires: str
    agency: str
    agency_name: dict[str, str]
    headline: dict[str, str]
    description: dict[str, str]
    instruction: dict[str, str]
    contact: str
    areas: tuple[PublicArea, ...]
    cap: str


class InForce(msgspec.Struct, frozen=True):
    """`alerts` are real; `exercises` are not, and are only shown marked."""

    as_of: str
    alerts: tuple[PublicAlert, ...]
    exercises: tuple[PublicAlert, ...] = ()


class OneAlert(msgspec.Struct, frozen=True):
    """The newest message, and every earlier one of the chain, newest first."""

    now: PublicAlert
    earlier: tuple[PublicAlert, ...]


class Everything(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say."""


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place by name, or by longitude and latitude."""

    place: Annotated[
        str, msgspec.Meta(max_length=60, title="地點 Place", description="縣市、鄉鎮市區或村里 County, town or village")
    ] = ""
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None


class Here(msgspec.Struct, frozen=True):
    """`place` as it was understood; None: it was not, and nothing is known of it."""

    place: dict[str, str] | None
    as_of: str
    alerts: tuple[PublicAlert, ...]
    exercises: tuple[PublicAlert, ...] = ()


class One(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{8,80}$")]


class ArchiveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those sent before this second; 0: the newest."""

    before: Annotated[float, msgspec.Meta(ge=0)] = 0.0


@SERVICE.operation(
    "in_force", title={"zh-Hant": "目前的告警", "en": "Alerts in force"},
    summary={"zh-Hant": "現在生效的告警；演習與測試分開列出。",
             "en": "Alerts in force now; exercises and tests are listed apart."},
    data=OPEN, audience="public", path="/api/alerts/in-force",
)  # fmt: skip
async def in_force(ctx: Context, request: Everything) -> InForce:
    found = await ctx.db.sql.read(lambda tx: keeping.out(tx, ctx.now))
    return in_force_of(await public(ctx, found), ctx.now)


@SERVICE.operation(
    "here", title={"zh-Hant": "我這裡有沒有告警", "en": "Is there an alert where I am?"},
    summary={"zh-Hant": "查某個地點現在生效的告警。", "en": "Alerts in force at a place."},
    data=OPEN, audience="public", channels=CHANNELS, keys=("告警", "我這裡有告警嗎", "alerts here"),
)  # fmt: skip
async def here(ctx: Context, request: Where) -> Here:
    """By name or by point; a place that nobody knows is said so, never "nothing in force"."""
    found = await ctx.db.sql.read(lambda tx: keeping.out(tx, ctx.now))
    area = _area(request)
    if area is None:
        return Here(None, iso(ctx.now), ())
    chosen = await asyncio.to_thread(_at, found, area)
    told = in_force_of(await public(ctx, chosen), ctx.now)
    return Here(area.name, told.as_of, told.alerts, told.exercises)


@SERVICE.operation(
    "one", title={"zh-Hant": "一則告警", "en": "One alert"},
    summary={"zh-Hant": "一則告警的內容與更新、解除的經過。", "en": "An alert with its updates and its end."},
    data=OPEN, audience="public", path="/api/alerts/alert/{id}",
)  # fmt: skip
async def one(ctx: Context, request: One) -> OneAlert:
    """Raises NotFound for what was never released."""
    alert = await released(ctx, request.id)
    names = await shelf_of(ctx.db).names(alert.agency)
    said = [said_of(alert, version, names, ctx.now) for version in reversed(alert.chain)]
    return OneAlert(said[0], tuple(said[1:]))


@SERVICE.operation(
    "archive", title={"zh-Hant": "過去的告警", "en": "Past alerts"},
    summary={"zh-Hant": "已結束或解除的告警，新的在前。", "en": "Alerts that ended or were cancelled, newest first."},
    data=OPEN, audience="public",
)  # fmt: skip
async def archive(ctx: Context, request: ArchiveQuery) -> InForce:
    before = request.before or keeping.EVER
    found = await ctx.db.sql.read(lambda tx: keeping.over(tx, ctx.now, before, ALERT_ARCHIVE))
    return in_force_of(await public(ctx, found), ctx.now)


@SERVICE.operation(
    "ask", title={"zh-Hant": "問告警", "en": "Ask about alerts"},
    summary={"zh-Hant": "用一句話問現在有沒有告警。", "en": "Ask in a sentence whether there is an alert."},
    data=OPEN, audience="public", channels=("chat",),
)  # fmt: skip
async def ask(ctx: Context, request: Utterance) -> Reply:
    """Answers who asks for alerts; asks where they are when they did not say."""
    lang, text = request.lang, request.text
    if not any(word in text.lower() for word in WORDS):
        return Reply("", 0.0)
    area = _mentioned(text)
    point = request.place
    if area is None and point is None:
        return Reply(_t("chat_where", lang), 1.0, asks="place")
    where = Where(area.name["zh-Hant"]) if area else Where("", *(point or (0.0, 0.0)))
    told = await here(ctx, where)
    name = told.place[lang] if told.place else _t("chat_there", lang)
    cards = tuple(_card(found, lang) for found in (*told.alerts, *told.exercises))[:5]
    count = len(told.alerts)
    said = _t("chat_some", lang, place=name, count=count) if count else _t("chat_none", lang, place=name)
    sources = (Source(_t("title", lang), "/alerts", told.as_of),)
    return Reply(said, 1.0, sources=sources, cards=cards, choices=(Choice(_t("chat_all", lang), path="/alerts"),))


@SERVICE.shows
async def shows(ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
    """Everything that went out is public."""
    return [event for event in events if event.topic == "alert"]


async def released(ctx: Context, id: str) -> Alert:
    """An alert that went out. Raises NotFound for any other: a draft is nobody's."""
    found = await ctx.db.sql.read(lambda tx: keeping.alert_of(tx, id))
    if found is None or not found.chain:
        raise NotFound(_both("unknown"), remedy=_both("unknown_remedy"))
    return found


async def public(ctx: Context, alerts: Sequence[Alert]) -> tuple[PublicAlert, ...]:
    """The newest message of each."""
    shelf = shelf_of(ctx.db)
    names = {agency: await shelf.names(agency) for agency in {alert.agency for alert in alerts}}
    return tuple(said_of(alert, alert.chain[-1], names[alert.agency], ctx.now) for alert in alerts)


def in_force_of(found: Sequence[PublicAlert], now: EpochS) -> InForce:
    """Real ones apart from the others: no reader can take one for the other."""
    real = tuple(one for one in found if one.is_real)
    return InForce(iso(now), real, tuple(one for one in found if not one.is_real))


def said_of(alert: Alert, version: Version, names: Mapping[str, str], now: EpochS) -> PublicAlert:
    """What anybody may read of a message; whatever is no Actual has its mark in the headline."""
    content = version.content
    is_newest = alert.newest is version
    langs = said_in(version)
    return PublicAlert(
        id=alert.id, version=version.number, kind=version.kind, status=content.status,
        is_real=content.status == "Actual", state=life.state_of(alert, now) if is_newest else "updated",
        event=content.event, event_title=kinds()[content.event].title, severity=content.severity,
        urgency=content.urgency, certainty=content.certainty, level=content.level, sent=iso(version.sent),
        onset=iso(content.onset), expires=iso(content.expires), agency=alert.agency, agency_name=dict(names),
        headline={lang: texts.headline(version, lang) for lang in langs},
        description={lang: content.words[lang].description for lang in langs},
        instruction={lang: content.words[lang].instruction for lang in langs},
        contact=content.contact,
        areas=tuple(PublicArea(one.name, one.code, one.polygon, one.centre, one.radius_km) for one in content.areas),
        cap=f"/alerts/cap/{alert.id}.{version.number}.xml",
    )  # fmt: skip


def _area(request: Where) -> Area | None:
    if request.lon is not None and request.lat is not None:
        point = (request.lon, request.lat)
        return Area({"zh-Hant": _t("chat_there", "zh-Hant"), "en": _t("chat_there", "en")}, centre=point)
    return places.named(request.place)


def _at(alerts: Sequence[Alert], asked: Area) -> list[Alert]:
    """Those that touch the place."""
    return [alert for alert in alerts if any(_meets(area, asked) for area in alert.chain[-1].content.areas)]


def _meets(area: Area, asked: Area) -> bool:
    if asked.centre is not None:
        return places.holds(area, asked.centre)
    if area.code:
        return area.code.startswith(asked.code) or asked.code.startswith(area.code)
    return any(code.startswith(asked.code[:8]) for code in places.towns_of(area))


def _mentioned(text: str) -> Area | None:
    """The first place that the words name."""
    for start in range(len(text)):
        for end in range(min(len(text), start + 12), start + 1, -1):
            found = places.named(text[start:end])
            if found is not None:
                return found
    return None


def _card(found: PublicAlert, lang: Literal["zh-Hant", "en"]) -> Card:
    said = lang if lang in found.headline else "zh-Hant"
    status = _t(f"severity_{found.severity.lower()}", lang) if found.is_real else _t("not_real", lang)
    lines = tuple(one for one in (found.instruction[said], found.agency_name[lang]) if one)
    actions = (Choice(_t("chat_more", lang), path=f"/alerts/{found.id}"),)
    return Card(found.headline[said], status, "bad" if found.is_real else "unknown", lines, actions)


def _t(key: str, lang: str, **values: object) -> str:
    return MESSAGES.text(f"alerts.{key}", lang, **values)


def _both(key: str) -> str:
    return " ".join(_t(key, lang) for lang in ("zh-Hant", "en"))
