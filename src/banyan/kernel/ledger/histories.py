"""A subject's whole list of uses as one file that proves itself offline: none is left out, changed or out of order.

A use whose notice is deferred stands there with its commitment only, which the chain needs and which tells nothing.
The file names its subject's pseudonym: it is for the subject, who may show it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.errors import UNREADABLE
from banyan.kernel.ledger import subjects
from banyan.kernel.ledger.entries import SALT_BYTES, commitment_of
from banyan.kernel.ledger.log import History, Ledger, Recorded
from banyan.kernel.ledger.receipts import prove, receipt_of
from banyan.kernel.ledger.subjects import MapProof
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.note import BadNote, Verifier


class ListedUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """One use; `salt` and `record` once it is told."""

    index: int
    commitment: bytes
    salt: bytes = b""
    record: bytes = b""


class HistoryFile(msgspec.Struct, frozen=True):
    """`receipt` proves the entry with the map's `root` over the first `covers` entries; `proof` leads from the subject
    to it."""

    subject: bytes
    uses: tuple[ListedUse, ...]
    proof: MapProof
    root: bytes
    covers: int
    receipt: bytes


class ProvenHistory(msgspec.Struct, frozen=True):
    """What holds: the records told, how many are deferred, and how many uses are newer than the proof."""

    records: tuple[dict[str, object], ...]
    deferred: int
    newer: int
    covers: int
    checkpoint: Checkpoint


async def history_file(ledger: Ledger, history: History, subject: bytes, now: float) -> bytes | None:
    """The file's bytes; None until a checkpoint covers the map."""
    receipt = await receipt_of(ledger, history.receipt.index) if history.receipt is not None else None
    if receipt is None:
        return None
    uses = tuple(_listed(one, now) for one in history.uses)
    return msgspec.json.encode(HistoryFile(subject, uses, history.proof, history.root, history.covers, receipt))


def prove_history(
    data: bytes, *, logs: Sequence[Verifier], witnesses: Sequence[Verifier] = (), quorum: int = 0
) -> ProvenHistory:
    """Check a history's file. Raises ValueError (BadNote, Unproven) saying what does not hold."""
    try:
        file = msgspec.json.decode(data, type=HistoryFile)
    except UNREADABLE as error:
        raise BadNote("this is no history file") from error
    mapped = prove(file.receipt, logs=logs, witnesses=witnesses, quorum=quorum)
    if mapped.entry != {"v": 1, "kind": "subjects", "covers": file.covers, "root": file.root.hex()}:
        raise BadNote("the receipt is of another map of subjects")
    held = subjects.checked(file.proof, file.subject, file.root)
    covered = [one for one in file.uses if one.index < file.covers]
    head = subjects.EMPTY
    for one in covered:
        head = subjects.chained(head, one.commitment)
    if (len(covered), head) != ((held.count, held.head) if held else (0, subjects.EMPTY)):
        raise BadNote("a use is missing, changed or out of order")
    told = [one for one in file.uses if one.record]
    if any(len(one.salt) != SALT_BYTES or commitment_of(one.salt, one.record) != one.commitment for one in told):
        raise BadNote("a record is not the one that was committed to")
    records = tuple(msgspec.json.decode(one.record, type=dict[str, object]) for one in told)
    newer = len(file.uses) - len(covered)
    return ProvenHistory(records, len(file.uses) - len(told), newer, file.covers, mapped.checkpoint)


def _listed(use: Recorded, now: float) -> ListedUse:
    commitment = commitment_of(use.salt, use.record)
    if use.reveal_after > now:
        return ListedUse(use.index, commitment)
    return ListedUse(use.index, commitment, use.salt, use.record)
