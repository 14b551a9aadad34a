"""Cuts the bytes of a connection into heads, pieces of bodies and ends. No I/O; fed in any portions.

Framing is read strictly (RFC 9112 s6, s7): a chunk's size is hexadecimal digits and nothing hidden beside them, its end
is CRLF. What comes behind a message waits until `next()`: messages are served one after another.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Protocol

from banyan.kernel.exchange.road.head import BadHttp, read_fields
from banyan.limits_road import ROAD_CHUNK_LINE_BYTES, ROAD_HEAD_BYTES, ROAD_TRAILER_BYTES

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?")
_END: Final = b"\r\n\r\n"


class Place(Enum):
    HEAD = "head"
    LENGTH = "length"
    SIZE = "size"
    CHUNK = "chunk"
    CHUNK_END = "chunk-end"
    TRAILER = "trailer"
    CLOSE = "close"
    DONE = "done"


_HEAD: Final = Place.HEAD
_LENGTH: Final = Place.LENGTH
_CHUNK: Final = Place.CHUNK
_CLOSE: Final = Place.CLOSE
_DONE: Final = Place.DONE
"""A member of an Enum costs 50 ns to look up, and each message asks ten times."""


class Sink(Protocol):
    """Who is told. `head` says how the body is framed: its bytes, None for chunked, or -1 for "until the end"."""

    def head(self, raw: bytes) -> int | None: ...

    def piece(self, data: bytes) -> None: ...

    def end(self) -> None: ...


class Reader:
    """One direction of one connection. Feed it until it raises BadHttp; then the connection is of no more use."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._held = b""
        self._left = 0
        self.place = _HEAD

    @property
    def is_between(self) -> bool:
        """No byte of the next message has come."""
        return self.place is _HEAD and not self._held

    @property
    def has_more(self) -> bool:
        """Bytes wait behind a message that is done."""
        return self.place is _DONE and bool(self._held)

    def feed(self, data: bytes) -> None:
        if self._held:
            data = self._held + data
            self._held = b""
        while data:
            place = self.place
            if place is _HEAD:
                rest = self._read_head(data)
            elif place is _LENGTH or place is _CHUNK:
                rest = self._take(data)
            elif place is _CLOSE:
                self._sink.piece(data)
                return
            elif place is _DONE:
                self._held = data
                return
            else:
                rest = self._step(data)
            if rest is None:
                self._held = data
                return
            data = rest

    def passed(self) -> None:
        """A whole message was read by somebody else, between two of ours: what comes waits for `next()`."""
        self.place = _DONE

    def next(self) -> None:
        """The message that was done is answered: go on with the one behind it."""
        assert self.place is _DONE, "a message ends before the next"
        self.place = _HEAD
        if self._held:
            held, self._held = self._held, b""
            self.feed(held)

    def close(self) -> None:
        """The other side sends no more. Raises BadHttp in the middle of a message."""
        if self.place is Place.CLOSE:
            self._done()
        elif self.place is not Place.DONE and not self.is_between:
            raise BadHttp("cut-off", "the connection ended within a message")

    def _take(self, data: bytes) -> bytes:
        if len(data) < self._left:
            self._left -= len(data)
            self._sink.piece(data)
            return b""
        rest = data[self._left :]
        self._sink.piece(data[: self._left] if rest else data)
        if self.place is _CHUNK:
            self.place = Place.CHUNK_END
        else:
            self._done()
        return rest

    def _step(self, data: bytes) -> bytes | None:
        """One line off the front of `data`; None when it is not all there."""
        match self.place:
            case Place.SIZE:
                return self._read_size(data)
            case Place.CHUNK_END:
                if not b"\r\n".startswith(data[:2]):
                    raise BadHttp("chunk-end", "a chunk ends with CRLF where its size says")
                if len(data) < 2:
                    return None
                self.place = Place.SIZE
                return data[2:]
        return self._read_trailer(data)

    def _read_head(self, data: bytes) -> bytes | None:
        at = data.find(_END)
        if at < 0 or at > ROAD_HEAD_BYTES:
            if len(data) > ROAD_HEAD_BYTES:
                raise BadHttp("header-size", f"a head has at most {ROAD_HEAD_BYTES} bytes", 431)
            return None
        length = self._sink.head(data[:at])
        if length is None:
            self.place = Place.SIZE
        elif length < 0:
            self.place = Place.CLOSE
        elif length == 0:
            self._done()
        else:
            self._left = length
            self.place = _LENGTH
        return data[at + 4 :]

    def _read_size(self, data: bytes) -> bytes | None:
        at = data.find(b"\r\n", 0, ROAD_CHUNK_LINE_BYTES + 2)
        if at < 0:
            if len(data) > ROAD_CHUNK_LINE_BYTES:
                raise BadHttp("chunk-size", f"its line has at most {ROAD_CHUNK_LINE_BYTES} bytes")
            return None
        found = _SIZE.fullmatch(data[:at])
        if found is None:
            raise BadHttp("chunk-size", "is hexadecimal digits")
        self._left = int(found.group(1), 16)
        self.place = Place.CHUNK if self._left else Place.TRAILER
        return data[at + 2 :]

    def _read_trailer(self, data: bytes) -> bytes | None:
        if data.startswith(b"\r\n"):
            self._done()
            return data[2:]
        at = data.find(_END)
        if at < 0 or at > ROAD_TRAILER_BYTES:
            if len(data) > ROAD_TRAILER_BYTES:
                raise BadHttp("trailer", f"has at most {ROAD_TRAILER_BYTES} bytes", 431)
            return None
        read_fields(data[:at])
        self._done()
        return data[at + 4 :]

    def _done(self) -> None:
        self.place = _DONE
        self._sink.end()
