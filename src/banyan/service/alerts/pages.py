"""The public pages: `/alerts` with what is in force and a map, one alert with its chain, what is over, who may warn."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.alerts import drawing
from banyan.service.alerts.asking import ArchiveQuery, Everything, InForce, OneAlert, Where
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.others_shown import Others
from banyan.service.alerts.sealing import Signers
from banyan.service.alerts.service import SERVICE

TITLE: Final = {"zh-Hant": "災防告警", "en": "Public warnings"}
ARCHIVE: Final = {"zh-Hant": "過去的告警", "en": "Past warnings"}
WARRANTS: Final = {"zh-Hant": "誰可以發布告警", "en": "Who may warn"}


@SERVICE.page("GET", path="/alerts", title=TITLE)
async def page(request: FaceRequest) -> View:
    """In force now, and at a place that was asked for."""
    told: InForce = await request.call("alerts.in_force", Everything())
    place = dict(request.query).get("place", "").strip()[:60]
    at_place = await request.call("alerts.here", Where(place)) if place else None
    others: Others = await request.call("alerts.others", Everything())
    title = TITLE[request.lang]
    values = {
        "told": told,
        "others": others,
        "at_place": at_place,
        "place": place,
        "picture": await asyncio.to_thread(drawing.picture, told.alerts, told.exercises, others.alerts),
        "may_act": request.caller.kind == "officer",
        **map_assets(),
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("alerts/board.html", values, title=title)


@SERVICE.page("GET", path="/alerts/archive", title=ARCHIVE)
async def archive(request: FaceRequest) -> View:
    told: InForce = await request.call("alerts.archive", ArchiveQuery())
    title = ARCHIVE[request.lang]
    return View("alerts/archive.html", {"told": told, "crumbs": _crumbs(request, title)}, title=title)


@SERVICE.page("GET", path="/alerts/warrants", title=WARRANTS)
async def warrants(request: FaceRequest) -> View:
    found = await request.call("alerts.warrants", Everything())
    title = WARRANTS[request.lang]
    names = {area: await asyncio.to_thread(drawing.name_of, area) for area in {one.area for one in found}}
    signed: Signers = await request.call("alerts.signers", Everything())
    values = {"warrants": found, "areas": names, "signed": signed, "kinds": kinds(), "crumbs": _crumbs(request, title)}
    return View("alerts/warrants.html", values, title=title)


@SERVICE.page("GET", path="/alerts/{id}")
async def one(request: FaceRequest) -> View:
    """One alert, with its map and every message of its chain. Raises NotFound."""
    found: OneAlert = await request.call("alerts.one", {"id": _id(request)})
    now = found.now
    title = now.headline.get(request.lang, now.headline["zh-Hant"])
    alerts, exercises = ((now,), ()) if now.is_real else ((), (now,))
    values = {
        "found": found,
        "picture": await asyncio.to_thread(drawing.picture, alerts, exercises),
        "styles": ("alerts.css",),
        "crumbs": _crumbs(request, title),
    }
    return View("alerts/one.html", values, title=title)


def map_assets() -> dict[str, Any]:
    return {"styles": ("leaflet-css", "map.css", "alerts.css"), "scripts": ("leaflet", "topojson", "alerts-map.js")}


def _id(request: FaceRequest) -> str:
    """What cannot be an id is nobody's alert."""
    id = request.params["id"]
    is_fit = id.isascii() and id.replace("-", "").isalnum() and 8 <= len(id) <= 80 and id == id.lower()
    return id if is_fit else "none-such"


def _crumbs(request: FaceRequest, title: str) -> tuple[dict[str, str], ...]:
    return ({"title": TITLE[request.lang], "path": "/alerts"}, {"title": title, "path": ""})
