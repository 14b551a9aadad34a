"""A file that a live source watches: read only when it has stood still for two looks, and only where allowed.

A program that rewrites its file in place shows a half-written one in between; size, time and inode that did not
change between two looks say it is done.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from banyan.errors import Denied, Invalid, Unavailable
from banyan.service.opendata.wording import refusal


def watched_path(source: str, folders: Sequence[Path]) -> Path | None:
    """The file a source names (`file:///path` or `/path`), None for another kind of address.

    Raises Denied outside the folders the node lets be watched; links are followed before that is decided.
    """
    try:
        parts = urlsplit(source)
    except ValueError:
        raise refusal(Invalid, "fetch.address", field="source") from None
    if parts.scheme not in ("", "file"):
        return None
    name = unquote(parts.path)
    path = Path(name)
    if not path.is_absolute() or not name.isprintable():
        raise refusal(Invalid, "fetch.address", field="source")
    path = path.resolve()
    if not any(path.is_relative_to(folder.resolve()) for folder in folders):
        raise refusal(Denied, "live.folder", path=path.name)
    return path


def look(path: Path) -> str:
    """What a file looks like now: inode, size and time of change in nanoseconds. Raises Unavailable when absent."""
    try:
        seen = path.stat()
    except OSError as error:
        raise refusal(Unavailable, "live.no_file", error=type(error).__name__) from error
    return f"{seen.st_ino}-{seen.st_size}-{seen.st_mtime_ns}"


def copied(path: Path, to: Path, seen: str) -> bool:
    """Copy the file; False when it changed while it was copied. Raises Unavailable when it cannot be read.

    Whoever may write to the folder could put a link in the file's place after the path was judged: links are not
    followed here, and only a plain file is read.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file, to.open("wb") as copy:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise refusal(Unavailable, "live.no_file", error="NotAFile")
            shutil.copyfileobj(file, copy)
    except OSError as error:
        raise refusal(Unavailable, "live.no_file", error=type(error).__name__) from error
    return look(path) == seen
