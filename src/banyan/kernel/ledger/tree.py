"""The tree on disk: entries and hashes as C2SP tiles below a folder, and the hash of any full subtree read back.

Only `grow` writes, only whole files, and a tile once full never changes; other threads may read meanwhile. What `size`
leaves is decided elsewhere (the ledger's records): files beyond it are leftovers of a cut-off growth and are written
again with the same bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from banyan.kernel.ledger.tilefiles import TileFiles
from banyan.kernel.storage.durable import make_folders
from banyan.wire.tlog.merkle import HASH_BYTES, leaf_hashes, root_of, row_above
from banyan.wire.tlog.tiles import HEIGHT, WIDTH, Tile, decode_bundle, encode_bundle

_CACHED_TILES: Final = 1_024
"""8 KiB each; a proof of a million entries reads three."""
_CACHED_ROWS: Final = 256
"""About 16 KiB each; a tile's 255 inner hashes cost 0.2 ms."""


class Tree:
    """The log's tiles in `folder`, grown to `size` leaves."""

    def __init__(self, folder: Path, size: int = 0) -> None:
        make_folders(folder)
        self._folder = folder
        self._full = lru_cache(maxsize=_CACHED_TILES)(self._read_full)
        self._rows = lru_cache(maxsize=_CACHED_ROWS)(self._rows_of_full)
        self._gate = threading.RLock()  # the last tiles and the size change together, or a proof leads nowhere
        self.size = size
        self._files = TileFiles(folder)
        self._edge = [self._partial(level) for level in range(_levels(size))]
        self._entries = self._partial_entries()

    def grow(self, entries: Sequence[bytes]) -> None:
        """Append entries; when it returns their tiles are on disk. Cost: two hashes each and two files a 256.

        No file that a tree of the size before has is written again: a cut-off growth must leave those alone."""
        before = self.size
        try:
            self._extend(entries)
            self._write_last(before)
            self._files.flush()
        except BaseException:
            self._files.drop()
            raise

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves; all of them when it is not given."""
        return root_of(self.size if size is None else size, self.subtree)

    def subtree(self, level: int, index: int) -> bytes:
        """The hash over leaves index * 2**level and the 2**level - 1 after it; all of them must be in the tree."""
        with self._gate:
            return self._subtree(level, index)

    def _subtree(self, level: int, index: int) -> bytes:
        assert (index + 1) << level <= self.size, f"subtree {level},{index} of a tree of {self.size}"
        height, inside = divmod(level, HEIGHT)
        place = index << inside
        tile = place // WIDTH
        if tile < self.size >> HEIGHT * (height + 1):
            start = ((place % WIDTH) >> inside) * HASH_BYTES
            return self._rows(height, tile)[inside][start : start + HASH_BYTES]
        start = place % WIDTH * HASH_BYTES
        row = bytes(self._hashes(height, tile)[start : start + (HASH_BYTES << inside)])
        return _rows_over(row)[-1]

    def entry(self, index: int) -> bytes:
        """An entry as it was appended."""
        bundle, place = divmod(index, WIDTH)
        with self._gate:
            if bundle == self.size // WIDTH:
                return self._entries[place]
        return decode_bundle(self._full(Tile(None, bundle)))[place]

    def file(self, tile: Tile) -> Path | None:
        """The file of a tile when the tree holds all of it, also a partial one of an earlier size."""
        count = self.size if tile.level is None else self.size >> HEIGHT * tile.level
        if tile.index * WIDTH + tile.width > count:
            return None
        path = self._folder / tile.path
        return path if path.is_file() else None

    def cut(self, tile: Tile) -> bytes | None:
        """A partial tile made from a fuller one, when no file of that width was ever written."""
        count = self.size if tile.level is None else self.size >> HEIGHT * tile.level
        if tile.index * WIDTH + tile.width > count:
            return None
        if tile.level is None:
            whole = [self.entry(tile.index * WIDTH + place) for place in range(tile.width)]
            return encode_bundle(whole)
        with self._gate:
            return bytes(self._hashes(tile.level, tile.index)[: tile.width * HASH_BYTES])

    def _extend(self, entries: Sequence[bytes]) -> None:
        place = 0
        while place < len(entries):
            some = entries[place : place + WIDTH - len(self._entries)]
            place += len(some)
            with self._gate:
                self._take(some)

    def _write_last(self, before: int) -> None:
        """The tiles that are not full, where they have grown."""
        if self._entries and self.size != before:
            self._write(Tile(None, self.size // WIDTH, len(self._entries)), encode_bundle(self._entries))
        for level, edge in enumerate(self._edge):
            count = self.size >> HEIGHT * level
            if edge and count != before >> HEIGHT * level:
                self._write(Tile(level, count // WIDTH, len(edge) // HASH_BYTES), bytes(edge))

    def _take(self, some: Sequence[bytes]) -> None:
        """Entries of one bundle."""
        size = self.size + len(some)
        self._entries += some
        self._push(0, leaf_hashes(some), size)
        if len(self._entries) == WIDTH:
            self._write(Tile(None, self.size // WIDTH), encode_bundle(self._entries))
            self._entries = []
        self.size = size

    def _push(self, level: int, hashes: bytes, size: int) -> None:
        """Add hashes to the last tile of a level of the tree of `size` leaves; one that is full is written and its root
        goes one level up."""
        if level == len(self._edge):
            self._edge.append(bytearray())
        edge = self._edge[level]
        edge += hashes
        if len(edge) < WIDTH * HASH_BYTES:
            return
        full = bytes(edge)
        self._write(Tile(level, (size >> HEIGHT * (level + 1)) - 1), full)
        self._edge[level] = bytearray()
        self._push(level + 1, _rows_over(full)[-1], size)

    def _hashes(self, level: int, index: int) -> bytes | bytearray:
        if level < len(self._edge) and index == self.size >> HEIGHT * (level + 1):
            return self._edge[level]
        return self._full(Tile(level, index))

    def _rows_of_full(self, level: int, index: int) -> list[bytes]:
        """The hashes of a full tile and those above them inside it: a proof asks for one of each row."""
        return _rows_over(self._full(Tile(level, index)))

    def _read_full(self, tile: Tile) -> bytes:
        return self._files.read(tile.path)

    def _partial(self, level: int) -> bytearray:
        count = self.size >> HEIGHT * level
        width = count % WIDTH
        if not width:
            return bytearray()
        return bytearray((self._folder / Tile(level, count // WIDTH, width).path).read_bytes())

    def _partial_entries(self) -> list[bytes]:
        width = self.size % WIDTH
        if not width:
            return []
        return decode_bundle((self._folder / Tile(None, self.size // WIDTH, width).path).read_bytes())

    def _write(self, tile: Tile, data: bytes) -> None:
        self._files.put(tile.path, data)


def _levels(size: int) -> int:
    """Levels of tiles that a tree of `size` leaves has begun."""
    levels = 0
    while size >> HEIGHT * levels:
        levels += 1
    return levels


def _rows_over(row: bytes) -> list[bytes]:
    """A full row of hashes and each row above it, up to the one hash over all."""
    rows = [row]
    while len(row) > HASH_BYTES:
        row = row_above(row)
        rows.append(row)
    return rows
