"""The token endpoint: a code, a refresh token, a token to exchange, or an app's own name becomes tokens.

Every grant is settled in one transaction, and a replay is a value, not an error: what it revokes must be committed.
Source: RFC 6749 s4.1.3, s6; RFC 7636; RFC 8693; RFC 9449 s5; FAPI 2.0 Security Profile s5.3.2.1.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any, Final

import msgspec

from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.asking import ACR_OF, read_resource
from banyan.kernel.identity.openid.details import read_details, within
from banyan.kernel.identity.openid.fault import Fault, invalid_grant
from banyan.kernel.identity.openid.jose import encoded, half_hash
from banyan.kernel.identity.openid.model import Authority, Client, Code, Token
from banyan.kernel.identity.openid.preauthorized import PRE_AUTHORIZED, of_pre_authorized
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Answer, Sent, json_answer
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_ACCESS_S, OPENID_ID_TOKEN_S, OPENID_REFRESH_S

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"
NO_STORE: Final = (("Cache-Control", "no-store"),)


class Minted(msgspec.Struct, frozen=True):
    """Token values drawn before the transaction; `refresh` is empty when none is given."""

    access: str
    refresh: str = ""


async def token(provider: Provider, sent: Sent) -> Answer:
    """`POST /openid/token`."""
    if sent.get("grant_type") == PRE_AUTHORIZED:
        return await of_pre_authorized(provider, sent)
    client, jkt = await provider.authenticated(sent, needs_proof=True)
    grant = sent.get("grant_type")
    if grant not in ("authorization_code", "refresh_token", "client_credentials", EXCHANGE):
        raise Fault("unsupported_grant_type", "grant_type is not supported")
    if grant not in client.grants:
        raise Fault("unauthorized_client", "this client may not use this grant_type")
    if grant == "authorization_code":
        return await _of_code(provider, sent, client, jkt)
    if grant == "refresh_token":
        return await _of_refresh(provider, sent, client, jkt)
    if grant == EXCHANGE:
        return await _of_exchange(provider, sent, client, jkt)
    return await _of_client(provider, sent, client, jkt)


async def _of_code(provider: Provider, sent: Sent, client: Client, jkt: str) -> Answer:
    now, value = provider.clock(), sent.get("code")
    minted = Minted(provider.secret(), provider.secret() if "refresh_token" in client.grants else "")
    known = await provider.store.read(lambda tx: records.code_of(tx, value))
    if known is None:
        raise invalid_grant("code_unknown")
    authority = msgspec.structs.replace(
        known[0].authority, jkt=jkt, issued_at=now, audience=known[0].authority.audience or (sent.issuer,)
    )
    minted = await _formed(provider, sent, client, authority, minted)

    def job(tx: Tx) -> str:
        """Empty when it was redeemed; else what is wrong."""
        found = records.code_of(tx, value)
        if found is None or found[0].authority.client != client.id:
            return "code_of_another"
        code, is_used = found
        if is_used:
            records.end_family(tx, code.authority.family)
            return "code_replay"
        records.use_code(tx, value)  # whatever comes: who holds it wrongly gets no second guess
        if (misfit := _misfit(code, sent, jkt, now)) or not _is_live(tx, code.authority, now):
            return misfit or "grant_ended"
        _keep(tx, authority, minted, now)
        return ""

    if wrong := await provider.store.write(job):
        raise invalid_grant(wrong)
    return await _answer(provider, sent, client, authority, minted, nonce=known[0].nonce, is_sign_in=True)


def _misfit(code: Code, sent: Sent, jkt: str, now: float) -> str:
    """What differs from the app's own second step (in time, same address, verifier, announced key); empty: nothing."""
    verifier = sent.get("code_verifier")
    challenge = encoded(sha256(verifier.encode("utf-8")).digest())
    if now >= code.expires:
        return "code_expired"
    if sent.get("redirect_uri") != code.redirect_uri:
        return "redirect_uri"
    if not 43 <= len(verifier) <= 128 or not hmac.compare_digest(challenge, code.challenge):
        return "pkce"
    if code.authority.jkt and not hmac.compare_digest(code.authority.jkt, jkt):
        return "key_mismatch"
    return ""


