"""A token shown to a resource of this node: whose is it, and does who shows it hold the key it is bound to?

Source: RFC 6750 s3, RFC 9449 s7 (a bound token is never taken as a bearer token), RFC 9110 s11.1 (scheme names have no
case).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.dpop import NONCE_HEADER
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.jose import ALGORITHMS
from banyan.kernel.identity.openid.model import Token
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_JWT_BYTES

Find = Callable[[Tx, str, float], Token | None]
"""`find(tx, value, now)`: a token that holds now."""


async def presented(provider: Provider, sent: Sent, *, scope: str = "", find: Find | None = None) -> Token:
    """The live access token in `Authorization` (or what `find` knows), proven by its key when it is bound to one.

    Raises Fault 401 with the challenge that says which way to come again, 403 when it lacks `scope`.
    """
    scheme, _, value = sent.authorization.partition(" ")
    value = value.strip()
    if scheme.lower() not in ("dpop", "bearer") or not value or len(value) > OPENID_JWT_BYTES:
        raise challenged(provider, "", "send Authorization: DPoP or Bearer with an access token", alarm="no_token")
    token = await provider.store.read(lambda tx: (find or live_access)(tx, value, provider.clock()))
    if token is None:
        raise challenged(provider, "invalid_token", "the access token is not valid")
    if token.authority.jkt:
        if scheme.lower() != "dpop" or not sent.dpop:
            why = "this token is bound to a key: use the DPoP scheme and proof"
            raise challenged(provider, "invalid_token", why, alarm="bound_token_as_bearer")
        await _prove(provider, sent, value, token.authority.jkt)
    elif scheme.lower() != "bearer":
        raise challenged(provider, "invalid_token", "this token is not bound to a key")
    if scope and scope not in token.authority.scope:
        raise challenged(provider, "insufficient_scope", f"scope {scope} is needed", status=403)
    return token


async def _prove(provider: Provider, sent: Sent, value: str, jkt: str) -> None:
    try:
        proof = provider.proof(sent, access_token=value)
    except Fault as fault:
        raise challenged(provider, fault.kind, fault.title, alarm=fault.alarm) from fault
    assert proof is not None, "the caller saw that there is a proof"
    if not hmac.compare_digest(proof.jkt, jkt):
        why = "the proof is of another key than the token's"
        raise challenged(provider, "invalid_token", why, alarm="key_mismatch")
    if not await provider.store.write(lambda tx: records.see(tx, [proof.replay_key], provider.clock())):
        raise challenged(provider, "invalid_dpop_proof", "the proof came twice", alarm="proof_replay")


def live_access(tx: Tx, value: str, now: float) -> Token | None:
    """An access token that holds now: active, in time, its grant not withdrawn, its account and app not closed."""
    token = records.token_of(tx, value)
    if token is None or token.kind != "access" or not is_live(tx, token, now):
        return None
    return token


def is_live(tx: Tx, token: Token, now: float) -> bool:
    authority = token.authority
    if token.state != "active" or now >= token.expires:
        return False
    client = records.client_by_id(tx, authority.client)
    if client is None or client.is_closed:
        return False
    if not authority.account:
        return True
    granted = records.granted_by_id(tx, authority.granted, now)
    account = records.account_by_id(tx, authority.account)
    return granted is not None and granted.is_active and account is not None and not account.is_closed


def challenged(provider: Provider, error: str, why: str, *, status: int = 401, alarm: str = "") -> Fault:
    """RFC 9449 s7.1: both schemes' challenges, and the nonce to use."""
    said = f', error="{error}", error_description="{why}"' if error else ""
    headers = (
        ("WWW-Authenticate", f'DPoP algs="{" ".join(ALGORITHMS)}"{said}, Bearer realm="openid"{said}'),
        (NONCE_HEADER, provider.nonces.current(provider.clock())),
    )
    return Fault(error or "invalid_request", why, status=status, headers=headers, alarm=alarm)
