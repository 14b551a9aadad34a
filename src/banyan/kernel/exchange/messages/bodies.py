"""Bodies that a basis lets a member keep: sealed, small ones in the journal, large ones in files by their last day.

A file is a sequence of chunks, each sealed with AES-256-GCM under a nonce of its place and whether it is the last, so
that none can be cut off, moved or repeated. Source: STREAM of Hoang, Reyhanitabar, Rogaway, Vizár (CRYPTO 2015).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from banyan.errors import Limit
from banyan.kernel.exchange.messages.daykeys import Random
from banyan.kernel.exchange.road.model import Body
from banyan.kernel.storage.durable import flush_folder, make_folders
from banyan.limits_road import MESSAGES_CHUNK_BYTES

_PREFIX_BYTES: Final = 7
_TAG_BYTES: Final = 16
_NAME_BYTES: Final = 16


class BodyFiles:
    """Sealed bodies in `folder`, a folder a day."""

    def __init__(self, folder: Path, *, random: Random) -> None:
        make_folders(folder)
        self._folder, self._random = folder, random

    async def write(self, body: Body, day: int, key: AESGCM, about: bytes) -> str:
        """Seal a body; the name of its file, on disk when this returns."""
        name = f"{day}/{self._random(_NAME_BYTES).hex()}"
        path = self._folder / name
        await asyncio.to_thread(make_folders, path.parent)
        try:
            with path.open("xb") as file:
                prefix = self._random(_PREFIX_BYTES)
                file.write(prefix)
                async for number, chunk, is_last in _chunks(body):
                    file.write(key.encrypt(_nonce(prefix, number, is_last), chunk, about))
                await asyncio.to_thread(_flush, file.fileno(), file.flush, path.parent)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name

    def read(self, name: str, key: AESGCM, about: bytes) -> Iterator[bytes]:
        """The body again, piece by piece. Raises ValueError when the file was changed."""
        step = MESSAGES_CHUNK_BYTES + _TAG_BYTES
        with (self._folder / name).open("rb") as file:
            prefix = file.read(_PREFIX_BYTES)
            number, following = 0, file.read(step)
            while True:
                chunk, following = following, file.read(step)
                try:
                    yield key.decrypt(_nonce(prefix, number, not following), chunk, about)
                except InvalidTag as error:
                    raise ValueError("a kept body was changed") from error
                if not following:
                    return
                number += 1

    def drop_day(self, day: int) -> None:
        """The files of a day whose key is gone."""
        shutil.rmtree(self._folder / str(day), ignore_errors=True)
        flush_folder(self._folder)


class KeptBody:
    """A `Body` that the log kept; `pieces` opens it again at each reading."""

    def __init__(self, size: int, pieces: Callable[[], Iterator[bytes]]) -> None:
        self._size, self._pieces = size, pieces

    @property
    def size(self) -> int:
        return self._size

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            yield piece

    def whole(self, most: int) -> bytes:
        if self._size > most:
            raise Limit(f"The body has {self._size} bytes, at most {most} are read.", remedy="Read it in chunks.")
        return b"".join(self._pieces())

    def close(self) -> None:
        """It stays in the log."""


async def _chunks(body: Body) -> AsyncIterator[tuple[int, bytes, bool]]:
    """(number, bytes, whether it is the last) in pieces of MESSAGES_CHUNK_BYTES; an empty body is one empty piece."""
    number, waiting = 0, bytearray()
    async for piece in body.chunks():
        waiting += piece
        while len(waiting) > MESSAGES_CHUNK_BYTES:
            yield number, bytes(waiting[:MESSAGES_CHUNK_BYTES]), False
            del waiting[:MESSAGES_CHUNK_BYTES]
            number += 1
    yield number, bytes(waiting), True


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4) + bytes((is_last,))


def _flush(descriptor: int, flush: Callable[[], None], folder: Path) -> None:
    flush()
    os.fsync(descriptor)
    flush_folder(folder)
