"""What becomes of tokens: introspection, revocation, userinfo, and the grants they hang on.

Source: RFC 7662, RFC 7009, OpenID Connect Core s5.3, Grant Management for OAuth 2.0 draft 03.
"""

from __future__ import annotations

from typing import Any

import msgspec

from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.model import Client, Token
from banyan.kernel.identity.openid.presenting import is_live, presented
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Answer, Sent, json_answer
from banyan.kernel.identity.openid.tokens import NO_STORE, described
from banyan.kernel.storage.store import Tx


async def introspect(provider: Provider, sent: Sent) -> Answer:
    """Whether a token holds, told to the app that has it and to the service it is for. To others it is inactive."""
    client, _ = await provider.authenticated(sent)
    value, now = sent.get("token"), provider.clock()

    def job(tx: Tx) -> Token | None:
        found = records.token_of(tx, value)
        return found if found is not None and is_live(tx, found, now) else None

    token = await provider.store.read(job)
    if token is None or not _may_look(token, client):
        return json_answer({"active": False}, headers=NO_STORE)
    authority = token.authority
    said: dict[str, Any] = {
        "active": True,
        "iss": sent.issuer,
        "client_id": authority.client,
        "token_type": "DPoP" if authority.jkt else "Bearer",
        "iat": int(authority.issued_at),
        "exp": int(token.expires),
        "aud": list(authority.audience),
        "sub": provider.subject(authority.account, client) if authority.account else authority.client,
        **described(authority),
    }
    if authority.granted:
        said["grant_id"] = authority.granted
    return json_answer(said, headers=NO_STORE)


def _may_look(token: Token, client: Client) -> bool:
    if token.authority.client == client.id:
        return True
    return token.kind == "access" and bool(set(token.authority.audience) & set(client.serves))


async def revoke(provider: Provider, sent: Sent) -> Answer:
    """End a token of this app; a refresh token ends with all that came of its sign-in. 200 also for unknown ones."""
    client, _ = await provider.authenticated(sent)
    value = sent.get("token")
    if not value:
        raise Fault("invalid_request", "send token")

    def job(tx: Tx) -> None:
        found = records.token_of(tx, value)
        if found is None or found.authority.client != client.id:
            return
        if found.kind == "refresh":
            records.end_family(tx, found.authority.family)
        else:
            records.mark_token(tx, value, "revoked")

    await provider.store.write(job)
    return Answer(b"", headers=NO_STORE)


async def userinfo(provider: Provider, sent: Sent) -> Answer:
    """The pairwise `sub`; with scope `agency` an officer's agency and roles. No personal data is served here."""
    token = await presented(provider, sent, scope="openid")
    authority = token.authority
    client, account = await provider.store.read(
        lambda tx: (records.client_by_id(tx, authority.client), records.account_by_id(tx, authority.account))
    )
    assert client is not None, "a live token has its app"
    assert account is not None, "a live token with openid has its person"
    said: dict[str, Any] = {"sub": provider.subject(account.id, client)}
    if "agency" in authority.scope:
        said |= {"kind": account.kind, "agency": account.agency, "roles": list(account.roles)}
    return json_answer(said, headers=NO_STORE)


async def query_grant(provider: Provider, sent: Sent, id: str) -> Answer:
    """`GET /openid/grants/{id}`: what a person agreed to, for the app it was agreed with."""
    token = await presented(provider, sent, scope="grant_management_query")
    granted = await provider.store.read(lambda tx: records.granted_by_id(tx, id, provider.clock()))
    if granted is None or granted.client != token.authority.client or not granted.is_active:
        raise _no_grant()
    said: dict[str, Any] = {"scopes": [{"scope": " ".join(granted.scope)}]}
    if granted.details:
        said["authorization_details"] = granted.details
    return json_answer(said, headers=NO_STORE)


async def revoke_grant(provider: Provider, sent: Sent, id: str) -> Answer:
    """`DELETE /openid/grants/{id}`: every token that hangs on it ends in the same commit."""
    token = await presented(provider, sent, scope="grant_management_revoke")
    if not await withdraw(provider, id, client=token.authority.client):
        raise _no_grant()
    return Answer(b"", status=204, headers=NO_STORE)


async def withdraw(provider: Provider, id: str, *, client: str = "", account: str = "") -> bool:
    """End a grant and its tokens: asked by its app, its person, or (neither named) the consent that carried it."""

    def job(tx: Tx) -> bool:
        granted = records.granted_by_id(tx, id, provider.clock())
        if granted is None or not granted.is_active:
            return False
        if (client and granted.client != client) or (account and granted.account != account):
            return False
        records.put_granted(tx, msgspec.structs.replace(granted, is_active=False), provider.clock())
        return True

    return await provider.store.write(job)


async def end_consent(provider: Provider, consent: str) -> bool:
    """A consent ended: the grant that carried it ends with every token; False when no app had it."""
    granted = await provider.store.read(lambda tx: records.grant_of_consent(tx, consent))
    return granted is not None and await withdraw(provider, granted)


def _no_grant() -> Fault:
    return Fault("invalid_grant_id", "no such grant of this client", status=404)
