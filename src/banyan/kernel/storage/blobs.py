"""Blobs: files kept by the SHA-256 of their content; the original bytes of everything anybody published."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.kernel.storage.durable import flush_folder, make_folders
from banyan.kernel.storage.full import is_no_room, storage_full
from banyan.kernel.storage.lake import take_name
from banyan.limits import MIB

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class BlobRef(msgspec.Struct, frozen=True):
    """`sha256` in lower-case hexadecimal, `size` in bytes."""

    sha256: str
    size: int


class Blobs:
    """Blobs below `root`, two levels of 256 folders. `work` is scratch on the same disk."""

    def __init__(self, root: Path, work: Path) -> None:
        self._root = root
        self._work = work
        make_folders(root)
        make_folders(work)

    def put_file(self, path: Path, *, move: bool = False, expect: str = "") -> BlobRef:
        """Keep a copy of a file (with `move`, delete the original); durable when it returns.

        `expect` is the hash the sender claims: Invalid when the bytes read do not have it.
        """
        with path.open("rb") as file:
            ref = self._put(iter(lambda: file.read(MIB), b""), expect)
        if move:
            path.unlink()
        return ref

    def put_bytes(self, content: bytes, *, expect: str = "") -> BlobRef:
        return self._put([content], expect)

    def path(self, sha256: str) -> Path:
        """Where the blob is or would be."""
        if not _SHA256.fullmatch(sha256):
            raise Invalid.at("sha256", "Use 64 lower-case hexadecimal digits.")
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def has(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def is_sound(self, sha256: str) -> bool:
        """Whether the blob is there and its bytes still have its hash (disks rot)."""
        path = self.path(sha256)
        if not path.exists():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256

    def remove(self, sha256: str) -> None:
        """Delete a blob nobody refers to. Absent is fine."""
        path = self.path(sha256)
        if path.exists():
            path.unlink()
            flush_folder(path.parent)

    def keys(self) -> Iterator[str]:
        """Every hash, in order."""
        yield from sorted(path.name for path in self._root.glob("??/??/*"))

    def _put(self, chunks: Iterable[bytes], expect: str) -> BlobRef:
        descriptor, name = tempfile.mkstemp(prefix="blob-", dir=self._work)
        staged = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                ref = _copy(chunks, file.fileno())
            if expect and ref.sha256 != expect:
                raise Invalid.at("sha256", f"The bytes received have {ref.sha256}; send the file again.")
            staged.chmod(0o444)
            target = self.path(ref.sha256)
            make_folders(target.parent)
            if target.exists() and not self.is_sound(ref.sha256):
                target.unlink()  # the old copy rotted; this one is whole
            take_name(staged, target)
        except OSError as error:
            raise (storage_full() if is_no_room(error) else error) from error
        finally:
            staged.unlink(missing_ok=True)
        return ref


def _copy(chunks: Iterable[bytes], descriptor: int) -> BlobRef:
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)
    return BlobRef(digest.hexdigest(), size)
