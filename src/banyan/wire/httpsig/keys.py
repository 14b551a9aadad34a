"""Keys that sign messages: Ed25519 and ECDSA P-256 (RFC 9421 section 3.3), ML-DSA (c2sp.org/httpsig-pq).

Which key belongs to whom is the caller's to know. Other algorithms fit the two Protocols.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

ED25519: Final = "ed25519"
ECDSA_P256: Final = "ecdsa-p256-sha256"
ML_DSA_44: Final = "ml-dsa-44"
ML_DSA_65: Final = "ml-dsa-65"
ML_DSA_87: Final = "ml-dsa-87"
_HASH: Final = ec.ECDSA(SHA256())
_HASHED: Final = ec.ECDSA(Prehashed(SHA256()))
"""hashlib's digest of a short text is there before the library has asked what it is to hash by."""

MlDsaPrivateKey = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
MlDsaPublicKey = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | MlDsaPrivateKey
PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey | MlDsaPublicKey


class Verifier(Protocol):
    """A public key under the name that messages call it by."""

    @property
    def keyid(self) -> str: ...
    @property
    def alg(self) -> str: ...
    def verify(self, base: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over the signature base."""


class Signer(Protocol):
    @property
    def keyid(self) -> str: ...
    @property
    def alg(self) -> str: ...
    def sign(self, base: bytes) -> bytes:
        """The signature as it goes on the wire, without base64."""


class Ed25519Verifier(msgspec.Struct, frozen=True):
    keyid: str
    key: Ed25519PublicKey
    alg: str = ED25519

    def verify(self, base: bytes, signature: bytes) -> bool:
        try:
            self.key.verify(signature, base)
        except InvalidSignature:
            return False
        return True


class Ed25519Signer(msgspec.Struct, frozen=True):
    keyid: str
    key: Ed25519PrivateKey
    alg: str = ED25519

    def sign(self, base: bytes) -> bytes:
        return self.key.sign(base)


class P256Verifier(msgspec.Struct, frozen=True):
    """Signatures are r and s, 32 bytes each, not DER."""

    keyid: str
    key: ec.EllipticCurvePublicKey
    alg: str = ECDSA_P256

    def verify(self, base: bytes, signature: bytes) -> bool:
        if len(signature) != 64:
            return False
        try:
            self.key.verify(_der(signature), sha256(base).digest(), _HASHED)
        except InvalidSignature:
            return False
        return True


class P256Signer(msgspec.Struct, frozen=True):
    keyid: str
    key: ec.EllipticCurvePrivateKey
    alg: str = ECDSA_P256

    def sign(self, base: bytes) -> bytes:
        return _plain(self.key.sign(base, _HASH))


class MlDsaVerifier(msgspec.Struct, frozen=True):
    keyid: str
    key: MlDsaPublicKey
    alg: str

    def verify(self, base: bytes, signature: bytes) -> bool:
        try:
            self.key.verify(signature, base)
        except InvalidSignature:
            return False
        return True


class MlDsaSigner(msgspec.Struct, frozen=True):
    keyid: str
    key: MlDsaPrivateKey
    alg: str

    def sign(self, base: bytes) -> bytes:
        return self.key.sign(base)


def _der(signature: bytes) -> bytes:
    """r and s of 32 bytes each as a DER sequence of two INTEGERs, in half the time of the library's own."""
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


def signer_of(keyid: str, key: PrivateKey) -> Signer:
    """The signer of a private key. Raises ValueError for a curve other than P-256."""
    match key:
        case Ed25519PrivateKey():
            return Ed25519Signer(keyid, key)
        case ec.EllipticCurvePrivateKey():
            _check_curve(key.curve)
            return P256Signer(keyid, key)
        case mldsa.MLDSA44PrivateKey():
            return MlDsaSigner(keyid, key, ML_DSA_44)
        case mldsa.MLDSA65PrivateKey():
            return MlDsaSigner(keyid, key, ML_DSA_65)
    return MlDsaSigner(keyid, key, ML_DSA_87)


def verifier_of(keyid: str, key: PublicKey) -> Verifier:
    """The verifier of a public key. Raises ValueError for a curve other than P-256."""
    match key:
        case Ed25519PublicKey():
            return Ed25519Verifier(keyid, key)
        case ec.EllipticCurvePublicKey():
            _check_curve(key.curve)
            return P256Verifier(keyid, key)
        case mldsa.MLDSA44PublicKey():
            return MlDsaVerifier(keyid, key, ML_DSA_44)
        case mldsa.MLDSA65PublicKey():
            return MlDsaVerifier(keyid, key, ML_DSA_65)
    return MlDsaVerifier(keyid, key, ML_DSA_87)


def _check_curve(curve: ec.EllipticCurve) -> None:
    if not isinstance(curve, ec.SECP256R1):
        raise ValueError("keys of the road are on P-256, Ed25519 or ML-DSA")
