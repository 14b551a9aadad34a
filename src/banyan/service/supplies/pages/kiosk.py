"""The stock map for a public screen: county, town, list, each by pressing; nothing to type, nothing to lose."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.supplies.pages.areas import area_name
from banyan.service.supplies.pages.listing import (
    areas_of,
    county_options,
    families,
    listing_of,
    town_options,
    view_of,
)
from banyan.service.supplies.pages.map import TITLE
from banyan.service.supplies.pages.speaking import spoken
from banyan.service.supplies.service import SERVICE

PATH = "/supplies/kiosk"
KIOSK = {"zh-Hant": "公共螢幕版", "en": "For a public screen"}
SHOWN = 30
"""A screen is not scrolled far; the fullest outlets come first."""


@SERVICE.page("GET", path=PATH)
async def kiosk_page(request: FaceRequest) -> View:
    """Counties; the towns of a county; the outlets of a town that have some, the fullest first."""
    items, asked = await view_of(request)
    lang = request.lang
    values = spoken(lang) | {
        "kiosk_home": PATH,
        "asked": asked,
        "styles": ("supplies.css",),
        "scripts": ("supplies-ages.js",),
        "crumbs": ({"title": TITLE[lang], "path": "/supplies"}, {"title": KIOSK[lang], "path": ""}),
        "place": area_name(asked.area, lang),
        "county": area_name(asked.area[:5], lang),
    }
    if not items:
        return View("supplies/empty.html", values, title=KIOSK[lang])
    values["families"] = families(items, asked, PATH)
    values["item"] = next(one for one in items if one.id == asked.item)
    if len(asked.area) == 8:
        listing = await listing_of(request, items, asked, limit=SHOWN)
        values |= {"cards": listing.cards, "found": listing.found, "as_of_s": listing.as_of_s, "options": ()}
    else:
        areas = await areas_of(request, asked.item)
        values["options"] = (
            town_options(areas, asked.area, asked, lang) if asked.area else county_options(areas, asked, lang)
        )
    return View("supplies/kiosk.html", values, title=KIOSK[lang])
