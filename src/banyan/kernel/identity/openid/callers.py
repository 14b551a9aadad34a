"""From a sign-in or a token to the Caller that the gate judges. The one place where an account becomes a pseudonym.

`subject` is what policy and ledger call the person, made from their number by the node's `name_of` (the conscience's);
it is another than any app's `sub`, so that what an app was told finds nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from banyan.errors import NotFound
from banyan.kernel.identity import people
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.jose import encoded
from banyan.kernel.identity.openid.model import Account, Session, Token
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.pseudonyms import pseudonym, pseudonym_key

PURPOSE: Final = "caller"
NameOf = Callable[[str], bytes]
"""A person's name in policy and ledger, from their number."""


async def caller_of_session(provider: Provider, session: Session, account: Account, *, name_of: NameOf) -> Caller:
    """Who is signed in. An enrolment session is nobody: it may register a passkey and nothing else."""
    assert not session.is_enrolment, "an enrolment is no sign-in"
    return await _caller(provider, account, assurance=session.acr, name_of=name_of)


async def caller_of_token(provider: Provider, token: Token, *, name_of: NameOf) -> Caller:
    """Who a live token speaks for: the app, and with it the person (`subject`) who let it; never the person alone,
    or every app would have all the rights of who signed in. Only an officer's own agency's app, with scope `agency`,
    acts as the officer.
    """
    authority = token.authority
    client, account = await provider.store.read(
        lambda tx: (records.client_by_id(tx, authority.client), records.account_by_id(tx, authority.account))
    )
    assert client is not None, "a live token has its app"
    if account is None:
        return Caller(kind="app", id=client.id, agency=client.agency)
    whole = await _caller(provider, account, assurance=authority.acr, name_of=name_of)
    if account.kind == "officer" and account.agency == client.agency and "agency" in authority.scope:
        return whole
    return Caller(kind="app", id=client.id, agency=client.agency, assurance=authority.acr, subject=whole.subject)


async def _caller(provider: Provider, account: Account, *, assurance: str, name_of: NameOf) -> Caller:
    acts_for = account.for_account if account.kind == "representative" else account.id
    return Caller(
        kind=account.kind,
        id=encoded(pseudonym(pseudonym_key(provider.secrets.master, PURPOSE, "node"), account.id.encode())),
        agency=account.agency,
        roles=account.roles,
        assurance=assurance,
        subject=await _subject(provider, acts_for, name_of),
    )


async def _subject(provider: Provider, account: str, name_of: NameOf) -> str:
    """Empty for who has no number here (an officer), or had it erased."""
    try:
        return name_of(await people.number_of(provider, account)).hex()
    except NotFound:
        return ""
