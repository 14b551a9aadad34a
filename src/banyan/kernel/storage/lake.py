"""The lake: immutable files (Parquet versions of registers), named once and never changed.

A file is built in the drawer's work folder, flushed, and then takes its name in one step. What a crash leaves lies in
the work folder only, which is swept at start; so whatever has a name in the lake is whole.
"""

from __future__ import annotations

import errno
import filecmp
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from banyan.errors import Conflict, Invalid
from banyan.kernel.storage.durable import flush_file, flush_folder, make_folders
from banyan.kernel.storage.full import is_no_room, storage_full
from banyan.limits import LAKE_KEY_BYTES, LAKE_NAME_BYTES


class Lake:
    """Files below `root` by key (`register/version/table.parquet`). `work` is scratch, best on the same disk."""

    def __init__(self, root: Path, work: Path) -> None:
        self._root = root
        self._work = work
        make_folders(root)
        make_folders(work)

    def path(self, key: str) -> Path:
        """Where the file of `key` is or will be. The key is checked, so it cannot lead out of the lake."""
        refuse_unsafe_key(key)
        return self._root / key

    def adopt(self, staged: Path, key: str) -> Path:
        """Take a finished file under `key`; durable when it returns, and `staged` is gone.

        The same content again is welcome (a retry); other content under a used key is a Conflict.
        """
        target = self.path(key)
        try:
            make_folders(target.parent)
            staged = self._on_this_disk(staged)
            flush_file(staged)
            take_name(staged, target)
        except OSError as error:
            raise (storage_full() if is_no_room(error) else error) from error
        return target

    def remove(self, key: str) -> None:
        """Delete a file nobody refers to any more, and the folders it leaves empty. Absent is fine."""
        target = self.path(key)
        target.unlink(missing_ok=True)
        folder = target.parent
        while folder != self._root and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
        if folder.exists():
            flush_folder(folder)

    def keys(self) -> Iterator[str]:
        """Every key, in order."""
        for path in sorted(self._root.rglob("*")):
            if path.is_file():
                yield path.relative_to(self._root).as_posix()

    def _on_this_disk(self, staged: Path) -> Path:
        if staged.stat().st_dev == self._root.stat().st_dev:
            return staged
        near = self._work / f"adopt-{secrets.token_hex(8)}"
        try:
            shutil.copyfile(staged, near)
        except OSError:
            near.unlink(missing_ok=True)
            raise
        staged.unlink()
        return near


def take_name(staged: Path, target: Path) -> None:
    """Give a flushed file its final name; never replaces other content. Both are on one disk."""
    try:
        os.link(staged, target)  # unlike rename, link refuses a name that is taken
    except FileExistsError:
        if not filecmp.cmp(staged, target, shallow=False):
            raise Conflict(
                f"{target.name} already has other content.", remedy="Use a new version name.", kind="lake-key-taken"
            ) from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise
        staged.rename(target)  # a file system without hard links
        flush_folder(target.parent)
        return
    staged.unlink()
    flush_folder(target.parent)


def refuse_unsafe_key(key: str) -> None:
    """Raise Invalid unless the key is a plain relative path."""
    parts = key.split("/")
    is_plain = all(
        part
        and not part.startswith(".")
        and part.isprintable()
        and "\\" not in part
        and len(part.encode("utf-8", "replace")) <= LAKE_NAME_BYTES
        for part in parts
    )
    if not is_plain or len(key.encode("utf-8", "replace")) > LAKE_KEY_BYTES:
        raise Invalid.at("key", "Use a relative path of printable names that do not start with a dot.")


def sweep(work: Path) -> None:
    """Empty the scratch folder at start: what is there was left by a crash and was never served."""
    make_folders(work)
    for leftover in work.iterdir():
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, onerror=_absent_is_fine)
        else:
            leftover.unlink(missing_ok=True)


def _absent_is_fine(_act: object, _path: str, error: tuple[type[BaseException], BaseException, TracebackType]) -> None:
    """A process of the node that was killed may still be clearing up its own files."""
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
