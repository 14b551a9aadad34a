"""ZIP archives whose bytes depend on their content only, and reading strangers' ones within bounds.

Nothing is compressed: compressors differ, and what is signed or proven must be the same bytes everywhere.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Final

from banyan.errors import Invalid

_FIRST_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_MODE: Final = 0o100644 << 16


def pack(members: Iterable[tuple[str, bytes]]) -> bytes:
    """The archive, members in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, _FIRST_MOMENT)
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, data)
    return out.getvalue()


def unpack(data: bytes, known: frozenset[str], most: int) -> dict[str, bytes]:
    """Members by name, in their order. Raises Invalid: no whole ZIP, a member that is not `known`, one that comes
    twice or is compressed, more than `most` bytes."""
    if len(data) > most:
        raise Invalid.at("container", f"It has at most {most} bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found: dict[str, bytes] = {}
            for info in archive.infolist():
                if info.filename not in known or info.filename in found or info.compress_type != zipfile.ZIP_STORED:
                    raise Invalid.at("container", "It holds its own members once each, without compression.")
                found[info.filename] = archive.read(info)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise Invalid.at("container", "It is a ZIP that is whole.") from error
    return found
