"""What a bundle does with frames that no gateway of ours writes, with rushes of strands, and with defects of its own.

The frames here are made from the words of bundle.py, not by its code.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.exchange.road import virtual
from tests.kernel.exchange.road.wired import End, Side, Wired, a_wire

from banyan.kernel.exchange.road.strand import NotTaken
from banyan.limits_road import (
    ROAD_BUNDLE_OWED,
    ROAD_BUNDLE_STRANDS,
    ROAD_HEAD_S,
    ROAD_IDLE_S,
    ROAD_POOL_IDLE_S,
    ROAD_STRAND_BYTES,
)

DATA, END, ROOM, OPEN, NO = range(5)


def frame(kind: int, number: int, size: int = 0) -> bytes:
    return struct.pack(">BBHI", kind, size >> 16, size & 0xFFFF, number)


def data(number: int, content: bytes) -> bytes:
    return frame(DATA, number, len(content)) + content


BROKEN = {
    "unknown kind": frame(5, 1),
    "the last kind": frame(255, 1, 1),
    "empty data": frame(DATA, 1),
    "no room": frame(ROOM, 1),
    "more room than was used": frame(ROOM, 1, 1),
    "an end with a size": frame(END, 1, 1),
    "an opening with a size": frame(OPEN, 3, 1),
    "opened twice": frame(OPEN, 2),
    "opened backwards": frame(OPEN, 9) + frame(OPEN, 8),
    "strand 0": frame(OPEN, 0),
    "refused by who opens": frame(NO, 1),
    "data of none": data(3, b"x"),
    "the end of none": frame(END, 3),
    "room of none": frame(ROOM, 3, 9),
    "HTTP": b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n",
    "ones": b"\xff" * 64,
}
AT_A_CLIENT = {
    "opened by who accepts": frame(OPEN, 3),
    "data of none": data(3, b"x"),
    "the end of none": frame(END, 3),
    "refused and never opened": frame(NO, 3),
}


def told(story: Callable[[], Awaitable[None]]) -> list[str]:
    """The defects that the loop heard of."""
    heard: list[str] = []

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(str(context["exception"])))
        await story()

    virtual.run(whole())
    return heard


def ends_by(side: Side, other: Side, sent: bytes, size: int = 1 << 30) -> None:
    """What stands before the broken frame is heard; what stands behind it is not."""
    sent = data(1, b"before") + sent + data(2, b"behind")
    for at in range(0, len(sent), size):
        side.bundle.data_received(sent[at : at + size])
    assert bytes(side.ends[1].heard) == b"before"
    assert not side.ends[2].heard


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("size", [1, 7, 1 << 30])
def test_a_broken_frame_ends_the_bundle(name: str, size: int) -> None:
    async def story() -> None:
        wired = await a_wire(2)
        ends_by(wired.right, wired.left, BROKEN[name], size)
        await wired.carry()
        for side in wired.sides:
            assert (side.ended, side.bundle.strands) == (1, {})
            assert [end.lost for end in side.ends.values()] == [1] * len(side.ends)
            assert all(end.error is not None for end in side.ends.values()), "it is no end that the other side meant"

    assert told(story) == []


@pytest.mark.parametrize("name", AT_A_CLIENT)
def test_a_broken_frame_of_who_accepts_ends_the_bundle(name: str) -> None:
    async def story() -> None:
        wired = await a_wire(2)
        ends_by(wired.left, wired.right, AT_A_CLIENT[name])
        await wired.carry()
        assert [side.ended for side in wired.sides] == [1, 1]

    assert told(story) == []


def test_more_data_than_there_was_room_for_ends_the_bundle() -> None:
    async def story() -> None:
        wired = await a_wire(1)
        end = wired.right.ends[1]
        end.strand.pause_reading()
        wired.right.bundle.data_received(data(1, b"x" * ROAD_STRAND_BYTES))
        assert (wired.right.held, wired.right.bundle.is_open) == (ROAD_STRAND_BYTES, True)
        wired.right.bundle.data_received(data(1, b"x"))
        assert (wired.right.held, wired.right.bundle.is_open) == (ROAD_STRAND_BYTES, False)
        await wired.carry()
        assert (end.lost, len(end.heard)) == (1, 0)

    told(story)


@given(st.lists(st.binary(max_size=40) | st.builds(frame, st.integers(0, 5), st.integers(0, 4), st.integers(0, 20))))
def test_garbage_ends_a_bundle_or_is_none(pieces: list[bytes]) -> None:
    async def story() -> None:
        wired = await a_wire(2)
        for piece in pieces:
            wired.right.bundle.data_received(piece)
            assert len(wired.right.bundle._part) < 8
            assert wired.right.held <= 2 * ROAD_STRAND_BYTES
        wired.right.wire.lose()
        assert all(end.lost == 1 for end in wired.right.ends.values())

    assert told(story) == []


def test_frames_of_a_strand_that_has_ended_are_passed_over() -> None:
    """The other side did not know yet."""

    async def story() -> None:
        wired = await a_wire(2)
        wired.right.ends[1].has_aborted = True
        wired.right.ends[1].strand.abort()
        wired.right.bundle.data_received(data(1, b"x" * 300_000) + frame(ROOM, 1, 5) + frame(END, 1) + data(2, b"yes"))
        await wired.carry()
        assert bytes(wired.right.ends[2].heard) == b"yes"
        assert (wired.left.ends[1].lost, wired.left.ends[2].lost) == (1, 0)

    told(story)


def test_a_strand_that_never_spoke_may_end_and_a_later_one_may_speak_first() -> None:
    async def story() -> None:
        wired = await a_wire(0)
        first, second, third = (wired.left.open() for _ in range(3))
        first.strand.abort()
        third.write(b"third")
        await wired.carry()
        second.write(b"second")
        await wired.carry()
        assert [bytes(wired.right.ends[at].heard) for at in (1, 2, 3)] == [b"", b"second", b"third"]
        assert [wired.right.ends[at].lost for at in (1, 2, 3)] == [1, 0, 0]

    told(story)


def test_one_strand_too_many_is_refused_and_the_others_live() -> None:
    async def story() -> None:
        wired = await a_wire(ROAD_BUNDLE_STRANDS)
        assert not wired.left.bundle.has_place
        extra = wired.left.open()
        extra.write(b"asked all the same")
        wired.left.ends[1].write(b"lives")
        await wired.carry()
        assert isinstance(extra.error, NotTaken)
        assert len(wired.right.ends) == len(wired.left.bundle.strands) == ROAD_BUNDLE_STRANDS
        assert bytes(wired.right.ends[1].heard) == b"lives"
        wired.left.ends[2].strand.abort()
        assert not wired.left.bundle.has_place, "who was refused once connects anew"

    told(story)


def test_who_opens_in_a_rush_and_does_not_read_is_let_go() -> None:
    """Each frame that it is owed would be kept here."""

    async def story() -> None:
        wired = await a_wire(ROAD_BUNDLE_STRANDS)
        wired.right.ends[1].write(b"x" * 1_000)
        await asyncio.sleep(0)
        wired.right.wire.hold_up(0)
        number, opened = ROAD_BUNDLE_STRANDS, 0
        while wired.right.bundle.is_open:
            wired.right.bundle.data_received(frame(OPEN, number := number + 1))
            opened += 1
            assert opened <= ROAD_BUNDLE_OWED + 1
        await wired.carry()
        assert wired.right.ended == 1

    told(story)


def test_strands_that_open_and_end_in_a_rush_leave_nothing() -> None:
    async def story() -> None:
        wired = await a_wire(1)
        for number in range(2, 20_002):
            wired.right.bundle.data_received(frame(OPEN, number) + data(number, b"GET") + frame(END, number))
            del wired.right.ends[number]
        await wired.carry()
        assert len(wired.right.bundle.strands) == 1
        assert not wired.right.wire.written, "nothing was owed for them"

    told(story)


def test_a_paused_strand_holds_up_no_other_and_makes_us_hold_no_more_than_its_room() -> None:
    async def story() -> None:
        wired = await a_wire(2)
        slow, quick = wired.right.ends[1], wired.right.ends[2]
        slow.is_paused = True
        slow.strand.pause_reading()
        for _ in range(10):
            wired.left.ends[1].write(b"s" * ROAD_STRAND_BYTES)
            wired.left.ends[2].write(b"q" * ROAD_STRAND_BYTES)
            await wired.carry()
        assert (len(slow.heard), wired.right.held) == (0, ROAD_STRAND_BYTES)
        assert (wired.left.ends[1].is_held_up, wired.left.ends[2].is_held_up) == (True, False)
        assert len(quick.heard) == 10 * ROAD_STRAND_BYTES
        slow.is_paused = False
        slow.strand.resume_reading()
        await wired.carry()
        assert (bytes(slow.heard), wired.right.held) == (bytes(wired.left.ends[1].sent), 0)
        assert not wired.left.ends[1].is_held_up

    told(story)


def test_a_full_connection_is_shared_by_turns() -> None:
    """However much one has to send, a small message of each other one passes within a round."""

    async def story() -> None:
        wired = await a_wire(9)
        wired.left.wire.hold_up(65_536)
        for number in range(1, 9):
            wired.left.ends[number].write(b"x" * 200_000)
        wired.left.ends[9].write(b"small")
        carried = 0
        while not wired.right.ends[9].heard:
            await asyncio.sleep(0)
            carried += wired.left.wire.carry(16_384)
            assert carried <= 9 * (ROAD_STRAND_BYTES + 100)
        assert bytes(wired.right.ends[9].heard) == b"small"
        heard = [len(wired.right.ends[number].heard) for number in range(1, 9)]
        await wired.carry(16_384)
        assert all(end.heard == wired.left.ends[number].sent for number, end in wired.right.ends.items()), heard

    told(story)


def test_what_is_resumed_and_paused_again_at_once_hears_nothing() -> None:
    async def story() -> None:
        wired = await a_wire(1)
        end = wired.right.ends[1]
        end.is_paused = True
        end.strand.pause_reading()
        wired.left.ends[1].write(b"held")
        await wired.carry()
        end.strand.resume_reading()
        end.strand.pause_reading()
        await asyncio.sleep(0)
        assert not end.heard
        end.is_paused = False
        end.strand.resume_reading()
        await wired.carry()
        assert bytes(end.heard) == b"held"

    told(story)


class Faulty(End):
    """The first strand's raises when `at` is told."""

    at = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._fail("connection_made")

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._fail("data_received")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._fail("connection_lost")

    def _fail(self, told: str) -> None:
        if told == self.at and self.strand.number == 1:
            raise RuntimeError(told)


