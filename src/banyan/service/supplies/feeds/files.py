"""The feeds that are files of a known shape: the official CSV with its Table Schema, and GeoJSON."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import Context, FaceAnswer, FaceRequest
from banyan.service.supplies.feeds import geojson, official
from banyan.service.supplies.feeds.answering import LICENCE, asked, sent
from banyan.service.supplies.feeds.declaring import LINKED, document, feed
from banyan.service.supplies.feeds.following import BoardFeeds, feeds_of
from banyan.service.supplies.feeds.shelf import Encoded
from banyan.service.supplies.feeds.view import View
from banyan.service.supplies.feeds.wording import refusal
from banyan.service.supplies.service import SERVICE

Name = Annotated[str, msgspec.Meta(max_length=40)]


class OfficialQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A family of items (mask), or one item."""

    family: Name


class GeoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All items, or those of one id or family; in our property names or those of 2020."""

    item: Name = ""
    names: Literal["", "2020"] = ""


@feed(
    "official",
    "official/{family}.csv",
    title={"zh-Hant": "官方清單格式", "en": "In the official list's shape"},
    summary={
        "zh-Hant": "欄名、欄序、BOM、換行與 2020 年官方檔案相同的 CSV，只列目前在清單上的地點。",
        "en": "A CSV with the field names, order, BOM and line ends of the official file of 2020; only listed outlets.",
    },
)
async def official_list(ctx: Context, request: OfficialQuery) -> Encoded:
    """Raises NotFound for a family without items."""
    return await _official(ctx, request.family, "csv")


@document(
    "official_schema",
    "official/{family}.schema.json",
    title={"zh-Hant": "官方清單的欄位定義", "en": "Table Schema of the official list"},
    summary={
        "zh-Hant": "每個欄位的型別與意義（Table Schema）。",
        "en": "Every field's type and meaning (Table Schema).",
    },
    answers=dict[str, object],
)
async def official_schema(ctx: Context, request: OfficialQuery) -> Encoded:
    """Raises NotFound for a family without items."""
    return await _official(ctx, request.family, "schema")


async def _official(ctx: Context, family: str, part: Literal["csv", "schema"]) -> Encoded:
    feeds = feeds_of(ctx.db)
    view = feeds.view()
    _items(view, family)
    make = official.official_csv if part == "csv" else official.table_schema
    made = await feeds.shelf.take(f"{part} {family}", view.seq, partial(make, view, family))
    return feeds.marked("official", made, ctx.now)


@feed(
    "geojson",
    "stock.geojson",
    title={"zh-Hant": "存量 GeoJSON", "en": "Stock as GeoJSON"},
    summary={
        "zh-Hant": "每個地點一個圖徵，附可領數、保留數、狀態與資料時間。",
        "en": "A feature for each outlet with what is available, reserved, its status and as-of.",
    },
)
async def stock_geojson(ctx: Context, request: GeoQuery) -> Encoded:
    """Raises NotFound for an item that is not on the board."""
    feeds = feeds_of(ctx.db)
    view = feeds.view()
    items = _items(view, request.item) if request.item else list(range(len(view.items)))
    return feeds.marked("geojson", await _geo(feeds, view, items, request), ctx.now)


async def _geo(feeds: BoardFeeds, view: View, items: list[int], request: GeoQuery) -> Encoded:
    if request.names == "2020":
        make = partial(geojson.points_of_2020, view, items)
    else:
        is_flat = len(items) == 1 and bool(request.item)
        make = partial(geojson.stock_geojson, view, items, is_flat=is_flat)
    return await feeds.shelf.take(f"geojson {request.names} {request.item}", view.seq, make)


def _items(view: View, name: str) -> list[int]:
    found = official.items_of(view, name)
    if not found:
        present = "、".join(dict.fromkeys(name for item in view.items for name in (item.family, item.id) if name))
        raise refusal(NotFound, "family_unknown" if present else "no_items", family=name, present=present)
    return found


@SERVICE.face("GET", path="/api/supplies/official/{family}.csv")
async def official_face(request: FaceRequest) -> FaceAnswer:
    asked(request)
    made = await request.call("supplies.official", dict(request.params))
    family = quote(request.params["family"])
    schema = f'<{request.base_url}/api/supplies/official/{family}.schema.json>; rel="describedby"'
    headers = (
        ("Link", f'{LICENCE}, {schema}; type="application/json"'),
        ("Content-Disposition", f'inline; filename="{family}.csv"'),
    )
    return sent(request, made, official.MEDIA_TYPE, headers=headers)


@SERVICE.face("GET", path="/api/supplies/stock.geojson")
async def geojson_face(request: FaceRequest) -> FaceAnswer:
    made = await request.call("supplies.geojson", asked(request, "item", "names"))
    return sent(request, made, geojson.MEDIA_TYPE, headers=LINKED)
