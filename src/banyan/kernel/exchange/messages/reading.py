"""Reading a gateway's log as an outsider: from its folder or over HTTPS, every entry, checked against the checkpoint.

Nothing is believed: the two keys of the log must have signed, witnesses are counted, all entries must hash to the root,
and earlier checkpoints (an auditor's own of last time, those that witnesses keep) must be beginnings of this tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import urllib3

from banyan.errors import UNREADABLE, Invalid, Limit, Unavailable
from banyan.kernel.exchange.messages.record import Entry, read_entry
from banyan.limits_road import AUDIT_ENTRIES
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import (
    Checkpoint,
    MlDsa44Cosigner,
    parse_text,
    signed_at,
)
from banyan.wire.tlog.merkle import HASH_BYTES, leaf_hashes, root_of, row_above
from banyan.wire.tlog.note import BadNote, Note, Verifier
from banyan.wire.tlog.tiles import WIDTH, Tile, decode_bundle

FILE_BYTES: Final = 24 * 1_048_576
"""Of one file: a bundle of 256 entries of 65,535 bytes, and more."""
_TRIES: Final = 3
"""A log that grows replaces its last bundle between two readings of ours."""
Read = Callable[[str], bytes | None]
"""A file below the log's prefix; None when there is none."""


class Faulty(ValueError):
    """A log that contradicts its own checkpoint, or is not signed as it must be: the finding of an audit."""


class Log(msgspec.Struct, frozen=True):
    """A log as it was read. `at`: POSIX seconds of its checkpoint, by the log's own signature."""

    checkpoint: Checkpoint
    signed: bytes
    at: int
    witnesses: tuple[str, ...]
    entries: tuple[Entry, ...]
    rows: tuple[bytes, ...]

    def root(self, size: int) -> bytes:
        """The root of its first `size` entries."""
        return root_of(size, self._subtree)

    def _subtree(self, level: int, index: int) -> bytes:
        return self.rows[level][index * HASH_BYTES : (index + 1) * HASH_BYTES]


class Trust(msgspec.Struct, frozen=True):
    """Witnesses of whom `quorum` must have cosigned; `others` are looked for too, and count for nothing."""

    witnesses: Sequence[Verifier] = ()
    quorum: int = 0
    others: Sequence[Verifier] = ()


