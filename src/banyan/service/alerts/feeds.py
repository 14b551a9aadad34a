"""The public feeds: Atom, RSS, GeoJSON, JSON and each message as CAP. Only Actual is in them; exercises have their own.

Every answer has an ETag (the door makes it from the bytes) and says where its hub is (WebSub s4: `Link` headers).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise
from typing import Any, Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.events.clock import iso
from banyan.service.alerts import capping, keeping, places
from banyan.service.alerts.asking import PublicAlert, in_force_of, public, released
from banyan.service.alerts.hub import PATH as HUB
from banyan.service.alerts.model import Alert, Area, Version
from banyan.service.alerts.sealing import sealed
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import MESSAGES, both, shelf_of
from banyan.wire import atom
from banyan.wire.cap.model import MEDIA_TYPE as CAP
from banyan.wire.cap.writing import write as write_cap
from banyan.wire.xmltext import element

ATOM: Final = "/alerts/feed.atom"
RSS: Final = "/alerts/feed.rss"
TOPICS: Final[Mapping[str, str]] = {
    ATOM: atom.MEDIA_TYPE,
    RSS: "application/rss+xml; charset=utf-8",
    "/alerts/feed.geojson": "application/geo+json",
    "/alerts/feed.json": "application/json",
    "/alerts/exercises.atom": atom.MEDIA_TYPE,
}
ARCHIVE: Final = "/alerts/archive.atom"
ARCHIVED: Final = 100


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feed by its path, or a message by `id.number`; `base` is where the caller found us."""

    name: str
    base: str


class Document(msgspec.Struct, frozen=True):
    body: bytes
    media_type: str


@SERVICE.operation(
    "feed", title={"zh-Hant": "告警資料流", "en": "Feeds of alerts"},
    summary={"zh-Hant": "告警的 Atom、RSS、GeoJSON 與 JSON。", "en": "Alerts as Atom, RSS, GeoJSON, JSON and CAP."},
    data=OPEN, audience="public", channels=(),
)  # fmt: skip
async def feed(ctx: Context, request: Named) -> Document:
    """Raises NotFound for a path that is no feed."""
    if request.name == ARCHIVE:
        found = await ctx.db.sql.read(lambda tx: keeping.over(tx, ctx.now, keeping.EVER, ARCHIVED))
        told = in_force_of(await public(ctx, found), ctx.now)
        return Document(_atom(request.name, told.alerts, ctx.now, request.base), atom.MEDIA_TYPE)
    if request.name not in TOPICS:
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    return Document(await write_topic(ctx, request.name, request.base), TOPICS[request.name])


@SERVICE.operation(
    "cap", title={"zh-Hant": "CAP 文件", "en": "A message as CAP"},
    summary={"zh-Hant": "一則訊息的 CAP 1.2 文件。", "en": "One message as a CAP 1.2 document."},
    data=OPEN, audience="public", channels=(),
)  # fmt: skip
async def cap(ctx: Context, request: Named) -> Document:
    """`name` is `id.number`, with or without `.xml`. Raises NotFound."""
    id, _, number = request.name.removesuffix(".xml").rpartition(".")
    alert = await released(ctx, id)
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= len(alert.chain)):
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    return Document(await _document(ctx, alert, alert.chain[int(number) - 1]), CAP)


async def _document(ctx: Context, alert: Alert, version: Version) -> bytes:
    """As it was signed, or signed now. It names our page by the address in node.toml alone: what a request calls us is
    a stranger's word, which we do not sign."""
    store, shelf, number = ctx.db.sql, shelf_of(ctx.db), version.number
    kept = await store.read(lambda tx: keeping.signed(tx, alert.id, number))
    if kept is not None:
        return kept
    names = await shelf.names(alert.agency)
    sender = await store.read(lambda tx: keeping.sender_of(tx, alert.agency))
    web = f"{shelf.public_url}/alerts/{alert.id}" if shelf.public_url else ""
    document = await sealed(
        shelf.signer, write_cap(capping.cap_of(alert, version, sender=sender, agency=names, web=web))
    )
    if shelf.signer is None:
        return document
    return await store.write(lambda tx: keeping.put_signed(tx, alert.id, number, sender=sender, document=document))


@SERVICE.face("GET", path="/alerts/cap/{name}", rate="read")
async def cap_face(request: FaceRequest) -> FaceAnswer:
    found = await request.call("alerts.cap", Named(request.params["name"], request.base_url))
    return FaceAnswer(found.body, found.media_type, headers=(("Cache-Control", "public, max-age=3600"),))


async def _feed_face(request: FaceRequest) -> FaceAnswer:
    found = await request.call("alerts.feed", Named(request.path, request.base_url))
    link = f'<{request.base_url}{HUB}>; rel="hub", <{request.base_url}{request.path}>; rel="self"'
    headers = (("Cache-Control", "public, max-age=10"), ("Link", link), ("Access-Control-Allow-Origin", "*"))
    return FaceAnswer(found.body, found.media_type, headers=headers)


for _path in (*TOPICS, ARCHIVE):
    SERVICE.face("GET", path=_path, rate="read")(_feed_face)


