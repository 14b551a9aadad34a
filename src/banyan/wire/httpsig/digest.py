"""Content-Digest and Repr-Digest (RFC 9530): what a body must hash to, checked while it streams by.

Both fields have one syntax. Content-Digest is of the bytes of this message, Repr-Digest of the whole representation
that a range or a HEAD answers about. MD5 and the like are passed over (section 5).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Collection, Mapping
from hmac import compare_digest
from typing import Final

from banyan.limits import HTTPSIG_FIELD_CHARS
from banyan.wire.httpsig.errors import DigestMismatch, Malformed
from banyan.wire.httpsig.message import Fields
from banyan.wire.structured import BadField, Item, parse_dictionary

CONTENT_DIGEST: Final = "content-digest"
REPR_DIGEST: Final = "repr-digest"
_BYTES: Final[Mapping[str, int]] = {"sha-256": 32, "sha-512": 64}
_USUAL: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=):")
"""As gateways write it, in the one spelling that base64 has for 32 bytes."""
_HASHES: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


def digest_field(body: bytes, algorithms: Collection[str] = ("sha-256",)) -> str:
    """The field of a body at hand."""
    return written({name: _HASHES[name](body).digest() for name in algorithms})


def written(digests: Mapping[str, bytes]) -> str:
    return ", ".join([f"{name}=:{b64encode(digest).decode('ascii')}:" for name, digest in digests.items()])


def digests_of(fields: Fields, name: str = CONTENT_DIGEST) -> dict[str, bytes]:
    """What the field promises, in the algorithms known here. Raises Malformed when it is missing, promises nothing
    that can be checked, or one thing twice."""
    lines = fields.get(name, ())
    usual = _USUAL.fullmatch(lines[0]) if len(lines) == 1 else None
    if usual is not None:
        return {"sha-256": a2b_base64(usual[1])}
    try:
        members = parse_dictionary(", ".join(fields.get(name, ())), unique=True, most=HTTPSIG_FIELD_CHARS)
    except BadField as error:
        raise Malformed(name, str(error)) from error
    digests: dict[str, bytes] = {}
    for algorithm, member in members.items():
        size = _BYTES.get(algorithm)
        if size is None:
            continue
        if not isinstance(member, Item) or not isinstance(member.value, bytes) or len(member.value) != size:
            raise Malformed(name, f"{algorithm} is a byte sequence of {size} bytes")
        digests[algorithm] = member.value
    if not digests:
        raise Malformed(name, "has sha-256 or sha-512")
    return digests


class Hashing:
    """Hashes a body piece by piece. Made with the promise of `digests_of` to check it, or with names to write one."""

    def __init__(self, algorithms: Collection[str] = ("sha-256",)) -> None:
        self._hashes = {name: _HASHES[name]() for name in algorithms}

    def update(self, piece: bytes | bytearray | memoryview) -> None:
        for one in self._hashes.values():
            one.update(piece)

    def digests(self) -> dict[str, bytes]:
        """Of all pieces so far."""
        return {name: one.digest() for name, one in self._hashes.items()}

    def check(self, promised: Mapping[str, bytes], name: str = CONTENT_DIGEST) -> None:
        """Raises DigestMismatch unless every promise holds."""
        assert promised.keys() <= self._hashes.keys(), "hash by every algorithm that was promised"
        assert promised, "an empty promise holds nothing"
        if not all(compare_digest(self._hashes[algorithm].digest(), digest) for algorithm, digest in promised.items()):
            raise DigestMismatch(name, "the body is another one")


def check_digest(body: bytes, promised: Mapping[str, bytes], name: str = CONTENT_DIGEST) -> None:
    """A body at hand against `digests_of`. Raises DigestMismatch."""
    hashing = Hashing(promised)
    hashing.update(body)
    hashing.check(promised, name)
