"""The past: what the history says replays to the board of then, and any moment can be asked for."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
import pytest
from tests.make import Node, Reply, shared_data
from tests.service.supplies.feeds.make import got, kept, on_board, truth
from tests.service.supplies.feeds.reader import Reader
from tests.service.supplies.feeds.series import day
from tests.service.supplies.feeds.test_deltas import a_day
from tests.service.supplies.make import AT, EVENTS, a_tick

from banyan.kernel.events.clock import EpochS, iso
from banyan.service.supplies.board import Board
from banyan.service.supplies.feeds import past
from banyan.service.supplies.feeds.pack import Pack
from banyan.service.supplies.feeds.past import Line
from banyan.service.supplies.model import BoardEvent, StockTick

FROM, TO = quote("2020-02-14T09:00:00+08:00"), quote("2020-02-14T10:00:00+08:00")


async def lines(node: Node, query: str) -> list[Line]:
    reply = await got(node, f"/api/supplies/history?{query}")
    assert reply.status == 200, reply.text
    assert reply.header("content-type") == "application/x-ndjson"
    return [msgspec.json.decode(line, type=Line) for line in reply.body.splitlines()]


def board_of(events: list[tuple[int, BoardEvent]]) -> Board:
    board = Board()
    for seq, event in events:
        board.apply(seq, event)
    return board


def test_the_history_replays_to_the_board(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for event in a_day(3):
            await kept(node).commit(event)
        found = await lines(node, f"from={FROM}&to={TO}")
        assert [line.seq for line in found] == list(range(1, kept(node).board.seq + 1))
        assert found[0].time == "2020-02-14T01:05:34Z"
        assert truth(board_of([(line.seq, line.event) for line in found])) == truth(kept(node).board)

    on_board(tmp_path, story)


def test_a_window_holds_its_start_and_not_its_end(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for step in range(1, 4):
            await kept(node).commit(a_tick([("0145080011", step, 0)], at=AT + 60 * step))
        window = f"from={iso(EpochS(AT + 60))}&to={iso(EpochS(AT + 180))}"
        assert [line.event.at - AT for line in await lines(node, window)] == [60, 120]
        assert [line.event.at - AT for line in await lines(node, window + "&after=5")] == [120]
        assert await lines(node, f"from={iso(EpochS(AT + 500))}&to={iso(EpochS(AT + 900))}") == []

    on_board(tmp_path, story)


def test_pages_follow_each_other_without_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "SUPPLIES_HISTORY_EVENTS", 7)

    async def story(node: Node) -> None:
        for event in a_day(4, steps=20):
            await kept(node).commit(event)
        target, seen = f"/api/supplies/history?from={FROM}&to={TO}", []
        while target:
            reply = await got(node, target)
            seen += [msgspec.json.decode(line, type=Line).seq for line in reply.body.splitlines()]
            link = urlsplit(reply.header("link").rpartition(", <")[2].partition(">")[0])
            target = f"{link.path}?{link.query}" if 'rel="next"' in reply.header("link") else ""
        assert seen == list(range(1, kept(node).board.seq + 1))

    on_board(tmp_path, story)


def test_a_large_event_ends_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "SUPPLIES_HISTORY_BYTES", 10)

    async def story(node: Node) -> None:
        assert len(await lines(node, f"from={FROM}&to={TO}")) == 1

    on_board(tmp_path, story)


def test_the_board_at_any_moment_is_what_it_was(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        truths = {}
        for event in a_day(5):
            await kept(node).commit(event)
            truths[event.at] = truth(kept(node).board)
        moments = list(truths)
        random.Random(5).shuffle(moments)
        for at in moments:
            reply = await got(node, f"/api/supplies/at?time={iso(EpochS(at + 1))}&format=pack")
            assert Reader.of(msgspec.json.decode(reply.body, type=Pack)).rows() == truths[at]
            assert reply.header("banyan-seq") == str(msgspec.json.decode(reply.body, type=Pack).seq)

    on_board(tmp_path, story)


def test_the_official_list_of_a_real_moment(tmp_path: Path) -> None:
    """The file NHIA served at 16:25:35 on 14 February 2020, out of our journal two years of ticks later."""
    events = day("2020-02-14")
    later = a_tick([("0145080011", 1, 1)], at=events[-1].at + 600)

    async def story(node: Node) -> None:
        reply = await got(node, f"/api/supplies/at?time={quote('2020-02-14T16:30:00+08:00')}&family=mask")
        with gzip.open(shared_data("supplies/raw/maskdata_20200214T162535.csv.gz")) as file:
            real = file.read()
        assert numbers(reply.body) == numbers(real)
        assert reply.body[:400] == real[:400]
        assert "immutable" in reply.header("cache-control")

    on_board(tmp_path, story, [*events, later])


def numbers(content: bytes) -> dict[str, list[str]]:
    """Code to counts and time; names and addresses of our outlets file are of another day."""
    rows = [line.split(",") for line in content.decode("utf-8-sig").splitlines()]
    return {row[0]: row[4:] for row in rows}


def test_the_newest_second_may_still_change(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        now = iso(node.gate.clock())
        assert "max-age=10" in (await got(node, f"/api/supplies/at?time={now}")).header("cache-control")
        reply = await got(node, f"/api/supplies/history?from={FROM}&to={TO}", accept_encoding="gzip")
        assert reply.header("content-encoding") == "gzip"
        assert gzip.decompress(reply.body).count(b"\n") == len(EVENTS)

    on_board(tmp_path, story)


def errors(reply: Reply) -> list[str]:
    return [one["field"] for one in reply.json["errors"]]


def test_questions_that_cannot_be_answered_name_the_field(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for query, field in (
            ("", "from"),
            ("from=yesterday&to=2020-02-14T00:00:00Z", "from"),
            ("from=2020-02-14&to=2020-02-14T00:00:00Z", "from"),
            ("from=2020-02-14T00:00:00&to=2020-02-14T01:00:00Z", "from"),
            ("from=2020-02-14T00:00:00Z&to=2020-02-14T00:00:00Z", "to"),
            ("from=2020-02-14T00:00:00Z&to=2020-02-16T00:00:00Z", "to"),
            ("from=2020-02-14T00:00:00Z&to=2020-02-14T01:00:00Z&after=x", "after"),
            ("since=1", "since"),
        ):
            reply = await got(node, f"/api/supplies/history?{query}")
            assert reply.status == 400, query
            assert errors(reply) == [field], query
        early = await got(node, "/api/supplies/at?time=2019-01-01T00:00:00Z")
        assert (early.status, errors(early)) == (404, ["time"])
        assert "2020-02-14T01:05:34Z" in early.json["remedy"]
        assert (await got(node, f"/api/supplies/at?time={FROM}x")).status == 400
        assert (await got(node, f"/api/supplies/at?time={TO}&family=sandbag")).status == 404
        assert (await got(node, f"/api/supplies/at?time={TO}&format=xml")).status in (400, 422)

    on_board(tmp_path, story)


def test_a_clock_that_jumped_back_loses_nothing(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await kept(node).commit(a_tick([("0145080011", 9, 9)], at=AT + 600))
        await kept(node).commit(a_tick([("0145080011", 8, 8)], at=AT + 300))
        reply = await got(node, f"/api/supplies/at?time={iso(EpochS(AT + 900))}&format=pack")
        assert msgspec.json.decode(reply.body, type=Pack).seq == kept(node).board.seq
        found = await lines(node, f"from={FROM}&to={TO}")
        assert [line.seq for line in found] == list(range(1, kept(node).board.seq + 1))
        assert isinstance(found[-1].event, StockTick)

    on_board(tmp_path, story)
