"""From a sign-in or a token to the Caller that the gate judges. The one place where an account becomes a pseudonym.

`subject` is what policy and ledger call the person, made from their number by the node's `name_of` (the conscience's);
it is another than any app's `sub`, so that what an app was told finds nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.identity import acting, people
from banyan.kernel.identity.acting import Appearance
from banyan.kernel.identity.caller import Assisted, Caller, Place
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.details import consents_in
from banyan.kernel.identity.openid.jose import encoded
from banyan.kernel.identity.openid.model import Account, Session, Token
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.pseudonyms import pseudonym, pseudonym_key
from banyan.kernel.identity.representing import Representation
from banyan.kernel.storage.store import Tx

PURPOSE: Final = "caller"
NameOf = Callable[[str], bytes]
"""A person's name in policy and ledger, from their number."""


async def caller_of_session(provider: Provider, session: Session, account: Account, *, name_of: NameOf) -> Caller:
    """Who is signed in, or whom they act for or beside now. Once that is over they are nobody's until they say so: who
    thinks they act for another must not act for themselves."""
    assert not session.is_enrolment, "an enrolment is no sign-in"
    if session.visit:
        return await _beside(provider, session, name_of)
    if session.acts_for:
        mandate = await provider.store.read(lambda tx: acting.representation_by_id(tx, session.acts_for))
        return await _acting(provider, account, mandate, assurance=session.acr, name_of=name_of)
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
    return Caller(
        kind="app",
        id=client.id,
        agency=client.agency,
        assurance=authority.acr,
        subject=whole.subject,
        consents=consents_in(authority.details),
    )


async def _caller(provider: Provider, account: Account, *, assurance: str, name_of: NameOf) -> Caller:
    if account.kind == "representative":  # an account for nothing else
        mandate = await provider.store.read(lambda tx: _between(tx, account, provider.clock()))
        return await _acting(provider, account, mandate, assurance=assurance, name_of=name_of)
    assert account.kind != "company", "a company signs nobody in"
    return Caller(
        kind=account.kind,
        id=caller_id(provider, account.id),
        agency=account.agency,
        roles=account.roles,
        assurance=assurance,
        subject=await _subject(provider, account.id, name_of),
    )


async def _acting(
    provider: Provider, account: Account, mandate: Representation | None, *, assurance: str, name_of: NameOf
) -> Caller:
    """A representative. Without a mandate in force they are nobody's: `subject` is empty."""
    is_theirs = mandate is not None and mandate.representative == account.id
    caller = Caller(kind="representative", id=caller_id(provider, account.id), assurance=assurance)
    if mandate is None or not is_theirs or not mandate.is_in_force(provider.clock()):
        return caller
    represented = await provider.store.read(lambda tx: records.account_by_id(tx, mandate.represented))
    if represented is None or (represented.is_closed and not represented.is_pending):
        return caller
    subject = await _subject(provider, represented.id, name_of)
    return msgspec.structs.replace(caller, subject=subject, relation=mandate.relation, mandate=mandate.id)


async def _beside(provider: Provider, session: Session, name_of: NameOf) -> Caller:
    """The person who stands at a counter or kiosk, while the appearance lasts and its officer is in office."""

    def job(tx: Tx) -> tuple[Appearance, Account, Account]:
        visit = acting.appearance_by_id(tx, session.visit)
        assert visit is not None, "a session's visit is kept longer than the session"
        person, officer = (records.account_by_id(tx, id) for id in (visit.account, visit.officer))
        assert person is not None, "accounts are never deleted"
        assert officer is not None, "accounts are never deleted"
        return visit, person, officer

    visit, person, officer = await provider.store.read(job)
    place: Place = "kiosk" if visit.what == "kiosk" else "counter"
    is_theirs = session.account == (person.id if place == "kiosk" else officer.id)
    is_over = visit.state != "begun" or provider.clock() >= visit.until or person.is_closed or officer.is_closed
    return Caller(
        kind="citizen",
        id=caller_id(provider, person.id),
        assurance="aal1",
        subject="" if is_over or not is_theirs else await _subject(provider, person.id, name_of),
        assisted=Assisted(place, caller_id(provider, officer.id), visit.agency, visit.id),
    )


def _between(tx: Tx, account: Account, now: float) -> Representation | None:
    found = acting.representations_between(tx, account.id, account.for_account, now)
    return next((one for one in found if one.is_in_force(now)), None)


def caller_id(provider: Provider, account: str) -> str:
    """What an account is called at the gate and in logs."""
    return encoded(pseudonym(pseudonym_key(provider.secrets.master, PURPOSE, "node"), account.encode()))


async def _subject(provider: Provider, account: str, name_of: NameOf) -> str:
    """Empty for who has no number here (an officer), or had it erased."""
    try:
        return name_of(await people.number_of(provider, account)).hex()
    except NotFound:
        return ""
