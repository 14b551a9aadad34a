"""Key proofs of a credential request: the wallet holds the keys that its credentials will be bound to.

All proofs of one request carry one `c_nonce`, which is then spent; each is of another key, because two credentials of
one key can be linked. Source: OpenID for Verifiable Credential Issuance 1.0 s8.2, appendix F.1 (proof type `jwt`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.jose import Signed, Unsigned, peek, thumbprint, verify
from banyan.limits_identity import OPENID_SKEW_S
from banyan.limits_mydata import CREDENTIAL_NONCE_S

PROOF_TYPE: Final = "openid4vci-proof+jwt"
ALGORITHMS: Final = ("ES256",)
"""What a holder's key may sign with: what every verifier of a key binding knows (HAIP)."""
_KEY_MEMBERS: Final = ("kty", "crv", "x", "y")


class Proven(msgspec.Struct, frozen=True):
    """The public keys that were proven, and the nonce in their proofs: it is still to be spent."""

    keys: tuple[Mapping[str, str], ...]
    nonce: str


def proven_keys(proofs: Sequence[str], *, issuer: str, client: str, now: float) -> Proven:
    """Check proofs made for this issuer, now. `client` is the wallet's id, empty for one that proved none. Raises Fault
    `invalid_proof`."""
    read = [_read(proof, issuer=issuer, client=client, now=now) for proof in proofs]
    nonces = {signed.text("nonce") for signed, _ in read}
    if len(nonces) != 1 or not (nonce := nonces.pop()):
        raise _wrong("all proofs of a request carry one c_nonce of the nonce endpoint")
    keys = [key for _, key in read]
    if len({thumbprint(key, ALGORITHMS[0]) for key in keys}) != len(keys):
        raise _wrong("two proofs are of one key")
    return Proven(tuple(keys), nonce)


def _read(proof: str, *, issuer: str, client: str, now: float) -> tuple[Signed, Mapping[str, str]]:
    try:
        header = peek(proof).header
        jwk = header.get("jwk")
        if header.get("typ") != PROOF_TYPE:
            raise _wrong(f"typ is {PROOF_TYPE}")
        if not isinstance(jwk, dict) or {"kid", "x5c", "trust_chain"} & header.keys():
            raise _wrong("the key stands in the header as jwk, and nowhere else")
        signed = verify(proof, jwk, algorithms=ALGORITHMS)
    except Unsigned as error:
        raise _wrong(str(error)) from error
    issued, expires = signed.number("iat"), signed.number("exp")
    if signed.claims.get("aud") not in (issuer, [issuer]):
        raise _wrong("aud is this credential issuer")
    if signed.text("iss") != client:
        raise _wrong("iss is the client_id, and is left out by a wallet that has none")
    if issued is None or not -OPENID_SKEW_S <= now - issued <= CREDENTIAL_NONCE_S + OPENID_SKEW_S:
        raise _wrong("iat is not of now")
    if expires is not None and expires <= now - OPENID_SKEW_S:
        raise _wrong("exp has passed")
    return signed, {name: str(jwk[name]) for name in _KEY_MEMBERS if name in jwk}


def _wrong(why: str) -> Fault:
    return Fault("invalid_proof", f"proof: {why}")
