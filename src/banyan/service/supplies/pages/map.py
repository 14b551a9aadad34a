"""The stock map: a form, a list, the same outlets on a picture; with script a map that follows the stock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.supplies.model import Item
from banyan.service.supplies.pages.areas import Areas, area_name, short_name
from banyan.service.supplies.pages.asked import LEAST, PAGE, RADII_M, Asked
from banyan.service.supplies.pages.listing import (
    Listing,
    areas_of,
    county_options,
    families,
    listing_of,
    town_options,
    view_of,
)
from banyan.service.supplies.pages.picture import STATUSES, picture_of
from banyan.service.supplies.pages.speaking import spoken
from banyan.service.supplies.service import SERVICE

TITLE = {"zh-Hant": "物資地圖", "en": "Supplies map"}
PATH = "/supplies"
SCRIPTS = (
    *("leaflet", "topojson", "supplies-ages.js", "supplies-board.js", "supplies-cards.js", "supplies-points.js"),
    *("node-reach.js", "supplies.js"),
)


class PageLink(msgspec.Struct, frozen=True):
    """One number of a pagination."""

    number: int
    path: str
    here: bool


@SERVICE.page("GET", path=PATH, title=TITLE, menu=2)
async def map_page(request: FaceRequest) -> View:
    """The outlets that fit, as a list and on a map; the same ones in both."""
    items, asked = await view_of(request)
    if not items:
        return View("supplies/empty.html", {"styles": ("supplies.css",)}, title=TITLE[request.lang])
    listing, areas = await asyncio.gather(
        listing_of(request, items, asked, limit=PAGE, points=True), areas_of(request, asked.item)
    )
    values = map_values(request, listing, items, areas)
    place = values["place"]
    lang = request.lang
    title = f"{place} {listing.item.title[lang]} – {TITLE[lang]}" if place else TITLE[lang]
    return View("supplies/map.html", values, title=title)


def map_values(request: FaceRequest, listing: Listing, items: Sequence[Item], areas: Areas) -> dict[str, Any]:
    """What the map's template shows of a view."""
    asked, lang = listing.asked, request.lang
    towns = town_options(areas, asked.area[:5], asked, lang)
    return spoken(lang) | {
        "asked": asked,
        "item": listing.item,
        "items": items,
        "found": listing.found,
        "cards": listing.cards,
        "as_of_s": listing.as_of_s,
        "share": asked.address(PATH),
        "families": families(items, asked, PATH),
        "counties": county_options(areas, asked, lang),
        "towns": towns,
        "radii": RADII_M,
        "amounts": sorted({*LEAST, asked.least}, key=lambda amount: (amount != 1, amount)),
        "picture": picture_of(listing.found.points, listing.cards, asked.area, is_near=asked.has_position),
        "place": area_name(asked.area, lang),
        "pages": pages_of(listing),
        "statuses": STATUSES,
        "map_title": TITLE,
        "areas": {area.code: short_name(area, lang) for area in areas.towns} | {one.value: one.title for one in towns},
        "is_shell": False,
        "styles": ("map.css", "supplies.css"),
        "scripts": SCRIPTS,
    }


def pages_of(listing: Listing) -> list[PageLink | None]:
    """Numbers round this page, the first and the last; None where some are left out."""
    here, asked = listing.asked.page, listing.asked
    last = max(1, -(-listing.found.total // PAGE))
    shown = sorted({1, last, *(number for number in range(here - 2, here + 3) if 1 <= number <= last)})
    links: list[PageLink | None] = []
    for place, number in enumerate(shown):
        if place and number - shown[place - 1] > 1:
            links.append(None)
        links.append(PageLink(number, _page(asked, number), number == here))
    return links


def _page(asked: Asked, number: int) -> str:
    return asked.address(PATH, page=number)
