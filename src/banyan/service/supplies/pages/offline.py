"""The map as an application one can install: its manifest, icons, shell and service worker.

Sources: W3C Web App Manifest; Service Workers s3.1.
"""

from __future__ import annotations

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, View
from banyan.kernel.catalogue.worker import serve_worker
from banyan.service.supplies.pages.asked import Asked
from banyan.service.supplies.pages.icon import SIZES, icon
from banyan.service.supplies.pages.listing import areas_of, listing_of, view_of
from banyan.service.supplies.pages.map import TITLE, map_values
from banyan.service.supplies.pages.speaking import page_messages
from banyan.service.supplies.service import SERVICE

GREEN, PAPER = "#0f3d2e", "#fbfaf6"
HOUR = "public, max-age=3600"


serve_worker(SERVICE, "/supplies/worker.js", "supplies-worker.js")


@SERVICE.face("GET", "HEAD", path="/supplies/manifest.webmanifest", rate="page", channel="web")
async def manifest(request: FaceRequest) -> FaceAnswer:
    """The Web App Manifest; `?lang=en` in English."""
    lang = "en" if dict(request.query).get("lang") == "en" else "zh-Hant"
    words, prefix = page_messages(), "/en" if lang == "en" else ""
    icons = [{"src": f"/supplies/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"} for size in SIZES]
    icons.append({"src": "/supplies/maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"})
    told = {
        "id": f"{prefix}/supplies",
        "name": TITLE[lang],
        "short_name": TITLE[lang],
        "description": words.text("stockmap.lead", lang),
        "lang": "en" if lang == "en" else "zh-Hant-TW",
        "start_url": f"{prefix}/supplies",
        "scope": f"{prefix}/supplies",
        "display": "standalone",
        "theme_color": GREEN,
        "background_color": PAPER,
        "icons": icons,
    }
    headers = (("Cache-Control", HOUR),)
    return FaceAnswer(msgspec.json.encode(told), media_type="application/manifest+json", headers=headers)


@SERVICE.face("GET", "HEAD", path="/supplies/{name}.png", rate="page", channel="web")
async def picture(request: FaceRequest) -> FaceAnswer:
    """`icon-192`, `icon-512`, `maskable-512`."""
    kind, _, digits = request.params["name"].partition("-")
    size = int(digits) if digits in {str(size) for size in SIZES} else 0
    if kind not in ("icon", "maskable") or not size:
        raise NotFound(f"no icon {kind}-{digits}", remedy="the manifest names those there are")
    body = icon(size, is_maskable=kind == "maskable")
    return FaceAnswer(body, media_type="image/png", headers=(("Cache-Control", HOUR),))


@SERVICE.page("GET", path="/supplies/shell")
async def shell_page(request: FaceRequest) -> View:
    """The map without any outlet: what the worker keeps and shows where there is no network. The script fills it from
    the last stock it kept, and says how old that is."""
    items, _ = await view_of(request)
    lang = request.lang
    if not items:
        return View("supplies/empty.html", {"styles": ("supplies.css",)}, title=TITLE[lang])
    asked = Asked(item=items[0].id)
    listing = await listing_of(request, items, asked, limit=1)
    empty = msgspec.structs.replace(listing, cards=())
    values = map_values(request, empty, items, await areas_of(request, asked.item))
    return View("supplies/map.html", values | {"is_shell": True, "picture": None, "pages": []}, title=TITLE[lang])
