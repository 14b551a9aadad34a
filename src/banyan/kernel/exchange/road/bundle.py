"""Many connections in one: a TLS connection of two gateways that carries the bytes of several, each a strand.

Messages that go in one turn of the loop then share a record, a write and the other side's waking. A strand is to
HTTP/1.1 what a connection of its own is: bytes in order, with an end, and nobody waits for another's slow reader. What
a connection is, TLS agrees on (RFC 7301); who does not know bundles gets single ones.

A frame is a kind (8 bits), a size (24) and a strand (32), then, for DATA alone, so many bytes. OPEN: the side that
connected begins a strand, by a number above all before. END: no more comes. ROOM: `size` more bytes may be sent. NO:
the other side's strand was not taken, nothing of it was read. Why not HTTP/2: docs/decisions/0144-strands.md.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, cast

from banyan.kernel.exchange.road.strand import HEAD, NO, OPEN, ROOM, BadFrame, Bytes, NotTaken, Strand
from banyan.limits_road import (
    ROAD_BUNDLE_OWED,
    ROAD_BUNDLE_STRANDS,
    ROAD_BUNDLE_TURN,
    ROAD_HEAD_S,
    ROAD_IDLE_S,
    ROAD_POOL_IDLE_S,
    ROAD_STRAND_BYTES,
)

ALPN: Final = "banyan-bundle/1"
HTTP: Final = "http/1.1"
_SIZE: Final = 0xFFFFFF
_NUMBERS: Final = 0xFFFFFFFF
_PARTS: Final = 2 * ROAD_BUNDLE_TURN
_HEAD_BYTES: Final = HEAD.size
_FULL_BYTES: Final = 4 * ROAD_STRAND_BYTES
"""Of what the connection has not sent."""
_LARGE_BYTES: Final = 16_384
"""Data that is written by itself: to join it to others would cost more than a record (a TLS record holds as much)."""
_NEVER: Final = float("inf")
_unpack: Final = HEAD.unpack_from


class Bundle(asyncio.Protocol):
    """One side. `accept` makes the protocol of a strand that the other side opens, or takes none; without it, this side
    opens them. `ended` hears once when the connection is gone."""

    def __init__(
        self,
        accept: Callable[[], asyncio.Protocol | None] | None = None,
        ended: Callable[[Bundle], None] | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.strands: dict[int, Strand] = {}
        self.out: list[Bytes] = []
        """Frames of this turn: heads and data."""
        self.is_due = False
        """That `out` is written at the end of this turn."""
        self.is_full = False
        """The connection takes no more for now."""
        self.is_open = False
        self.heard_at = self.loop.time()
        self.deadline = self.heard_at + ROAD_HEAD_S
        """By the loop's clock, for a bundle without strands; who sweeps ends it."""
        self.context: ssl.SSLContext | None = None
        self.certificate = b""
        """Fingerprint of what the other side shows: the same for all strands."""
        self._accept, self._ended = accept, ended
        self._idle_s = ROAD_POOL_IDLE_S if accept is None else ROAD_IDLE_S
        self._is_refused = False
        """The other side took no more strands."""
        self._owed = 0
        """Frames without data since the connection is full."""
        self._newest = 0
        self._part = b""
        """Of a frame's head."""
        self._at, self._left = 0, 0
        """The strand, and how many bytes, of a frame whose data has not all come."""

    @property
    def has_place(self) -> bool:
        """For one strand more."""
        is_able = self.is_open and not self._is_refused
        return is_able and len(self.strands) < ROAD_BUNDLE_STRANDS and self._newest < _NUMBERS

    def open(self, protocol: asyncio.Protocol) -> None:
        """A strand for `protocol`, which is told of it at once."""
        assert self._accept is None, "the side that connected opens"
        self._newest += 1
        self.send(OPEN, 0, self._newest)  # at once: the other side knows them in their order, whichever speaks first
        self._begin(self._newest, protocol)

    def send(self, kind: int, size: int, number: int) -> None:
        """A frame without data."""
        if self.is_full:
            self._owed += 1
            if self._owed > ROAD_BUNDLE_OWED:
                self.abort()
                return
        self.out.append(HEAD.pack(kind << 24 | size, number))
        self.out.append(b"")
        self.sent()

    def sent(self) -> None:
        """A frame was put into `out`."""
        if len(self.out) >= _PARTS:
            self._write()
        elif not self.is_due:
            self.is_due = True
            self.loop.call_soon(self._flush)

    def forget(self, strand: Strand) -> bool:
        """False when it was forgotten already."""
        if self.strands.pop(strand.number, None) is None:
            return False
        if not self.strands:
            self.deadline = self.loop.time() + self._idle_s
        return True

    def close(self) -> None:
        """After what was written."""
        if self.is_open:
            self._write()
            self.is_open = False
            self.transport.close()

    def abort(self) -> None:
        if self.is_open:
            self.is_open = False
            self.transport.abort()

    # what the connection says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self.transport.set_write_buffer_limits(high=_FULL_BYTES)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        strands, self.strands = self.strands, {}
        for strand in strands.values():
            strand.lost(exc or ConnectionResetError("the connection ended, and the strand had not"))
        if self._ended is not None:
            self._ended(self)

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full, self._owed = False, 0
        for strand in [one for one in self.strands.values() if one.has_waiting]:
            if self.is_full:
                return
            if self.strands.pop(strand.number, None) is not None:
                self.strands[strand.number] = strand  # its next turn is after the others'
                strand.pour()

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        if not self.is_open:
            return
        self.heard_at = self.loop.time()
        if self._part:
            data, self._part = self._part + data, b""
        try:
            self._read(data)
        except BadFrame:
            self.abort()

    def _read(self, data: bytes) -> None:
        at, end, strands = 0, len(data), self.strands
        while at < end:
            if self._left:
                number, size = self._at, self._left
            elif end - at < _HEAD_BYTES:
                self._part = data[at:]
                return
            else:
                size, number = _unpack(data, at)
                at += _HEAD_BYTES
                if size > _SIZE:
                    self._told(size >> 24, size & _SIZE, number)
                    continue
                if not size:
                    raise BadFrame("a frame without data")
                self._at, self._left = number, size
                if at == end:
                    return
            some = data[at : at + size]
            at += len(some)
            self._left = size - len(some)
            strand = strands.get(number)
            if strand is not None:
                strand.received(some)
            elif number > self._newest:  # else it has ended here, and the other side did not know yet
                raise BadFrame("data of no strand")

    def _told(self, kind: int, size: int, number: int) -> None:
        if kind > NO or (kind == ROOM) != bool(size):
            raise BadFrame("no such frame")
        if kind == OPEN:
            self._opened(number)
            return
        if number > self._newest or (kind == NO and self._accept is not None):
            raise BadFrame("of no strand")
        strand = self.strands.get(number)
        if strand is None:  # it has ended here, and the other side did not know yet
            return
        if kind == ROOM:
            if not strand.has_room_for(size):
                raise BadFrame("more room than a strand has")
            strand.more_room(size)
            return
        strand.catch_up()
        if kind == NO:
            self._is_refused = True
        if self.forget(strand):
            strand.lost(NotTaken("the other gateway takes no more strands") if kind == NO else None)

    def _opened(self, number: int) -> None:
        if self._accept is None or number <= self._newest:
            raise BadFrame("the side that connected opens, by a new number")
        self._newest = number
        protocol = self._accept() if len(self.strands) < ROAD_BUNDLE_STRANDS else None
        if protocol is None:
            self.send(NO, 0, number)
        else:
            self._begin(number, protocol)

    def _begin(self, number: int, protocol: asyncio.Protocol) -> None:
        strand = self.strands[number] = Strand(self, number, protocol)
        self.deadline = _NEVER
        strand.made()

    def _flush(self) -> None:
        self.is_due = False
        self._write()

    def _write(self) -> None:
        out, self.out = self.out, []
        if not self.is_open:
            return
        start = 0
        for at in range(1, len(out), 2):
            if len(out[at]) > _LARGE_BYTES:
                self.transport.write(b"".join(out[start:at]))
                self.transport.write(out[at])
                start = at + 1
        if start < len(out):
            self.transport.write(b"".join(out[start:]))


class Entry(asyncio.Protocol):
    """Gives a new connection to whom TLS agreed on: a `bundle`, unless there are too many, or `single`."""

    def __init__(self, bundle: Callable[[], Bundle | None], single: Callable[[], asyncio.Protocol]) -> None:
        self._bundle, self._single = bundle, single
        self.chosen: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        own = cast("asyncio.Transport", transport)
        of_tls: ssl.SSLObject | None = own.get_extra_info("ssl_object")
        is_bundle = of_tls is not None and of_tls.selected_alpn_protocol() == ALPN
        self.chosen = chosen = self._bundle() if is_bundle else self._single()
        if chosen is None:
            own.abort()
            return
        own.set_protocol(chosen)
        chosen.connection_made(own)
