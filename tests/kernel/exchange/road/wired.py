"""Two bundles back to back over bytes in memory, that the test cuts, holds up and loses; and protocols that remember.

wired = a_wire(2)                   # so many strands that the left side has opened
wired.left.ends[1].strand.write(b"...")
wired.carry()                       # until nothing moves, one turn of the loop for each look
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from banyan.kernel.exchange.road.bundle import Bundle
from banyan.kernel.exchange.road.strand import Strand


class Wire(asyncio.Transport):
    """One direction. What is written flies until it is carried to the bundle at the other end."""

    def __init__(self, most: int = 1 << 40) -> None:
        super().__init__()
        self.flying = bytearray()
        self.most = most
        self.is_full = self.is_closing_ = self.is_lost = False
        self.written = 0

    def between(self, own: Bundle, other: Wire, there: Bundle) -> None:
        self.own, self.back, self.there = own, other, there

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closing_, "nothing is written on what was closed"
        self.flying += data
        self.written += len(data)
        self._look()

    def hold_up(self, most: int) -> None:
        self.most = most
        self._look()

    def carry(self, size: int = 1 << 40) -> int:
        """So many bytes at most, in one piece."""
        piece = bytes(self.flying[:size])
        del self.flying[: len(piece)]
        if piece and not self.is_lost:
            self.there.data_received(piece)
        self._look()
        if self.is_closing_ and not self.flying:
            self.lose()
        return len(piece)

    def lose(self, error: Exception | None = None) -> None:
        """Both directions."""
        if not self.is_lost:
            self.is_lost = self.back.is_lost = self.is_closing_ = self.back.is_closing_ = True
            self.own.connection_lost(error)
            self.there.connection_lost(error)

    def _look(self) -> None:
        if not self.is_closing_ and self.is_full != (len(self.flying) > self.most):
            self.is_full = not self.is_full
            (self.own.pause_writing if self.is_full else self.own.resume_writing)()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The test holds up."""

    def is_closing(self) -> bool:
        return self.is_closing_

    def close(self) -> None:
        self.is_closing_ = True

    def abort(self) -> None:
        self.is_closing_ = True
        self.flying.clear()
        asyncio.get_running_loop().call_soon(self.lose)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class End(asyncio.Protocol):
    """What one end of a strand was told; `sent`: what was written there while it was open."""

    def __init__(self, side: Side | None = None) -> None:
        self.side = side
        self.sent, self.heard = bytearray(), bytearray()
        self.made = self.lost = 0
        self.error: Exception | None = None
        self.is_paused = self.was_paused = self.has_closed = self.has_aborted = self.is_held_up = False

    def write(self, data: bytes) -> None:
        if not self.strand.is_closing():
            self.sent += data
        self.strand.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert not self.made
        self.made += 1
        self.strand = cast("Strand", transport)
        if self.side is not None:
            self.side.ends[self.strand.number] = self

    def data_received(self, data: bytes) -> None:
        assert (self.made, self.lost, bool(data)) == (1, 0, True)
        assert (self.is_paused, self.has_closed, self.has_aborted) == (False, False, False)
        self.heard += data

    def pause_writing(self) -> None:
        assert not self.is_held_up
        self.is_held_up = True

    def resume_writing(self) -> None:
        assert self.is_held_up
        self.is_held_up = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost += 1
        self.error = exc
        self.was_paused = self.is_paused


class Side:
    """One bundle and the ends of its strands, by number."""

    def __init__(self, accepts: bool, end: Callable[[Side], End] | None = None) -> None:
        self.ends: dict[int, End] = {}
        self.ended = 0
        make = end or End
        self.bundle = Bundle((lambda: make(self)) if accepts else None, self._has_ended)
        self.wire = Wire()

    def open(self, end: End | None = None) -> End:
        made = end or End(self)
        made.side = self
        self.bundle.open(made)
        return made

    def _has_ended(self, bundle: Bundle) -> None:
        assert bundle is self.bundle
        self.ended += 1

    @property
    def held(self) -> int:
        """Bytes kept here for readers that pause."""
        return sum(len(one) for strand in self.bundle.strands.values() for one in strand._held or ())


class Wired:
    def __init__(self, end: Callable[[Side], End] | None = None) -> None:
        self.left, self.right = Side(False), Side(True, end)
        self.sides = (self.left, self.right)
        for own, other in (self.sides, self.sides[::-1]):
            own.wire.between(own.bundle, other.wire, other.bundle)
        for side in self.sides:
            side.bundle.connection_made(side.wire)

    async def carry(self, size: int = 1 << 40) -> None:
        """All that flies, in pieces of `size`, until nothing moves any more."""
        for _ in range(100_000):
            await asyncio.sleep(0)
            moved = [side.wire.carry(size) for side in self.sides]
            if not any(moved):
                await asyncio.sleep(0)  # what a turn writes at its end
                await asyncio.sleep(0)
                if not any(side.wire.flying or side.bundle.is_due for side in self.sides):
                    return
        raise AssertionError("it never rests")


async def a_wire(strands: int = 0, end: Callable[[Side], End] | None = None) -> Wired:
    wired = Wired(end)
    for _ in range(strands):
        wired.left.open()
    await wired.carry()
    return wired
