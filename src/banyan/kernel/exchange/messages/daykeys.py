"""One key for each day on which something is due, in files of 0600 in a folder of their own; destroyed when due.

What is sealed under a key that is gone is unreadable wherever a copy of it lies, backups included, as long as they hold
no copy of this folder. Source: NIST SP 800-88r1 s2.5 (cryptographic erase); AES-256-GCM, NIST SP 800-38D.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from banyan.kernel.storage.durable import flush_folder, make_folders, write_file

DAY_S: Final = 86_400
NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"(\d{1,8})\.(key|gone)")
Random = Callable[[int], bytes]


def day_of(at: float) -> int:
    """Days since the epoch, UTC: the day in which `at` lies. What is due on a day is kept to its end."""
    return int(at) // DAY_S


def day_text(day: int) -> str:
    """`2026-11-26`."""
    return datetime.fromtimestamp(day * DAY_S, UTC).date().isoformat()


def opened(key: AESGCM, sealed: bytes, about: bytes) -> bytes:
    """What `DayKeys.seal` made. Raises ValueError when it was changed."""
    try:
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except InvalidTag as error:
        raise ValueError("a sealed record was changed") from error


class DayKeys:
    """The keys in `folder`."""

    def __init__(self, folder: Path, *, random: Random) -> None:
        make_folders(folder)
        folder.chmod(0o700)
        self._folder, self._random = folder, random
        self._open: dict[int, AESGCM] = {}

    def seal(self, day: int, data: bytes, about: bytes) -> bytes:
        """`data` under the key of `day`, bound to `about`; the key is on disk before the first use."""
        key = self._open.get(day) or self._made(day)
        nonce = self._random(NONCE_BYTES)
        return nonce + key.encrypt(nonce, data, about)

    def unseal(self, day: int, sealed: bytes, about: bytes) -> bytes | None:
        """None when the key was destroyed. Raises ValueError when the bytes are not what was sealed."""
        key = self.key(day)
        return None if key is None else opened(key, sealed, about)

    def key(self, day: int) -> AESGCM | None:
        """The key of a day that is still there; one that a crash left half destroyed is not."""
        known = self._open.get(day)
        if known is None:
            path = self._path(day)
            if not path.exists() or self._mark(day).exists():
                return None
            known = self._open[day] = AESGCM(path.read_bytes())
        return known

    def sealing(self, day: int) -> AESGCM:
        """The key of a day, made when it is new."""
        return self._open.get(day) or self._made(day)

    def due(self, today: int) -> list[int]:
        """Days before `today` whose keys are there, or are gone without a word in the log."""
        return sorted({day for day, _ in self._names() if day < today})

    def destroy(self, day: int) -> None:
        """The key's bytes are written over, then its file goes; a mark stays until `told`."""
        self._open.pop(day, None)
        write_file(self._mark(day), b"")
        path = self._path(day)
        if path.exists():
            with path.open("r+b") as file:
                file.write(bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        flush_folder(self._folder)

    def told(self, day: int) -> None:
        """The deletion stands in the log."""
        self._mark(day).unlink(missing_ok=True)

    def _made(self, day: int) -> AESGCM:
        known = self.key(day)
        if known is not None:
            return known
        if self._mark(day).exists():
            self.told(day)  # a clock went back: what is sealed from now on is due again
        path = self._path(day)
        staged = path.with_suffix(".new")
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._random(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        staged.rename(path)
        flush_folder(self._folder)
        made = self._open[day] = AESGCM(path.read_bytes())
        return made

    def _names(self) -> set[tuple[int, str]]:
        found = (_NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return {(int(match[1]), match[2]) for match in found if match}

    def _path(self, day: int) -> Path:
        return self._folder / f"{day}.key"

    def _mark(self, day: int) -> Path:
        return self._folder / f"{day}.gone"
