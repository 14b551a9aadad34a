"""The journal's file format: a segment is a head and frames; pure bytes, no I/O.

    head   "BANYAN-J1\\n" | salt 4 | first seq 8 | crc32 4                        (26 bytes, little endian)
    frame  "榕" in UTF-8 3 | kind 1 | length 4 | seq 8 | durable 8 | crc32 4 | payload   (28 bytes + payload)

`durable` is the last seq that was flushed before this frame was written. A `mark` frame has no payload and says the
same when no event follows. So a reader who meets a broken frame can tell a torn tail (nothing behind it knows of it as
durable: it was never acknowledged) from damage (something does). The salt is part of every checksum, so bytes of
another journal carried as a payload are never taken for frames.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from banyan.limits import JOURNAL_FRAME_BYTES

EVENT: Final = 1
MARK: Final = 2
_HEAD: Final = struct.Struct("<10sIQI")
_FRAME: Final = struct.Struct("<3sBIQQI")
_HEAD_MAGIC: Final = b"BANYAN-J1\n"
_FRAME_MAGIC: Final = "榕".encode()
HEAD_BYTES: Final = _HEAD.size
FRAME_HEAD_BYTES: Final = _FRAME.size


class Frame(msgspec.Struct, frozen=True):
    """One frame and where it ends in its segment."""

    kind: int
    seq: int
    durable: int
    start: int
    end: int


def encode_head(salt: int, first: int) -> bytes:
    body = _HEAD.pack(_HEAD_MAGIC, salt, first, 0)[:-4]
    return body + zlib.crc32(body).to_bytes(4, "little")


def decode_head(data: bytes) -> tuple[int, int] | None:
    """(salt, first seq), or None when the head is torn or damaged."""
    if len(data) < HEAD_BYTES:
        return None
    magic, salt, first, crc = _HEAD.unpack_from(data)
    if magic != _HEAD_MAGIC or crc != zlib.crc32(data[: HEAD_BYTES - 4]):
        return None
    return salt, first


def encode_frame(payload: bytes, *, salt: int, seq: int, durable: int, kind: int = EVENT) -> bytes:
    assert len(payload) <= JOURNAL_FRAME_BYTES, "the journal refuses larger events before this"
    head = _FRAME.pack(_FRAME_MAGIC, kind, len(payload), seq, durable, 0)[:-4]
    crc = zlib.crc32(payload, zlib.crc32(head, salt))
    return b"".join((head, crc.to_bytes(4, "little"), payload))


def decode_frame(data: memoryview, start: int, *, salt: int) -> Frame | None:
    """The whole, sound frame at `start`, or None."""
    if start + FRAME_HEAD_BYTES > len(data):
        return None
    magic, kind, length, seq, durable, crc = _FRAME.unpack_from(data, start)
    end = start + FRAME_HEAD_BYTES + length
    if magic != _FRAME_MAGIC or length > JOURNAL_FRAME_BYTES or end > len(data):
        return None
    head = data[start : start + FRAME_HEAD_BYTES - 4]
    if zlib.crc32(data[start + FRAME_HEAD_BYTES : end], zlib.crc32(head, salt)) != crc:
        return None
    return Frame(kind, seq, durable, start, end)


def sound_frames(data: memoryview, *, salt: int, first: int) -> Iterator[Frame]:
    """Frames from the head on, in unbroken order, up to the first that is not sound."""
    expected, position = first, HEAD_BYTES
    while (frame := decode_frame(data, position, salt=salt)) is not None:
        if frame.seq != (expected if frame.kind == EVENT else expected - 1):
            return
        yield frame
        expected = frame.seq + 1
        position = frame.end


def known_durable_behind(data: bytes, position: int, *, salt: int) -> int:
    """The highest seq that any sound frame at or behind `position` knows to have been flushed; 0 if none does."""
    view = memoryview(data)
    highest = 0
    while (position := data.find(_FRAME_MAGIC, position)) >= 0:
        frame = decode_frame(view, position, salt=salt)
        if frame is not None:
            highest = max(highest, frame.durable)
        position = position + 1 if frame is None else frame.end
    return highest