async def _of_refresh(provider: Provider, sent: Sent, client: Client, jkt: str) -> Answer:
    now, value = provider.clock(), sent.get("refresh_token")
    found = await provider.store.read(lambda tx: records.token_of(tx, value))
    if found is None or found.kind != "refresh" or found.authority.client != client.id:
        raise invalid_grant("refresh_unknown")
    had = found.authority
    authority = msgspec.structs.replace(had, scope=_narrowed(sent, had.scope), issued_at=now)
    minted = await _formed(provider, sent, client, authority, Minted(provider.secret(), provider.secret()))

    def job(tx: Tx) -> str:
        """Empty when it was refreshed; else what is wrong."""
        token = records.token_of(tx, value)
        if token is None:
            return "refresh_unknown"
        if token.state == "used":
            records.end_family(tx, had.family)
            return "refresh_replay"
        if token.state != "active" or now >= token.expires or not _is_live(tx, had, now):
            return "grant_ended"
        if had.jkt and not hmac.compare_digest(had.jkt, jkt):
            return "key_mismatch"
        records.mark_token(tx, value, "used")
        _keep(tx, authority, minted, now, refreshes=had)
        return ""

    if wrong := await provider.store.write(job):
        raise invalid_grant(wrong)
    return await _answer(provider, sent, client, authority, minted)


async def _of_exchange(provider: Provider, sent: Sent, client: Client, jkt: str) -> Answer:
    """RFC 8693: a service that was called with a token asks for a narrower one to call the next with."""
    now, value = provider.clock(), sent.get("subject_token")
    if sent.get("subject_token_type") != ACCESS_TYPE or sent.get("requested_token_type") not in ("", ACCESS_TYPE):
        raise Fault("invalid_request", "subject_token_type and requested_token_type are access_token")
    if sent.get("actor_token"):
        raise Fault("invalid_request", "actor_token is not supported: the client itself is the actor")
    found = await provider.store.read(lambda tx: records.token_of(tx, value))
    if found is None or not _may_exchange(found, client, now):
        raise Fault("invalid_request", "subject_token is not one this client may exchange")
    had = found.authority
    details = read_details(sent.get("authorization_details"), client, provider.types) or had.details
    if not within(details, had.details):
        raise Fault("invalid_authorization_details", "authorization_details: not within the subject_token's")
    authority = msgspec.structs.replace(
        had,
        client=client.id,
        scope=_narrowed(sent, had.scope),
        details=details,
        audience=read_resource(sent, client) or (sent.issuer,),
        jkt=jkt,
        actor=client.id,
        issued_at=now,
        ends_at=found.expires,
    )
    minted = await _formed(provider, sent, client, authority, Minted(provider.secret()))

    def job(tx: Tx) -> bool:
        token = records.token_of(tx, value)
        if token is None or token.state != "active" or not _is_live(tx, had, now):
            return False
        _keep(tx, authority, minted, now)
        return True

    if not await provider.store.write(job):
        raise Fault("invalid_request", "subject_token is not one this client may exchange")
    answer = await _answered(provider, client, authority, minted)
    return json_answer(answer | {"issued_token_type": ACCESS_TYPE}, headers=NO_STORE)


def _may_exchange(token: Token, client: Client, now: float) -> bool:
    is_for_us = bool(set(token.authority.audience) & set(client.serves)) or token.authority.client == client.id
    return is_for_us and token.kind == "access" and token.state == "active" and now < token.expires


async def _of_client(provider: Provider, sent: Sent, client: Client, jkt: str) -> Answer:
    """An app in its own name: no person, so no personal data either."""
    now = provider.clock()
    scope = _narrowed(sent, tuple(name for name in client.scopes if name not in ("openid", "offline_access")))
    authority = Authority(
        client=client.id,
        family=provider.secret(),
        granted="",
        account="",
        scope=scope,
        audience=read_resource(sent, client) or (sent.issuer,),
        jkt=jkt,
        issued_at=now,
        ends_at=now + OPENID_ACCESS_S,
    )
    minted = await _formed(provider, sent, client, authority, Minted(provider.secret()))
    await provider.store.write(lambda tx: _keep(tx, authority, minted, now))
    return json_answer(await _answered(provider, client, authority, minted), headers=NO_STORE)


