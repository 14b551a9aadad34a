"""A small board: three outlets of Hualien and one of Taipei with masks for adults and children."""

from __future__ import annotations

from collections.abc import Sequence

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.board import Board
from banyan.service.supplies.model import (
    BoardEvent,
    Item,
    ItemsSet,
    Notice,
    NoticesChanged,
    Place,
    PlacesChanged,
    StockTick,
    Window,
)

AT = EpochS(1_581_642_334.0)
"""2020-02-14 09:05:34 in Taiwan, a Friday morning."""
ADULT = Item("mask-adult", {"zh-Hant": "成人口罩", "en": "Adult masks"}, {"zh-Hant": "片", "en": "pieces"}, 20, "mask")
CHILD = Item("mask-child", {"zh-Hant": "兒童口罩", "en": "Child masks"}, {"zh-Hant": "片", "en": "pieces"}, 10, "mask")
PLACES = (
    Place(
        code="0145080011", name="花蓮一號藥局", address="花蓮縣花蓮市中正路1號", phone="(03)8358141",
        county="花蓮縣", town="花蓮市", town_code="10015010", lon=121.6044, lat=23.9769, located="agree",
        hours="N" * 21,
    ),
    Place(
        code="592202A296", name="花蓮二號藥局", address="花蓮縣花蓮市中山路2號", phone="(03)8358142",
        county="花蓮縣", town="花蓮市", town_code="10015010", lon=121.61, lat=23.98, located="differ", apart_m=1_200,
        hours="Y" * 21,
    ),
    Place(
        code="5945010003", name="吉安藥局", address="花蓮縣吉安鄉中央路3號", phone="(03)8358143",
        county="花蓮縣", town="吉安鄉", town_code="10015050", lon=121.58, lat=23.96, located="single",
    ),
    Place(
        code="5901010004", name="中正藥局", address="臺北市中正區重慶南路4號", phone="(02)2331234",
        county="臺北市", town="中正區", town_code="63000050", lon=121.513, lat=25.04, located="agree",
        hours="NNNNNNNNNNNNNYNNNNNNY", hours_note="號碼牌 8:30 發放",
    ),
)  # fmt: skip
NOTICE = Notice("5901010004", sale=Window(540, 720), plate=Window(510, 540), text="八點半發號碼牌")


def a_tick(
    rows: Sequence[tuple[str, int, int]], *, at: float = AT, reserved: Sequence[int] = (), gone: Sequence[str] = ()
) -> StockTick:
    """(code, adult, child) as one look; `reserved` of the adult ones."""
    return StockTick(
        at=EpochS(at),
        as_of=EpochS(at),
        source="masks",
        items=("mask-adult", "mask-child"),
        codes=tuple(code for code, _, _ in rows),
        counts=(tuple(adult for _, adult, _ in rows), tuple(child for _, _, child in rows)),
        reserved=(tuple(reserved), (0,) * len(rows)) if reserved else (),
        gone=tuple(gone),
    )


FIRST = a_tick(
    [("0145080011", 200, 50), ("592202A296", 0, 12), ("5945010003", 80, 0), ("5901010004", 120, 3)],
    reserved=(0, 0, 0, 120),
)
EVENTS: tuple[BoardEvent, ...] = (
    ItemsSet(AT, (ADULT, CHILD)),
    PlacesChanged(AT, PLACES),
    NoticesChanged(AT, (NOTICE,)),
    FIRST,
)


def a_board(events: Sequence[BoardEvent] = EVENTS) -> Board:
    board = Board()
    for seq, event in enumerate(events, 1):
        board.apply(seq, event)
    return board
