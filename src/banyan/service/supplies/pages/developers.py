"""The page for civic developers: every feed, the frame to set in, the kit that checks, and what is promised."""

from __future__ import annotations

from html import escape

import msgspec

from banyan.kernel.catalogue import FaceRequest, View
from banyan.limits import RATES
from banyan.service.supplies.pages.asked import Asked
from banyan.service.supplies.pages.listing import items_of
from banyan.service.supplies.pages.map import TITLE
from banyan.service.supplies.pages.speaking import page_messages, spoken
from banyan.service.supplies.service import SERVICE

DEVELOPERS = {"zh-Hant": "物資地圖開發者", "en": "Supplies map for developers"}
EXAMPLE_TOWN = "10015010"
"""花蓮市, as in every example of the house."""
ROOT = "/api/supplies/"
MARKED = ("data-outlet", "data-item", "data-available", "data-reserved", "data-status", "data-as-of")
"""What every outlet element of our pages carries, and what the conformance kit reads."""
READS = ("nearest_stock", "find_outlets", "stock_in_town", "outlet", "sold_out_when", "items", "areas")
NAMED = ("schema", "csv", "geojson", "pack", "stock", "places", "notices", "changes", "stream", "history", "at")
"""Feeds by a word in their address; each has its sentence."""


class Feed(msgspec.Struct, frozen=True):
    title: str
    path: str


@SERVICE.page("GET", path="/supplies/developers", title=DEVELOPERS)
async def developers_page(request: FaceRequest) -> View:
    """What this node really serves: feeds and queries are looked up among its routes when the page is asked for."""
    items, lang = await items_of(request), request.lang
    widget = Asked(item=items[0].id if items else "", area=EXAMPLE_TOWN).address("/supplies/widget")
    source = request.base_url + ("/en" if lang == "en" else "") + widget
    values = spoken(lang) | {
        "feeds": feeds(lang, items[0].family or items[0].id if items else ""),
        "reads": [SERVICE.operations[name] for name in READS if name in SERVICE.operations],
        "widget_path": widget,
        "snippet": f'<iframe src="{escape(source)}" title="{TITLE[lang]}" width="360" height="560"></iframe>',
        "base": request.base_url,
        "marked": MARKED,
        "rates": {name: RATES[name] for name in ("read", "page", "stream")},
        "styles": ("supplies.css",),
        "crumbs": ({"title": TITLE[lang], "path": "/supplies"}, {"title": DEVELOPERS[lang], "path": ""}),
    }
    return View("supplies/developers.html", values, title=DEVELOPERS[lang])


def feeds(lang: str, family: str) -> list[Feed]:
    """The feeds among the service's faces, each with what it is; `family` stands for any in the addresses."""
    found = []
    for face in SERVICE.faces:
        if face.path.startswith(ROOT) and "GET" in face.methods:
            word = next((name for name in NAMED if name in face.path.removeprefix(ROOT)), "other_feed")
            path = face.path.replace("{family}", family) if family else face.path
            found.append(Feed(page_messages().text(f"stockmap.dev.{word}", lang), path))
    return found
