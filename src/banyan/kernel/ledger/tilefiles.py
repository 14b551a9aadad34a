"""Files of one growth, put on the disk together: written aside, flushed, then named, then their folders flushed.

As `storage.durable.write_file`, of many: what has its name is whole, and `flush` returns when all of it survives a
power cut. One after another each file cost two commits of the file system's journal; together they cost a few.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from banyan.kernel.storage.durable import flush_folder

_AT_ONCE: Final = 256
"""Files that stand open and in memory."""


class TileFiles:
    """Below `folder`. One thread writes; others may read what waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._waiting: dict[str, tuple[int, bytes]] = {}
        self._folders: set[str] = set()

    def put(self, name: str, data: bytes) -> None:
        """A file by its path below the folder, named at the next `flush`."""
        path = f"{self._folder}/{name}"
        try:
            descriptor = _created(path)
        except FileNotFoundError:
            self._make_folders(os.path.dirname(path))
            descriptor = _created(path)
        self._waiting[name] = descriptor, data
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
        self._folders.add(os.path.dirname(path))
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def read(self, name: str) -> bytes:
        """A file, also one that waits. Raises FileNotFoundError."""
        waiting = self._waiting.get(name)
        if waiting is not None:
            return waiting[1]
        with open(f"{self._folder}/{name}", "rb") as file:
            return file.read()

    def flush(self) -> None:
        """All that waits is on the disk when it returns."""
        for descriptor, _ in self._waiting.values():
            os.fsync(descriptor)
        while self._waiting:
            name, (descriptor, _) = next(iter(self._waiting.items()))
            path = f"{self._folder}/{name}"
            os.rename(f"{path}.tmp", path)
            del self._waiting[name]  # who reads looks here first, so it is there under its name by now
            os.close(descriptor)
        for folder in sorted(self._folders):
            flush_folder(Path(folder))
        self._folders.clear()

    def drop(self) -> None:
        """Give up what waits, after an error."""
        while self._waiting:
            name, (descriptor, _) = self._waiting.popitem()
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(f"{self._folder}/{name}.tmp")
        self._folders.clear()

    def _make_folders(self, path: str) -> None:
        """Their names are flushed with the others'."""
        parent = os.path.dirname(path)
        if not os.path.isdir(parent):
            self._make_folders(parent)
        os.makedirs(path, exist_ok=True)
        self._folders.add(parent)


def _created(path: str) -> int:
    return os.open(f"{path}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
