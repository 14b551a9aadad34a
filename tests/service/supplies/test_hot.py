"""The hot way's bytes are the operation's own, at every moment, for every board; odd questions go the general way."""

from __future__ import annotations

import asyncio
import http.client
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.make import frozen_clock, live_node
from tests.service.supplies.make import ADULT, AT, CHILD, EVENTS, a_board, a_tick

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.binder import Binder, pairs_of
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.service.supplies import hot, keeping
from banyan.service.supplies.board import Board
from banyan.service.supplies.hot import Answers, read
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import BoardEvent, ItemsSet, Place, PlacesChanged
from banyan.service.supplies.operations import NearestStock, nearest_stock
from banyan.service.supplies.parts import SERVICE

BINDER = Binder(NearestStock)


class Sql:
    """A key for the board of a drawer."""


class Drawerlike:
    """Stands where a drawer is asked only which board is its own."""

    def __init__(self, board: Board) -> None:
        self.sql = Sql()
        kept = object.__new__(keeping.Kept)
        kept.board = board
        keeping._kept[self.sql] = kept


def general(db: Any, query: bytes, now: float) -> bytes:
    """As the door's general way answers. Raises Problem."""
    asked = BINDER.from_pairs(pairs_of(query.decode()), {})
    ctx = Context(ANONYMOUS, EpochS(now), db, None, None, None)  # type: ignore[arg-type]
    return msgspec.json.encode(asyncio.run(nearest_stock(ctx, asked)))  # type: ignore[arg-type]


