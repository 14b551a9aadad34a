"""Which app is this: `private_key_jwt`, or for the basic profile a secret. One refusal for every reason.

Source: RFC 7523 s3, OpenID Connect Core s9, FAPI 2.0 Security Profile s5.3.2.1 (the audience is the issuer's string and
nothing else: not this endpoint's address, not a list).
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from hashlib import sha256
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from banyan.kernel.identity.openid.fault import Fault, invalid_client
from banyan.kernel.identity.openid.jose import Signed, Unsigned, peek, verify
from banyan.kernel.identity.openid.model import Client
from banyan.kernel.identity.openid.sent import Sent
from banyan.limits_identity import OPENID_ASSERTION_S, OPENID_SKEW_S, OPENID_TEXT

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NOBODY: Final = sha256(b"nobody").hexdigest()


class Proven(msgspec.Struct, frozen=True):
    """An app that proved itself. `replay_key` (when there is one) must not have been seen before."""

    client: Client
    replay_key: bytes | None


def claimed_client(sent: Sent) -> str:
    """The id of the app that this message says it is from; to look it up before it is believed."""
    if sent.get("client_assertion"):
        try:
            return peek(sent.get("client_assertion")).text("iss")[:OPENID_TEXT]
        except Unsigned:
            raise invalid_client() from None
    if sent.authorization:
        return _basic(sent.authorization)[0]
    return sent.get("client_id")[:OPENID_TEXT]


def authenticate(sent: Sent, client: Client | None, now: float) -> Proven:
    """Check the proof of the app that `claimed_client` named. Raises Fault `invalid_client`, whatever the cause."""
    ways = (bool(sent.get("client_assertion")), bool(sent.authorization), bool(sent.get("client_secret")))
    if sum(ways) > 1:
        raise Fault("invalid_request", "use one way of client authentication")
    if ways[0]:
        return _by_key(sent, client, now)
    id, secret = _basic(sent.authorization) if ways[1] else (sent.get("client_id"), sent.get("client_secret"))
    kept = client.secret_hash if client is not None and client.secret_hash else _NOBODY
    is_right = hmac.compare_digest(secret_hash(secret), kept)
    way = "client_secret_basic" if ways[1] else "client_secret_post"
    if client is None or not is_right or client.is_closed or client.auth != way or client.id != id:
        raise _challenged() if ways[1] else invalid_client()
    if sent.get("client_id") not in ("", client.id):
        raise invalid_client()
    return Proven(client, None)


def secret_hash(secret: str) -> str:
    """A secret of 256 random bits needs no slow hash."""
    return sha256(secret.encode("utf-8")).hexdigest()


def _by_key(sent: Sent, client: Client | None, now: float) -> Proven:
    if sent.get("client_assertion_type") != JWT_BEARER:
        raise invalid_client()
    if client is None or client.is_closed or client.auth != "private_key_jwt":
        raise invalid_client()
    if sent.get("client_id") not in ("", client.id):
        raise invalid_client()
    assertion = sent.get("client_assertion")
    signed = _signed_by_one_of(client, assertion)
    if not is_assertion_of(signed, client.id, sent.issuer, now):
        raise invalid_client()
    return Proven(client, sha256(f"assertion\0{client.id}\0{signed.text('jti')}".encode()).digest())


def _signed_by_one_of(client: Client, assertion: str) -> Signed:
    try:
        kid = peek(assertion).header.get("kid")
    except Unsigned:
        raise invalid_client() from None
    for jwk in client.jwks:
        if kid is None or jwk.get("kid", kid) == kid:
            try:
                return verify(assertion, jwk)
            except Unsigned:
                continue
    raise invalid_client()


def is_assertion_of(signed: Signed, client_id: str, issuer: str, now: float) -> bool:
    """Whether the claims are the app's, for us, now. Pure."""
    expires, issued, begins = signed.number("exp"), signed.number("iat"), signed.number("nbf")
    checks: tuple[Callable[[], bool], ...] = (
        lambda: signed.text("iss") == client_id,
        lambda: signed.text("sub") == client_id,
        lambda: signed.text("aud") == issuer,
        lambda: 1 <= len(signed.text("jti")) <= OPENID_TEXT,
        lambda: expires is not None and now < expires <= now + OPENID_ASSERTION_S + OPENID_SKEW_S,
        lambda: issued is None or issued <= now + OPENID_SKEW_S,
        lambda: begins is None or begins <= now + OPENID_SKEW_S,
    )
    return all(check() for check in checks)


def _basic(header: str) -> tuple[str, str]:
    """RFC 6749 s2.3.1: form-encoded, then Basic."""
    scheme, _, value = header.partition(" ")
    try:
        if scheme.lower() != "basic" or len(value) > OPENID_TEXT:
            raise ValueError("not Basic")
        id, colon, secret = b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        if not colon:
            raise ValueError("no colon")
    except (Base64Error, ValueError):
        raise _challenged() from None
    return unquote_plus(id), unquote_plus(secret)


def _challenged() -> Fault:
    fault = invalid_client()
    return Fault(
        fault.kind, fault.title, status=401, headers=(("WWW-Authenticate", 'Basic realm="openid", charset="UTF-8"'),)
    )
