"""From a request's cookie or token to the caller that the gate judges: the node's hook at the door."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from banyan.kernel.exchange.presence import Presence, Present
from banyan.kernel.exchange.request import DoorRequest
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.kernel.identity.openid.authorizing import cookie_name
from banyan.kernel.identity.openid.callers import NameOf, caller_of_session, caller_of_token
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.presenting import presented
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.identity.openid.signing_in import signed_in
from banyan.service.identity.desk import LOOPBACK
from banyan.service.identity.hearing import COOKIE_CHARACTERS

OWN_WORK: Final = ("/openid/", "/en/openid/", "/.well-known/", "/cds-services/")
"""Addresses that read cookie and token themselves: a proof is good once, so nobody else may spend it."""


def presence_of(provider: Provider, *, issuer: str, name_of: NameOf) -> Present:
    """The hook. `issuer` is the node's public origin; empty on a machine for trying, which then believes only what was
    signed for a loopback address."""

    async def present(request: DoorRequest) -> Presence | None:
        if request.path.startswith(OWN_WORK):
            return None
        sent = _sent(request, issuer)
        if sent is None:
            return None
        scheme = sent.authorization.partition(" ")[0].lower()
        if scheme in ("bearer", "dpop"):
            return await _by_token(provider, sent, name_of, is_proof=scheme == "dpop")
        return await _by_cookie(provider, sent, name_of) if sent.browser else None

    return present


async def _by_token(provider: Provider, sent: Sent, name_of: NameOf, *, is_proof: bool) -> Presence:
    """Whoever proves a key and fails is told at once, for they must come again with another nonce. A bearer's bad token
    makes them anybody, as with every other key here: open data is still theirs."""
    try:
        token = await presented(provider, sent)
    except Fault as fault:
        await provider.note(sent, fault.alarm, endpoint="door")
        if is_proof:
            raise
        return Presence(ANONYMOUS, doubt=fault)
    return Presence(await caller_of_token(provider, token, name_of=name_of))


async def _by_cookie(provider: Provider, sent: Sent, name_of: NameOf) -> Presence | None:
    """A sign-in; an enrolment is none: it may register a passkey at the provider, and nothing else."""
    found = await signed_in(provider, sent)
    if found is None or found[0].is_enrolment:
        return None
    session, account = found
    caller = await caller_of_session(provider, session, account, name_of=name_of)
    return Presence(caller, secret=sent.browser, at=session.at)


def _sent(request: DoorRequest, issuer: str) -> Sent | None:
    origin = issuer or request.base_url
    if not issuer and urlsplit(origin).hostname not in LOOPBACK:
        return None
    browser = request.cookie(cookie_name(origin))
    return Sent(
        issuer=origin,
        method=request.method,
        path=request.raw_path,
        authorization=request.header("authorization"),
        dpop=request.header("dpop"),
        browser=browser if len(browser) <= COOKIE_CHARACTERS else "",
        network=request.client,
        trace=request.trace.id,
    )
