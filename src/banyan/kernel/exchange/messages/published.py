"""The log as C2SP files: the tree grown, the checkpoint signed and put in place, what nobody asks for any more removed.

The checkpoint's file says how large the tree is. Files come first, the checkpoint last; a cut-off growth is grown again
from the journal with the same bytes.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from banyan.errors import Problem
from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.log import Cosign
from banyan.kernel.ledger.tree import Tree
from banyan.kernel.storage.durable import make_folders, write_file
from banyan.kernel.storage.worker import to_the_end
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import Checkpoint, parse_text
from banyan.wire.tlog.merkle import inclusion_proof
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.proof import Receipt
from banyan.wire.tlog.tiles import WIDTH, Tile, parse_path

CHECKPOINT: Final = "checkpoint"
KEYS_FILE: Final = "log.vkeys"
WITNESS_FILE: Final = "witness.vkey"
"""The key by which this gateway witnesses others' logs."""
MEMBERS_FILE: Final = "members.json"
"""The newest entry that says whose exchanges the log holds."""


class Published:
    """A log's files in `folder`, signed by `keys`."""

    def __init__(self, folder: Path, keys: LedgerKeys) -> None:
        make_folders(folder)
        self._folder, self._keys = folder, keys
        self.signed = _read(folder / CHECKPOINT)
        self.size = _size_of(self.signed, keys) if self.signed else 0
        self.tree = Tree(folder, self.size)
        self._outgrown: list[int] = []
        self._gate = threading.Lock()
        for name, vkeys in ((KEYS_FILE, keys.vkeys), (WITNESS_FILE, (keys.witness_vkey,))):
            told = "".join(f"{one}\n" for one in vkeys).encode()
            if _read(folder / name) != told:
                write_file(folder / name, told)

    def grow(self, entries: Sequence[bytes]) -> None:
        """Bring entries into tiles; on disk when it returns. Not on the loop."""
        with self._gate:
            self._outgrown.append(self.tree.size)
        self.tree.grow(entries)

    async def sign(self, now: int, cosign: Cosign | None = None) -> Checkpoint | None:
        """Publish the tree as it stands; None when it is published already. `now` in POSIX seconds."""
        tree = self.tree
        if tree.size == self.size and self.signed:
            return None
        checkpoint, signed = await asyncio.to_thread(self._signed, now)
        if cosign is not None:
            signed = await cosign(self.size, signed, tree)
        await to_the_end(asyncio.to_thread(self._put, checkpoint, signed))
        return checkpoint

    async def cosign_again(self, cosign: Cosign) -> bool:
        """Ask for the cosignatures that the checkpoint lacks; False when none came."""
        if not self.signed:
            return False
        signed = await cosign(self.size, self.signed, self.tree)
        if signed == self.signed:
            return False
        await to_the_end(asyncio.to_thread(self._again, signed))
        return True

    def receipt(self, index: int, extra: bytes) -> Receipt | None:
        """What proves an entry; None until a checkpoint covers it. Not on the loop: it reads files."""
        with self._gate:
            size, signed = self.size, self.signed
        if index >= size:
            return None
        return Receipt(index, tuple(inclusion_proof(index, size, self.tree.subtree)), signed, extra)

    def entry(self, index: int) -> bytes | None:
        """An entry that is in a tile. Not on the loop."""
        return self.tree.entry(index) if index < self.tree.size else None

    def members(self) -> bytes:
        return _read(self._folder / MEMBERS_FILE)

    def note_members(self, entry: bytes) -> None:
        write_file(self._folder / MEMBERS_FILE, entry)

    def tile(self, path: str) -> tuple[Tile, bytes] | None:
        """A tile by its path below the prefix; None when there is none of that name. Not on the loop."""
        wanted = parse_path(path)
        if wanted is None:
            return None
        with self._gate:  # a partial tile may be swept away between being found and being read
            file = self.tree.file(wanted)
            data = file.read_bytes() if file is not None else self.tree.cut(wanted)
        return None if data is None else (wanted, data)

    def reopen(self) -> None:
        """The tree as the checkpoint has it, after a growth that failed half way."""
        with self._gate:
            self._outgrown.append(self.tree.size)
            self.tree = Tree(self._folder, self.size)

    def _again(self, signed: bytes) -> None:
        """The same checkpoint with more lines."""
        write_file(self._folder / CHECKPOINT, signed)
        self.signed = signed

    def _signed(self, now: int) -> tuple[Checkpoint, bytes]:
        tree = self.tree
        checkpoint = Checkpoint(self._keys.origin, tree.size, tree.root())
        return checkpoint, self._keys.sign(checkpoint.text, now)

    def _put(self, checkpoint: Checkpoint, signed: bytes) -> None:
        write_file(self._folder / CHECKPOINT, signed)
        with self._gate:
            self.size, self.signed = checkpoint.size, signed
            outgrown, self._outgrown = self._outgrown, []
            for size in outgrown:
                self._sweep(size)

    def _sweep(self, before: int) -> None:
        """Partial tiles of a size before, and those of tiles that are full by now: `Tree.cut` answers for them."""
        level, old, new = 0, before, self.size
        while old or new:
            self._drop_partials(level, old, new)
            if level == 0:
                self._drop_partials(None, old, new)
            level, old, new = level + 1, old // WIDTH, new // WIDTH

    def _drop_partials(self, level: int | None, old: int, new: int) -> None:
        index, width = divmod(old, WIDTH)
        if not width or old == new:
            return
        path = self._folder / Tile(level, index, width).path
        if new // WIDTH > index:
            shutil.rmtree(path.parent, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _size_of(signed: bytes, keys: LedgerKeys) -> int:
    """The size that our own checkpoint says. Raises Problem: it is not ours, so the folder is another log's."""
    try:
        checkpoint = parse_text(note.parse(signed).text)
    except BadNote as error:
        raise _foreign("is damaged") from error
    if checkpoint.origin != keys.origin:
        raise _foreign(f"is of the log {checkpoint.origin}")
    return checkpoint.size


def _foreign(what: str) -> Problem:
    return Problem(
        f"The message log's checkpoint {what}.",
        remedy="Restore the folder from a backup; never sign another history under this log's keys.",
        kind="message-log-damaged",
    )
