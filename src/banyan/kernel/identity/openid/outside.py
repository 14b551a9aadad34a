"""Signing in at an outside OpenID issuer: any that is configured, by code and PKCE, its `acr` mapped to our levels.

Nobody is let in for being known elsewhere: a person ties the outside sign-in to their account here first, unless the
issuer is configured to vouch for people's numbers (`number_claim`): then its word opens or finds the account. Source:
OpenID Connect Core s3.1.2-3.1.3.7, Discovery s4, RFC 9207 (mix-up), RFC 7636.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from banyan.errors import UNREADABLE, Invalid, Unavailable
from banyan.kernel.identity import people
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.clients import is_safe_redirect
from banyan.kernel.identity.openid.jose import ALGORITHMS, Signed, Unsigned, encoded, peek, verify
from banyan.kernel.identity.openid.model import Account, Assurance
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.records import SQL
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_ASKING_S, OPENID_SKEW_S

Form = Mapping[str, str]
Fetch = Callable[[str, Form | None], Awaitable[bytes]]
"""`fetch(url, form)`: GET, or POST of the form; bounded in time and size. Raises Unavailable."""
BACK_PATH: Final = "/openid/outside/back"
OUTSIDE_ALGORITHMS: Final = (*ALGORITHMS, "RS256")
LINK: Final = "link"
"""The name under which somebody ties an outside sign-in to the account they are signed in with."""


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer we believe, and how far. `acr` maps its values to our levels; what it does not name is `assurance`."""

    id: str
    title: Mapping[str, str]
    issuer: str
    client_id: str
    client_secret: str
    acr: Mapping[str, Assurance] = {}
    assurance: Assurance = "aal1"
    number_claim: str = ""
    """The claim of the ID token that holds the person's number, when the issuer vouches for it; empty: it does not."""


class Departure(msgspec.Struct, frozen=True):
    """What must come back: kept under the `state`, taken once."""

    outside: str
    nonce: str
    verifier: str
    browser: str
    request: str


class Arrival(msgspec.Struct, frozen=True):
    """How it ended: the new session's cookie, or `failure`. `request` is what the person was at."""

    request: str = ""
    cookie: str = ""
    failure: str = ""
    alarm: str = ""
    """What the record of alarms calls a failure."""


