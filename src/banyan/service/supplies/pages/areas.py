"""Counties and towns that have outlets, with what is left there: what people choose from before they have a list."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np

from banyan.craft.place import county_names, load_atlas, town_names
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.operations import ItemId, item_of
from banyan.service.supplies.service import SERVICE

COUNTY_DIGITS = 5


class AreasQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    item: ItemId = ""


class Town(msgspec.Struct, frozen=True):
    """A town (8 digits) or county (5 digits); names are the official Chinese ones. `available` is what can be had."""

    code: str
    county: str
    town: str
    outlets: int
    in_stock: int
    available: int


class Areas(msgspec.Struct, frozen=True):
    counties: tuple[Town, ...]
    towns: tuple[Town, ...]


@SERVICE.operation(
    "areas",
    title={"zh-Hant": "有地點的縣市鄉鎮", "en": "Areas with outlets"},
    summary={
        "zh-Hant": "哪些縣市、鄉鎮市區有地點，各有幾個領得到。",
        "en": "The counties and towns that have outlets, and how many have some left.",
    },
    data=OPEN,
    audience="public",
    channels=("api",),
)
async def areas(ctx: Context, request: AreasQuery) -> Areas:
    """By code. Raises NotFound for an item that is not on the board."""
    board = kept_of(ctx.db).board
    item = item_of(board, request.item)
    available = board.available(item)
    found: dict[str, Town] = {}
    for row_code in sorted({place.town_code for place in board.places if place.town_code}):
        for code in (row_code[:COUNTY_DIGITS], row_code):
            rows = [] if code in found else board.in_town(code)
            if rows:
                left = available[np.array(rows, np.intp)]
                first = board.places[rows[0]]
                town = first.town if len(code) > COUNTY_DIGITS else ""
                found[code] = Town(
                    code, first.county, town, len(rows), int((left > 0).sum()), int(left[left > 0].sum())
                )
    each = found.values()
    return Areas(
        counties=tuple(area for area in each if len(area.code) == COUNTY_DIGITS),
        towns=tuple(area for area in each if len(area.code) > COUNTY_DIGITS),
    )


def area_name(code: str, lang: str) -> str:
    """What a county or town is called: 花蓮縣花蓮市, or Hualien City, Hualien County; empty when the atlas is not
    installed or has no such code."""
    if lang == "en":
        english = _english()
        own, county = english.get(code, ""), english.get(code[:COUNTY_DIGITS], "")
        return f"{own}, {county}" if len(code) > COUNTY_DIGITS and own else own
    return county_names().get(code[:COUNTY_DIGITS], "") + town_names().get(code, "")


def short_name(area: Town, lang: str) -> str:
    """A town without its county, as a list under the county says it."""
    english = _english().get(area.code, "") if lang == "en" else ""
    return english or area.town or area.county


@lru_cache(maxsize=1)
def _english() -> dict[str, str]:
    atlas = load_atlas()
    return {area.code: area.english for area in (*atlas.counties, *atlas.towns)} if atlas else {}
