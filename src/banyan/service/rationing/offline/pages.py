"""The offline counter as an application one can install: its page, manifest and service worker.

Sources: W3C Web App Manifest; Service Workers s3.1. The page without a session is what the worker keeps: it names no
outlet and nobody.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.errors import Denied
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, View
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.worker import serve_worker
from banyan.service.rationing.counter.outlets import Nothing, Outlet
from banyan.service.rationing.counter.saying import called
from banyan.service.rationing.engine.days import date_of, day_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.offline.words import WORDS
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "離線販售", "en": "Sell without a network"}
PATH: Final = "/rationing/offline"
SCRIPTS: Final = ("offline-keys.js", "offline-rules.js", "offline-store.js", "node-reach.js", "offline-page.js")
SAID: Final = "ration_offline.said."


@SERVICE.operation(
    "offline_items",
    title={"zh-Hant": "可離線販售的品項", "en": "What can be sold offline"},
    summary={"zh-Hant": "今天的販售規則所列的品項。", "en": "The items that today's rules name."},
    data=OPEN,
    audience="public",
    channels=("api",),
)
async def items(ctx: Context, request: Nothing) -> tuple[str, ...]:
    book = await engine_of(ctx.db).rules()
    today = date_of(day_of(ctx.now))
    edition = next((one for one in reversed(book.edition) if one.since <= today), None)
    return tuple(dict.fromkeys(rule.item for rule in (edition.rule if edition else ()) if rule.takes_stock))


@SERVICE.page("GET", path=PATH, title=TITLE)
async def page(request: FaceRequest) -> View:
    """For who is signed in as a pharmacist also the form that enrols the device."""
    lang = request.lang
    known = await request.call("rationing.offline_items", Nothing())
    values = {
        "outlets": [(one.code, f"{one.name[lang]} ({one.code})") for one in await _outlets(request)],
        "items": [(item, called(item, lang)) for item in known],
        "words": _words(lang) | {f"item.{item}": called(item, lang) for item in known},
        "path": PATH if lang != "en" else f"/en{PATH}",
        "scripts": SCRIPTS,
        "crumbs": ({"title": TITLE[lang], "path": ""},),
    }
    return View("rationing/offline.html", values, title=TITLE[lang], headers=(("Cache-Control", "private, no-cache"),))


async def _outlets(request: FaceRequest) -> tuple[Outlet, ...]:
    if request.caller.kind != "officer":
        return ()
    try:
        found: tuple[Outlet, ...] = await request.call("rationing.my_outlets", Nothing())
    except Denied:
        return ()
    return found


def _words(lang: str) -> dict[str, str]:
    """The script's sentences, by key without its group."""
    keys = [key for key in WORDS.keys() if key.startswith(SAID)]  # noqa: SIM118 - Messages is no mapping
    return {key.removeprefix(SAID): WORDS.text(key, lang) for key in keys}


serve_worker(SERVICE, f"{PATH}/worker.js", "offline-worker.js")


@SERVICE.face("GET", "HEAD", path=f"{PATH}/manifest.webmanifest", rate="page", channel="web")
async def manifest(request: FaceRequest) -> FaceAnswer:
    """The Web App Manifest; `?lang=en` in English."""
    lang = "en" if dict(request.query).get("lang") == "en" else "zh-Hant"
    prefix = "/en" if lang == "en" else ""
    logo = {"src": "/rationing/offline/icon.svg", "sizes": "any", "type": "image/svg+xml"}
    told = {
        "id": f"{prefix}{PATH}",
        "name": TITLE[lang],
        "short_name": TITLE[lang],
        "description": WORDS.text("ration_offline.lead", lang),
        "lang": "en" if lang == "en" else "zh-Hant-TW",
        "start_url": f"{prefix}{PATH}",
        "scope": f"{prefix}{PATH}",
        "display": "standalone",
        "theme_color": "#0f3d2e",
        "background_color": "#fbfaf6",
        "icons": [logo, logo | {"purpose": "maskable"}],
    }
    headers = (("Cache-Control", "public, max-age=3600"),)
    return FaceAnswer(msgspec.json.encode(told), media_type="application/manifest+json", headers=headers)


@SERVICE.face("GET", "HEAD", path=f"{PATH}/icon.svg", rate="page", channel="web")
async def icon(request: FaceRequest) -> FaceAnswer:
    """A receipt with its chain's link, drawn by us; within the safe zone of a maskable icon."""
    body = (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path fill="#0f3d2e" d="M0 0h100v100H0z"/>'
        b'<path fill="#fff" d="M30 24h40v52l-7-5-6 5-7-5-7 5-6-5-7 5z"/>'
        b'<path fill="none" stroke="#0f3d2e" stroke-width="4" d="M38 38h24M38 48h24M38 58h14"/></svg>'
    )
    headers = (("Cache-Control", "public, max-age=3600"),)
    return FaceAnswer(body, media_type="image/svg+xml", headers=headers)
