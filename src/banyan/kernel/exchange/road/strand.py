"""One connection in a bundle, as its protocol sees it: bytes in order both ways, and room for so many that were not
taken yet. The frames: bundle.py."""

from __future__ import annotations

import asyncio
from collections import deque
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from banyan.limits_road import ROAD_STRAND_BYTES

if TYPE_CHECKING:
    from banyan.kernel.exchange.road.bundle import Bundle

Bytes = bytes | bytearray | memoryview
DATA, END, ROOM = range(3)
HEAD: Final = Struct(">II")
_FRAME_BYTES: Final = 65_536
"""Of one strand at once, so that others come between."""
_pack: Final = HEAD.pack


class Strand(asyncio.Transport):
    """Strand `number` of `bundle`, for `protocol`."""

    __slots__ = (
        "_bundle",
        "_held",
        "_is_closing",
        "_is_held_up",
        "_protocol",
        "_received",
        "_room",
        "_waiting",
        "number",
    )

    def __init__(self, bundle: Bundle, number: int, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._bundle, self.number, self._protocol = bundle, number, protocol
        self._room = ROAD_STRAND_BYTES
        self._received = 0
        """Bytes for which no room was given back yet."""
        self._held: deque[bytes] | None = None
        """What came while reading is paused."""
        self._waiting: deque[memoryview] = deque()
        """What was written and has no room."""
        self._is_held_up = False
        self._is_closing = False

    # what the protocol asks

    def write(self, data: Bytes) -> None:
        size, bundle = len(data), self._bundle
        if not 0 < size <= self._room or size > _FRAME_BYTES or self._waiting or bundle.is_full or self._is_closing:
            self._write_later(data)
            return
        self._room -= size
        out = bundle.out  # what follows is `bundle.send`, at half the cost for each message
        out.append(_pack(size, self.number))
        out.append(data)
        bundle.sent()

    def close(self) -> None:
        """After what was written."""
        if not self._is_closing:
            self._is_closing = True
            if not self._waiting:
                self._end()

    def abort(self) -> None:
        self._is_closing = True
        self._waiting.clear()
        self._end()

    def is_closing(self) -> bool:
        return self._is_closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._bundle.transport.get_extra_info(name, default)

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        if self._held is None:
            self._held = deque()

    def resume_reading(self) -> None:
        if self._held is not None:
            self._bundle.loop.call_soon(self._catch_up)

    def is_of(self, bundle: Bundle) -> bool:
        return self._bundle is bundle

    def silent_since(self, moment: float) -> Bundle | None:
        """Its bundle, if nothing at all came on it since then, by the loop's clock."""
        return self._bundle if self._bundle.heard_at < moment else None

    # what the bundle says

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def may_receive(self, size: int) -> bool:
        return self._received + size <= ROAD_STRAND_BYTES

    def has_room_for(self, size: int) -> bool:
        return self._room + size <= ROAD_STRAND_BYTES

    def received(self, data: bytes) -> None:
        self._received += len(data)
        if self._held is not None:
            self._held.append(data)
            return
        self._protocol.data_received(data)
        if self._received > ROAD_STRAND_BYTES // 2:
            self._give_room()

    def more_room(self, size: int) -> None:
        self._room += size
        self.pour()

    def pour(self) -> None:
        """Send what waits and has room, a frame at a time."""
        while self._waiting and self._room and not self._bundle.is_full:
            whole = self._waiting.popleft()
            size = min(len(whole), self._room, _FRAME_BYTES)
            if size < len(whole):
                self._waiting.appendleft(whole[size:])
            self._room -= size
            self._bundle.out.append(_pack(size, self.number))
            self._bundle.out.append(whole[:size])
            self._bundle.sent()
        if self._is_closing:
            if not self._waiting:
                self._end()
        elif self._is_held_up != bool(self._waiting):
            self._is_held_up = not self._is_held_up
            (self._protocol.pause_writing if self._is_held_up else self._protocol.resume_writing)()

    def lost(self, error: Exception | None) -> None:
        """Gone, with the bundle or by the other side's END."""
        self._is_closing = True
        self._waiting.clear()
        self._protocol.connection_lost(error)

    def _write_later(self, data: Bytes) -> None:
        if data and not self._is_closing:
            self._waiting.append(memoryview(bytes(data)))
            self.pour()

    def _end(self) -> None:
        if self._bundle.forget(self):
            self._bundle.send(END, 0, self.number)
            self._bundle.loop.call_soon(self._protocol.connection_lost, None)

    def _catch_up(self) -> None:
        """What was held, unless its reader pauses again."""
        held, self._held = self._held or deque(), None
        while held and not self._is_paused() and not self._is_closing:
            self._protocol.data_received(held.popleft())
        if self._is_paused():
            self._held = held
        else:
            self._give_room()

    def _is_paused(self) -> bool:
        return self._held is not None

    def _give_room(self) -> None:
        if not self._is_paused() and not self._is_closing and self._received:
            received, self._received = self._received, 0
            self._bundle.send(ROOM, received, self.number)
