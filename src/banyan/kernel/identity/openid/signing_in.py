"""Signing in at the provider: by passkey, by an enrolment code, as a demo persona; and out again.

A sign-in makes a new session under a new cookie, so one that was planted before is worth nothing (session fixation).
Every failure counts and gives one answer. Source: OWASP ASVS 5.0 V6.3, V7.2.4; OpenID Connect RP-Initiated Logout 1.0.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.openid import keys as key_rules
from banyan.kernel.identity.openid import passkeys, records, throttle
from banyan.kernel.identity.openid.authorizing import level
from banyan.kernel.identity.openid.jose import encoded
from banyan.kernel.identity.openid.model import Account, Assurance, Session
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_ENROLMENT_S, OPENID_SESSION_S

Failure = Literal["wrong", "later"]
"""`wrong`: whatever did not fit. `later`: too many failures, of this account, network or node."""
CODE_BYTES: Final = 10  # 80 bits, 16 letters to type
PASSKEY_AMR: Final = ("hwk", "user", "mfa")


class Enrolled(msgspec.Struct, frozen=True):
    account: str


async def with_passkey(provider: Provider, sent: Sent, credential: str, *, request: str = "") -> str | Failure:
    """The new cookie's value, or why not. `request` is the authorization request that follows the person."""
    if not await is_heard(provider, sent, ""):
        return "later"
    account = await passkeys.holder(provider, sent, credential)
    if account is None or account.is_closed:
        return await failed(provider, sent, "")
    return await start(provider, sent, account, acr="aal2", amr=PASSKEY_AMR, request=request)


async def with_code(provider: Provider, sent: Sent, name: str, code: str) -> str | Failure:
    """An enrolment code's holder may register a passkey, and nothing else."""
    if not await is_heard(provider, sent, name):
        return "later"
    now, typed = provider.clock(), _typed(code)

    def job(tx: Tx) -> Account | None:
        account = records.account_by_name(tx, name)
        enrolled = records.take_once(tx, typed, _kind(account.id if account else ""), Enrolled, now)
        return account if enrolled is not None else None

    account = await provider.store.write(job)
    if account is None or account.is_closed:
        return await failed(provider, sent, name)
    return await start(provider, sent, account, acr="aal1", amr=("otp",), is_enrolment=True)


async def as_persona(provider: Provider, sent: Sent, name: str, *, request: str = "") -> str | Failure:
    """One click, for accounts that are marked as demonstration only."""
    account = await provider.store.read(lambda tx: records.account_by_name(tx, name))
    if account is None or not account.is_demo or account.is_closed:
        return await failed(provider, sent, name)
    return await start(provider, sent, account, acr=account.assurance, amr=("demo",), request=request)


async def enrolment_code(provider: Provider, account: Account) -> str:
    """A code to type once within a day, given at a counter; only its hash is kept, and the one before it ends."""
    code = b32encode(provider.random(CODE_BYTES)).decode()
    now, kind = provider.clock(), _kind(account.id)

    def job(tx: Tx) -> None:
        tx.run(records.SQL["drop_once"], kind=kind)
        records.add_once(tx, code, kind, Enrolled(account.id), expires=now + OPENID_ENROLMENT_S, now=now)

    await provider.store.write(job)
    return "-".join(code[at : at + 4] for at in range(0, 16, 4))


async def start(
    provider: Provider,
    sent: Sent,
    account: Account,
    *,
    acr: Assurance,
    amr: tuple[str, ...],
    request: str = "",
    is_enrolment: bool = False,
) -> str:
    """A new session for the account; the level is never above what the account was identified for."""
    now, cookie = provider.clock(), provider.secret()
    least = acr if level(acr) <= level(account.assurance) else account.assurance
    until = EpochS(now + OPENID_SESSION_S)
    session = Session(account=account.id, at=now, acr=least, amr=amr, until=until, is_enrolment=is_enrolment)

    def job(tx: Tx) -> None:
        if sent.browser:
            records.end_session(tx, sent.browser)
        records.add_session(tx, cookie, session, now)
        found = records.request_of(tx, request, now) if request else None
        if found is not None and sent.browser and found[1] == records.hashed(sent.browser):
            records.move_request(tx, request, records.hashed(cookie))

    await provider.store.write(job)
    return cookie


async def signed_in(provider: Provider, sent: Sent) -> tuple[Session, Account] | None:
    """Who is signed in in this browser."""
    now = provider.clock()

    def job(tx: Tx) -> tuple[Session, Account] | None:
        session = records.session_of(tx, sent.browser, now)
        account = records.account_by_id(tx, session.account) if session is not None else None
        return (session, account) if session is not None and account is not None and not account.is_closed else None

    return await provider.store.read(job)


def may_register(session: Session, account: Account) -> bool:
    """Who may add a passkey: who enrols, and who is signed in as surely as the passkey will make them."""
    if session.visit:
        return False
    return session.is_enrolment or account.is_demo or level(session.acr) >= level("aal2")


async def sign_out(provider: Provider, sent: Sent) -> None:
    if sent.browser:
        await provider.store.write(lambda tx: records.end_session(tx, sent.browser))


class Leaving(msgspec.Struct, frozen=True):
    """Where to after signing out (registered, or empty), and whether the app proved that it is this person's."""

    location: str
    is_proven: bool
    client: str = ""
    alarm: str = ""
    """An address that is not the app's, or an ID token that is not ours: the person is told nothing of either."""


async def leaving(provider: Provider, sent: Sent) -> Leaving:
    """RP-initiated logout: an ID token of ours for the person signed in here needs no question."""
    hint = sent.get("id_token_hint")
    claims = key_rules.verified_hint(hint, await provider.keys()) or {}
    alarm = "logout_hint" if hint and not claims else ""
    client_id = sent.get("client_id") or str(claims.get("aud", ""))
    client = await provider.store.read(lambda tx: records.client_by_id(tx, client_id))
    target = sent.get("post_logout_redirect_uri")
    if client is None or target not in client.logout_uris or claims.get("aud", client_id) != client_id:
        alarm, target = ("logout_address" if target else alarm), ""
    known = await signed_in(provider, sent)
    is_theirs = known is not None and client is not None and claims.get("sub") == provider.subject(known[1].id, client)
    state = sent.get("state")
    if target and state:
        target += ("&" if "?" in target else "?") + urlencode({"state": state})
    return Leaving(target, bool(claims) and (is_theirs or known is None), client_id, alarm)


def form_token(provider: Provider, sent: Sent, what: str) -> str:
    """What a form of this browser sends back; another site's form cannot know it."""
    return encoded(hmac.digest(provider.secrets.forms, f"form\0{what}\0{sent.browser}".encode(), sha256))


def is_own_form(provider: Provider, sent: Sent, what: str) -> bool:
    wanted = form_token(provider, sent, what)
    return bool(sent.browser) and hmac.compare_digest(wanted.encode(), sent.get("form_token").encode())


async def is_heard(provider: Provider, sent: Sent, name: str) -> bool:
    buckets = throttle.buckets_of(provider.secrets.forms, account=name, network=sent.network)
    return await provider.store.read(lambda tx: throttle.is_open(tx, buckets, provider.clock()))


async def failed(provider: Provider, sent: Sent, name: str) -> Failure:
    buckets = throttle.buckets_of(provider.secrets.forms, account=name, network=sent.network)
    await provider.store.write(lambda tx: throttle.count_failure(tx, buckets, provider.clock()))
    return "wrong"


def _kind(account: str) -> str:
    """A code is looked for under its account alone: a wrong name finds nothing, so it cannot burn another's code."""
    return f"enrolment {account}"


def _typed(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()
