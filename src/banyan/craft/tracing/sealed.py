"""Files sealed at rest in blocks, so that a pruned read opens only what it needs: AES-256-GCM, a key for each file.

The file's key is derived from the day's key and the file's own salt, its blocks are numbered in the nonce, and every
block vouches for the header (which says how long the whole is): blocks cannot be swapped, cut off or moved between
files. Destroy the day's key and no copy can be read. Source: NIST SP 800-38D, RFC 5869, NIST SP 800-88r1 s2.5.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from banyan.errors import Unavailable
from banyan.limits_tracing import LAKE_BLOCK

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC: Final = b"BANYANL1"
SALT: Final = 16
TAG: Final = 16
HEAD: Final = len(MAGIC) + SALT + 8
KEY_BYTES: Final = 32
Random = Callable[[int], bytes]


def write_sealed(path: Path, plain: bytes | memoryview, key: bytes, *, random: Random) -> None:
    """Write it whole: under another name, flushed, then in place."""
    content = memoryview(plain)
    head = MAGIC + random(SALT) + struct.pack("<Q", len(content))
    cipher = _cipher(key, head)
    staged = path.with_name(path.name + ".new")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(head)
        for number, start in enumerate(range(0, len(content), LAKE_BLOCK)):
            file.write(cipher.encrypt(number.to_bytes(12, "big"), content[start : start + LAKE_BLOCK], head))
        file.flush()
        os.fsync(file.fileno())
    staged.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def read_sealed(path: Path, key: bytes) -> bytes:
    """The whole. Raises Unavailable when a bit of it is another, or the key is."""
    with SealedFile(path, key) as file:
        return file.readall()


class SealedFile(io.RawIOBase):
    """A file to read from anywhere in it. The last block stays open: readers come in small steps."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._file = path.open("rb", buffering=0)
        head = self._file.read(HEAD)
        if len(head) != HEAD or not head.startswith(MAGIC):
            self._file.close()
            raise Unavailable(f"{path.name} is no sealed file", remedy="restore it from a copy")
        self._head, self._cipher = head, _cipher(key, head)
        self._size, self._at = struct.unpack("<Q", head[-8:])[0], 0
        self._number, self._block = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        number, inside = divmod(self._at, LAKE_BLOCK)
        if self._at >= self._size or not len(room):
            return 0
        part = self._opened(number)[inside : inside + len(room)]
        room[: len(part)] = part
        self._at += len(part)
        return len(part)

    def readall(self) -> bytes:
        last = (self._size - 1) // LAKE_BLOCK
        return b"".join(self._opened(number) for number in range(last + 1)) if self._size else b""

    def read(self, size: int = -1, /) -> bytes:
        """As many as asked, unless the file ends: Arrow takes a short read for the end."""
        size = self._size - self._at if size < 0 else min(size, max(0, self._size - self._at))
        room = bytearray(size)
        view, done = memoryview(room), 0
        while done < size:
            done += self.readinto(view[done:])
        return bytes(room)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _opened(self, number: int) -> bytes:
        if number != self._number:
            start = number * LAKE_BLOCK
            size = min(LAKE_BLOCK, self._size - start)
            self._file.seek(HEAD + number * (LAKE_BLOCK + TAG))
            try:
                self._block = self._cipher.decrypt(number.to_bytes(12, "big"), self._file.read(size + TAG), self._head)
            except InvalidTag:
                raise Unavailable(
                    "a file of the lake was changed, or its key is another", remedy="restore it"
                ) from None
            self._number = number
        return self._block


def _cipher(key: bytes, head: bytes) -> AESGCM:
    assert len(key) == KEY_BYTES, "a day's key has 256 bits"
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=head[len(MAGIC) : len(MAGIC) + SALT], info=b"banyan/lake")
    return AESGCM(derived.derive(key))
