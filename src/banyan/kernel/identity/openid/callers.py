"""From a sign-in or a token to the Caller that the gate judges. The one place where an account becomes a pseudonym.

`subject` is the person's pseudonym for this node's own policy and ledger (purpose `subject`), another than any app's
`sub`, so that what an app was told finds nothing here.
"""

from __future__ import annotations

from typing import Final

from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.jose import encoded
from banyan.kernel.identity.openid.model import Account, Session, Token
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.pseudonyms import pseudonym, pseudonym_key

PURPOSE: Final = "subject"


def subject_of(provider: Provider, account: str) -> str:
    """What the policy, the usage records and the ledger call this person: 43 characters."""
    return encoded(pseudonym(pseudonym_key(provider.secrets.master, PURPOSE, "node"), account.encode()))


def caller_of_session(provider: Provider, session: Session, account: Account) -> Caller:
    """Who is signed in. An enrolment session is nobody: it may register a passkey and nothing else."""
    assert not session.is_enrolment, "an enrolment is no sign-in"
    return _caller(provider, account, assurance=session.acr)


async def caller_of_token(provider: Provider, token: Token) -> Caller:
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
    whole = _caller(provider, account, assurance=authority.acr)
    if account.kind == "officer" and account.agency == client.agency and "agency" in authority.scope:
        return whole
    return Caller(kind="app", id=client.id, agency=client.agency, assurance=authority.acr, subject=whole.subject)


def _caller(provider: Provider, account: Account, *, assurance: str) -> Caller:
    own = subject_of(provider, account.id)
    acts_for = account.for_account if account.kind == "representative" else account.id
    return Caller(
        kind=account.kind,
        id=own,
        agency=account.agency,
        roles=account.roles,
        assurance=assurance,
        subject=subject_of(provider, acts_for) if acts_for else "",
    )