async def depart(provider: Provider, outside: Outside, fetch: Fetch, sent: Sent, *, request: str) -> str:
    """The address at the issuer to send this browser to."""
    found = await metadata(outside, fetch)
    now, state, nonce, verifier = provider.clock(), provider.secret(), provider.secret(), provider.secret()
    departure = Departure(outside.id, nonce, verifier, records.hashed(sent.browser).hex(), request)
    await provider.store.write(
        lambda tx: records.add_once(tx, state, "outside", departure, expires=now + OPENID_ASKING_S, now=now)
    )
    asked = {
        "client_id": outside.client_id,
        "response_type": "code",
        "redirect_uri": sent.issuer + BACK_PATH,
        "scope": "openid",
        "state": state,
        "nonce": nonce,
        "code_challenge": encoded(sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    if outside.acr:
        asked["acr_values"] = " ".join(outside.acr)
    return f"{found['authorization_endpoint']}?{urlencode(asked)}"


async def arrive(provider: Provider, outsides: Sequence[Outside], fetch: Fetch, sent: Sent) -> Arrival:
    """The browser came back: sign in who is tied to that subject, or tie it to who is signed in."""
    now, state = provider.clock(), sent.get("state")
    departure = await provider.store.write(lambda tx: records.take_once(tx, state, "outside", Departure, now))
    if departure is None or not sent.browser or departure.browser != records.hashed(sent.browser).hex():
        return Arrival(failure="form", alarm="outside_state")
    outside = next((one for one in outsides if one.id == departure.outside), None)
    if outside is None or sent.get("iss") not in ("", outside.issuer):
        return Arrival(departure.request, failure="wrong", alarm="mix_up")
    if not sent.get("code"):
        return Arrival(departure.request, failure="wrong", alarm="outside_refused")
    found = await metadata(outside, fetch)
    if found.get("authorization_response_iss_parameter_supported") is True and not sent.get("iss"):
        return Arrival(departure.request, failure="wrong", alarm="mix_up")
    try:
        claims = await _claims(outside, departure, sent, found=found, fetch=fetch, now=now)
    except Unsigned:
        return Arrival(departure.request, failure="wrong", alarm="outside_token")
    return await _settled(provider, outside, sent, departure, claims)


async def metadata(outside: Outside, fetch: Fetch) -> Mapping[str, Any]:
    """The issuer's discovery document. Raises Unavailable when it is another's, or leads where nobody may be sent."""
    found = _object(await fetch(outside.issuer.rstrip("/") + "/.well-known/openid-configuration", None))
    places = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if found.get("issuer") != outside.issuer or not all(isinstance(p, str) and is_safe_redirect(p) for p in places):
        raise Unavailable("the outside issuer's discovery document is wrong", remedy="check its issuer in node.toml")
    return found


async def _claims(
    outside: Outside, departure: Departure, sent: Sent, *, found: Mapping[str, Any], fetch: Fetch, now: float
) -> Signed:
    """The ID token, checked. Raises Unsigned."""
    form = {
        "grant_type": "authorization_code",
        "code": sent.get("code"),
        "redirect_uri": sent.issuer + BACK_PATH,
        "code_verifier": departure.verifier,
        "client_id": outside.client_id,
        "client_secret": outside.client_secret,
    }
    answer = _object(await fetch(found["token_endpoint"], form))
    keys = _object(await fetch(found["jwks_uri"], None)).get("keys")
    token = answer.get("id_token")
    if not isinstance(token, str) or not isinstance(keys, list):
        raise Unsigned("no ID token or no keys")
    claims = _verified(token, keys)
    if not is_for_us(claims, outside, departure.nonce, now):
        raise Unsigned("the ID token is not for us, now")
    return claims


def is_for_us(claims: Signed, outside: Outside, nonce: str, now: float) -> bool:
    """OpenID Connect Core s3.1.3.7. Pure."""
    audience = claims.claims.get("aud")
    expires, issued = claims.number("exp"), claims.number("iat")
    return (
        claims.text("iss") == outside.issuer
        and audience in (outside.client_id, [outside.client_id])
        and claims.claims.get("azp") in (None, outside.client_id)
        and expires is not None
        and expires > now - OPENID_SKEW_S
        and issued is not None
        and issued <= now + OPENID_SKEW_S
        and hmac.compare_digest(claims.text("nonce").encode(), nonce.encode())
        and 1 <= len(claims.text("sub")) <= 255
    )


def _verified(token: str, keys: Sequence[Any]) -> Signed:
    kid = peek(token).header.get("kid")
    for jwk in keys:
        if isinstance(jwk, dict) and (kid is None or jwk.get("kid") == kid) and jwk.get("use", "sig") == "sig":
            try:
                return verify(token, jwk, algorithms=OUTSIDE_ALGORITHMS)
            except Unsigned:
                continue
    raise Unsigned("no key of the issuer signed it")


async def _settled(provider: Provider, outside: Outside, sent: Sent, departure: Departure, claims: Signed) -> Arrival:
    hash = link_hash(provider, outside.issuer, claims.text("sub"))
    if departure.request == LINK:
        known = await signing_in.signed_in(provider, sent)
        if known is None or not signing_in.may_register(*known):
            return Arrival(LINK, failure="wrong")
        account_id, now = known[1].id, provider.clock()
        row = await provider.store.write(lambda tx: tx.row(SQL["link_outside"], hash=hash, account=account_id, at=now))
        return Arrival(LINK, failure="" if row is not None else "wrong")

    def job(tx: Tx) -> Any:
        row = tx.row(SQL["outside_link"], hash=hash)
        return records.account_by_id(tx, str(row[0])) if row is not None else None

    account = await provider.store.read(job)
    if outside.number_claim:
        account = await _vouched(provider, outside, claims, account)
        if account is None:
            return Arrival(departure.request, failure="wrong", alarm="outside_number")
    if account is None or account.is_closed:
        return Arrival(departure.request, failure="unlinked")
    acr = outside.acr.get(claims.text("acr"), outside.assurance)
    request = departure.request
    cookie = await signing_in.start(provider, sent, account, acr=acr, amr=("fed",), request=request)
    return Arrival(request, cookie)


async def _vouched(provider: Provider, outside: Outside, claims: Signed, linked: Account | None) -> Account | None:
    """The account of the number that the issuer vouches for: the one there is, or a new citizen's. None without a right
    number, when it is another's than the one this subject was tied to, or is closed."""
    number = claims.text(outside.number_claim)
    try:
        lookup = people.lookup_of(provider, number)
    except Invalid:
        return None
    account = await provider.store.read(lambda tx: records.account_by_lookup(tx, lookup))
    if linked is not None:
        return linked if account is not None and account.id == linked.id else None
    if account is None:
        fresh = Account(id="", name=f"p.{provider.random(10).hex()}", kind="citizen")
        account = await people.add(provider, fresh, number=number)
    if account.is_closed:
        return None
    hash, id, now = link_hash(provider, outside.issuer, claims.text("sub")), account.id, provider.clock()
    await provider.store.write(lambda tx: tx.row(SQL["link_outside"], hash=hash, account=id, at=now))
    return account


def link_hash(provider: Provider, issuer: str, subject: str) -> bytes:
    return hmac.digest(provider.secrets.lookup, f"outside\0{issuer}\0{subject}".encode(), sha256)


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(raw)
    except UNREADABLE:
        found = None
    if not isinstance(found, dict):
        raise Unavailable("the outside issuer answered no JSON object", remedy="try again, or sign in another way")
    return found
