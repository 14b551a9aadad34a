"""An answer on its way back: the length of its head (4 bytes), its head as `xroad.block` writes it, its body."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from hashlib import sha256

from banyan.errors import Invalid
from banyan.kernel.exchange.delivery.contents import Content
from banyan.kernel.exchange.road.model import Answer, Body
from banyan.limits import HEADER_BYTES, XROAD_TARGET_BYTES
from banyan.wire.xroad.block import RequestBlock, encode_response, parse_block
from banyan.wire.xroad.headers import DROPPED

_LENGTH = struct.Struct(">I")
_HEAD_BYTES = HEADER_BYTES + XROAD_TARGET_BYTES


class Framed:
    """The frame as a body to be sent; `body` may be read again."""

    def __init__(self, head: bytes, body: Body) -> None:
        self._before = _LENGTH.pack(len(head)) + head
        self._body = body

    @property
    def size(self) -> int:
        return len(self._before) + self._body.size

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._before
        async for piece in self._body.chunks():
            yield piece

    def whole(self, most: int) -> bytes:
        return self._before + self._body.whole(most - len(self._before))

    def close(self) -> None:
        self._body.close()


class Rest:
    """The body within a frame that came."""

    def __init__(self, frame: Body, skip: int) -> None:
        self._frame = frame
        self._skip = skip

    @property
    def size(self) -> int:
        return self._frame.size - self._skip

    async def chunks(self) -> AsyncIterator[bytes]:
        skip = self._skip
        async for piece in self._frame.chunks():
            if skip < len(piece):
                yield piece[skip:] if skip else piece
            skip = max(0, skip - len(piece))

    def whole(self, most: int) -> bytes:
        return self._frame.whole(most + self._skip)[self._skip :]

    def close(self) -> None:
        self._frame.close()


def head_of(answer: Answer) -> bytes:
    """Without the fields that belong to one hop."""
    fields = [field for field in answer.fields if field[0].lower() not in DROPPED]
    return encode_response(answer.status, answer.reason, fields)


def answer_from(head: bytes, body: Body) -> Answer:
    """Raises Invalid: the head is none of an answer. A 1xx is none: what follows it would be read as the answer."""
    block = parse_block(head)
    if isinstance(block, RequestBlock) or not 200 <= block.status < 600:
        raise Invalid.at("frame", "Send an answer.")
    return Answer(block.status, block.reason, block.fields, body)


async def unframed(frame: Body) -> tuple[bytes, Body]:
    """The head and the body of a frame. Raises Invalid."""
    start = bytearray()
    async for piece in frame.chunks():
        start += piece
        if len(start) >= _LENGTH.size + _HEAD_BYTES:
            break
    if len(start) < _LENGTH.size:
        raise Invalid.at("frame", "Send the length of the head, the head and the body.")
    (length,) = _LENGTH.unpack_from(start)
    if not 0 < length <= min(_HEAD_BYTES, len(start) - _LENGTH.size):
        raise Invalid.at("frame", f"A head has at most {_HEAD_BYTES} bytes.")
    return bytes(start[_LENGTH.size : _LENGTH.size + length]), Rest(frame, _LENGTH.size + length)


def digest(head: bytes, content: Content) -> str:
    """What an answer is known by: SHA-256 of SHA-256 of its head and of its body."""
    return sha256(sha256(head).digest() + content.sha256).hexdigest()
