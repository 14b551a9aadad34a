"""Receipts (c2sp.org/tlog-proof@v1) and the witness call (c2sp.org/tlog-witness) as text.

A receipt holds everything to check offline, for ever, that an entry is in a log that witnesses saw grow.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

import msgspec

from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import Checkpoint, parse_size, parse_text
from banyan.wire.tlog.merkle import HASH_BYTES, Unproven, check_inclusion, leaf_hash
from banyan.wire.tlog.note import BadNote, Note, Verifier

HEAD: Final = "c2sp.org/tlog-proof@v1"
PROOF_HASHES: Final = 63


class Receipt(msgspec.Struct, frozen=True):
    """The entry at `index` is in the checkpointed tree by `proof`. `extra` is not authenticated."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def encode(self) -> bytes:
        lines = [HEAD]
        if self.extra:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(one).decode() for one in self.proof]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint


def parse_receipt(data: bytes) -> Receipt:
    """A receipt; nothing is verified yet. Raises BadNote."""
    head, gap, checkpoint = data.partition(b"\n\n")
    if len(data) > note.NOTE_BYTES or not gap or not head.isascii():
        raise BadNote("a receipt is ASCII lines, an empty line and a checkpoint")
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != HEAD:
        raise BadNote(f"a receipt starts with {HEAD}")
    extra = note.decoded(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
    if not lines or not lines[0].startswith("index "):
        raise BadNote("a receipt names the index of its entry")
    index = parse_size(lines.pop(0)[6:])
    return Receipt(index, _hashes(lines), checkpoint, extra)


def verify_receipt(
    receipt: Receipt, entry: bytes, *, logs: Sequence[Verifier], witnesses: Sequence[Verifier], quorum: int
) -> Checkpoint:
    """The checkpoint under which `entry` is proven. `logs` are the log's keys: all must have signed; `quorum` of
    the `witnesses` by name. Raises BadNote or Unproven, saying what is missing."""
    parsed = note.parse(receipt.checkpoint)
    if note.written(parsed.text, parsed.signatures) != receipt.checkpoint:
        raise BadNote("the checkpoint is not in its canonical spelling")  # so that no receipt has a twin
    checkpoint = parse_text(parsed.text)
    good, _ = note.verified(parsed, [*logs, *witnesses])
    signed = {(one.name, one.key_id) for one in good}
    for log in logs:
        if (log.name, log.key_id) not in signed or log.name != checkpoint.origin:
            raise BadNote(f"the log's key {log.name}+{log.key_id.hex()} did not sign")
    if not logs:
        raise BadNote("no key of the log is known")
    seen = {one.name for one in witnesses if (one.name, one.key_id) in signed}
    if len(seen) < quorum:
        raise BadNote(f"{len(seen)} of the {quorum} witnesses asked for cosigned")
    check_inclusion(receipt.index, checkpoint.size, leaf_hash(entry), receipt.proof, checkpoint.root)
    return checkpoint


class AddCheckpoint(msgspec.Struct, frozen=True):
    """The body of `POST /add-checkpoint`: from the size last cosigned, a consistency proof, the new checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        lines = [f"old {self.old}", *(base64.b64encode(one).decode() for one in self.proof)]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint

    def opened(self) -> tuple[Note, Checkpoint]:
        """The checkpoint's note, unverified, and what it says. Raises BadNote."""
        parsed = note.parse(self.checkpoint)
        return parsed, parse_text(parsed.text)


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Raises BadNote."""
    head, gap, checkpoint = data.partition(b"\n\n")
    if not gap or not head.isascii():
        raise BadNote("the body is an old size, a proof, an empty line and a checkpoint")
    lines = head.decode("ascii").split("\n")
    first = lines.pop(0)
    if not first.startswith("old "):
        raise BadNote("the first line is 'old SIZE'")
    return AddCheckpoint(parse_size(first[4:]), _hashes(lines), checkpoint)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > PROOF_HASHES:
        raise BadNote(f"a proof has at most {PROOF_HASHES} hashes")
    hashes = tuple(note.decoded(line) for line in lines)
    if any(len(one) != HASH_BYTES for one in hashes):
        raise BadNote(f"a hash is {HASH_BYTES} bytes")
    return hashes


__all__ = ["AddCheckpoint", "Receipt", "Unproven", "parse_add_checkpoint", "parse_receipt", "verify_receipt"]
