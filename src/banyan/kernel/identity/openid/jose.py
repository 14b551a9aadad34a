"""Signed tokens of clients, read strictly: a bounded compact JWS, an allowed algorithm, a public key, JSON claims.

Source: RFC 7515, RFC 8725 (best practice), FAPI 2.0 Security Profile s5.4.1 (PS256, ES256 or EdDSA; never RS256).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from banyan.limits_identity import OPENID_JWT_BYTES

ALGORITHMS: Final = ("ES256", "PS256", "EdDSA", "Ed25519")
_ED: Final = ("OKP", "Ed25519")
_KEY_OF: Final = {"ES256": ("EC", "P-256"), "PS256": ("RSA", ""), "RS256": ("RSA", ""), "EdDSA": _ED, "Ed25519": _ED}
_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
RSA_BITS: Final = 2_048


class Unsigned(Exception):
    """The token cannot be trusted; the text says why, without the token."""


class Signed(msgspec.Struct, frozen=True):
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A claim that must be a text; empty when it is missing or another thing."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float | None:
        value = self.claims.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def peek(token: str) -> Signed:
    """Header and claims before anything is verified: only to choose the key. Raises Unsigned."""
    if len(token) > OPENID_JWT_BYTES:
        raise Unsigned(f"over {OPENID_JWT_BYTES} bytes")
    parts = token.split(".")
    if len(parts) != 3:
        raise Unsigned("not a compact JWS")
    try:
        header, claims = (msgspec.json.decode(decoded(part)) for part in parts[:2])
    except (msgspec.DecodeError, ValueError) as error:
        raise Unsigned("not JSON in base64url") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unsigned("header and claims are objects")
    if "crit" in header or "b64" in header:
        raise Unsigned("critical extensions are not understood")
    return Signed(header, claims)


def verify(token: str, jwk: Mapping[str, Any], *, algorithms: tuple[str, ...] = ALGORITHMS) -> Signed:
    """What `jwk` signed. Raises Unsigned for an algorithm that is not allowed, or not the key's own."""
    seen = peek(token)
    alg = seen.header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        raise Unsigned(f"alg is one of {', '.join(algorithms)}")
    key = public_key(jwk, alg)
    try:
        if isinstance(key, OKPKey):
            _verify_ed25519(token, key)
        else:
            jws.deserialize_compact(token, key, algorithms=[alg])
    except (JoseError, InvalidSignature, ValueError) as error:
        raise Unsigned("the signature does not hold") from error
    return seen


def _verify_ed25519(token: str, key: OKPKey) -> None:
    """Directly: joserfc warns at the name EdDSA (RFC 9864 prefers Ed25519), which clients of FAPI 2.0 still send."""
    content, _, signature = token.rpartition(".")
    public = key.public_key
    assert isinstance(public, Ed25519PublicKey), "the curve was checked"
    public.verify(decoded(signature), content.encode("ascii"))


def public_key(jwk: Mapping[str, Any], alg: str) -> ECKey | OKPKey | RSAKey:
    """A public key fit for the algorithm. Raises Unsigned: private parts, a wrong type or curve, a short RSA key."""
    kind, curve = _KEY_OF[alg]
    if _PRIVATE & jwk.keys() or jwk.get("kty") != kind or (curve and jwk.get("crv") != curve):
        raise Unsigned("the key is public and of the algorithm's kind")
    wanted = {name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y", "n", "e")}
    if not all(isinstance(value, str) and len(value) <= 1_024 for value in wanted.values()):
        raise Unsigned("the key's members are texts")
    try:
        key: Key = import_key(wanted)
    except (JoseError, ValueError, KeyError) as error:
        raise Unsigned("the key cannot be read") from error
    assert isinstance(key, ECKey | OKPKey | RSAKey), "no other type passes the check above"
    if isinstance(key, RSAKey) and key.public_key.key_size < RSA_BITS:
        raise Unsigned(f"an RSA key has {RSA_BITS} bits or more")
    return key


def thumbprint(jwk: Mapping[str, Any], alg: str) -> str:
    """RFC 7638, what `cnf.jkt` names a key by."""
    return public_key(jwk, alg).thumbprint()


def half_hash(value: str) -> str:
    """`at_hash` (OpenID Connect Core s3.1.3.6): the left half of SHA-256."""
    return encoded(sha256(value.encode("ascii")).digest()[:16])


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decoded(part: str) -> bytes:
    raw = part.encode("ascii")
    decoded = urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))
    if encoded(decoded).encode() != raw:
        raise ValueError("not canonical base64url")
    return decoded
