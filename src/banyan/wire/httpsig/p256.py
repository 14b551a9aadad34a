"""ECDSA on P-256 with SHA-256 (RFC 9421 section 3.3.4) by AWS-LC: a call by road costs a tenth less than with OpenSSL.

`cryptography` makes and keeps the keys, and judges AWS-LC in the tests (docs/decisions/0129).
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ECDSA_P256: Final = "ecdsa-p256-sha256"
_HASH: Final = ec.ECDSA(SHA256())


class _Loaded(Protocol):
    """A key in the library; digests are SHA-256, signatures DER."""

    def sign(self, digest: bytes) -> bytes: ...
    def verify(self, digest: bytes, signature: bytes) -> bool: ...


class _Library(Protocol):
    def new_key_from_der_data(self, der_data: bytes) -> _Loaded: ...


class P256Verifier(msgspec.Struct, eq=False):
    """Signatures are r and s, 32 bytes each, not DER."""

    keyid: str
    key: ec.EllipticCurvePublicKey
    alg: str = ECDSA_P256
    loaded: _Loaded | None = None
    """Made when first needed: a directory knows ten thousand keys, of which a gateway meets a few."""

    def verify(self, base: bytes, signature: bytes) -> bool:
        if len(signature) != 64:
            return False
        loaded = self.loaded
        if loaded is None:
            public = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            loaded = self.loaded = _library().new_key_from_der_data(public)
        return loaded.verify(sha256(base).digest(), _der(signature))


class P256Signer(msgspec.Struct, frozen=True, eq=False):
    keyid: str
    loaded: _Loaded
    alg: str = ECDSA_P256

    def sign(self, base: bytes) -> bytes:
        return _plain(self.loaded.sign(sha256(base).digest()))


class P256DeviceSigner(msgspec.Struct, frozen=True, eq=False):
    """Of a key that stays in its device and signs there."""

    keyid: str
    key: ec.EllipticCurvePrivateKey
    alg: str = ECDSA_P256

    def sign(self, base: bytes) -> bytes:
        return _plain(self.key.sign(base, _HASH))


def p256_signer(keyid: str, key: ec.EllipticCurvePrivateKey) -> P256Signer | P256DeviceSigner:
    """By the library when the key can be given to it, else by the key."""
    try:
        private = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    except TypeError:  # as a key in a device says it (exchange/directory/pkcs11.py)
        return P256DeviceSigner(keyid, key)
    return P256Signer(keyid, _library().new_key_from_der_data(private))


@cache
def _library() -> _Library:
    """Loading it takes a tenth of a second, which a node without a road need not wait for."""
    from awscrt.crypto import EC

    library: _Library = EC
    return library


def _der(signature: bytes) -> bytes:
    """r and s of 32 bytes each as a DER sequence of two INTEGERs."""
    r, s = signature[:32].lstrip(b"\0"), signature[32:].lstrip(b"\0")
    if not r or r[0] > 0x7F:
        r = b"\0" + r
    if not s or s[0] > 0x7F:
        s = b"\0" + s
    return b"0%c\x02%c%b\x02%c%b" % (len(r) + len(s) + 4, len(r), r, len(s), s)


def _plain(der: bytes) -> bytes:
    """The other way, of what the library made: on P-256 each length is one byte."""
    end = 4 + der[3]
    return der[4:end][-32:].rjust(32, b"\0") + der[end + 2 :][-32:].rjust(32, b"\0")
