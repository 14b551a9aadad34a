"""One connection in a bundle, as its protocol sees it: bytes in order both ways, and room for so many that were not
taken yet. The frames: bundle.py."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from banyan.limits_road import ROAD_STRAND_BYTES

if TYPE_CHECKING:
    from banyan.kernel.exchange.road.bundle import Bundle

Bytes = bytes | bytearray | memoryview
DATA, END, ROOM, OPEN, NO = range(5)
HEAD: Final = Struct(">II")
_FRAME_BYTES: Final = ROAD_STRAND_BYTES
"""Of one strand at once; then others come between."""
_pack: Final = HEAD.pack


class BadFrame(Exception):
    """The other side breaks the rules of bundle.py; what it says then is not believed any more."""


class NotTaken(ConnectionRefusedError):
    """The other side read nothing of this strand: whatever was asked on it may be asked elsewhere."""


class Strand(asyncio.Transport):
    """Strand `number` of `bundle`, for `protocol`."""

    __slots__ = (
        "_held",
        "_is_closing",
        "_is_held_up",
        "_is_reading",
        "_protocol",
        "_received",
        "_room",
        "_waiting",
        "bundle",
        "number",
    )

    def __init__(self, bundle: Bundle, number: int, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.bundle, self.number, self._protocol = bundle, number, protocol
        self._room = ROAD_STRAND_BYTES
        self._received = 0
        """Bytes for which no room was given back yet."""
        self._held: deque[bytes] | None = None
        """What came while reading is paused, or not caught up with."""
        self._waiting: deque[memoryview] = deque()
        """What was written and has no room."""
        self._is_held_up = False
        self._is_reading = True
        self._is_closing = False

    # what the protocol asks

    def write(self, data: Bytes) -> None:
        size, bundle = len(data), self.bundle
        if not 0 < size <= self._room or size > _FRAME_BYTES or self._waiting or bundle.is_full or self._is_closing:
            self._write_later(data)
            return
        self._room -= size
        out = bundle.out  # what follows is `bundle.send`, at half the cost for each message
        out.append(_pack(size, self.number))
        out.append(data)
        bundle.sent()

    def close(self) -> None:
        """After what was written. Nothing more is read."""
        if not self._is_closing:
            self._is_closing = True
            self._held = deque()
            if not self._waiting:
                self._end()

    def abort(self) -> None:
        self._is_closing = True
        self._held = deque()
        self._waiting.clear()
        self._end()

    def is_closing(self) -> bool:
        return self._is_closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.bundle.transport.get_extra_info(name, default)

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self._is_reading = False
        if self._held is None:
            self._held = deque()

    def resume_reading(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self.bundle.loop.call_soon(self.catch_up)

    def is_of(self, bundle: Bundle) -> bool:
        return self.bundle is bundle

    def silent_since(self, moment: float) -> Bundle | None:
        """Its bundle, if nothing at all came on it since then, by the loop's clock."""
        return self.bundle if self.bundle.heard_at < moment else None

    # what the bundle says

    def made(self) -> None:
        self._tell(self._protocol.connection_made, self)

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def has_room_for(self, size: int) -> bool:
        return self._room + size <= ROAD_STRAND_BYTES

    def received(self, data: bytes) -> None:
        """Raises BadFrame: more than there was room for."""
        self._received += len(data)
        if self._received > ROAD_STRAND_BYTES:
            raise BadFrame("more bytes than there was room for")
        if self._held is not None:
            if not self._is_closing:
                self._held.append(data)
            return
        try:
            self._protocol.data_received(data)
        except Exception as error:
            self._failed(error)
        if self._received > ROAD_STRAND_BYTES // 2:
            self._give_room()

    def more_room(self, size: int) -> None:
        self._room += size
        self.pour()

    def pour(self) -> None:
        """Send what waits and has room, a frame at a time."""
        while self._waiting and self._room and not self.bundle.is_full:
            whole = self._waiting.popleft()
            size = min(len(whole), self._room, _FRAME_BYTES)
            if size < len(whole):
                self._waiting.appendleft(whole[size:])
            self._room -= size
            self.bundle.out.append(_pack(size, self.number))
            self.bundle.out.append(whole[:size])
            self.bundle.sent()
        if self._is_closing:
            if not self._waiting:
                self._end()
        elif self._is_held_up != bool(self._waiting):
            self._is_held_up = not self._is_held_up
            self._tell(self._protocol.pause_writing if self._is_held_up else self._protocol.resume_writing)

    def catch_up(self) -> None:
        """With what was held, unless its reader pauses again."""
        while self._held and self._is_reading and not self._is_closing:
            self._tell(self._protocol.data_received, self._held.popleft())
        if self._held is not None and self._is_reading and not self._is_closing:
            self._held = None
            self._give_room()

    def lost(self, error: Exception | None) -> None:
        """Gone, with the bundle or by the other side's END; what a paused reader has not taken goes too."""
        self._is_closing = True
        self._waiting.clear()
        self._tell(self._protocol.connection_lost, error)

    def _write_later(self, data: Bytes) -> None:
        if data and not self._is_closing:
            self._waiting.append(memoryview(bytes(data)))
            self.pour()

    def _end(self) -> None:
        if self.bundle.forget(self):
            self.bundle.send(END, 0, self.number)
            self.bundle.loop.call_soon(self._protocol.connection_lost, None)

    def _tell(self, what: Callable[..., object], *told: object) -> None:
        """A defect of one strand's protocol is not the others' misfortune."""
        try:
            what(*told)
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.bundle.loop.call_exception_handler({"message": "road: a strand failed", "exception": error})
        self.abort()

    def _give_room(self) -> None:
        if self._is_reading and not self._is_closing and self._received:
            received, self._received = self._received, 0
            self.bundle.send(ROOM, received, self.number)
