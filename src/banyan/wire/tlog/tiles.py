"""Tiles (c2sp.org/tlog-tiles): where a log's hashes and entries stand as files, 256 a file.

A full tile never changes; a partial one is replaced by the next. Paths are below the log's prefix.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

WIDTH: Final = 256
HEIGHT: Final = 8
"""Levels of the tree in one tile."""
ENTRY_BYTES: Final = 65_535
"""The length of an entry in a bundle has two bytes."""
_PATH: Final = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(msgspec.Struct, frozen=True):
    """`level` counts tiles (0 holds leaf hashes); None is an entry bundle. `width` is how many it holds."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        kind = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{kind}/{_index_path(self.index)}{partial}"


def parse_path(path: str) -> Tile | None:
    """The tile a path names, or None when it names none in its canonical spelling."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    index = int(found[2].replace("x", "").replace("/", ""))
    level = None if found[1] == "entries" else int(found[1])
    width = int(found[3]) if found[3] else WIDTH
    tile = Tile(level, index, width)
    return tile if tile.path == path and width <= WIDTH and (level is None or level < 64) else None


def tiles_of(size: int) -> list[Tile]:
    """The rightmost tiles of a tree of `size` leaves, hash tiles by level and the entry bundle: those a growing log
    writes last."""
    found = [] if size == 0 else [_last(None, size)]
    level, count = 0, size
    while count:
        found.append(_last(level, count))
        level, count = level + 1, count >> HEIGHT
    return found


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle: each with its length in two bytes, big-endian."""
    return b"".join([len(entry).to_bytes(2) + entry for entry in entries])


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError when it is cut."""
    found, place = [], 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 2])
        entry = data[place + 2 : place + 2 + size]
        if place + 2 > len(data) or len(entry) < size:
            raise ValueError("the bundle is cut")
        found.append(entry)
        place += 2 + size
    return found


def _last(level: int | None, count: int) -> Tile:
    index, width = divmod(count - 1, WIDTH)
    return Tile(level, index, width + 1)


def _index_path(index: int) -> str:
    digits = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        digits = f"x{index % 1000:03}/{digits}"
    return digits