@pytest.mark.parametrize("at", ["connection_made", "data_received", "connection_lost"])
def test_a_defect_in_one_strand_ends_that_one_alone(at: str) -> None:
    def a_faulty(side: Side) -> End:
        end = Faulty(side)
        end.at = at
        return end

    async def story() -> None:
        wired = await a_wire(2, a_faulty)
        for end in wired.left.ends.values():
            end.write(b"hello")
        await wired.carry()
        if at == "connection_lost":
            wired.left.ends[1].strand.abort()
            await wired.carry()
        else:
            assert wired.left.ends[1].lost == 1
        assert wired.right.bundle.strands.keys() == {2}
        assert bytes(wired.right.ends[2].heard) == b"hello"
        wired.right.wire.lose()
        assert wired.right.ends[2].lost == 1

    assert at in told(story)


def test_a_defect_while_held_data_is_caught_up_with_leaves_no_gap() -> None:
    async def story() -> None:
        wired = await a_wire(1)
        end = wired.right.ends[1]
        end.strand.pause_reading()
        for piece in (b"one", b"two"):
            wired.left.ends[1].write(piece)
            await wired.carry()

        def fails(data: bytes) -> None:
            raise RuntimeError("in the middle")

        end.data_received = fails  # type: ignore[method-assign]
        end.strand.resume_reading()
        await wired.carry()
        assert (end.lost, wired.left.ends[1].lost) == (1, 1)

    assert told(story) == ["in the middle"]


