"""A folder of pinned senders, as the operator keeps it: senders.toml and the PEM files it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from banyan.errors import Invalid
from banyan.limits_alerts import CAP_SENDERS, MIB

if TYPE_CHECKING:
    from banyan.wire.cap.register import Register

PEM_BYTES: Final = 1 * MIB


def register_in(folder: Path) -> Register:
    """Raises Invalid when it cannot be read."""
    from banyan.wire.cap import register

    if not folder.is_dir():
        raise Invalid.at("register", f"{folder} is no folder")
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()][: CAP_SENDERS + 1]
    return register.read({path.name: bytes_of(path, PEM_BYTES) for path in paths})


def bytes_of(path: Path, at_most: int) -> bytes:
    """The start of a file. Raises Invalid naming it."""
    try:
        with path.open("rb") as file:
            return file.read(at_most)
    except OSError as error:
        raise Invalid.at(str(path), f"it cannot be read ({error.strerror})") from error
