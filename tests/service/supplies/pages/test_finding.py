"""The list's order: pages put together are the whole list, whatever ties there are; near is by exact distance."""

from __future__ import annotations

from random import Random

import numpy as np
from tests.service.supplies.make import ADULT, AT, CHILD, a_board, a_tick

from banyan.service.supplies.board import Board
from banyan.service.supplies.model import ItemsSet, Place, PlacesChanged
from banyan.service.supplies.pages.finding import FindOutlets, listed, ordered


def a_crowd(size: int = 400) -> Board:
    """Outlets with few different amounts, so that there are many ties; every tenth was never listed."""
    random = Random(14)
    places = [
        Place(
            code=f"{random.randrange(10**9):09d}A",
            name="x",
            lon=121 + random.random(),
            lat=23 + random.random(),
            town_code="10015010",
        )
        for _ in range(size)
    ]
    rows = [(place.code, random.choice((0, 5, 200)), 0) for number, place in enumerate(places) if number % 10]
    return a_board([ItemsSet(AT, (ADULT, CHILD)), PlacesChanged(AT, tuple(places)), a_tick(rows)])


def test_pages_put_together_are_the_whole_list() -> None:
    board = a_crowd()
    fits = listed(board, 0, FindOutlets(), 0)
    available = board.available(0)
    whole = sorted(fits.tolist(), key=lambda row: (-available[row], board.places[row].code))
    assert len(whole) == 360
    paged: list[int] = []
    for offset in range(0, len(whole), 50):
        total, order = ordered(board, 0, FindOutlets(offset=offset, limit=50), fits)
        assert total == len(whole)
        paged += [row for row, _ in order[offset : offset + 50]]
    assert paged == whole


def test_near_a_position_the_order_is_that_of_the_index() -> None:
    board = a_crowd()
    request = FindOutlets(lon=121.5, lat=23.5, least=1, limit=50)
    known = listed(board, 0, request, 0)
    _, order = ordered(board, 0, request, known[board.available(0)[known] >= 1])
    rows, apart = board.nearest(121.5, 23.5, 0, k=50)
    assert [row for row, _ in order] == rows
    assert np.allclose([metres for _, metres in order if metres], apart, atol=0.51)
    inside = listed(board, 0, FindOutlets(lon=121.5, lat=23.5, radius=20_000), 0)
    assert 0 < len(inside) < len(known)
