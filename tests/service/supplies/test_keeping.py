"""Keeping a board: what a restart makes of the journal is what was there, whatever was written down when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.make import a_node
from tests.service.supplies.events import event_lists
from tests.service.supplies.make import ADULT, AT, CHILD, EVENTS, PLACES, a_board, a_tick

from banyan.errors import Invalid, Limit, NotFound, Problem
from banyan.kernel.storage.journal import Journal
from banyan.service.supplies import keeping, snapshot
from banyan.service.supplies.board import Board, Change
from banyan.service.supplies.keeping import Kept, kept_of
from banyan.service.supplies.model import BoardEvent, ItemsSet, ReservedSet, StockTick
from banyan.service.supplies.parts import SERVICE
from banyan.service.supplies.slicing import sliced

Story = Callable[[Kept], Awaitable[None]]


@contextmanager
def kept(folder: Path, *, every: int = 1_000, segment_bytes: int = 10_000_000) -> Iterator[Kept]:
    journal = Journal(folder / "board", segment_bytes=segment_bytes)
    try:
        made = Kept(journal, every=every)
        made.rebuild()
        yield made
    finally:
        journal.close()


def told(folder: Path, events: Sequence[BoardEvent], **options: int) -> str:
    """Commit events, close, and give the digest of the board."""

    async def run() -> str:
        with kept(folder, **options) as made:
            for event in events:
                await made.commit(event)
            await made.close()
            return snapshot.digest(made.board)

    return asyncio.run(run())


def ticks(first: int, count: int) -> list[BoardEvent]:
    return [
        a_tick([("0145080011", number, 9), ("592202A296", 7, number)], at=AT + 30 * number)
        for number in range(first, first + count)
    ]


def assert_equal(one: Board, other: Board) -> None:
    """In every array, and in every answer."""
    assert snapshot.digest(one) == snapshot.digest(other)
    columns, others = one.state().columns, other.state().columns
    assert columns.keys() == others.keys()
    for name, column in columns.items():
        np.testing.assert_array_equal(column, others[name], err_msg=name)
    assert [one.fragment(row) for row in range(one.size)] == [other.fragment(row) for row in range(other.size)]
    assert (one.row_of, one.item_of, one.as_of) == (other.row_of, other.item_of, other.as_of)
    assert one.in_town("10015010") == other.in_town("10015010")
    for item in range(len(one.items)):
        assert one.nearest(121.55, 24.9, item, k=9) == other.nearest(121.55, 24.9, item, k=9)


@settings(max_examples=60, deadline=None)
@given(events=event_lists(), data=st.data())
def test_a_snapshot_anywhere_and_the_events_behind_it_make_the_same_board(
    events: list[BoardEvent], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(events)))
    straight, begun = Board(), Board()
    for seq, event in enumerate(events, 1):
        keeping.check(straight.item_of, event)
        straight.apply(seq, event)
    for seq, event in enumerate(events[:cut], 1):
        begun.apply(seq, event)
        for row in range(begun.size):
            begun.fragment(row)
    restarted = snapshot.decode(snapshot.encode(begun.state()))
    assert_equal(restarted, begun)
    encode, decode = msgspec.msgpack.encode, msgspec.msgpack.Decoder(BoardEvent).decode
    for seq, event in enumerate(events[cut:], cut + 1):
        restarted.apply(seq, decode(encode(event)))
        begun.apply(seq, event)
    assert_equal(restarted, straight)
    assert_equal(begun, straight)


def test_a_state_does_not_change_when_the_board_goes_on() -> None:
    board = a_board()
    state, before = board.state(), snapshot.encode(board.state())
    board.apply(5, a_tick([("0145080011", 1, 1), ("5999990005", 7, 7)], at=AT + 60, gone=["592202A296"]))
    assert snapshot.encode(state) == before


def test_a_restart_begins_with_the_newest_snapshot(tmp_path: Path) -> None:
    events = [*EVENTS, *ticks(1, 20)]
    digest = told(tmp_path, events, every=6)
    with kept(tmp_path) as made:
        assert snapshot.digest(made.board) == digest
        found = made.journal.latest_snapshot()
        assert found is not None
        assert 24 - found[0] < 6, "written down at the stop unless it was just before"
        assert_equal(snapshot.decode(found[1]), a_board(events[: found[0]]))


def test_a_damaged_snapshot_costs_nothing(tmp_path: Path) -> None:
    digest = told(tmp_path, [*EVENTS, *ticks(1, 20)], every=6)
    newest = max((tmp_path / "board").glob("*.snapshot"))
    newest.write_bytes(newest.read_bytes()[:-1])
    with kept(tmp_path) as made:
        assert snapshot.digest(made.board) == digest


def test_a_short_tail_is_not_written_down_at_the_stop(tmp_path: Path) -> None:
    digest = told(tmp_path, EVENTS)
    with kept(tmp_path) as made:
        assert made.journal.latest_snapshot() is None
        assert snapshot.digest(made.board) == digest


def test_the_journal_forgets_what_lies_behind_its_bound_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SUPPLIES_REPLAY_EVENTS", 30)
    events = [*EVENTS, *ticks(1, 200)]
    told(tmp_path, events, every=10, segment_bytes=2_000)
    with kept(tmp_path) as made:
        first = made.journal.first_seq
        assert 1 < first <= 174, "events behind the oldest kept snapshot are gone"
        for seq in (174, 180, 203, 204):
            straight = a_board(events[:seq])
            assert_equal(made.board_at(seq), straight)
        assert [seq for seq, _ in made.events(174)] == list(range(175, 205))
        assert len(list((tmp_path / "board").glob("*.snapshot"))) <= 5
        with pytest.raises(NotFound, match="not kept"):
            made.board_at(first - 2)


def test_a_cancelled_caller_leaves_no_gap_between_journal_and_board(tmp_path: Path) -> None:
    async def run() -> None:
        with kept(tmp_path) as made:
            heard: list[Change] = []
            made.listeners.append(lambda event, change: heard.append(change))
            for event in EVENTS[:-1]:
                await made.commit(event)
            left = asyncio.create_task(made.commit(EVENTS[-1]))
            await asyncio.sleep(0)
            left.cancel()
            with pytest.raises(asyncio.CancelledError):
                await left
            await made.commit(ticks(1, 1)[0])
            assert made.board.seq == made.journal.last_seq == 5
            assert [change.seq for change in heard] == [1, 2, 3, 4, 5]

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(events=event_lists(), most=st.integers(1, 3))
def test_an_event_in_parts_says_the_same(events: list[BoardEvent], most: int) -> None:
    whole, parted = Board(), Board()
    for event in events:
        whole.apply(whole.seq + 1, event)
        for part in sliced(event, most):
            assert max(map(len, (getattr(part, "codes", ()), getattr(part, "upsert", ())))) <= most
            parted.apply(parted.seq + 1, part)
    assert snapshot.encode(msgspec.structs.replace(parted.state(), seq=whole.seq)) == snapshot.encode(whole.state())


def test_a_commit_of_many_rows_is_one_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "sliced", partial(sliced, most=3))

    async def run() -> None:
        with kept(tmp_path) as made:
            heard: list[int] = []
            made.listeners.append(lambda event, change: heard.append(change.seq))
            await made.commit(EVENTS[0])
            places = await made.commit(EVENTS[1])
            stock = await made.commit(EVENTS[3])
            assert (places.seq, places.rows) == (3, (0, 1, 2, 3))
            assert (stock.seq, stock.rows, stock.as_of) == (5, (0, 1, 2, 3), AT)
            assert heard == [1, 2, 3, 4, 5]
            assert made.board.count(0).tolist() == [200, 0, 80, 120]

    asyncio.run(run())


STRANGE: dict[str, BoardEvent] = {
    "items: those of the board": StockTick(AT, AT, "masks", ("no such",), ("0145080011",), ((1,),)),
    "codes: as many as": StockTick(AT, AT, "masks", ("mask-adult",), ("0145080011",), ((1, 2),)),
    "counts: as many columns": StockTick(AT, AT, "masks", ("mask-adult",), ("0145080011",), ()),
    "counts: at most": StockTick(AT, AT, "masks", ("mask-adult",), ("0145080011",), ((2**31,),)),
    "row_as_of: as many": StockTick(AT, AT, "masks", ("mask-adult",), ("0145080011",), ((1,),), row_as_of=(1.0, 2.0)),
    "reserved: as many columns": ReservedSet(AT, ("mask-adult",), ("0145080011",), ()),
    "items: each once": ItemsSet(AT, (ADULT, CHILD, ADULT)),
}


@pytest.mark.parametrize("why", STRANGE)
def test_what_the_board_could_not_take_is_never_written(tmp_path: Path, why: str) -> None:
    """Once it were in the journal no restart would succeed."""

    async def run() -> None:
        with kept(tmp_path) as made:
            for event in EVENTS:
                await made.commit(event)
            with pytest.raises(Invalid, match=why):
                await made.commit(STRANGE[why])
            assert made.journal.last_seq == made.board.seq == 4

    asyncio.run(run())


def test_a_full_disk_leaves_the_board_as_it_was_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        with kept(tmp_path, every=5) as made:

            def refuse(*_: object, **__: object) -> None:
                raise Limit("The disk is full.", status=507)

            with monkeypatch.context() as patch:
                patch.setattr(made.journal, "snapshot", refuse)
                for event in [*EVENTS, *ticks(1, 2)]:
                    await made.commit(event)
                await made.close()
            assert isinstance(made.trouble, Limit)
            for event in ticks(3, 5):
                await made.commit(event)
            await made.close()
            assert made.trouble is None
            assert made.journal.latest_snapshot() is not None

    asyncio.run(run())


def test_another_version_is_refused_with_what_to_do() -> None:
    data = msgspec.msgpack.decode(snapshot.encode(a_board().state()))
    with pytest.raises(Problem, match="version 2") as refused:
        snapshot.decode(msgspec.msgpack.encode({**data, "version": 2}))
    assert "Start the version that wrote it" in refused.value.remedy
    for broken in ({**data, "places": []}, {**data, "columns": {}}, {"version": 1}):
        with pytest.raises(Problem, match="cannot be read"):
            snapshot.decode(msgspec.msgpack.encode(broken))


def test_a_node_has_its_board_before_the_first_call(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_node(tmp_path, [SERVICE]) as node:
            for event in [*EVENTS, *ticks(1, 120)]:
                await kept_of(node.drawers["supplies"]).commit(event)
        folder = tmp_path / "supplies/journal/board"
        assert len(list(folder.glob("*.snapshot"))) == 1, "written down at the stop"
        async with a_node(tmp_path, [SERVICE]) as node:
            assert kept_of(node.drawers["supplies"]).board.seq == 124
            answer = await node.client.get("/api/supplies/outlet/0145080011")
            assert answer.json["outlet"]["stocks"][0]["count"] == 120
            assert answer.json["outlet"]["name"] == PLACES[0].name

    asyncio.run(run())
