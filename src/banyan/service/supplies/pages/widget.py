"""The list of a town or a position to set into another site's page: no cookie, no script needed."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.supplies.pages.areas import area_name
from banyan.service.supplies.pages.listing import listing_of, view_of
from banyan.service.supplies.pages.map import PATH, TITLE
from banyan.service.supplies.pages.speaking import spoken
from banyan.service.supplies.service import SERVICE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors *"
)
"""Of this page alone: anybody may frame it, so it holds no form, no cookie and nothing of a session."""
SHOWN = 8
MOST = 20


@SERVICE.page("GET", path="/supplies/widget")
async def widget_page(request: FaceRequest) -> View:
    """`town` or `area`, `item`, `rows` (at most 20), and what the map takes."""
    items, asked = await view_of(request)
    given = dict(request.query).get("rows", "")
    rows = min(int(given), MOST) if given.isascii() and given.isdigit() and int(given[:4]) > 0 else SHOWN
    lang = request.lang
    place = area_name(asked.area, lang)
    values = spoken(lang) | {"asked": asked, "place": place, "full": asked.address(PATH), "item": None, "cards": ()}
    if items:
        listing = await listing_of(request, items, asked, limit=rows)
        values |= {
            "item": listing.item,
            "cards": listing.cards,
            "found": listing.found,
            "as_of_s": listing.as_of_s,
        }
    values |= {"styles": ("supplies.css",), "scripts": ("supplies-ages.js",)}
    headers = (("Content-Security-Policy", POLICY), ("Cross-Origin-Resource-Policy", "cross-origin"))
    return View("supplies/widget.html", values, title=f"{place} {TITLE[lang]}".strip(), headers=headers)
