"""Being a witness (c2sp.org/tlog-witness): cosign another log's checkpoint only when it continues the one seen last.

Checking the old size and keeping the new one is one write, so that two requests at once cannot roll the log back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Store, Tx
from banyan.limits import WITNESS_BODY_BYTES
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.merkle import EMPTY_ROOT, Unproven, check_consistency
from banyan.wire.tlog.note import BadNote, Verifier
from banyan.wire.tlog.proof import AddCheckpoint, parse_add_checkpoint

SQL: Final = load_statements("banyan.kernel.ledger", "ledger.sql")
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"


class Answer(msgspec.Struct, frozen=True):
    """What `POST /add-checkpoint` answers: 200 with cosignature lines, or a refusal with its reason."""

    status: int
    body: str
    media_type: str = "text/plain; charset=utf-8"


async def add_checkpoint(
    store: Store, keys: LedgerKeys, logs: Mapping[str, Sequence[Verifier]], body: bytes, now: int
) -> Answer:
    """`logs` are the keys trusted by origin; `now` in POSIX seconds."""
    if len(body) > WITNESS_BODY_BYTES:
        return Answer(413, f"a request is at most {WITNESS_BODY_BYTES} bytes\n")
    try:
        asked = parse_add_checkpoint(body)
        parsed, checkpoint = asked.opened()
    except BadNote as error:
        return Answer(400, f"{error}\n")
    trusted = logs.get(checkpoint.origin)
    if trusted is None:
        return Answer(404, "unknown log\n")
    try:
        signed, _ = note.verified(parsed, trusted)
    except BadNote:
        signed = []
    if not signed:
        return Answer(403, "invalid signature\n")
    if asked.old > checkpoint.size:
        return Answer(400, f"old size {asked.old} is above {checkpoint.size}\n")
    refused = await store.write(lambda tx: _see(tx, asked, checkpoint))
    return refused or Answer(200, keys.cosign(parsed.text, now).line)


def _see(tx: Tx, asked: AddCheckpoint, checkpoint: Checkpoint) -> Answer | None:
    """Check against the newest seen and keep; the refusal when it does not continue it."""
    row = tx.row(SQL["seen_log"], origin=checkpoint.origin)
    size, root = (int(str(row[0])), row[1]) if row else (0, EMPTY_ROOT)
    assert isinstance(root, bytes), "a root is bytes"
    if asked.old != size:
        return Answer(409, f"{size}\n", SIZE_MEDIA_TYPE)
    if row and checkpoint.size == size and checkpoint.root != root:
        return Answer(409, f"{size}\n", SIZE_MEDIA_TYPE)
    try:
        check_consistency(size, checkpoint.size, root, checkpoint.root, asked.proof)
    except Unproven as error:
        return Answer(422, f"{error}\n")
    tx.run(SQL["see_log"], origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root)
    return None
