"""The list of the stock map as one operation: which outlets fit, in which order. Page, map, kiosk and print ask it."""

from __future__ import annotations

from typing import Annotated, Final
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.place import plain, wgs84
from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits_supplies import (
    SUPPLIES_FOUND,
    SUPPLIES_FOUND_DEEPEST,
    SUPPLIES_POINTS,
    SUPPLIES_RADIUS_M,
    SUPPLIES_TEXT_ROWS,
)
from banyan.service.supplies.board import Board
from banyan.service.supplies.columns import UNKNOWN
from banyan.service.supplies.hours import slot_at
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import Confidence, Shown, Status
from banyan.service.supplies.operations import ItemId, item_of, said, standing
from banyan.service.supplies.service import SERVICE

ANY: Final = 0
"""`least`: outlets that are sold out, promised or off the list too."""
Rows = npt.NDArray[np.intp]
_ranks: Final[WeakKeyDictionary[Board, Rows]] = WeakKeyDictionary()


class FindOutlets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Outlets that were ever listed with the item. `town`: 8 digits, or 5 for a county; empty, the nation. With `lon`
    and `lat` they come nearest first and `radius` (metres, 0 none) holds; else those with the most come first.
    `least` 0 takes sold-out, promised and unlisted ones too; `q` stands in name or address (台 is 臺); `points` asks
    for every fitting point."""

    item: ItemId = ""
    town: Annotated[str, msgspec.Meta(pattern=r"^(\d{5}|\d{8})?$", title="縣市或鄉鎮市區代碼 Area code")] = ""
    q: Annotated[str, msgspec.Meta(max_length=60, title="店名或地址 Name or address")] = ""
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180, title="經度 Longitude")] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90, title="緯度 Latitude")] | None = None
    radius: Annotated[int, msgspec.Meta(ge=0, le=SUPPLIES_RADIUS_M, title="半徑（公尺） Radius, metres")] = 0
    least: Annotated[int, msgspec.Meta(ge=0, le=1_000_000, title="至少要有 At least")] = 1
    open: Annotated[bool, msgspec.Meta(title="只列營業中 Open now only")] = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=SUPPLIES_FOUND, title="筆數 How many")] = 50
    offset: Annotated[int, msgspec.Meta(ge=0, le=SUPPLIES_FOUND_DEEPEST, title="略過 Skip")] = 0
    points: Annotated[bool, msgspec.Meta(title="附全部點位 With all points")] = False


class FoundRow(msgspec.Struct, frozen=True):
    """One line of the list. `metres` from the asked point; null without one, or when nobody knows where it is. `open`
    by its service hours, null when they are not known."""

    metres: int | None
    open: bool | None
    as_of: str
    confidence: Confidence
    outlet: Shown


class Dot(msgspec.Struct, frozen=True, array_like=True):
    """A fitting outlet on the map: longitude, latitude, status."""

    lon: float
    lat: float
    status: Status


class Found(msgspec.Struct, frozen=True):
    """`total` outlets fit; `others` would with `least` 0. `available` and `reserved` are sums over the fitting ones on
    the list. `unplaced` of the total have no point: they stand in the list and not on the map."""

    item: str
    as_of: str
    seq: int
    total: int
    others: int
    unplaced: int
    in_stock: int
    available: int
    reserved: int
    places: tuple[FoundRow, ...]
    points: tuple[Dot, ...] = ()


@SERVICE.operation(
    "find_outlets",
    title={"zh-Hant": "找地點", "en": "Find outlets"},
    summary={
        "zh-Hant": "依品項、縣市鄉鎮或位置、至少數量、營業中找地點；與地圖頁的清單相同。",
        "en": "Outlets by item, area or position, amount and opening; the same list as the map page.",
    },
    data=OPEN,
    audience="public",
    channels=("api",),
)
async def find_outlets(ctx: Context, request: FindOutlets) -> Found:
    """Raises NotFound for an item that is not on the board; Invalid for a word over more outlets than are looked
    through."""
    board = kept_of(ctx.db).board
    item, slot = item_of(board, request.item), slot_at(ctx.now)
    known = listed(board, item, request, slot)
    fits = known[board.available(item)[known] >= request.least] if request.least > ANY else known
    total, order = ordered(board, item, request, fits)
    rows = order[request.offset : request.offset + request.limit]
    available, reserved = board.available(item)[fits], board.reserved(item)[fits]
    on_list = available >= 0
    return Found(
        item=board.items[item].id,
        as_of=said(board.as_of[item]),
        seq=board.seq,
        total=total,
        others=len(known) - len(fits),
        unplaced=int(np.isnan(board.lon()[fits]).sum()),
        in_stock=int((available > 0).sum()),
        available=int(available[on_list].sum()),
        reserved=int(reserved[on_list].sum()),
        places=tuple(
            FoundRow(metres, *standing(board, row, item, ctx.now, slot), board.shown(row)) for row, metres in rows
        ),
        points=dots(board, item, fits) if request.points else (),
    )


def listed(board: Board, item: int, request: FindOutlets, slot: int) -> Rows:
    """Rows of the asked area that were ever listed with the item, and are open when that is asked."""
    rows = np.array(board.in_town(request.town), np.intp) if request.town else np.flatnonzero(~board.is_gone())
    rows = rows[board.count(item)[rows] != UNKNOWN]
    if request.open:
        slots = board.slots()[rows]
        rows = rows[(slots >= 0) & (slots >> slot & 1 == 1)]
    if request.lon is not None and request.lat is not None:
        rows = rows[np.isfinite(board.lon()[rows])]
        if request.radius:
            rows = rows[metres_of(board, rows, request.lon, request.lat) <= request.radius]
    return named(board, rows, request.q) if request.q else rows


def named(board: Board, rows: Rows, text: str) -> Rows:
    """The rows whose name or address holds the text."""
    if len(rows) > SUPPLIES_TEXT_ROWS:
        raise Invalid.at("q", f"choose a county or a town first: {len(rows)} outlets are too many to look through")
    wanted, places = plain(text), board.places
    return np.array([row for row in rows if wanted in plain(places[row].name + places[row].address)], np.intp)


def ordered(board: Board, item: int, request: FindOutlets, fits: Rows) -> tuple[int, list[tuple[int, int | None]]]:
    """How many fit, and the first of them as far as the asked page goes: (row, metres)."""
    wanted = request.offset + request.limit
    if request.lon is not None and request.lat is not None:
        metres = metres_of(board, fits, request.lon, request.lat)
        near = np.lexsort((fits, metres))[:wanted]
        return len(fits), [(int(fits[place]), round(float(metres[place]))) for place in near]
    available = board.available(item)
    left = available[fits]
    if wanted < len(fits):  # only those that can be among the first are put in order
        fits = fits[left >= np.partition(left, -wanted)[-wanted]]
    most = fits[np.lexsort((ranks_of(board)[fits], -available[fits]))][:wanted]
    return len(left), [(int(row), None) for row in most]


def ranks_of(board: Board) -> Rows:
    """By row: the place of its code among all codes. A row keeps its code for ever, so only new rows change it."""
    known = _ranks.get(board)
    if known is None or len(known) != board.size:
        order = np.argsort(np.array([place.code for place in board.places]), kind="stable")
        known = np.empty(board.size, np.intp)
        known[order] = np.arange(board.size)
        _ranks[board] = known
    return known


def metres_of(board: Board, rows: Rows, lon: float, lat: float) -> npt.NDArray[np.float64]:
    """Metres as the index of `nearest` measures them, so that both give one order."""
    line = wgs84.points(board.lon()[rows], board.lat()[rows]) - np.array(wgs84.point(lon, lat))
    return wgs84.arc(line[:, 0] * line[:, 0] + line[:, 1] * line[:, 1] + line[:, 2] * line[:, 2])


def dots(board: Board, item: int, fits: Rows) -> tuple[Dot, ...]:
    """Every fitting outlet that has a point, at most SUPPLIES_POINTS."""
    lon, lat = board.lon(), board.lat()
    placed = fits[np.isfinite(lon[fits])][:SUPPLIES_POINTS]
    return tuple(Dot(float(lon[row]), float(lat[row]), board.status(int(row), item)) for row in placed)
