"""A town's list on paper: for a village head to post where people without a phone pass by. Black on white, A4."""

from __future__ import annotations

import asyncio

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceRequest, View
from banyan.limits_supplies import SUPPLIES_FOUND
from banyan.service.supplies.operations import missing
from banyan.service.supplies.pages.areas import area_name
from banyan.service.supplies.pages.asked import Asked
from banyan.service.supplies.pages.finding import ANY
from banyan.service.supplies.pages.kiosk import PATH as KIOSK_PATH
from banyan.service.supplies.pages.listing import Choice, listing_of, view_of
from banyan.service.supplies.pages.speaking import spoken
from banyan.service.supplies.service import SERVICE

LARGE = "large"


@SERVICE.page("GET", path="/supplies/print/{town}")
async def print_page(request: FaceRequest) -> View:
    """Every outlet of a town with the asked item and the others of its family, sold-out ones too. `size=large` for old
    eyes. Raises NotFound for a town with no outlet."""
    items, asked = await view_of(request)
    town, lang = request.params["town"], request.lang
    chosen = next((item for item in items if item.id == asked.item), None)
    if chosen is None or not (town.isascii() and town.isdigit() and len(town) == 8):
        raise missing(NotFound, "town_unknown", town=town)
    family = [item for item in items if item.id == chosen.id or (chosen.family and item.family == chosen.family)]
    listings = await asyncio.gather(
        *(
            listing_of(request, items, Asked(item=item.id, area=town, least=ANY), limit=SUPPLIES_FOUND)
            for item in family
        )
    )
    cards = {card.outlet.code: [card] for card in listings[0].cards}
    for listing in listings[1:]:
        for card in listing.cards:
            cards.setdefault(card.outlet.code, []).append(card)
    if not cards:
        raise missing(NotFound, "town_unknown", town=town)
    is_large = dict(request.query).get("size") == LARGE
    first = next(iter(cards.values()))[0].outlet
    path = f"/supplies/print/{town}"
    values = spoken(lang) | {
        "rows": list(cards.values()),
        "family": family,
        "listings": listings,
        "as_of_s": max(listing.as_of_s for listing in listings),
        "place": area_name(town, lang) or first.county + first.town,
        "is_large": is_large,
        "kiosk_home": KIOSK_PATH,
        "kiosk_back": Asked(item=chosen.id, area=town).address(KIOSK_PATH),
        "back": Asked(item=chosen.id, area=town).address(),
        "other_size": Asked(item=chosen.id).address(path) + ("" if is_large else f"&size={LARGE}"),
        "choices": [Choice(item, Asked(item=item.id).address(path), item in family) for item in items],
        "styles": ("supplies.css", "supplies-print.css"),
        "scripts": ("supplies-print.js",),
    }
    return View("supplies/print.html", values, title=values["place"])
