"""Strands in a bundle: whatever is asked of them in whatever order, each is what a connection of its own would be."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.exchange.road import virtual
from tests.kernel.exchange.road.wired import End, Wired
from tests.thorough import examples

from banyan.limits_road import (
    ROAD_STRAND_BYTES,
)

SIZES = (0, 1, 9, 1_000, 65_535, 65_536, 65_537, 131_072, 262_143, 262_144, 262_145, 300_001, 700_000)
numbers = st.integers(1, 6)
sides = st.integers(0, 1)
STEPS = st.one_of(
    st.tuples(st.just("open")),
    st.tuples(st.just("write"), sides, numbers, st.sampled_from(SIZES)),
    st.tuples(st.just("write"), sides, numbers, st.integers(1, 2_000)),
    st.tuples(st.sampled_from(["pause", "resume", "close", "abort"]), sides, numbers),
    st.tuples(st.just("carry"), sides, st.sampled_from([1, 3, 8, 9, 100, 65_536, 100_000, 1 << 30])),
    st.tuples(st.just("full"), sides, st.sampled_from([0, 10, 100_000])),
    st.tuples(st.just("drained"), sides),
    st.tuples(st.just("turn")),
)


class Play:
    """A program of steps on one pair, held to the oracle: what each end wrote, and when it ended."""

    def __init__(self, seed: int) -> None:
        self.wired = Wired()
        self.random = Random(seed)
        self.hears: dict[tuple[int, int], int] = {}

    def end(self, side: int, number: int) -> End | None:
        return self.wired.sides[side].ends.get(number)

    async def step(self, step: tuple[object, ...]) -> None:
        match step:
            case ("open",):
                self.wired.left.open()
            case ("turn",):
                await asyncio.sleep(0)
            case ("carry", int(side), int(size)):
                self.wired.sides[side].wire.carry(size)
            case ("full", int(side), int(size)):
                self.wired.sides[side].wire.hold_up(size)
            case ("drained", int(side)):
                self.wired.sides[side].wire.hold_up(1 << 40)
            case ("write", int(side), int(number), int(size)):
                if (end := self.end(side, number)) is not None:
                    end.write(self.random.randbytes(size))
            case (str(verb), int(side), int(number)):
                if (end := self.end(side, number)) is not None:
                    ask(end, verb)

    def holds(self) -> None:
        """At any moment."""
        for side in self.wired.sides:
            assert side.held <= len(side.bundle.strands) * ROAD_STRAND_BYTES
            for strand in side.bundle.strands.values():
                assert 0 <= strand._room <= ROAD_STRAND_BYTES
            for end in side.ends.values():
                assert end.lost <= 1
        for own, other in (self.wired.sides, self.wired.sides[::-1]):
            for number, end in own.ends.items():
                assert other.ends[number].sent.startswith(end.heard) if number in other.ends else not end.heard

    async def rest(self) -> None:
        for side in self.wired.sides:
            side.wire.hold_up(1 << 40)
            for end in side.ends.values():
                ask(end, "resume")
        await self.wired.carry()

    def is_right(self) -> None:
        """At the end, when all has come and everybody reads."""
        left, right = self.wired.sides
        assert left.ends.keys() == right.ends.keys()
        for number in left.ends:
            pair = left.ends[number], right.ends[number]
            lost = any(end.has_closed or end.has_aborted for end in pair)
            assert [end.lost for end in pair] == [lost, lost]
            assert [end.error for end in pair] == [None, None]
            for reads, writes in (pair, pair[::-1]):
                has_left = reads.has_closed or reads.has_aborted
                if not (has_left or writes.has_aborted or reads.was_paused):
                    assert reads.heard == writes.sent
            if not lost:
                for own, other in ((left, right), (right, left)):
                    sends, takes = own.bundle.strands[number], other.bundle.strands[number]
                    assert sends._room + takes._received == ROAD_STRAND_BYTES, "room is neither lost nor made"
                    assert not sends.has_waiting
        assert left.bundle.strands.keys() == right.bundle.strands.keys()
        assert [side.ended for side in self.wired.sides] == [0, 0]


def ask(end: End, verb: str) -> None:
    match verb:
        case "pause":
            end.is_paused = True
            end.strand.pause_reading()
        case "resume":
            end.is_paused = False
            end.strand.resume_reading()
        case "close":
            end.has_closed = True
            end.strand.close()
        case "abort":
            end.has_aborted = True
            end.strand.abort()


@given(st.lists(STEPS, max_size=60), st.integers(0, 1 << 30))
@settings(max_examples=examples(150, 2_000), deadline=None)
def test_each_strand_is_a_connection_of_its_own(program: list[tuple[object, ...]], seed: int) -> None:
    async def story() -> None:
        play = Play(seed)
        for step in (("open",), ("open",), *program):
            await play.step(step)
            play.holds()
        await play.rest()
        play.is_right()

    virtual.run(story())
