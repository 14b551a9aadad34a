"""The map page: a picture drawn on the server, a map to drag where there is script, the same places as a list."""

from __future__ import annotations

import asyncio

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.model import Version
from banyan.service.opendata.pages.addresses import rows_address
from banyan.service.opendata.pages.grid import PAGE, asked_of
from banyan.service.opendata.pages.mapping import POINTS, picture_of
from banyan.service.opendata.pages.saying import page_links
from banyan.service.opendata.pages.table import shown
from banyan.service.opendata.service import SERVICE

TITLE = {"zh-Hant": "地圖", "en": "Map"}
POPUP_COLUMNS = 8


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/map")
async def map_page(request: FaceRequest) -> View:
    """The rows of the address's question on a map, and below it the same rows as a table."""
    page = await shown(request)
    version, lang = page.table, request.lang
    asked = asked_of(request, version)
    picture, found = await asyncio.gather(
        picture_of(request, page.resource, version, asked),
        request.call("opendata.rows", asked.rows(page.resource.id)),
    )
    total = found.total or 0
    names = popup_columns(version)
    values = page.values("map", lang, TITLE[lang]) | {
        "picture": picture,
        "asked": asked,
        "columns": version.columns,
        "found": found,
        "pairs": asked.pairs,
        "pages": page_links(asked.page, max(1, -(-total // PAGE)), asked.pairs, f"{page.path}/map"),
        "points_address": rows_address(
            page.resource.id,
            [
                *asked.api_pairs,
                ("fields", ",".join(f'"{name}"' for name in ("_lon", "_lat", *names))),
                ("limit", str(POINTS)),
                ("records", "lists"),
                ("total", "false"),
            ],
        ),
        "popup_columns": names,
        "styles": ("map.css",),
        "scripts": ("leaflet", "topojson", "map.js"),
    }
    return View("opendata/map.html", values, title=f"{TITLE[lang]} – {page.resource.name}")


def popup_columns(version: Version) -> list[str]:
    """The columns a popup shows: the name of the place first, coordinates left out."""
    columns = [column for column in version.columns if column.role not in ("lon", "lat", "x", "y", "geometry")]
    named = [column for column in columns if column.role == "label"]
    named = named or [column for column in columns if "名" in column.name or "name" in column.name.lower()][:1]
    rest = [column for column in columns if column not in named]
    return [column.name for column in (*named, *rest)][:POPUP_COLUMNS]
