"""Pseudonyms: one person, another name for each purpose and recipient, so that two of them cannot be put together.

A key per (purpose, recipient, epoch) comes from the agency's master key by HKDF-SHA256; a pseudonym is HMAC-SHA256 of
the person under it. A plain hash would be useless: there are only 5.2e8 national numbers to try. A new epoch makes all
names new. Source: RFC 5869; RFC 2104; OpenID Connect Core s8.1 (pairwise subjects are the same thing).
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32


def pseudonym_key(master: bytes, purpose: str, recipient: str, *, epoch: int = 0) -> bytes:
    """The key of a purpose and a recipient. 25 us: keep it."""
    assert len(master) >= KEY_BYTES, "a master key has 256 bits"
    assert "|" not in purpose + recipient, "a bar parts purpose and recipient"
    info = f"banyan pseudonym|{purpose}|{recipient}|{epoch}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master)


def pseudonym(key: bytes, person: bytes) -> bytes:
    """The person's name under the key: 32 bytes."""
    # Not hmac.digest: it lets go of the interpreter's lock and then waits up to 5 ms for a writing thread.
    keyed = _keyed(key).copy()
    keyed.update(person)
    return keyed.digest()


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> hmac.HMAC:
    """HMAC with the key taken in, to be copied: half its cost is the key's two blocks."""
    return hmac.new(key, digestmod=sha256)
