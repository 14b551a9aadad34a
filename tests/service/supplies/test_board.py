"""The board: what a row means, what a vanished row means, and that events alone make it."""

from __future__ import annotations

import msgspec
from tests.service.supplies.make import AT, CHILD, EVENTS, PLACES, a_board, a_tick

from banyan.limits_supplies import SUPPLIES_SHARED
from banyan.service.supplies.board import Board
from banyan.service.supplies.model import Item, ItemsSet, Place, PlacesChanged, ReservedSet

ROWS = {place.code: row for row, place in enumerate(PLACES)}


def test_all_promised_is_neither_in_stock_nor_sold_out() -> None:
    board = a_board()
    assert [board.status(row, 0) for row in range(4)] == ["in_stock", "sold_out", "in_stock", "reserved"]
    assert board.stocked(3, 0).available == 0
    assert (board.stocked(3, 0).count, board.stocked(3, 0).reserved) == (120, 120)
    assert board.status(3, 1) == "few"


def test_a_vanished_row_is_not_listed_and_keeps_its_last_number() -> None:
    board = a_board([*EVENTS, a_tick([], at=AT + 60, gone=["0145080011"])])
    row = ROWS["0145080011"]
    assert board.status(row, 0) == "not_listed"
    assert board.stocked(row, 0).available is None
    assert board.stocked(row, 0).count == 200
    assert board.row_as_of(0, row) == AT, "as of when it was last seen"
    assert board.row_as_of(0, ROWS["5945010003"]) == AT + 60, "the others were confirmed"
    assert row not in board.nearest(121.6044, 23.9769, 0, k=10)[0]
    back = a_board([*EVENTS, a_tick([], at=AT + 60, gone=["0145080011"]), a_tick([("0145080011", 9, 0)], at=AT + 120)])
    assert back.status(row, 0) == "few"
    assert back.row_as_of(0, row) == AT + 120


def test_nearest_leaves_out_empty_promised_and_closed() -> None:
    board = a_board()
    assert board.nearest(121.6044, 23.9769, 0, k=10)[0] == [0, 2]
    assert board.nearest(121.6044, 23.9769, 1, k=10)[0] == [0, 1, 3]
    assert board.nearest(121.6044, 23.9769, 1, k=10, slot=4)[0] == [0, 3]
    assert board.nearest(121.6044, 23.9769, 1, k=10, radius_m=1_000)[0] == [0, 1]
    assert board.nearest(121.6044, 23.9769, 0, k=10, least=100)[0] == [0]


def test_stocks_that_moved_in_memory_are_asked_where_they_are() -> None:
    """The search keeps addresses: of columns that grow, of items that change places, of an index made anew."""
    board = a_board()
    assert board.nearest(121.6044, 23.9769, 0, k=10)[0] == [0, 2]
    crowd = [(f"{number:010}", 5, 0) for number in range(2_000)]
    board.apply(board.seq + 1, a_tick([*crowd, ("0145080011", 0, 0)], at=AT + 60))
    assert board.nearest(121.6044, 23.9769, 0, k=10)[0] == [2]
    items = board_items()
    board.apply(board.seq + 1, ItemsSet(AT, items[::-1]))
    assert [board.nearest(121.6044, 23.9769, item, k=10)[0] for item in (0, 1)] == [[1, 3], [2]]
    moved = PlacesChanged(AT, (Place(crowd[0][0], "near", lon=121.6044, lat=23.9769),))
    board.apply(board.seq + 1, moved)
    assert board.nearest(121.6044, 23.9769, 1, k=10)[0] == [board.row_of[crowd[0][0]], 2]
    board.apply(board.seq + 1, a_tick([("0145080011", 9, 0)], at=AT + 120))
    assert sorted(board.nearest(121.6044, 23.9769, 1, k=10)[0]) == sorted([0, 2, board.row_of[crowd[0][0]]])


def test_texts_that_outlets_share_are_kept_once_and_in_bounds() -> None:
    """Of hours that changed every day the board kept each for ever."""
    board = Board()
    for start in range(0, 2 * SUPPLIES_SHARED, SUPPLIES_SHARED // 4):
        places = [Place(str(row), "", hours=f"{start + row}") for row in range(SUPPLIES_SHARED // 4)]
        board.apply(board.seq + 1, PlacesChanged(AT, tuple(places)))
        assert len(board._shared) <= SUPPLIES_SHARED
    one, other = (Place(code, "", town="".join(("East", " Town"))) for code in ("a", "b"))
    board.apply(board.seq + 1, PlacesChanged(AT, (one, other)))
    assert board.places[-1].town is board.places[-2].town


def test_a_fragment_is_encoded_anew_after_a_change_and_only_then() -> None:
    board = a_board()
    first, other = board.fragment(0), board.fragment(2)
    change = board.apply(5, a_tick([("0145080011", 150, 50)], at=AT + 60))
    assert change.rows == (0,)
    assert board.fragment(0) != first
    assert msgspec.json.decode(board.fragment(0))["stocks"][0]["count"] == 150
    assert board.fragment(2) is other
    assert board.fragment(0) == msgspec.json.encode(board.shown(0))


def test_a_reserve_told_later_is_taken_off() -> None:
    board = a_board([*EVENTS, ReservedSet(AT, ("mask-adult",), ("0145080011",), ((190,),))])
    assert board.stocked(0, 0).available == 10
    assert board.status(0, 0) == "few"


def test_an_item_more_leaves_the_others_as_they_are() -> None:
    tests = CHILD.__class__("rapid-test", {"zh-Hant": "快篩", "en": "Rapid tests"}, {"zh-Hant": "劑", "en": "tests"})
    board = a_board([*EVENTS, ItemsSet(AT, (tests, *board_items()))])
    assert [item.id for item in board.items] == ["rapid-test", "mask-adult", "mask-child"]
    assert board.stocked(0, board.item_of["mask-adult"]).count == 200
    assert board.status(0, 0) == "unknown"
    assert [stock.item for stock in board.shown(0).stocks] == ["mask-adult", "mask-child"]


def board_items() -> tuple[Item, ...]:
    return tuple(a_board().items)


def test_an_outlet_no_register_has_is_not_found_but_kept() -> None:
    board = a_board([*EVENTS, PlacesChanged(AT, gone=("0145080011",))])
    assert board.nearest(121.6044, 23.9769, 0, k=10)[0] == [2]
    assert board.in_town("10015010") == [1]
    assert board.in_town("10015") == [1, 2]


def test_an_outlet_only_the_stock_list_names_is_there_without_a_place() -> None:
    board = a_board([*EVENTS, a_tick([("5999990005", 7, 7)], at=AT + 60)])
    assert board.shown(4).code == "5999990005"
    assert board.stocked(4, 0).available == 7
    assert 4 not in board.nearest(121.6, 23.97, 0, k=50)[0]
