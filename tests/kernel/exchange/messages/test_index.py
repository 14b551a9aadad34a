"""The index over either engine: found by ids, by who took part and when, and forgotten on its day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from banyan.kernel.exchange.messages.frame import Frame, Kept
from banyan.kernel.exchange.messages.index import Index, Seen, Sought, Written
from banyan.kernel.exchange.messages.opening import PACKAGE
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore


@pytest.fixture
def index(open_store: Callable[[], SchemaStore]) -> Index:
    opened = open_store()
    migrate(opened, PACKAGE, load_steps(PACKAGE), at=0.0)
    return Index(opened)


def a_frame(seq: int, first: int, day: int, *, count: int = 3, bodies: int = 0) -> Written:
    """Exchanges `first`... of a client, one each second, due on `day`."""
    seen = tuple(
        Seen(place, f"x{first + place}", f"m{(first + place) // 2}", "client", "A/B/C", "D/E/F/g/h", first + place, 200)
        for place in range(count)
    )
    kept = tuple(Kept(place, "request", day, 1, b"x") for place in range(bodies))
    return Written(seq, Frame(1, first, float(first + count - 1), day, (b"{}",) * count, b"s", kept), seen)


def test_found_counted_and_forgotten(index: Index) -> None:
    async def story() -> None:
        assert await index.end() == (0, 0)
        assert await index.frame_with(0) is None
        await index.add([a_frame(1, 0, 10), a_frame(2, 3, 12, bodies=2)])
        await index.add([a_frame(3, 6, 11, count=1)])
        assert await index.end() == (3, 7)
        assert [await index.frame_with(idx) for idx in (0, 2, 3, 6, 7)] == [(1, 0), (1, 0), (2, 3), (3, 6), None]
        assert [await index.frame_since(at) for at in (0.0, 2.5, 6.0, 6.5)] == [1, 2, 3, None]
        assert [one.idx for one in await index.find(Sought(message_id="m1"))] == [2, 3]
        (one,) = await index.find(Sought(xid="x4"))
        assert (one.idx, one.seq, one.at, one.status) == (4, 2, 4.0, 200)
        assert [one.idx for one in await index.find(Sought(client="A/B/C", since=2, until=5))] == [4, 3, 2]
        assert [one.idx for one in await index.find(Sought(service="D/E/F/g/h", most=2))] == [6, 5]
        assert await index.find(Sought(client="D/E/F/g")) == []
        assert [await index.due(day) for day in (9, 10, 11, 12)] == [(0, 0), (3, 0), (1, 0), (3, 2)]
        assert await index.forget(10) == 1, "frame 1 need not be read any more"
        assert [one.idx for one in await index.find(Sought())] == [6, 5, 4, 3]
        assert await index.forget(11) == 1, "frame 2 stands before frame 3 and is still to be read"
        assert [one.idx for one in await index.find(Sought())] == [5, 4, 3]
        await index.drop_frames(1)
        assert await index.frame_with(0) is None
        assert await index.forget(12) == 2, "the newest stays, so that the index knows where it is"
        assert await index.end() == (3, 7)
        assert [await index.due(day) for day in (10, 11, 12)] == [(0, 0)] * 3

    asyncio.run(story())
