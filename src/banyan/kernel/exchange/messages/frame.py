"""A frame of the journal: the entries of some exchanges in the open, their records and bodies sealed.

All that a tree needs is in the open, so that it can be grown again when the keys are gone.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Literal

import msgspec

from banyan.kernel.exchange.messages.daykeys import DayKeys

Part = Literal["request", "answer"]


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A body: sealed here, or in the file of that name; `place` is its exchange's among the frame's entries."""

    place: int
    part: Part
    day: int
    size: int
    sealed: bytes = b""
    file: str = ""


class Opening(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What opens a commitment."""

    salt: bytes
    record: bytes


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`first` is the first entry's index; `until` the newest moment of an exchange; `day` the one whose key seals the
    openings of all entries, in order. A frame of public entries has no openings."""

    v: int
    first: int
    until: float
    day: int
    entries: tuple[bytes, ...]
    sealed: bytes = b""
    bodies: tuple[Kept, ...] = ()


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Frame)
_openings: Final = msgspec.msgpack.Decoder(tuple[Opening, ...])


def encode(frame: Frame) -> bytes:
    return _encoder.encode(frame)


def decode(data: bytes) -> Frame:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(data)


def sealed_openings(keys: DayKeys, day: int, entries: tuple[bytes, ...], openings: tuple[Opening, ...]) -> bytes:
    return keys.seal(day, _encoder.encode(openings), b"".join(entries))


def openings_of(frame: Frame, keys: DayKeys) -> tuple[Opening, ...] | None:
    """None when the key was destroyed, or there are none. Raises ValueError when it was changed."""
    if not frame.sealed:
        return None
    data = keys.unseal(frame.day, frame.sealed, b"".join(frame.entries))
    return None if data is None else _openings.decode(data)


def about_body(entry: bytes, part: str) -> bytes:
    """What a sealed body is bound to: its exchange and its side."""
    return sha256(entry).digest() + part.encode("ascii")
