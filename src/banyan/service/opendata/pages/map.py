"""The map page: a picture drawn on the server, a map to drag where there is script, the same places as a list."""

from __future__ import annotations

import asyncio

from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.model import Version
from banyan.service.opendata.pages.addresses import rows_address, with_pairs
from banyan.service.opendata.pages.grid import PAGE, asked_of
from banyan.service.opendata.pages.mapping import POINTS, Picture, area_column, picture_of
from banyan.service.opendata.pages.measuring import PLACES, Measure, measure_of, numbers_of
from banyan.service.opendata.pages.saying import one, page_links
from banyan.service.opendata.pages.table import shown
from banyan.service.opendata.service import SERVICE

TITLE = {"zh-Hant": "地圖", "en": "Map"}
POPUP_COLUMNS = 8


@SERVICE.page("GET", path="/dataset/{name}/resource/{id}/map")
async def map_page(request: FaceRequest) -> View:
    """The rows of the address's question on a map, and below it the same rows as a table."""
    page = await shown(request)
    version, lang = page.table, request.lang
    asked, measure = asked_of(request, version), measured(one(request, "value"), version)
    picture, found = await asyncio.gather(
        picture_of(request, page.resource, version, asked, measure),
        request.call("opendata.rows", asked.rows(page.resource.id)),
    )
    total = found.total or 0
    names = popup_columns(version)
    values = page.values("map", lang, TITLE[lang]) | {
        "picture": picture,
        "live": live(picture) if picture and picture.areas else None,
        "measure": measure,
        "measures": measures(version),
        "area_rows": area_rows(picture, page.path, asked.pairs) if picture else [],
        "asked": asked,
        "columns": version.columns,
        "found": found,
        "pairs": asked.pairs,
        "pages": page_links(
            asked.page,
            max(1, -(-total // PAGE)),
            [*asked.pairs, ("value", one(request, "value"))],
            f"{page.path}/map",
        ),
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
        "scripts": (*page.scripts, "leaflet", "topojson", "map.js"),
    }
    return View("opendata/map.html", values, title=f"{TITLE[lang]} – {page.resource.name}")


def measured(value: str, version: Version) -> Measure:
    """`sum:COLUMN` or `avg:COLUMN` of the address; anything else counts rows."""
    function, _, column = value.partition(":")
    return measure_of(version, function, column)


def measures(version: Version) -> list[Measure]:
    """What a map of areas can be coloured by."""
    columns = [column.name for column in numbers_of(version) if column.role not in PLACES]
    return [Measure(), *(Measure(function, name) for name in columns for function in ("sum", "avg"))]


def live(picture: Picture) -> dict[str, object]:
    """What the script draws: by code each area's name, value, and shade."""
    return {
        "level": picture.level,
        "areas": {area.code: (area.name, area.value, area.shade) for area in picture.valued},
    }


def area_rows(picture: Picture, path: str, pairs: list[tuple[str, str]]) -> list[tuple[str, float | None, str]]:
    """The map as a list: each area's name, its value, and the address of its rows."""
    column = area_column(picture.level)
    return [
        (area.name, area.value, with_pairs(path, [*pairs, ("f", column), ("o", "eq"), ("v", area.code)]))
        for area in picture.valued
    ]


def popup_columns(version: Version) -> list[str]:
    """The columns a popup shows: the name of the place first, coordinates left out."""
    columns = [column for column in version.columns if column.role not in PLACES]
    named = [column for column in columns if column.role == "label"]
    named = named or [column for column in columns if "名" in column.name or "name" in column.name.lower()][:1]
    rest = [column for column in columns if column not in named]
    return [column.name for column in (*named, *rest)][:POPUP_COLUMNS]
