"""Snapshots of a journal's state: whole or absent, checked when read, the last few kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from banyan.kernel.storage.durable import flush_folder, write_file

_SUFFIX: Final = ".snapshot"
_MAGIC: Final = b"BANYAN-S1\n"
_HASH_BYTES: Final = 32


class Snapshots:
    """Files `SEQ.snapshot` in `folder`: magic, SHA-256 of (seq, state), state."""

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder = folder
        self._keep = keep

    def write(self, seq: int, state: bytes, *, back_to: int | None = None) -> None:
        """Keep the state after event `seq`; then forget those older than the newest `keep`, and than the newest that
        is not later than `back_to`."""
        write_file(self._path(seq), _MAGIC + _digest(seq, state) + state)
        seqs = self._seqs()
        needed = 0 if back_to is None else 1 + sum(1 for one in seqs if one > back_to)
        for old in seqs[max(self._keep, needed) :]:
            self._path(old).unlink()
        flush_folder(self._folder)

    def latest(self, until: int | None = None) -> tuple[int, bytes] | None:
        """The newest that is sound, of those at or before `until`."""
        for seq in self._seqs():
            if until is not None and seq > until:
                continue
            state = self._read(seq)
            if state is not None:
                return seq, state
        return None

    def newest_seq(self) -> int:
        """The seq of the newest sound one; 0 without any."""
        found = self.latest()
        return found[0] if found else 0

    def oldest_seq(self) -> int:
        """The seq of the oldest sound one; 0 without any. Events up to it are never needed again."""
        return min((seq for seq in self._seqs() if self._read(seq) is not None), default=0)

    def _read(self, seq: int) -> bytes | None:
        data = self._path(seq).read_bytes()
        start = len(_MAGIC) + _HASH_BYTES
        state = data[start:]
        return state if data[:start] == _MAGIC + _digest(seq, state) else None

    def _seqs(self) -> list[int]:
        """Newest first."""
        return sorted((int(path.stem) for path in self._folder.glob(f"*{_SUFFIX}")), reverse=True)

    def _path(self, seq: int) -> Path:
        return self._folder / f"{seq:020}{_SUFFIX}"


def _digest(seq: int, state: bytes) -> bytes:
    return hashlib.sha256(seq.to_bytes(8, "little") + state).digest()
