"""What a citizen keeps: a C2SP receipt whose extra data holds the entry and, for a use, the salt and the record.

The file alone proves offline that this use, in these words, is in the log that its keys and witnesses vouch for.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.kernel.ledger.entries import SALT_BYTES, commitment_of, read_entry
from banyan.kernel.ledger.log import Ledger, Recorded
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.note import BadNote, Verifier
from banyan.wire.tlog.proof import parse_receipt, verify_receipt


class Kept(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The extra data: the entry as logged; `salt` and `record` when it is a use."""

    entry: bytes
    salt: bytes = b""
    record: bytes = b""


class Proven(msgspec.Struct, frozen=True):
    """A receipt that holds: the entry's fields, the use's record (empty for a public act), and the tree it is in."""

    index: int
    entry: dict[str, str | int | float]
    record: dict[str, object]
    checkpoint: Checkpoint
    witnesses: tuple[str, ...]


async def receipt_of(ledger: Ledger, index: int, use: Recorded | None = None) -> bytes | None:
    """The receipt of an entry as a file's bytes; None until a checkpoint covers it."""
    receipt = await ledger.receipt(index)
    if receipt is None:
        return None
    kept = Kept(await ledger.entry(index), use.salt, use.record) if use else Kept(await ledger.entry(index))
    return msgspec.structs.replace(receipt, extra=msgspec.json.encode(kept)).encode()


def prove(data: bytes, *, logs: Sequence[Verifier], witnesses: Sequence[Verifier] = (), quorum: int = 0) -> Proven:
    """Check a receipt's file. Raises BadNote or Unproven (both ValueError) saying what does not hold."""
    receipt = parse_receipt(data)
    try:
        kept = msgspec.json.decode(receipt.extra, type=Kept)
        entry = read_entry(kept.entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadNote("the receipt does not hold its entry") from error
    if msgspec.json.encode(kept) != receipt.extra:
        raise BadNote("the receipt does not hold its entry in the one spelling")  # bits that base64 ignores
    checkpoint = verify_receipt(receipt, kept.entry, logs=logs, witnesses=witnesses, quorum=quorum)
    record: dict[str, object] = {}
    if kept.record:
        if len(kept.salt) != SALT_BYTES or entry.get("commitment") != commitment_of(kept.salt, kept.record).hex():
            raise BadNote("the record is not the one that was committed to")
        record = msgspec.json.decode(kept.record)
    elif entry.get("kind") == "release":
        raise BadNote("a use without its record proves nothing to its subject")
    return Proven(receipt.index, entry, record, checkpoint, tuple(one.name for one in witnesses))