def _narrowed(sent: Sent, had: tuple[str, ...]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(sent.get("scope").split()))
    if not set(asked) <= set(had):
        raise Fault("invalid_scope", "scope is more than was granted")
    return asked or had


def _is_live(tx: Tx, authority: Authority, now: float) -> bool:
    """Whether the family and what the person agreed to still stand, and the person may still sign in."""
    if now >= authority.ends_at:
        return False
    granted = records.granted_by_id(tx, authority.granted, now)
    account = records.account_by_id(tx, authority.account)
    return granted is not None and granted.is_active and account is not None and not account.is_closed


def _keep(tx: Tx, authority: Authority, minted: Minted, now: float, *, refreshes: Authority | None = None) -> None:
    """Keep new tokens. A refresh token keeps the whole scope even when this access token is narrower (RFC 6749 s6)."""
    expires = min(now + OPENID_ACCESS_S, authority.ends_at)
    records.add_token(tx, minted.access, "access", authority, expires=expires, now=now)
    if minted.refresh:
        whole = authority if refreshes is None else msgspec.structs.replace(refreshes, issued_at=now)
        until = min(now + OPENID_REFRESH_S, authority.ends_at)
        records.add_token(tx, minted.refresh, "refresh", whole, expires=until, now=now)


async def _formed(provider: Provider, sent: Sent, client: Client, authority: Authority, minted: Minted) -> Minted:
    """The access token in the app's form: opaque, or RFC 9068's `at+jwt` around the same random id."""
    if client.access_form == "opaque":
        return minted
    claims: dict[str, Any] = {
        "iss": sent.issuer,
        "jti": minted.access,
        "iat": int(authority.issued_at),
        "exp": int(min(authority.issued_at + OPENID_ACCESS_S, authority.ends_at)),
        "client_id": client.id,
        "sub": provider.subject(authority.account, client) if authority.account else client.id,
        "aud": authority.audience[0] if len(authority.audience) == 1 else list(authority.audience),
        **described(authority),
    }
    return msgspec.structs.replace(minted, access=await provider.sign(claims, "ES256", kind="at+jwt"))


def described(authority: Authority) -> dict[str, Any]:
    """What an at+jwt and an introspection say alike."""
    said: dict[str, Any] = {"scope": " ".join(authority.scope)}
    if authority.details:
        said["authorization_details"] = authority.details
    if authority.jkt:
        said["cnf"] = {"jkt": authority.jkt}
    if authority.account:
        said |= {"acr": ACR_OF[authority.acr], "auth_time": int(authority.auth_at)}
    if authority.actor:
        said["act"] = {"sub": authority.actor}
    return said


async def _answered(provider: Provider, client: Client, authority: Authority, minted: Minted) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": minted.access,
        "token_type": "DPoP" if authority.jkt else "Bearer",
        "expires_in": int(min(OPENID_ACCESS_S, authority.ends_at - authority.issued_at)),
        "scope": " ".join(authority.scope),
    }
    if minted.refresh:
        answer["refresh_token"] = minted.refresh
    if authority.details:
        answer["authorization_details"] = authority.details
    if client.profile == "fapi2" and authority.granted:
        answer["grant_id"] = authority.granted
    return answer


async def _answer(
    provider: Provider,
    sent: Sent,
    client: Client,
    authority: Authority,
    minted: Minted,
    *,
    nonce: str = "",
    is_sign_in: bool = False,
) -> Answer:
    answer = await _answered(provider, client, authority, minted)
    if is_sign_in and "openid" in authority.scope:
        now = int(provider.clock())
        claims: dict[str, Any] = {
            "iss": sent.issuer,
            "sub": provider.subject(authority.account, client),
            "aud": client.id,
            "iat": now,
            "exp": now + int(OPENID_ID_TOKEN_S),
            "auth_time": int(authority.auth_at),
            "acr": ACR_OF[authority.acr],
            "amr": list(authority.amr),
            "at_hash": half_hash(minted.access),
        }
        if nonce:
            claims["nonce"] = nonce
        answer["id_token"] = await provider.sign(claims, client.id_alg)
    return json_answer(answer, headers=NO_STORE)
