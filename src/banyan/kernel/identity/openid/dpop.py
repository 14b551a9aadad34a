"""DPoP: who presents a token proves that they hold the key it is bound to. Values in, a key's thumbprint out.

The nonce is ours and stateless: an HMAC of the time's step, so every process of the node knows it and nobody foretells
it. Source: RFC 9449 s4.3, s8, s9; FAPI 2.0 Security Profile s5.3.2.1.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import msgspec

from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.jose import Unsigned, encoded, peek, thumbprint, verify
from banyan.limits_identity import OPENID_NONCE_S, OPENID_SKEW_S, OPENID_TEXT

NONCE_HEADER: Final = "DPoP-Nonce"
PROOF_LIVES_S: Final = 2 * OPENID_NONCE_S + OPENID_SKEW_S
"""How long a proof's jti is remembered: longer than its nonce and its iat can pass."""


class Proof(msgspec.Struct, frozen=True):
    """A proof that holds. `replay_key` must not have been seen before."""

    jkt: str
    replay_key: bytes


class Nonces:
    """Nonces of one node. `key` is secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def current(self, now: float) -> str:
        return self._of(int(now // OPENID_NONCE_S))

    def accepts(self, nonce: str, now: float) -> bool:
        step = int(now // OPENID_NONCE_S)
        return any(hmac.compare_digest(self._of(known).encode(), nonce.encode()) for known in (step, step - 1))

    def _of(self, step: int) -> str:
        return encoded(hmac.digest(self._key, b"dpop nonce %d" % step, sha256)[:18])


def check(header: str, *, method: str, url: str, now: float, nonces: Nonces, access_token: str = "") -> Proof:
    """The proof in a `DPoP` header, for this method and address (the configured public one), now.

    Raises Fault `invalid_dpop_proof`, or `use_dpop_nonce` with the nonce to send.
    """
    try:
        seen = peek(header)
        jwk, alg = seen.header.get("jwk"), seen.header.get("alg")
        if seen.header.get("typ") != "dpop+jwt" or not isinstance(jwk, dict) or not isinstance(alg, str):
            raise Unsigned("typ is dpop+jwt, with alg and jwk")
        proof = verify(header, jwk)
        jkt = thumbprint(jwk, alg)
    except Unsigned as error:
        raise _wrong(str(error), "signature") from error
    _times(proof.number("iat"), proof.number("exp"), proof.number("nbf"), now)
    jti = proof.text("jti")
    if proof.text("htm") != method:
        raise _wrong("htm is not this request's method", "htm")
    if not is_same_address(proof.text("htu"), url):
        raise _wrong("htu is not this request's address", "htu")
    if not 1 <= len(jti) <= OPENID_TEXT:
        raise _wrong("jti is missing or too long", "jti")
    if access_token and not hmac.compare_digest(proof.text("ath").encode(), token_hash(access_token).encode()):
        raise _wrong("ath is not the token's hash", "ath")
    if not nonces.accepts(proof.text("nonce"), now):
        raise Fault("use_dpop_nonce", "use the nonce in DPoP-Nonce", headers=((NONCE_HEADER, nonces.current(now)),))
    return Proof(jkt, sha256(f"dpop\0{jkt}\0{jti}".encode()).digest())


def token_hash(access_token: str) -> str:
    return encoded(sha256(access_token.encode("utf-8")).digest())


def is_same_address(claimed: str, url: str) -> bool:
    """RFC 9449 s4.3 (9): without query and fragment, after the normalisation of RFC 3986 s6.2.2-3."""
    if not claimed or len(claimed) > OPENID_TEXT:
        return False
    try:
        mine, theirs = urlsplit(url), urlsplit(claimed)
        ports = [part.port or {"https": 443, "http": 80}.get(part.scheme) for part in (mine, theirs)]
    except ValueError:
        return False
    return (
        (mine.scheme, mine.hostname, mine.path or "/") == (theirs.scheme, theirs.hostname, theirs.path or "/")
        and ports[0] == ports[1]
        and not theirs.username
    )


def _times(issued: float | None, expires: float | None, begins: float | None, now: float) -> None:
    if issued is None or abs(now - issued) > OPENID_SKEW_S:
        raise _wrong(f"iat is not within {OPENID_SKEW_S:.0f} s of this server's clock", "time")
    if expires is not None and expires <= now - OPENID_SKEW_S:
        raise _wrong("exp has passed", "time")
    if begins is not None and begins > now + OPENID_SKEW_S:
        raise _wrong("nbf has not come", "time")


def _wrong(why: str, part: str) -> Fault:
    return Fault("invalid_dpop_proof", f"DPoP proof: {why}", alarm=f"dpop_{part}")
