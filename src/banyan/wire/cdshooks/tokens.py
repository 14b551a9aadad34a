"""The JSON Web Token by which a CDS client says who it is: read, judged by its claims, verified with a public key.

ES384 and RS384 only, as CDS Hooks recommends; `none` and MACs never, for they prove nothing about the sender. Whether a
`jti` was seen before is the caller's to know: this is values in, claims out.
Source: CDS Hooks 2.0.1, "Trusting CDS Clients"; RFC 7515; RFC 7518 s3.3-3.4; RFC 8725.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from banyan.errors import UNREADABLE
from banyan.limits_travel import CDS_SKEW_S, CDS_TOKEN, CDS_TOKEN_S

RSA_BITS: Final = 2_048
EC_BYTES: Final = 48
ALGORITHMS: Final = ("ES384", "RS384")
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
T = TypeVar("T")


class Untrusted(Exception):
    """Why a token is not believed; without the token."""


class Head(msgspec.Struct, frozen=True):
    alg: Short
    kid: Short
    typ: Short
    jku: str = ""
    crit: list[str] = []


class Claims(msgspec.Struct, frozen=True):
    """Who asks (`iss`), where (`aud`), from and until when (epoch seconds), and once (`jti`)."""

    iss: Short
    aud: Short | tuple[Short, ...]
    exp: float
    iat: float
    jti: Short
    tenant: str = ""
    jku: str = ""
    kid: str = ""


def peek(token: str) -> Claims:
    """The claims before anything is believed, only to find the client's keys; `jku` and `kid` are of the header. Raises
    Untrusted for what is no such token, and for an algorithm that proves nothing."""
    parts = token.split(".") if len(token) <= CDS_TOKEN and token.isascii() else []
    if len(parts) != 3 or not all(parts):
        raise Untrusted("not a signed JSON Web Token")
    head, claims = _part(parts[0], Head), _part(parts[1], Claims)
    if head.alg not in ALGORITHMS:
        raise Untrusted(f"alg must be one of {', '.join(ALGORITHMS)}")
    if head.typ.upper() != "JWT" or head.crit:
        raise Untrusted("typ must be JWT, without critical extensions")
    return msgspec.structs.replace(claims, jku=head.jku, kid=head.kid)


def verified(token: str, jwks: Mapping[str, Any], *, audience: str, now: float) -> Claims:
    """The claims of a token that one of the client's keys signed for this address and this moment. Raises Untrusted."""
    claims = peek(token)
    key = next((one for one in jwks.get("keys", ()) if isinstance(one, dict) and one.get("kid") == claims.kid), None)
    if key is None:
        raise Untrusted("kid is none of the client's keys")
    content, _, signature = token.rpartition(".")
    _verify(_part(token.partition(".")[0], Head).alg, key, content.encode("ascii"), _decoded(signature))
    if claims.aud not in (audience, (audience,)):
        raise Untrusted("aud must be this endpoint's address, and nothing else")
    if not claims.iat - CDS_SKEW_S <= now < claims.exp + CDS_SKEW_S:
        raise Untrusted("the token is not valid now: see iat and exp")
    if not 0 < claims.exp - claims.iat <= CDS_TOKEN_S:
        raise Untrusted(f"exp must follow iat by at most {CDS_TOKEN_S:.0f} s")
    return claims


def signed(claims: Claims, key: ec.EllipticCurvePrivateKey) -> str:
    """A token as a client makes it, by ES384; for clients' tests and the demonstration."""
    head = {"alg": "ES384", "typ": "JWT", "kid": claims.kid, **({"jku": claims.jku} if claims.jku else {})}
    body = {name: value for name, value in msgspec.to_builtins(claims).items() if name not in ("jku", "kid") and value}
    content = ".".join(_encoded(msgspec.json.encode(part)) for part in (head, body))
    r, s = decode_dss_signature(key.sign(content.encode("ascii"), ec.ECDSA(SHA384())))
    return f"{content}.{_encoded(r.to_bytes(EC_BYTES, 'big') + s.to_bytes(EC_BYTES, 'big'))}"


def public_jwk(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, str]:
    """The public half, as a JWK Set has it (RFC 7518 s6.2)."""
    numbers = key.public_key().public_numbers()
    x, y = (_encoded(one.to_bytes(EC_BYTES, "big")) for one in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-384", "kid": kid, "alg": "ES384", "use": "sig", "x": x, "y": y}


def _verify(alg: str, jwk: Mapping[str, Any], content: bytes, signature: bytes) -> None:
    try:
        if alg == "ES384":
            if jwk.get("kty") != "EC" or jwk.get("crv") != "P-384" or len(signature) != 2 * EC_BYTES:
                raise Untrusted("ES384 is signed with a key of P-384")
            r, s = (int.from_bytes(signature[at : at + EC_BYTES], "big") for at in (0, EC_BYTES))
            point = ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), ec.SECP384R1())
            point.public_key().verify(encode_dss_signature(r, s), content, ec.ECDSA(SHA384()))
        else:
            if jwk.get("kty") != "RSA":
                raise Untrusted("RS384 is signed with an RSA key")
            key = rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")).public_key()
            if key.key_size < RSA_BITS:
                raise Untrusted(f"an RSA key has {RSA_BITS} bits or more")
            key.verify(signature, content, padding.PKCS1v15(), SHA384())
    except (InvalidSignature, ValueError) as error:
        raise Untrusted("the signature does not hold") from error


def _number(jwk: Mapping[str, Any], name: str) -> int:
    value = jwk.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 1_400:
        raise Untrusted("the client's key cannot be read")
    return int.from_bytes(_decoded(value), "big")


def _part(part: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_decoded(part), type=kind)
    except UNREADABLE as error:
        raise Untrusted("header or claims are missing something, or are no JSON") from error


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decoded(part: str) -> bytes:
    try:
        raw = urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except ValueError as error:
        raise Untrusted("not base64url") from error
    if _encoded(raw) != part:
        raise Untrusted("not canonical base64url")
    return raw
