"""What a ledger's entries say: commitments and public acts, never personal data (law 2).

An entry is JSON with its keys in order. A use of a person's data shows the basis and the receiving agency, and
commits to everything else: SHA-256(salt || record). Who has the salt and the record can prove them; nobody else learns
anything.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import msgspec

SALT_BYTES: Final = 16
_encoder: Final = msgspec.json.Encoder(order="sorted")


class ReleaseRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One use, as its subject sees it. Estonia's `findUsage` v2 fields under our names, and what it lacks.

    `at` is epoch seconds; `statute` the article in force; `fields` what was read; `reference` a consent or an order.
    """

    at: float
    operation: str
    action: dict[str, str]
    """What was done, in words: zh-Hant and en."""
    receiver: str
    receiver_name: str
    system: str
    basis: str
    statute: str
    purpose: str
    fields: tuple[str, ...]
    reference: str = ""
    request: str = ""
    """The call's trace id."""
    reveal_after: float = 0.0
    """When the subject may see it; 0 at once."""


def encode_record(record: ReleaseRecord) -> bytes:
    """The bytes that are committed to; kept as they are, never encoded again."""
    return _encoder.encode(record)


def commitment_of(salt: bytes, record: bytes) -> bytes:
    assert len(salt) == SALT_BYTES, "a salt is 16 bytes"
    return sha256(salt + record).digest()


def release_entry(record: ReleaseRecord, commitment: bytes) -> bytes:
    """The public entry of a use. One whose notice is deferred shows its commitment only: its subject, who is given the
    commitment to prove their list complete, would else find the agency here before the day."""
    if record.reveal_after > record.at:
        return _entry("release", commitment=commitment.hex())
    return _entry("release", basis=record.basis, receiver=record.receiver, commitment=commitment.hex())


def subjects_entry(covers: int, root: bytes) -> bytes:
    """The map of subjects over the first `covers` entries."""
    return _entry("subjects", covers=covers, root=root.hex())


def act_entry(act: str, **public: str | int | float) -> bytes:
    """A public act: an order declared, extended or lapsed, a deletion, a directory. Nothing personal."""
    return _entry(act, **public)


def read_entry(entry: bytes) -> dict[str, Any]:
    """An entry's fields. Raises msgspec.DecodeError when it is none of ours."""
    return msgspec.json.decode(entry, type=dict[str, Any])


def _entry(kind: str, **values: str | int | float) -> bytes:
    return _encoder.encode({"v": 1, "kind": kind, **values})
