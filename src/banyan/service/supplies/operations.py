"""The operations of the stock map: nearest with stock, one outlet, all outlets of a town."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_supplies import SUPPLIES_NEAREST, SUPPLIES_RADIUS_M, SUPPLIES_TOWN_OUTLETS
from banyan.service.supplies.board import Board
from banyan.service.supplies.confidence import confidence
from banyan.service.supplies.hours import is_open, slot_at
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import Confidence, Item, Shown
from banyan.service.supplies.service import SERVICE

MESSAGES = load_messages("banyan.service.supplies")
ItemId = Annotated[str, msgspec.Meta(max_length=40, title="品項 Item", description="an item's id; empty: the first")]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=20, title="機構代碼 Code")]


class NearestStock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nearest to a point, WGS84 degrees. `least`: how many of the item it must have for who comes now; `open`: only
    those open by their service hours; `radius` in metres, 0 for no bound."""

    lon: Annotated[float, msgspec.Meta(ge=-180, le=180, title="經度 Longitude")]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90, title="緯度 Latitude")]
    item: ItemId = ""
    k: Annotated[int, msgspec.Meta(ge=1, le=SUPPLIES_NEAREST, title="筆數 How many")] = 10
    least: Annotated[int, msgspec.Meta(ge=1, le=1_000_000, title="至少要有 At least")] = 1
    radius: Annotated[int, msgspec.Meta(ge=0, le=SUPPLIES_RADIUS_M, title="半徑（公尺） Radius, metres")] = 0
    open: Annotated[bool, msgspec.Meta(title="只列營業中 Open now only")] = False


class Near(msgspec.Struct, frozen=True):
    """An outlet, `metres` away. `open` by its service hours, null when nobody knows them. `as_of` is when the number of
    the asked item was last true by its source (RFC 3339 UTC), empty when it never was."""

    metres: int
    open: bool | None
    as_of: str
    confidence: Confidence
    outlet: Shown


class Nearest(msgspec.Struct, frozen=True):
    """`seq` is the board's number: a later answer never has a smaller one. `as_of` is the newest look at the item."""

    item: str
    as_of: str
    seq: int
    places: tuple[Near, ...]


class OutletQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Code


class OutletAnswer(msgspec.Struct, frozen=True):
    """One outlet now. `as_of` by item id: a number's own time; `confidence` likewise."""

    seq: int
    open: bool | None
    as_of: dict[str, str]
    confidence: dict[str, Confidence]
    outlet: Shown


class TownQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A town by its 8-digit code. Every outlet with the item, those without stock too."""

    town: Annotated[str, msgspec.Meta(pattern=r"^\d{8}$", title="鄉鎮市區代碼 Town code")]
    item: ItemId = ""


class TownRow(msgspec.Struct, frozen=True):
    open: bool | None
    as_of: str
    confidence: Confidence
    outlet: Shown


class TownAnswer(msgspec.Struct, frozen=True):
    """`available` and `reserved` are sums over the outlets on the list; `in_stock` counts outlets one can go to."""

    town: str
    item: str
    as_of: str
    seq: int
    outlets: int
    in_stock: int
    available: int
    reserved: int
    places: tuple[TownRow, ...]


class Everything(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class ItemView(msgspec.Struct, frozen=True):
    """An item and how it stands in the nation."""

    item: Item
    as_of: str
    outlets: int
    in_stock: int
    available: int
    reserved: int


@SERVICE.operation(
    "nearest_stock",
    title={"zh-Hant": "附近哪裡有", "en": "Nearest in stock"},
    summary={
        "zh-Hant": "離我最近、還領得到的地點：已扣掉號碼牌保留數，附資料時間與可信程度。",
        "en": "The nearest outlets where some can be had, less what is promised; with as-of and confidence.",
    },
    data=OPEN,
    audience="public",
    keys=("附近口罩", "最近哪裡有", "nearest stock"),
    channels=("web", "api", "chat", "mcp"),
)
async def nearest_stock(ctx: Context, request: NearestStock) -> Nearest:
    """Raises NotFound for an item that is not on the board."""
    board = kept_of(ctx.db).board
    item = item_of(board, request.item)
    slot = slot_at(ctx.now)
    rows, apart = board.nearest(
        request.lon,
        request.lat,
        item,
        k=request.k,
        least=request.least,
        radius_m=request.radius or math.inf,
        slot=slot if request.open else -1,
    )
    near = tuple(
        Near(round(metres), *standing(board, row, item, ctx.now, slot), board.shown(row))
        for row, metres in zip(rows, apart, strict=True)
    )
    return Nearest(board.items[item].id, said(board.as_of[item]), board.seq, near)


@SERVICE.operation(
    "outlet",
    title={"zh-Hant": "查一個地點", "en": "One outlet"},
    summary={
        "zh-Hant": "依機構代碼查存量、保留數、販售與號碼牌時段、服務時段。",
        "en": "By its code: stock, what is promised, sale and plate windows, service hours.",
    },
    data=OPEN,
    audience="public",
    path="/api/supplies/outlet/{code}",
    channels=("web", "api", "mcp"),
)
async def outlet(ctx: Context, request: OutletQuery) -> OutletAnswer:
    """Raises NotFound for a code no register has."""
    board = kept_of(ctx.db).board
    row = board.row_of.get(request.code)
    if row is None or board.is_gone()[row]:
        raise missing(NotFound, "outlet_unknown", code=request.code)
    slot, shown = slot_at(ctx.now), board.shown(row)
    stands = {stock.item: standing(board, row, board.item_of[stock.item], ctx.now, slot) for stock in shown.stocks}
    return OutletAnswer(
        seq=board.seq,
        open=is_open(int(board.slots()[row]), slot),
        as_of={item: as_of for item, (_, as_of, _) in stands.items()},
        confidence={item: sure for item, (_, _, sure) in stands.items()},
        outlet=shown,
    )


@SERVICE.operation(
    "stock_in_town",
    title={"zh-Hant": "一個鄉鎮市區的存量", "en": "Stock in a town"},
    summary={
        "zh-Hant": "一個鄉鎮市區所有地點的存量，沒貨的也列，附合計。",
        "en": "Every outlet of a town with its stock, sold-out ones too, and the sums.",
    },
    data=OPEN,
    audience="public",
    path="/api/supplies/town/{town}",
    channels=("web", "api", "mcp"),
)
async def stock_in_town(ctx: Context, request: TownQuery) -> TownAnswer:
    """Raises NotFound for an item or a town with no outlet. Outlets with the most come first."""
    board = kept_of(ctx.db).board
    item = item_of(board, request.item)
    rows = board.in_town(request.town)
    if not rows:
        raise missing(NotFound, "town_unknown", town=request.town)
    slot, available = slot_at(ctx.now), board.available(item)
    listed = [row for row in rows if available[row] >= 0]
    order = sorted(rows, key=lambda row: (-int(available[row]), board.places[row].code))[:SUPPLIES_TOWN_OUTLETS]
    return TownAnswer(
        town=request.town,
        item=board.items[item].id,
        as_of=said(board.as_of[item]),
        seq=board.seq,
        outlets=len(rows),
        in_stock=sum(1 for row in listed if available[row] > 0),
        available=sum(int(available[row]) for row in listed),
        reserved=sum(int(board.reserved(item)[row]) for row in listed),
        places=tuple(TownRow(*standing(board, row, item, ctx.now, slot), board.shown(row)) for row in order),
    )


@SERVICE.operation(
    "items",
    title={"zh-Hant": "有哪些物資", "en": "Items"},
    summary={"zh-Hant": "目前提供的物資與全國存量。", "en": "What is handed out, and how it stands in the nation."},
    data=OPEN,
    audience="public",
    channels=("web", "api", "mcp"),
)
async def items(ctx: Context, request: Everything) -> tuple[ItemView, ...]:
    """In the order they are offered; empty before a register is followed."""
    board = kept_of(ctx.db).board
    views = []
    for place, item in enumerate(board.items):
        available = board.available(place)
        listed = available >= 0
        views.append(
            ItemView(
                item=item,
                as_of=said(board.as_of[place]),
                outlets=int(listed.sum()),
                in_stock=int((available > 0).sum()),
                available=int(available[listed].sum()),
                reserved=int(board.reserved(place)[listed].sum()),
            )
        )
    return tuple(views)


def item_of(board: Board, name: str) -> int:
    """The item asked for, else the first. Raises NotFound naming those there are."""
    if not name and board.items:
        return 0
    place = board.item_of.get(name)
    if place is None:
        present = "、".join(item.id for item in board.items)
        raise missing(NotFound, "item_unknown" if board.items else "no_items", item=name, items=present)
    return place


def standing(board: Board, row: int, item: int, now: EpochS, slot: int) -> tuple[bool | None, str, Confidence]:
    """What depends on the time of asking: open, the number's own time, and how far to trust it."""
    opened, as_of = is_open(int(board.slots()[row]), slot), board.row_as_of(item, row)
    sure = confidence(now - as_of, board.status(row, item), board.places[row].located, is_open=opened)
    return opened, said(as_of), sure


def said(at: EpochS) -> str:
    return iso(at) if at > 0 else ""


def missing(kind: type[NotFound], key: str, **values: object) -> NotFound:
    """A refusal in the house's words."""
    title = MESSAGES.text(f"supplies.{key}", "zh-Hant", **values)
    return kind(title, remedy=MESSAGES.text(f"supplies.{key}_remedy", "zh-Hant", **values))
