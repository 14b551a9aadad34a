"""Many connections in one: a TLS connection of two gateways that carries the bytes of several, each a strand.

Messages that go in one turn of the loop then share a record, a write and the other side's waking. A strand is to
HTTP/1.1 what a connection of its own is: bytes in order, with an end, and nobody waits for another's slow reader. What
a connection is, TLS agrees on (RFC 7301); who does not know bundles gets single ones.

A frame is a kind (8 bits), a size (24) and a strand (32), then, for DATA alone, so many bytes. END: no more comes.
ROOM: `size` more bytes may be sent. The side that connected opens strands, by a number above all before. Why not
HTTP/2: docs/decisions/0144-strands.md.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, cast

from banyan.kernel.exchange.road.strand import END, HEAD, ROOM, Bytes, Strand
from banyan.limits_road import ROAD_BUNDLE_STRANDS, ROAD_BUNDLE_TURN, ROAD_HEAD_S, ROAD_IDLE_S

ALPN: Final = "banyan-bundle/1"
HTTP: Final = "http/1.1"
_SIZE: Final = 0xFFFFFF
_NUMBERS: Final = 0xFFFFFFFF
_PARTS: Final = 2 * ROAD_BUNDLE_TURN
_HEAD_BYTES: Final = HEAD.size
_NEVER: Final = float("inf")
_unpack: Final = HEAD.unpack_from


class BadFrame(Exception):
    """The other side breaks the rules above; what it says then is not believed any more."""


class Bundle(asyncio.Protocol):
    """One side. `accept` makes the protocol of a strand that the other side opens; without it, this side opens them.
    `ended` hears once when the connection is gone."""

    def __init__(
        self, accept: Callable[[], asyncio.Protocol] | None = None, ended: Callable[[Bundle], None] | None = None
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
        self._accept, self._ended = accept, ended
        self._newest = 0
        self._part = b""
        """Of a frame's head."""
        self._at, self._left = 0, 0
        """The strand, and how many bytes, of a frame whose data has not all come."""

    @property
    def has_place(self) -> bool:
        """For one strand more."""
        return self.is_open and len(self.strands) < ROAD_BUNDLE_STRANDS and self._newest < _NUMBERS

    def open(self, protocol: asyncio.Protocol) -> None:
        """A strand for `protocol`, which is told of it at once."""
        assert self._accept is None, "the side that connected opens"
        self._newest += 1
        self._begin(self._newest, protocol)

    def send(self, kind: int, size: int, number: int) -> None:
        """A frame without data."""
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
            self.deadline = self.loop.time() + ROAD_IDLE_S
        return True

    def close(self) -> None:
        """After what was written."""
        if self.is_open:
            self._write()
            self.transport.close()

    def abort(self) -> None:
        if self.is_open:
            self.transport.abort()

    # what the connection says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        strands, self.strands = self.strands, {}
        for strand in strands.values():
            strand.lost(exc)
        if self._ended is not None:
            self._ended(self)

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        for strand in [one for one in self.strands.values() if one.has_waiting]:
            if self.is_full:
                return
            self.strands[strand.number] = self.strands.pop(strand.number)  # its next turn is after the others'
            strand.pour()

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        self.heard_at = self.loop.time()
        if self._part:
            data, self._part = self._part + data, b""
        try:
            self._read(data)
        except BadFrame:
            self.abort()

    def _read(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at < end:
            if self._left:
                some = data[at : at + self._left]
                at += len(some)
                self._left -= len(some)
                self._deliver(self._at, some)
            elif end - at < _HEAD_BYTES:
                self._part = data[at:]
                return
            else:
                word, number = _unpack(data, at)
                at += _HEAD_BYTES
                if word > _SIZE:
                    self._told(word >> 24, word & _SIZE, number)
                elif word:
                    self._at, self._left = number, word
                else:
                    raise BadFrame("a frame without data")

    def _told(self, kind: int, size: int, number: int) -> None:
        if (kind == END and size) or (kind == ROOM and not size) or kind > ROOM or number > self._newest:
            raise BadFrame("no such frame")
        strand = self.strands.get(number)
        if strand is None:  # it has ended here, and the other side did not know yet
            return
        if kind == ROOM:
            if not strand.has_room_for(size):
                raise BadFrame("more room than a strand has")
            strand.more_room(size)
        elif self.forget(strand):
            strand.lost(None)

    def _deliver(self, number: int, data: bytes) -> None:
        strand = self.strands.get(number)
        if strand is None:
            if number <= self._newest:
                return  # as above
            strand = self._accepted(number)
            if strand is None:
                return
        if not strand.may_receive(len(data)):
            raise BadFrame("more bytes than there was room for")
        try:
            strand.received(data)
        except Exception as error:  # one strand's protocol is not the others' misfortune
            self.loop.call_exception_handler({"message": "road: a strand failed", "exception": error})
            strand.abort()

    def _accepted(self, number: int) -> Strand | None:
        if self._accept is None:
            raise BadFrame("only the side that connected opens")
        self._newest = number
        if len(self.strands) >= ROAD_BUNDLE_STRANDS:
            self.send(END, 0, number)
            return None
        self._begin(number, self._accept())
        return self.strands.get(number)

    def _begin(self, number: int, protocol: asyncio.Protocol) -> None:
        strand = self.strands[number] = Strand(self, number, protocol)
        self.deadline = _NEVER
        protocol.connection_made(strand)

    def _flush(self) -> None:
        self.is_due = False
        self._write()

    def _write(self) -> None:
        out, self.out = self.out, []
        if out and self.is_open:
            self.transport.write(b"".join(out))


class Entry(asyncio.Protocol):
    """Gives a new connection to whom TLS agreed on: a `bundle`, or `single`."""

    def __init__(self, bundle: Callable[[], Bundle], single: Callable[[], asyncio.Protocol]) -> None:
        self._bundle, self._single = bundle, single
        self.chosen: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        of_tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        is_bundle = of_tls is not None and of_tls.selected_alpn_protocol() == ALPN
        self.chosen = chosen = self._bundle() if is_bundle else self._single()
        cast("asyncio.Transport", transport).set_protocol(chosen)
        chosen.connection_made(transport)