def random_board(draw: random.Random, outlets: int) -> Board:
    places = tuple(
        Place(
            code=f"{number:010d}",
            name=draw.choice(('藥局"一"', "健康\\藥局", "A & B\n店")),
            lon=None if draw.random() < 0.1 else 121 + draw.random() / draw.choice((1, 100, 10_000)),
            lat=None if draw.random() < 0.1 else 24 + draw.random(),
            located=draw.choice(("agree", "differ", "single", "none")),
            hours=draw.choice(("", "".join(draw.choice("NY") for _ in range(21)))),
        )
        for number in range(outlets)
    )
    events: list[BoardEvent] = [ItemsSet(AT, (ADULT, CHILD)), PlacesChanged(AT, places)]
    codes = [place.code for place in places]
    for number in range(draw.randrange(4)):
        seen = draw.sample(codes, draw.randrange(len(codes) + 1))
        events.append(
            a_tick(
                [(code, draw.randrange(40), draw.randrange(3)) for code in seen],
                at=AT + number * draw.choice((1, 400, 2_000)),
                gone=[code for code in draw.sample(codes, len(codes) // 5) if code not in seen],
            )
        )
    return a_board(events)


@example(seed=247, outlets=3)  # a piece made late in an epoch must be of its own moment
@given(seed=st.integers(0, 2**32), outlets=st.integers(1, 30))
def test_the_bytes_are_those_of_the_operation(seed: int, outlets: int) -> None:
    draw = random.Random(seed)
    board = random_board(draw, outlets)
    db: Any = Drawerlike(board)
    run, now = hot.nearest_stock(db), AT
    for _ in range(6):
        now = EpochS(now + draw.choice((0, 0.5, 1, 599.9995, 600, 600.0005, 3_000, 3_600, 40_000, -100)))
        fields = [
            f"lon={121 + draw.random():.{draw.randrange(1, 13)}f}",
            f"lat={24 + draw.random():.5f}",
            f"item={draw.choice(('mask-adult', 'mask-child'))}",
            f"k={draw.randrange(1, 51)}",
            f"least={draw.randrange(1, 30)}",
            f"radius={draw.randrange(100_000)}",
            draw.choice(("open=true", "open=false")),
        ]
        chosen = [*fields[:2], *draw.sample(fields[2:], draw.randrange(6))]
        query = "&".join(draw.sample(chosen, len(chosen))).encode()
        answer = run(query, now)
        assert answer == general(db, query, now)
        if draw.random() < 0.3:
            code = board.places[draw.randrange(outlets)].code
            board.apply(board.seq + 1, a_tick([(code, draw.randrange(40), 1)], at=now))


@pytest.mark.parametrize(
    "query",
    [
        b"", b"lon=121", b"lat=24", b"lon=121&lat=24&lon=121", b"lon=121&lat=24&x=1", b"lon=121&lat=24&",
        b"lon=&lat=24",
        b"lon=181&lat=24", b"lon=121&lat=91", b"lon=1e2&lat=24", b"lon=nan&lat=24", b"lon=1_0&lat=24", b"lon=.5&lat=24",
        b"lon=+121&lat=24", b"lon=121.&lat=24", b"lon=121&lat=24&k=0", b"lon=121&lat=24&k=51", b"lon=121&lat=24&k=010",
        b"lon=121&lat=24&k=1.0", b"lon=121&lat=24&k=", b"lon=121&lat=24&least=0", b"lon=121&lat=24&least=1000001",
        b"lon=121&lat=24&radius=1000001", b"lon=121&lat=24&radius=-1", b"lon=121&lat=24&open=1",
        b"lon=121&lat=24&open=TRUE", b"lon=121&lat=24&item=", b"lon=121&lat=24&item=%6dask", b"lon=121&&lat=24",
        b"lon=121&lat=24&item=a;b", b"lon=121\n&lat=24", b"lon=121&lat=24\n",
    ],
)  # fmt: skip
def test_an_odd_question_goes_the_general_way(query: bytes) -> None:
    assert read(query) is None


def test_an_unknown_item_goes_the_general_way_which_names_those_there_are() -> None:
    db: Any = Drawerlike(a_board())
    assert hot.nearest_stock(db)(b"lon=121.6&lat=23.97&item=sandbag", AT) is None
    with pytest.raises(Problem, match="sandbag"):
        general(db, b"lon=121.6&lat=23.97&item=sandbag", AT)
    empty: Any = Drawerlike(Board())
    assert hot.nearest_stock(empty)(b"lon=121.6&lat=23.97", AT) is None


@given(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 12))
def test_numbers_are_read_as_the_general_way_reads_them(lon: float, lat: float, digits: int) -> None:
    query = f"lon={lon:.{digits}f}&lat={lat:.{digits}f}"
    asked = read(query.encode())
    bound: Any = BINDER.from_pairs(pairs_of(query), {})
    assert asked is not None
    assert (asked.lon, asked.lat, asked.k, asked.least) == (bound.lon, bound.lat, bound.k, bound.least)


def test_standings_are_made_anew_when_they_would_read_otherwise() -> None:
    board = a_board()
    answers = Answers(board)
    asked = read(b"lon=121.6044&lat=23.9769&k=1")
    assert asked is not None

    def sure(now: float) -> str:
        answer = answers.nearest(asked, EpochS(now))
        assert answer is not None
        confidence: str = msgspec.json.decode(answer)["places"][0]["confidence"]
        return confidence

    assert [sure(AT + age) for age in (0, 600, 600.01, 3_600, 3_600.01, 0)] == [
        "high", "high", "medium", "medium", "low", "high",
    ]  # fmt: skip


def test_over_http_both_ways_say_the_same(tmp_path: Path) -> None:
    with live_node(tmp_path, [SERVICE], clock=frozen_clock(AT + 5)) as (url, node):
        kept = kept_of(node.drawers["supplies"])
        for seq, event in enumerate(EVENTS, 1):
            kept.board.apply(seq, event)
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        replies = []
        for query in ("lon=121.6044&lat=23.9769&k=2", "lat=23.9769&lon=121.6044&k=%32"):
            connection.request("GET", f"/api/supplies/nearest_stock?{query}")
            reply = connection.getresponse()
            headers = {name: value for name, value in reply.getheaders() if name != "date"}
            replies.append((reply.status, headers, reply.read()))
        connection.close()
    assert replies[0] == replies[1]
    assert replies[0][0] == 200
    assert replies[0][1]["cache-control"] == "public, max-age=10, stale-while-revalidate=30"
    assert [place["outlet"]["code"] for place in msgspec.json.decode(replies[0][2])["places"]] == [
        "0145080011", "5945010003",
    ]  # fmt: skip
