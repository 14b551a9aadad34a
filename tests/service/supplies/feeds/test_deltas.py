"""Deltas: whoever takes them is where the board is, from whatever number and in whatever steps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import msgspec
import pytest
from tests.make import Node
from tests.service.supplies.feeds.make import got, kept, on_board, read, truth
from tests.service.supplies.feeds.reader import Reader
from tests.service.supplies.make import ADULT, AT, CHILD, NOTICE, PLACES, a_tick

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.feeds import deltas
from banyan.service.supplies.feeds.deltas import Delta
from banyan.service.supplies.feeds.following import feeds_of
from banyan.service.supplies.feeds.pack import Pack
from banyan.service.supplies.model import (
    BoardEvent,
    Item,
    ItemsSet,
    NoticesChanged,
    PlacesChanged,
    ReservedSet,
)

WATER = Item("water", {"zh-Hant": "水", "en": "Water"}, {"zh-Hant": "瓶", "en": "bottles"})
CODES = [place.code for place in PLACES]


def a_day(seed: int, steps: int = 30) -> list[BoardEvent]:
    """Sales, deliveries, rows that leave and come back, reserves and notices, at random."""
    chance = random.Random(seed)
    events: list[BoardEvent] = []
    for step in range(steps):
        codes = chance.sample(CODES, chance.randint(0, len(CODES)))
        rows = [(code, chance.randint(0, 200), chance.randint(0, 50)) for code in codes]
        gone = chance.sample([code for code in CODES if code not in codes], chance.randint(0, len(CODES) - len(codes)))
        events.append(a_tick(rows, at=AT + 30 * step, gone=gone))
        if chance.random() < 0.2:
            events.append(
                ReservedSet(EpochS(AT + 30 * step), ("mask-adult",), (CODES[0],), ((chance.randint(0, 50),),))
            )
        if chance.random() < 0.1:
            events.append(NoticesChanged(EpochS(AT + 30 * step), (NOTICE,)))
    return events


@pytest.mark.parametrize("seed", range(5))
def test_readers_that_skip_and_resume_converge(tmp_path: Path, seed: int) -> None:
    async def story(node: Node) -> None:
        pack: Pack = await read(node, "/api/supplies/pack", Pack)
        steady, lazy = Reader.of(pack), Reader.of(pack)
        for place, event in enumerate(a_day(seed)):
            await kept(node).commit(event)
            steady.take(await read(node, f"/api/supplies/changes?after={steady.seq}", Delta))
            assert steady.rows() == truth(kept(node).board)
            if place % 7 == 6:
                lazy.take(await read(node, f"/api/supplies/changes?after={lazy.seq}", Delta))
                assert lazy.rows() == truth(kept(node).board)

    on_board(tmp_path, story)


def test_an_outlet_gone_and_a_new_one(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reader = Reader.of(await read(node, "/api/supplies/pack", Pack))
        for event in (PlacesChanged(AT, gone=(CODES[0],)), a_tick([("5999990005", 7, 7)], at=AT + 60)):
            await kept(node).commit(event)
            delta: Delta = await read(node, f"/api/supplies/changes?after={reader.seq}", Delta)
            assert delta.places
            reader.take(delta)
            assert reader.rows() == truth(kept(node).board)

    on_board(tmp_path, story)


def test_nothing_new_is_an_empty_delta_that_says_as_of(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        seq = kept(node).board.seq
        delta: Delta = await read(node, f"/api/supplies/changes?after={seq}", Delta)
        assert (delta.seq, delta.codes, delta.as_of) == (seq, [], ["2020-02-14T01:05:34Z"] * 2)
        await kept(node).commit(a_tick([], at=AT + 30))
        delta = await read(node, f"/api/supplies/changes?after={seq}", Delta)
        assert (delta.seq, delta.codes, delta.as_of) == (seq + 1, [], ["2020-02-14T01:06:04Z"] * 2)

    on_board(tmp_path, story)


def test_too_long_ago_is_410_and_says_what_to_do(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        seq = kept(node).board.seq
        ahead = await got(node, f"/api/supplies/changes?after={seq + 1}")
        assert (ahead.status, ahead.json["type"].rpartition("/")[2]) == (410, "gone")
        assert "stock.json" in ahead.json["remedy"]
        for query in ("", "?after=-1", "?after=1.5", "?after=x", "?since=1", "?after=" + "9" * 40):
            reply = await got(node, f"/api/supplies/changes{query}")
            assert reply.status in (400, 422)
            assert reply.json["errors"][0]["field"] in ("after", "since")

    on_board(tmp_path, story)


def test_the_past_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deltas, "SUPPLIES_DELTA_EVENTS", 3)

    async def story(node: Node) -> None:
        for step in range(5):
            await kept(node).commit(a_tick([(CODES[0], step, 0)], at=AT + step))
        seq = kept(node).board.seq
        assert (await got(node, f"/api/supplies/changes?after={seq - 4}")).status == 410
        assert (await got(node, f"/api/supplies/changes?after={seq - 3}")).status == 200

    on_board(tmp_path, story)


@pytest.mark.parametrize(
    "much",
    [
        lambda: ItemsSet(AT, (ADULT, CHILD, WATER)),
        lambda: a_tick([(code, 1, 1) for code in CODES], at=AT + 60),
    ],
    ids=["items", "rows"],
)  # fmt: skip
def test_too_much_is_a_reset(tmp_path: Path, much: Callable[[], BoardEvent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deltas, "SUPPLIES_DELTA_ROWS", 3)

    async def story(node: Node) -> None:
        seq = kept(node).board.seq
        await kept(node).commit(much())
        delta: Delta = await read(node, f"/api/supplies/changes?after={seq}", Delta)
        assert (delta.reset, delta.codes, delta.seq) == (True, [], seq + 1)

    on_board(tmp_path, story)


def test_polls_of_one_number_share_a_body_and_revalidate(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        feeds, seq = feeds_of(node.drawers["supplies"]), kept(node).board.seq
        await kept(node).commit(a_tick([(CODES[0], 1, 1)], at=AT + 60))
        assert await feeds.changes(seq) is await feeds.changes(seq)
        reply = await got(node, f"/api/supplies/changes?after={seq}")
        assert (await got(node, f"/api/supplies/changes?after={seq}", if_none_match=reply.header("etag"))).status == 304

    on_board(tmp_path, story)


class Listener:
    """A live reader in this process."""

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        self._chunks = chunks

    async def next(self) -> dict[str, str]:
        """The fields of the next event."""
        chunk: bytes = await anext(self._chunks)
        return dict(line.split(": ", 1) for line in chunk.decode().strip().splitlines())


def test_a_live_reader_gets_shared_bytes_and_may_be_slow(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        feeds = feeds_of(node.drawers["supplies"])
        pack: Pack = await read(node, "/api/supplies/pack", Pack)
        first, second = feeds.live(pack.seq), feeds.live(pack.seq)
        assert await anext(first) == await anext(second) == b"retry: 3000\n\n"
        waiting = [asyncio.create_task(anext(one)) for one in (first, second)]
        await asyncio.sleep(0)
        await kept(node).commit(a_tick([(CODES[0], 1, 1)], at=AT + 60))
        told = await asyncio.gather(*waiting)
        assert told[0] is told[1], "encoded once"
        for step in range(3):
            await kept(node).commit(a_tick([(CODES[step], 9, 9)], at=AT + 90 + step))
        late = await Listener(first).next()
        assert (late["event"], late["id"]) == ("stock", str(kept(node).board.seq))
        reader = Reader.of(pack)
        reader.take(msgspec.json.decode(told[0].split(b"data: ", 1)[1], type=Delta))
        reader.take(msgspec.json.decode(late["data"], type=Delta))
        assert reader.rows() == truth(kept(node).board)
        assert feeds.readers == 2
        for one in (first, second):
            await one.aclose()
        assert feeds.readers == 0

    on_board(tmp_path, story)


def test_a_reader_from_before_our_time_is_told_to_reset_and_goes_on(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        chunks = feeds_of(node.drawers["supplies"]).live(1_000_000)
        await anext(chunks)
        told = await Listener(chunks).next()
        assert (told["event"], told["id"]) == ("reset", str(kept(node).board.seq))
        await chunks.aclose()

    on_board(tmp_path, story)


def test_streams_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.service.supplies.feeds.following.SSE_CLIENTS", 1)

    async def story(node: Node) -> None:
        feeds = feeds_of(node.drawers["supplies"])
        chunks = feeds.live(0)
        await anext(chunks)
        refused = await got(node, "/api/supplies/stream")
        assert refused.status == 503
        assert "changes?after=" in refused.json["remedy"]
        assert refused.header("retry-after")
        await chunks.aclose()
        assert feeds.readers == 0

    on_board(tmp_path, story)


def test_the_end_of_the_node_ends_live_readers(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        feeds = feeds_of(node.drawers["supplies"])
        chunks = feeds.live(kept(node).board.seq)
        await anext(chunks)
        waiting = asyncio.create_task(anext(chunks))
        await asyncio.sleep(0)
        feeds.deltas.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    on_board(tmp_path, story)


def test_a_reader_resumes_over_a_restart(tmp_path: Path) -> None:
    held: list[Reader] = []

    async def before(node: Node) -> None:
        held.append(Reader.of(await read(node, "/api/supplies/pack", Pack)))
        for event in a_day(2, steps=10):
            await kept(node).commit(event)

    async def after(node: Node) -> None:
        reader = held[0]
        delta: Delta = await read(node, f"/api/supplies/changes?after={reader.seq}", Delta)
        assert not delta.reset
        reader.take(delta)
        assert reader.rows() == truth(kept(node).board)

    on_board(tmp_path, before)
    on_board(tmp_path, after, ())