def folder(path: Path) -> Read:
    def read(name: str) -> bytes | None:
        try:
            with (path / name).open("rb") as file:
                return file.read(FILE_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None

    return read


def address(prefix: str, pool: urllib3.PoolManager) -> Read:
    """`prefix` is the log's: `https://gw1.nhi.example:5500/log`."""

    def read(name: str) -> bytes | None:
        try:
            answer = pool.request("GET", f"{prefix.rstrip('/')}/{name}", redirect=False, preload_content=False)
            try:
                data = answer.read(FILE_BYTES + 1)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(
                f"{prefix} does not answer.", remedy="Check the address, and the certificate shown to it."
            ) from error
        if answer.status == 404:
            return None
        if answer.status != 200 or len(data) > FILE_BYTES:
            raise Unavailable(f"{prefix} answers {answer.status}.", remedy="Is this gateway a member of the directory?")
        return data

    return read


def origin_said(read: Read) -> str:
    """The origin that a checkpoint claims, to look for its keys. Raises Invalid: no log there; Faulty."""
    signed = read("checkpoint")
    if signed is None:
        raise Invalid.at("log", "no checkpoint there: give the folder or the address that has it")
    try:
        return parse_text(note.parse(signed).text).origin
    except BadNote as error:
        raise Faulty(f"the checkpoint cannot be read: {error}") from error


def read_log(read: Read, keys: Sequence[Verifier], trust: Trust, *, now: float) -> Log:
    """The whole log. `keys` of this log: all must have signed. Raises Faulty, Limit, Unavailable."""
    for attempt in range(_TRIES):
        signed = read("checkpoint") or b""
        parsed, checkpoint, seen = _checked(signed, keys, trust)
        entries = _entries(read, checkpoint.size)
        if entries is not None:
            break
        if attempt + 1 == _TRIES or read("checkpoint") == signed:
            raise Faulty(f"the checkpoint says {checkpoint.size} entries, and not all are there")
    rows = _rows(leaf_hashes(entries or ()))
    at = _signed_at(parsed, keys)
    if at > now + 300:
        raise Faulty("the checkpoint is signed in the future")
    try:
        told = tuple(read_entry(one) for one in entries or ())
    except UNREADABLE as error:
        raise Faulty(f"an entry cannot be read: {error}") from error
    log = Log(checkpoint, signed, at, seen, told, rows)
    if log.root(checkpoint.size) != checkpoint.root:
        raise Faulty("the entries do not hash to the root of the checkpoint: one was changed, moved or left out")
    return log


def check_beginning(log: Log, earlier: bytes, keys: Sequence[Verifier]) -> Checkpoint:
    """That an earlier checkpoint of this log, kept by somebody, is a beginning of what was read. Raises Faulty."""
    _, checkpoint, _ = _checked(earlier, keys, Trust())
    if checkpoint.size > log.checkpoint.size:
        raise Faulty(f"it once had {checkpoint.size} entries, and shows {log.checkpoint.size} now: it was rolled back")
    if log.root(checkpoint.size) != checkpoint.root:
        raise Faulty(f"its first {checkpoint.size} entries are not those that it once signed: it shows two histories")
    return checkpoint


def witness_path(origin: str) -> str:
    """Where a gateway keeps the checkpoint of another log that it cosigned last."""
    return f"witness/{sha256(origin.encode()).hexdigest()}/checkpoint"


def _checked(signed: bytes, keys: Sequence[Verifier], trust: Trust) -> tuple[Note, Checkpoint, tuple[str, ...]]:
    try:
        parsed = note.parse(signed)
        checkpoint = parse_text(parsed.text)
        good, _ = note.verified(parsed, [*keys, *trust.witnesses, *trust.others])
    except BadNote as error:
        raise Faulty(f"the checkpoint does not hold: {error}") from error
    by = {(one.name, one.key_id) for one in good}
    for key in keys:
        if (key.name, key.key_id) not in by or key.name != checkpoint.origin:
            raise Faulty(f"the log's key {key.name}+{key.key_id.hex()} did not sign the checkpoint")
    if not keys:
        raise Faulty("no key of the log is known")
    seen = {one.name for one in trust.witnesses if (one.name, one.key_id) in by}
    if len(seen) < trust.quorum:
        raise Faulty(f"{len(seen)} of the {trust.quorum} witnesses asked for cosigned the checkpoint")
    also = {one.name for one in trust.others if (one.name, one.key_id) in by}
    return parsed, checkpoint, tuple(sorted(seen | also))


def _entries(read: Read, size: int) -> list[bytes] | None:
    """All entries; None when one is not there."""
    if size > AUDIT_ENTRIES:
        raise Limit(f"At most {AUDIT_ENTRIES} entries are audited.", remedy="Audit the years one by one.")
    found: list[bytes] = []
    for start in range(0, size, WIDTH):
        data = read(Tile(None, start // WIDTH, min(WIDTH, size - start)).path)
        if data is None:
            return None
        try:
            some = decode_bundle(data)
        except ValueError as error:
            raise Faulty(f"bundle {start // WIDTH} is cut") from error
        if len(some) != min(WIDTH, size - start):
            raise Faulty(f"bundle {start // WIDTH} has {len(some)} entries")
        found += some
    return found


def _rows(hashes: bytes) -> tuple[bytes, ...]:
    """The hashes of all full subtrees, by level."""
    rows = [hashes]
    while len(rows[-1]) >= 2 * HASH_BYTES:
        row = rows[-1]
        rows.append(row_above(row[: len(row) // (2 * HASH_BYTES) * 2 * HASH_BYTES]))
    return tuple(rows)


def _signed_at(parsed: Note, keys: Sequence[Verifier]) -> int:
    """When the log itself says it signed: its ML-DSA-44 line has the time."""
    timed = {(key.name, key.key_id) for key in keys if isinstance(key, MlDsa44Cosigner)}
    for line in parsed.signatures:
        if (line.name, line.key_id) in timed:
            return signed_at(line)
    raise Faulty("the log's checkpoint has no time: give its ML-DSA-44 key too")
