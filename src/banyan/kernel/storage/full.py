"""The disk is full: one error, told the same by every engine, and the node goes on working when there is room again."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from banyan.errors import Limit, Problem
from banyan.limits import MIB

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def storage_full() -> Problem:
    """Nothing of the request was kept."""
    return Limit(
        "The disk is full: nothing was saved.",
        remedy="Free some space on the disk of the data folder, then send the same request again.",
        status=507,
        kind="storage-full",
    )


def is_no_room(error: OSError) -> bool:
    return error.errno in NO_ROOM


def is_nearly_full(path: Path) -> bool:
    """Whether an unclear disk error at `path` is explained by a full disk (under 1 MiB left)."""
    space = os.statvfs(path.parent)
    return space.f_bavail * space.f_frsize < MIB
