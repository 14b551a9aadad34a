"""A node that runs, as it says in its data folder: where it answers, and the administrator's token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from banyan.errors import UNREADABLE

ROOT: Final = Path(__file__).parents[2]
TOKEN_FILE: Final = "administrator.token"  # noqa: S105 - a file's name
ADDRESS_FILE: Final = "node.json"


class Here(msgspec.Struct, frozen=True):
    """A running node, as it says in its data folder."""

    url: str
    pid: int


def write_here(data: Path, url: str) -> None:
    """This process has `data` open, and answers at `url`."""
    (data / ADDRESS_FILE).write_bytes(msgspec.json.encode(Here(url, os.getpid())))


def running(data: Path) -> Here | None:
    """The server that has this data folder open, when one does."""
    try:
        here = msgspec.json.decode((data / ADDRESS_FILE).read_bytes(), type=Here)
        os.kill(here.pid, 0)
    except (OSError, *UNREADABLE):
        return None
    return here


def kept_token(data: Path) -> str:
    """The administrator's; empty when none is kept there."""
    try:
        return (data / TOKEN_FILE).read_text(encoding="ascii").strip()
    except OSError:
        return ""