async def write_topic(ctx: Context, topic: str, base: str) -> bytes:
    """A feed as it is now."""
    found = await ctx.db.sql.read(lambda tx: keeping.out(tx, ctx.now))
    changed = await ctx.db.sql.read(lambda tx: keeping.changed_at(tx, ctx.now))
    told = in_force_of(await public(ctx, found), ctx.now)
    if topic.endswith("exercises.atom"):
        return _atom(topic, told.exercises, changed, base)
    if topic == ATOM:
        return _atom(topic, told.alerts, changed, base)
    if topic == RSS:
        return _rss(told.alerts, changed, base)
    if topic.endswith(".json"):
        return msgspec.json.encode({"as_of": iso_of(changed), "alerts": told.alerts})
    return msgspec.json.encode(await asyncio.to_thread(_geojson, told.alerts, base))


def iso_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _atom(path: str, alerts: Sequence[PublicAlert], changed: float, base: str) -> bytes:
    key = {ATOM: "feed_title", ARCHIVE: "archive_title"}.get(path, "exercises_title")
    title = " ".join(MESSAGES.text(f"alerts.{key}", lang) for lang in ("zh-Hant", "en"))
    entries = [_entry(one, base) for one in alerts]
    made = atom.Feed(id=base + path, title=title, subtitle="", updated=iso_of(changed), author="Banyan",
                     home=f"{base}/alerts", address=base + path, page=1, pages=1, language="zh-Hant",
                     entries=entries)  # fmt: skip
    return atom.write(made)


def _entry(one: PublicAlert, base: str) -> atom.Entry:
    """As the NCDR has it: the entry's id is the message's, its file the CAP document."""
    headline = " ".join(one.headline.values())
    return atom.Entry(
        id=f"urn:banyan:alert:{one.id}.{one.version}",
        title=headline,
        updated=one.sent,
        published=one.sent,
        link=f"{base}/alerts/{one.id}",
        summary="\n".join(text for text in (*one.description.values(), *one.instruction.values()) if text),
        author=one.agency_name["zh-Hant"],
        categories=(one.event, one.severity, one.status, one.kind),
        enclosures=((base + one.cap, CAP, 0),),
    )


def _rss(alerts: Sequence[PublicAlert], changed: float, base: str) -> bytes:
    """RSS 2.0."""
    head = [
        element("title", MESSAGES.text("alerts.feed_title", "zh-Hant")),
        element("link", f"{base}/alerts"),
        element("description", MESSAGES.text("alerts.feed_lead", "zh-Hant")),
        element("language", "zh-tw"),
        element("lastBuildDate", _rfc822(changed)),
        element("ttl", "1"),
    ]
    items = [_item(one, base) for one in alerts]
    inner = element("channel", inner="\n".join((*head, *items)))
    root = element("rss", attributes={"version": "2.0"}, inner=inner)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + root).encode()


def _item(one: PublicAlert, base: str) -> str:
    text = "\n".join(said for said in (*one.description.values(), *one.instruction.values()) if said)
    sent = datetime.fromisoformat(one.sent)
    parts = [
        element("title", " ".join(one.headline.values())),
        element("link", base + one.cap),  # CAP's readers follow it to the document
        element("description", text),
        element("category", one.event),
        element("guid", f"urn:banyan:alert:{one.id}.{one.version}", {"isPermaLink": "false"}),
        element("pubDate", format_datetime(sent.astimezone(UTC), usegmt=True)),
        element("enclosure", attributes={"url": base + one.cap, "type": CAP, "length": "0"}),
    ]
    return element("item", inner="".join(parts))


def _rfc822(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)


def _geojson(alerts: Sequence[PublicAlert], base: str) -> dict[str, Any]:
    """A feature an alert (RFC 7946): its areas as one MultiPolygon, rings as drawn or as the atlas has them."""
    features = []
    for one in alerts:
        rings = [ring for area in one.areas for ring in places.rings_of(area_of(area))]
        geometry = {"type": "MultiPolygon", "coordinates": [[_right_hand(ring)] for ring in rings]} if rings else None
        properties = {name: getattr(one, name) for name in PROPERTIES} | {"cap": base + one.cap}
        features.append({"type": "Feature", "id": one.id, "geometry": geometry, "properties": properties})
    return {"type": "FeatureCollection", "features": features}


PROPERTIES: Final = ("id", "version", "kind", "status", "event", "severity", "urgency", "certainty", "level", "sent",
                     "onset", "expires", "agency", "headline", "description", "instruction")  # fmt: skip


def area_of(one: Any) -> Area:
    """A public area as the service's own."""
    return Area(one.name, one.code, one.polygon, one.centre, one.radius_km)


def _right_hand(ring: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Counter-clockwise, as RFC 7946 s3.1.6 wants an outer ring; five decimals are a metre."""
    points = [(round(lon, 5), round(lat, 5)) for lon, lat in ring]
    turned = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(points))
    return points if turned < 0 else points[::-1]


__all__ = ["TOPICS", "iso", "write_topic"]
