"""`./banyan verify FILE.asice --log VKEY [--directory SNAPSHOT]`: a message of the road with its proof, offline.

FILE is a signed container, or the ZIP of several that `/asic` gives. With a snapshot of the directory the member's key
is the one that stands there; without, the container's own, whose name is its fingerprint. Exit 0: all hold; 1: one does
not.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from banyan.errors import Invalid
from banyan.limits_road import DIRECTORY_DOCUMENT_BYTES, EDGES_CONTAINER_BYTES, EDGES_CONTAINERS
from banyan.wire.tlog.note import Verifier

_SUFFIX = ".asice"
_START = b"PK\x03\x04"


def add_message_arguments(verify: argparse.ArgumentParser) -> None:
    verify.add_argument(
        "--directory",
        type=Path,
        default=None,
        metavar="FILE",
        help="of a message of the road: the directory's snapshot whose keys must have signed",
    )


def is_message(path: Path) -> bool:
    """Whether the file is a ZIP; what is no container of ours is refused when it is read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_START)) == _START
    except OSError:
        return False


def run_messages(options: argparse.Namespace, logs: Sequence[Verifier], witnesses: Sequence[Verifier]) -> int:
    """Print what each container proves. Raises Invalid for files that cannot be read."""
    from banyan.kernel.exchange.road.edges.proving import Unproven, prove

    pinned = _pinned(options.directory)
    for name, data in _containers(options.receipt):
        try:
            key_of = None if pinned is None else pinned.keys
            found = prove(data, logs=logs, witnesses=witnesses, quorum=options.quorum, key_of=key_of)
            if pinned is not None:
                pinned.check(found.keyid, found.created)
        except (Unproven, Invalid) as error:
            print(f"不成立 DOES NOT HOLD: {name}: {error}", file=sys.stderr)  # noqa: T201 - this verb's answer
            return 1
        _say(name, found)
    return 0


class _Pinned:
    """The keys of a snapshot, and from when to when each was good."""

    def __init__(self, data: bytes) -> None:
        from banyan.kernel.exchange.directory import document

        self._document = document
        snapshot = document.decode(data)
        self._known = {
            document.key_name(member, key.public): (member, key)
            for one in snapshot.members
            for member in [document.member_id(snapshot.instance, one)]
            for key in one.keys
        }
        self._revoked = {(one.kind, one.subject): one.at for one in snapshot.revoked}

    def keys(self, keyid: str) -> Any:
        from banyan.wire.httpsig.peer import Keys

        found = self._known.get(keyid)
        if found is None:
            return None
        member, key = found
        load, name = self._document.load_verifier, self._document.key_name
        second = load(name(member, key.second), key.second) if key.second else None
        return Keys(load(keyid, key.public), second)

    def check(self, keyid: str, at: int) -> None:
        """Raises Invalid: the key was not good when the message was signed."""
        _, key = self._known[keyid]
        revoked = self._revoked.get(("key", keyid))
        if not key.since <= at < key.until or (revoked is not None and revoked <= at):
            raise Invalid.at("--directory", "the key was not in force when the message was signed")


def _pinned(path: Path | None) -> _Pinned | None:
    if path is None:
        return None
    try:
        return _Pinned(_read(path, DIRECTORY_DOCUMENT_BYTES))
    except ValueError as error:
        raise Invalid.at("--directory", f"{path} is no snapshot of a directory: {error}") from error


def _containers(path: Path) -> list[tuple[str, bytes]]:
    """The containers of a download, or the one that the file is."""
    data = _read(path, EDGES_CONTAINER_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = archive.infolist()
            if not any(one.filename.endswith(_SUFFIX) for one in inside):
                return [(path.name, data)]
            if len(inside) > 2 * EDGES_CONTAINERS or sum(one.file_size for one in inside) > EDGES_CONTAINER_BYTES:
                raise Invalid.at("FILE", "the download is too large")
            return [(one.filename, archive.read(one)) for one in inside]
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise Invalid.at("FILE", f"{path} is no whole ZIP") from error


def _say(name: str, found: Any) -> None:
    whose = "by the directory" if found.is_pinned else "named by itself: compare it with the member's, or --directory"
    lines = [
        f"成立 HOLDS: 一則機關間訊息 / a message of the road ({name})",
        f"  {found.kind} of {found.client} to {found.service}" + (f", status {found.status}" if found.status else ""),
        f"  id: {found.message_id}, exchange {found.xid}",
        f"  signed: {datetime.fromtimestamp(found.created, UTC).isoformat()} by {found.keyid}",
        f"  key: {whose}",
        f"  body: {'whole' if found.has_body else 'not kept; its digest is signed'}",
        f"  log {found.checkpoint.origin}, entry {found.index} of {found.checkpoint.size}",
    ]
    print("\n".join(lines))  # noqa: T201 - this verb's answer


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise Invalid.at("FILE", f"{path} cannot be read") from error
    if len(data) > most:
        raise Invalid.at("FILE", f"{path} has more than {most} bytes")
    return data
