"""The node's keys for offline selling: one signs leases, one opens sealed cards, and one an epoch marks persons.

All derive from the secret that the composition root lends, so none is in the drawer or its backups. A terminal gets an
epoch's marking key wrapped to its own key, and imports it as one that cannot be read again. Sources: RFC 5869 (HKDF),
RFC 7516/7518 s4.6, NIST SP 800-56A (ECDH).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from banyan.kernel.identity.openid.jose import decoded, encoded
from banyan.service.rationing.offline.formats import ALG, Card

SEALED_BYTES: Final = 128
"""A card is padded to this, so that no length tells a name or a proxy."""
JWE: Final = ("ECDH-ES", "A256GCM")
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256's group, SEC 2 s2.4.2."""
Random = Callable[[int], bytes]


class Unopened(Exception):
    """A sealed card that was changed, or sealed to another."""


class OfflineKeys:
    """Made of `secret` (32 bytes). `member` names the node."""

    def __init__(self, member: str, secret: bytes) -> None:
        assert len(secret) >= KEY_BYTES, "a secret has 256 bits"
        self.member = member
        self._secret = secret
        self._sign, self._seal = _private(secret, "sign"), _private(secret, "seal")

    @property
    def public(self) -> list[dict[str, str]]:
        """What terminals pin, as a JWK Set's keys."""
        return [_jwk(self._sign, "sig", ALG), _jwk(self._seal, "enc", JWE[0])]

    @property
    def seal_jwk(self) -> dict[str, str]:
        return self.public[1]

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """A compact JWS of this `typ`."""
        header = {"alg": ALG, "typ": kind, "kid": self._sign.thumbprint()}
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._sign)

    def open(self, sealed: str) -> Card:
        """The card in a receipt's `who`. Raises Unopened."""
        try:
            found = jwe.decrypt_compact(sealed, self._seal, algorithms=list(JWE))
            plain = found.plaintext
            if found.headers().get("alg") != JWE[0] or plain is None or len(plain) > SEALED_BYTES:
                raise Unopened
            return msgspec.json.decode(plain, type=Card)
        except (JoseError, ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
            raise Unopened from error

    def marking_key(self, epoch: int) -> bytes:
        """The key that names persons to terminals during an epoch."""
        return _derived(self._secret, f"mark|{epoch}")


def wrap_keys(
    terminal_key: Mapping[str, str], keys: Mapping[str, bytes], *, info: str, random: Random
) -> tuple[dict[str, str], dict[str, str]]:
    """`keys` by name, for the holder of `terminal_key` (its ECDH key) alone: the ephemeral public key, and each key as
    base64url of nonce and ciphertext, bound to its name."""
    ephemeral = ec.derive_private_key(1 + int.from_bytes(random(40), "big") % (_ORDER - 1), ec.SECP256R1())
    public = ECKey.import_key(dict(terminal_key)).public_key
    assert isinstance(public, ec.EllipticCurvePublicKey), "an EC key was imported"
    shared = ephemeral.exchange(ec.ECDH(), public)
    box = AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=b"", info=info.encode()).derive(shared))
    wrapped = {}
    for name, key in keys.items():
        nonce = random(NONCE_BYTES)
        wrapped[name] = encoded(nonce + box.encrypt(nonce, key, name.encode()))
    epk = ECKey.import_key(ephemeral.public_key()).as_dict(private=False)
    return {name: str(epk[name]) for name in ("kty", "crv", "x", "y")}, wrapped


def unwrap_key(private: ECKey, epk: Mapping[str, str], wrapped: str, *, name: str, info: str) -> bytes:
    """What a terminal does; a browser's does it without ever seeing the bytes."""
    public = ECKey.import_key(dict(epk)).public_key
    own = private.private_key
    assert isinstance(public, ec.EllipticCurvePublicKey), "an EC key was imported"
    assert isinstance(own, ec.EllipticCurvePrivateKey), "a private key was given"
    shared = own.exchange(ec.ECDH(), public)
    raw = decoded(wrapped)
    box = AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=b"", info=info.encode()).derive(shared))
    return box.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], name.encode())


def sealed_card(card: Card, seal_jwk: Mapping[str, str]) -> str:
    """A card for the node alone, as a terminal seals it."""
    plain = msgspec.json.encode(card).ljust(SEALED_BYTES)
    header = {"alg": JWE[0], "enc": JWE[1]}
    return jwe.encrypt_compact(header, plain, ECKey.import_key(dict(seal_jwk)), algorithms=list(JWE))


def _private(secret: bytes, use: str) -> ECKey:
    """A P-256 key from 40 derived bytes: the bias of so many is under 2^-64 (FIPS 186-5 A.2.1)."""
    number = 1 + int.from_bytes(_derived(secret, use, length=40), "big") % (_ORDER - 1)
    return ECKey.import_key(ec.derive_private_key(number, ec.SECP256R1()))


def _derived(secret: bytes, use: str, *, length: int = KEY_BYTES) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"banyan offline|{use}".encode()).derive(secret)


def _jwk(key: ECKey, use: str, alg: str) -> dict[str, str]:
    public = key.as_dict(private=False)
    return {name: str(public[name]) for name in ("kty", "crv", "x", "y")} | {
        "kid": key.thumbprint(),
        "use": use,
        "alg": alg,
    }
