"""Other authorities' warnings as the public sees them: apart from ours, whose they are, what their seal is worth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue import FaceRequest, View
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_alerts import OTHERS_SHOWN
from banyan.service.alerts import others, places
from banyan.service.alerts.asking import Everything
from banyan.service.alerts.model import Area, Point
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import shelf_of
from banyan.wire.cap import model as cap
from banyan.wire.cap import taiwan
from banyan.wire.cap.values import circle_of, epoch_s, points_of

OTHERS: Final = {"zh-Hant": "其他機關的告警", "en": "Other agencies' warnings"}
FEED: Final = "/alerts/others.geojson"
PATTERN: Final = ("107", "112")
"""Editions of Taiwan's place codes that have our digits; others are found by the area's name."""


class Other(msgspec.Struct, frozen=True):
    """One of their warnings. Texts by our language codes, in whichever it was said. `seal`: `good` (signed by the key
    that this node pinned) or `none`. `rings` are longitude and latitude. Times are RFC 3339 UTC."""

    id: str
    source: str
    source_title: dict[str, str]
    sender: str
    sender_name: dict[str, str]
    identifier: str
    seal: str
    kind: str
    severity: str
    sent: str
    expires: str
    event: dict[str, str]
    headline: dict[str, str]
    instruction: dict[str, str]
    areas: tuple[str, ...]
    rings: tuple[tuple[Point, ...], ...]


class Feed(msgspec.Struct, frozen=True):
    """One that is followed: when it was read last, what was wrong then, and what was not believed, by the reason."""

    name: str
    title: dict[str, str]
    at: str
    trouble: str
    refused: dict[str, int]
    is_pinned: bool


class Others(msgspec.Struct, frozen=True):
    as_of: str
    alerts: tuple[Other, ...]
    feeds: tuple[Feed, ...]


@SERVICE.operation(
    "others", title=OTHERS,
    summary={"zh-Hant": "由其他機關的資料流收進、經查核的告警；不是本機關發布的。",
             "en": "Warnings of other agencies, taken from their feeds and checked; not ours."},
    data=OPEN, audience="public", path="/api/alerts/others",
)  # fmt: skip
async def told(ctx: Context, request: Everything) -> Others:
    return await look(ctx)


async def look(ctx: Context) -> Others:
    feeds, alerts = [], []
    for source in shelf_of(ctx.db).sources:
        said = await ctx.db.sql.read(partial(others.told_of, source=source.name))
        at = iso(EpochS(said.at)) if said.at else ""
        feeds.append(Feed(source.name, dict(source.title), at, said.trouble, said.refused, bool(source.pinned.senders)))
        found = await ctx.db.sql.read(partial(others.in_force, source=source.name, now=ctx.now))
        alerts += await asyncio.to_thread(_all_of, source, found[:OTHERS_SHOWN])
    alerts.sort(key=lambda one: one.sent, reverse=True)
    return Others(iso(ctx.now), tuple(alerts[:OTHERS_SHOWN]), tuple(feeds))


def _all_of(source: others.Source, found: Sequence[others.Kept]) -> list[Other]:
    return [other_of(source, one) for one in found]


def other_of(source: others.Source, kept: others.Kept) -> Other:
    alert, first = kept.alert, kept.alert.info[0] if kept.alert.info else None
    areas = [area for info in alert.info[:1] for area in info.area]
    name = f"{source.name} {alert.sender} {alert.identifier} {alert.sent}"
    return Other(
        id="o-" + sha256(name.encode()).hexdigest()[:20],
        source=source.name,
        source_title=dict(source.title),
        sender=alert.sender,
        sender_name=_said(alert, "sender_name"),
        identifier=alert.identifier,
        seal=kept.seal,
        kind=alert.msg_type.value,
        severity=first.severity.value if first else "Unknown",
        sent=_utc(alert.sent),
        expires=iso(EpochS(float(kept.ends_s))),
        event=_said(alert, "event"),
        headline=_said(alert, "headline") or _said(alert, "event"),
        instruction={lang: taiwan.plain(text) for lang, text in _said(alert, "instruction").items()},
        areas=tuple(one.area_desc for one in areas),
        rings=tuple(ring for one in areas for ring in rings_of(one)),
    )


def rings_of(area: cap.Area) -> tuple[tuple[Point, ...], ...]:
    """As they drew it, else as the atlas has the place that they named; none for what nobody here knows."""
    drawn: list[Area] = []
    try:
        drawn += [Area({}, polygon=tuple((lon, lat) for lat, lon in points_of(ring))) for ring in area.polygon]
        for circle in area.circle:
            (lat, lon), radius = circle_of(circle)
            if radius > 0:
                drawn.append(Area({}, centre=(lon, lat), radius_km=radius))
    except Invalid:
        return ()
    if not drawn:
        drawn = [known for code in area.geocode if (known := _coded(code)) is not None]
    if not drawn:
        named = places.named(area.area_desc)
        drawn = [named] if named is not None else []
    return tuple(ring for one in drawn for ring in places.rings_of(one))


def _coded(code: cap.Pair) -> Area | None:
    place = taiwan.place_of(code)
    if place is None or place.edition not in PATTERN:
        return None
    return places.by_code(place.code[:5] if place.level is taiwan.Level.COUNTY else place.code)


def _said(alert: cap.Alert, field: str) -> dict[str, str]:
    """By language, the first text of each; zh-Hant is whatever was said when no Chinese was."""
    found: dict[str, str] = {}
    for info in alert.info:
        text = str(getattr(info, field)).strip()
        lang = "zh-Hant" if info.language.lower().startswith("zh") else "en"
        if text:
            found.setdefault(lang, text)
    if found and "zh-Hant" not in found:
        found["zh-Hant"] = found["en"]
    return found


def _utc(text: cap.CapTime) -> str:
    return iso(EpochS(float(epoch_s(text))))


@SERVICE.face("GET", path=FEED, rate="read")
async def geojson(request: FaceRequest) -> FaceAnswer:
    """For the map: each says in its properties that it is another's."""
    found: Others = await request.call("alerts.others", Everything())
    features = [
        {
            "type": "Feature",
            "id": one.id,
            "geometry": {"type": "MultiPolygon", "coordinates": [[ring] for ring in one.rings]} if one.rings else None,
            "properties": {
                "id": one.id, "is_ours": False, "source": one.source_title, "sender": one.sender, "seal": one.seal,
                "severity": one.severity, "headline": one.headline, "sent": one.sent, "expires": one.expires,
            },
        }
        for one in found.alerts
    ]  # fmt: skip
    body = msgspec.json.encode({"type": "FeatureCollection", "features": features})
    return FaceAnswer(body, "application/geo+json", headers=(("Cache-Control", "public, max-age=10"),))


@SERVICE.page("GET", path="/alerts/others", title=OTHERS)
async def page(request: FaceRequest) -> View:
    from banyan.service.alerts.pages import TITLE

    found: Others = await request.call("alerts.others", Everything())
    title = OTHERS[request.lang]
    crumbs = ({"title": TITLE[request.lang], "path": "/alerts"}, {"title": title, "path": ""})
    values = {"found": found, "styles": ("alerts.css",), "crumbs": crumbs}
    return View("alerts/others.html", values, title=title)