def test_a_bundle_without_strands_is_due_to_end_at_the_client_first() -> None:
    async def story() -> None:
        wired = await a_wire(0)
        loop = asyncio.get_running_loop()
        assert wired.right.bundle.deadline == loop.time() + ROAD_HEAD_S
        end = wired.left.open()
        await wired.carry()
        assert [side.bundle.deadline for side in wired.sides] == [float("inf")] * 2
        end.strand.close()
        await wired.carry()
        assert [side.bundle.deadline - loop.time() for side in wired.sides] == [ROAD_POOL_IDLE_S, ROAD_IDLE_S]
        assert ROAD_POOL_IDLE_S < ROAD_IDLE_S
        wired.left.bundle.close()
        assert not wired.left.bundle.has_place, "a call that came now would go nowhere"
        await wired.carry()
        assert [side.ended for side in wired.sides] == [1, 1]

    told(story)


def test_closing_while_held_up_sends_all_that_was_written_first() -> None:
    async def story() -> None:
        wired: Wired = await a_wire(1)
        wired.left.wire.hold_up(10)
        content = bytes(range(256)) * 3_000
        wired.left.ends[1].write(content)
        wired.left.ends[1].has_closed = True
        wired.left.ends[1].strand.close()
        wired.right.ends[1].write(b"not read any more")
        await wired.carry(10_000)
        assert bytes(wired.right.ends[1].heard) == content
        assert (wired.left.ends[1].lost, wired.right.ends[1].lost, wired.right.ends[1].error) == (1, 1, None)

    told(story)


def test_an_end_behind_what_a_reader_is_about_to_catch_up_with_takes_nothing_away() -> None:
    async def story() -> None:
        wired = await a_wire(1)
        end = wired.right.ends[1]
        end.strand.pause_reading()
        wired.right.bundle.data_received(data(1, b"held"))
        end.strand.resume_reading()
        wired.right.bundle.data_received(data(1, b" and more") + frame(END, 1))
        assert (bytes(end.heard), end.lost) == (b"held and more", 1)

    told(story)


def test_what_comes_for_a_strand_that_closes_is_not_kept() -> None:
    async def story() -> None:
        wired = await a_wire(1)
        end = wired.right.ends[1]
        end.write(b"x" * (ROAD_STRAND_BYTES + 1))
        end.has_closed = True
        end.strand.close()
        wired.right.bundle.data_received(data(1, b"late" * 100))
        assert (end.lost, wired.right.held) == (0, 0), "it ends when the other side has taken all"

    told(story)
