"""Bodies: in memory while small, else in a file that has no name, hashed while they stream by.

A gateway signs a digest before the first byte and checks one before handing a byte on, so every body is held whole;
what is bounded is memory. The file is unlinked from the start: nothing is left behind, whatever ends the process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path
from typing import IO, Final, cast

from banyan.errors import Limit
from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.model import Body
from banyan.limits_road import (
    ROAD_BODY_BYTES,
    ROAD_FILES_ALL_BYTES,
    ROAD_MEMORY_ALL_BYTES,
    ROAD_MEMORY_BYTES,
    ROAD_MEMORY_LEAST_BYTES,
    ROAD_PIECE_BYTES,
)

_HASHES: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


class Held:
    """A body that is in memory anyway."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._data:
            yield self._data

    def whole(self, most: int) -> bytes:
        if len(self._data) > most:
            raise too_large(most)
        return self._data

    def digest(self, algorithm: str) -> bytes:
        return _HASHES[algorithm](self._data).digest()

    def close(self) -> None:
        """Nothing to give back."""


EMPTY: Final = Held()


class Spooling:
    """Makes spools for one gateway and counts what all of them hold, in memory and in files. `stirred` is told of each
    message that comes."""

    def __init__(
        self,
        folder: Path,
        *,
        most: int = ROAD_BODY_BYTES,
        memory: int = ROAD_MEMORY_ALL_BYTES,
        files: int = ROAD_FILES_ALL_BYTES,
        stirred: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.most = most
        self.memory = memory
        self.files = files
        self.stirred = stirred
        self.held = 0
        self.filed = 0

    def spool(self, algorithms: Collection[str] = ("sha-256", "sha-512"), *, most: int = 0) -> Spool:
        self.stirred()
        return Spool(self, algorithms, min(most, self.most) if most else self.most)

    def room(self) -> int:
        """Bytes that one more body may keep in memory."""
        return ROAD_MEMORY_BYTES if self.held < self.memory else ROAD_MEMORY_LEAST_BYTES


class Spool:
    """A body while it arrives (`write`, `seal`) and afterwards. `algorithms`: digests that will be asked for."""

    def __init__(self, of: Spooling, algorithms: Collection[str], most: int) -> None:
        self._of = of
        self._algorithms = algorithms
        self.most = most
        self._data: bytes | bytearray = b""
        self._file: IO[bytes] | None = None
        self._hashes: Mapping[str, hashlib._Hash] = {}
        self._size = 0
        self._counted = 0
        self._filed = 0

    @property
    def size(self) -> int:
        return self._size

    @property
    def is_in_file(self) -> bool:
        return self._file is not None

    def write(self, piece: bytes) -> None:
        """Raises BadHttp: body-size; body-space when the folder, or the share of all bodies, is full."""
        self._size += len(piece)
        if self._size > self.most:
            raise BadHttp("body-size", f"at most {self.most} bytes", 413)
        if self._file is None:
            if self._data:
                self._data = self._data if isinstance(self._data, bytearray) else bytearray(self._data)
                self._data += piece
            else:
                self._data = piece
            if self._size > ROAD_MEMORY_LEAST_BYTES:
                self._count()
            if self._size > self._of.room():
                self._open()
            return
        self._put(piece)

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._file is None:
            if self._data:
                yield self.whole(self._size)
            return
        number, at = self._file.fileno(), 0
        while at < self._size:
            piece = os.pread(number, ROAD_PIECE_BYTES, at)
            if not piece:
                raise OSError("a spooled body lost its end")
            at += len(piece)
            yield piece

    def whole(self, most: int) -> bytes:
        if self._size > most:
            raise too_large(most)
        if self._file is not None:
            return os.pread(self._file.fileno(), self._size, 0)
        if isinstance(self._data, bytearray):
            self._data = bytes(self._data)
        return self._data

    def digest(self, algorithm: str) -> bytes:
        """Of all that was written."""
        if self._file is not None:
            known = self._hashes.get(algorithm)
            return known.digest() if known is not None else self._digest_again(algorithm)
        return _HASHES[algorithm](self.whole(self._size)).digest()

    def close(self) -> None:
        self._of.held -= self._counted
        self._counted = 0
        self._data = b""
        if self._file is not None and not self._file.closed:
            self._of.filed -= self._filed
            self._file.close()

    def _count(self) -> None:
        self._of.held += self._size - self._counted
        self._counted = self._size

    def _open(self) -> None:
        try:
            self._file = cast("IO[bytes]", tempfile.TemporaryFile(dir=self._of.folder, buffering=0))  # noqa: SIM115 (close ends it)
        except OSError as error:
            raise no_space() from error
        self._hashes = {name: _HASHES[name]() for name in self._algorithms}
        data, self._data = self._data, b""
        self._of.held -= self._counted
        self._counted = 0
        self._put(data)

    def _put(self, piece: bytes | bytearray) -> None:
        assert self._file is not None, "a file was opened"
        for one in self._hashes.values():
            one.update(piece)
        if self._of.filed + len(piece) > self._of.files:
            raise no_space()
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise no_space() from error
        self._filed += len(piece)
        self._of.filed += len(piece)

    def _digest_again(self, algorithm: str) -> bytes:
        """By an algorithm that nobody asked for while the body came."""
        assert self._file is not None, "what is in memory is hashed at once"
        hashing, at = _HASHES[algorithm](), 0
        while piece := os.pread(self._file.fileno(), ROAD_PIECE_BYTES, at):
            hashing.update(piece)
            at += len(piece)
        return hashing.digest()


def no_space() -> BadHttp:
    return BadHttp("body-space", "this gateway has no room for a body of this size now; send it later", 507)


async def digest_of(body: Body, algorithm: str) -> bytes:
    """Of a body of any kind: a spool has it already."""
    if isinstance(body, Spool | Held):
        return body.digest(algorithm)
    hashing = _HASHES[algorithm]()
    async for piece in body.chunks():
        hashing.update(piece)
    return hashing.digest()


def too_large(most: int) -> Limit:
    return Limit("The body is too large here.", remedy=f"At most {most} bytes are taken.")
