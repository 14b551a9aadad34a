"""Keys that sign messages: Ed25519 and ECDSA P-256 (RFC 9421 section 3.3), ML-DSA (c2sp.org/httpsig-pq).

Which key belongs to whom is the caller's to know. Other algorithms fit the two Protocols.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from banyan.wire.httpsig.p256 import P256Verifier, p256_signer

ED25519: Final = "ed25519"
ML_DSA_44: Final = "ml-dsa-44"
ML_DSA_65: Final = "ml-dsa-65"
ML_DSA_87: Final = "ml-dsa-87"

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


def signer_of(keyid: str, key: PrivateKey) -> Signer:
    """The signer of a private key. Raises ValueError for a curve other than P-256."""
    match key:
        case Ed25519PrivateKey():
            return Ed25519Signer(keyid, key)
        case ec.EllipticCurvePrivateKey():
            _check_curve(key.curve)
            return p256_signer(keyid, key)
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
