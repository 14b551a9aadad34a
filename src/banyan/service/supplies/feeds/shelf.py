"""Encoded bodies, made once for each state of the board and shared by all readers, plain and gzip."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

GZIP_LEVEL: Final = 6
"""Measured on the national CSV: level 9 is 1 % smaller and takes twice as long."""
TAG_CHARACTERS: Final = 16
SMALL_BYTES: Final = 256
"""A gzip head and tail are 18 bytes; below this it saves nothing."""


class Encoded(msgspec.Struct, frozen=True):
    """A body as it is sent; `zipped` is the same, gzip, or empty when that is no smaller. `tag` is a hash of the
    content: equal content has an equal tag, whenever and wherever it was made. `headers` tell of an announced
    change."""

    body: bytes
    zipped: bytes
    tag: str
    headers: tuple[tuple[str, str], ...] = ()


def encoded(body: bytes) -> Encoded:
    zipped = gzip.compress(body, GZIP_LEVEL, mtime=0) if len(body) >= SMALL_BYTES else b""
    return Encoded(body, zipped if len(zipped) < len(body) else b"", sha256(body).hexdigest()[:TAG_CHARACTERS])


class Shelf:
    """At most `most` bodies by name; each is remade when its stamp differs, once, in a thread, however many ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[str, tuple[int, Encoded]] = OrderedDict()
        self._turns: dict[str, asyncio.Lock] = {}

    def known(self, name: str, stamp: int) -> Encoded | None:
        """The body of `name` for the state `stamp` or a later one, when it was made."""
        known = self._made.get(name)
        return known[1] if known is not None and known[0] >= stamp else None

    async def take(self, name: str, stamp: int, make: Callable[[], bytes]) -> Encoded:
        """The body of `name` for the state `stamp` or a later one. `make` runs in a thread: it may read only what
        cannot change."""
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            known = self._made.get(name)
            if known is None or known[0] < stamp:
                known = self._made[name] = (stamp, await asyncio.to_thread(lambda: encoded(make())))
            self._made.move_to_end(name)
        self._shrink()
        return known[1]

    def _shrink(self) -> None:
        while len(self._made) > self._most:
            oldest, _ = self._made.popitem(last=False)
            if not self._turns[oldest].locked():
                del self._turns[oldest]
