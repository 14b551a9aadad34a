"""Where compiled code is kept: never beside the source, which may be read-only, and only where no other user can write,
for it is code that will be run."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

_NAME: Final = "banyan-kernels"


def own_folder() -> str:
    """A folder for compiled code that only this user can write, or "" where there is none."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for parent in (home, tempfile.gettempdir()):
        folder = Path(parent) / f"{_NAME}-{os.getuid()}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
            is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
            if is_own and os.access(folder, os.W_OK | os.X_OK):
                return str(folder)
        except OSError:
            continue
    return ""
