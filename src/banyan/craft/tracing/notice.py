"""The numbers of an offline trace, sealed for the node that tells their persons: nobody on the way reads them.

A box is an ephemeral X25519 key (32 octets), a nonce (12) and AES-256-GCM of the numbers, under HKDF-SHA256 of the
shared secret; the question is bound to it. The numbers are sorted, the steps between them packed by zlib.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from banyan.craft.tracing.model import Longs
from banyan.limits_tracing import TRACE_CASES, TRACE_NOTICE

KEY: Final = 32
NONCE: Final = 12
WORD: Final = 8


class Listed(msgspec.Struct, frozen=True, eq=False):
    """Numbers (E.164 digits as integers), sorted, each once: those who are listed, and the cases."""

    contacts: Longs
    cases: Longs

    @property
    def digest(self) -> str:
        """What a list is known by: it names nobody, but to who has the list."""
        return sha256(b"banyan trace numbers\0" + np.ascontiguousarray(self.contacts, "<u8").tobytes()).hexdigest()


def public_of(secret: bytes) -> bytes:
    """What a box is sealed for."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def sealed_for(public: bytes, listed: Listed, question: str, *, random: Callable[[int], bytes]) -> bytes:
    """The box. Raises ValueError for a key that is none."""
    own = X25519PrivateKey.from_private_bytes(random(KEY))
    told = own.public_key().public_bytes_raw()
    cipher = _cipher(own.exchange(X25519PublicKey.from_public_bytes(public)), told + public)
    nonce = random(NONCE)
    return told + nonce + cipher.encrypt(nonce, packed(listed), question.encode())


def unsealed(secret: bytes, box: bytes, question: str) -> Listed:
    """Raises ValueError for a box that is for another node or question, or holds no such numbers."""
    told, nonce = box[:KEY], box[KEY : KEY + NONCE]
    own = X25519PrivateKey.from_private_bytes(secret)
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(told))
        return unpacked(_cipher(shared, told + public_of(secret)).decrypt(nonce, box[KEY + NONCE :], question.encode()))
    except InvalidTag:
        raise ValueError("it was sealed for another node or question, or changed") from None


def packed(listed: Listed) -> bytes:
    """Raises ValueError for more than a notice takes."""
    if len(listed.contacts) > TRACE_NOTICE or len(listed.cases) > TRACE_CASES:
        raise ValueError(f"more than {TRACE_NOTICE} numbers, or {TRACE_CASES} cases")
    whole = (np.ascontiguousarray(one, "<u8") for one in (listed.contacts, listed.cases))
    steps = b"".join(np.diff(one, prepend=np.uint64(0)).astype("<u8").tobytes() for one in whole)
    return zlib.compress(len(listed.contacts).to_bytes(WORD, "big") + steps)


def unpacked(data: bytes) -> Listed:
    """Raises ValueError."""
    most = WORD * (1 + TRACE_NOTICE + TRACE_CASES)
    reader = zlib.decompressobj()
    try:
        plain = reader.decompress(data, most)
    except zlib.error:
        raise ValueError("no numbers") from None
    if not reader.eof or len(plain) < WORD or len(plain) % WORD:
        raise ValueError("no numbers")
    count, steps = int.from_bytes(plain[:WORD], "big"), np.frombuffer(plain, "<u8", offset=WORD)
    if count > len(steps):
        raise ValueError("no numbers")
    found = Listed(np.cumsum(steps[:count], dtype=np.uint64), np.cumsum(steps[count:], dtype=np.uint64))
    for one in (found.contacts, found.cases):
        if len(one) and not bool((one[1:] > one[:-1]).all()):
            raise ValueError("numbers out of order")
    return found


def _cipher(shared: bytes, about: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=KEY, salt=None, info=b"banyan/trace-notice" + about)
    return AESGCM(derived.derive(shared))
