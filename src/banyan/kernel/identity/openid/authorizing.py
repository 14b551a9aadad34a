"""From an app's request to a code: pushing it, beginning in a browser, and what the person still has to do.

The address holds only `client_id` and a `request_uri` of one use; in the browser the request goes on under a name of
its own that is bound to the provider's cookie, so that a link made by somebody else leads nowhere.
Source: RFC 9126, RFC 9207 (`iss`), OpenID Connect Core s3.1.2, FAPI 2.0 Security Profile s5.3.2.2.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.asking import read_asked, redirect_of
from banyan.kernel.identity.openid.details import consents_in, within
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.model import LEVELS, Account, Asked, Authority, Client, Code, Granted, Session
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Answer, Sent, json_answer
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import (
    OPENID_ACCESS_S,
    OPENID_ASKING_S,
    OPENID_CODE_S,
    OPENID_FAMILY_S,
    OPENID_GRANT_S,
    OPENID_PUSHED_S,
)

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
ASK_PATH: Final = "/openid/ask/"
Need = Literal["", "sign-in", "agreement"]


class Asking(msgspec.Struct, frozen=True):
    """A request in the browser it belongs to, who is signed in there, and what is still needed."""

    asked: Asked
    client: Client
    session: Session | None
    account: Account | None
    need: Need


async def push(provider: Provider, sent: Sent) -> Answer:
    """`POST /openid/par`."""
    client, jkt = await provider.authenticated(sent)
    now, name = provider.clock(), provider.secret()
    if sent.get("client_id") not in ("", client.id):
        raise Fault("invalid_request", "client_id is another client's")
    asked = read_asked(sent, client, provider.types, now=now, jkt=jkt)
    await provider.store.write(lambda tx: records.add_request(tx, name, asked, expires=now + OPENID_PUSHED_S, now=now))
    said = {"request_uri": PREFIX + name, "expires_in": int(OPENID_PUSHED_S)}
    return json_answer(said, status=201, headers=(("Cache-Control", "no-store"),))


async def begin(provider: Provider, sent: Sent) -> Answer:
    """`GET /openid/authorize`. Raises Fault, to be shown on a page, while it is not known where it may redirect to."""
    client_id = sent.get("client_id")
    client = await provider.store.read(lambda tx: records.client_by_id(tx, client_id))
    if client is None or client.is_closed:
        raise Fault("invalid_request", "no such client", alarm="client_unknown")
    if sent.get("request_uri"):
        asked = await _pushed(provider, sent, client)
    elif client.profile == "fapi2":
        why = "push the request first (RFC 9126): this client may not ask in the address"
        raise Fault("invalid_request", why, alarm="not_pushed")
    else:
        redirect_uri = redirect_of(sent, client)
        try:
            asked = read_asked(sent, client, provider.types, now=provider.clock())
        except Fault as fault:
            await provider.note(sent, fault.alarm, endpoint="begin", client=client.id)
            return redirected(sent, redirect_uri, sent.get("state"), error=fault.kind, error_description=fault.title)
    return await _begun(provider, sent, client, asked)


async def _pushed(provider: Provider, sent: Sent, client: Client) -> Asked:
    name, now = sent.get("request_uri"), provider.clock()
    found = await provider.store.write(
        lambda tx: (
            records.take_request(tx, name.removeprefix(PREFIX), client.id, now) if name.startswith(PREFIX) else None
        )
    )
    if found is None:
        raise Fault("invalid_request_uri", "this request_uri was used, has lapsed, or is another client's")
    return found


async def _begun(provider: Provider, sent: Sent, client: Client, asked: Asked) -> Answer:
    now, name = provider.clock(), provider.secret()
    browser = sent.browser or provider.secret()
    asking = await _looked(provider, sent, client, asked)
    if "none" in asked.prompt:
        if asking.need:
            error = "login_required" if asking.need == "sign-in" else "consent_required"
            return refused(sent, asked, error, "the person has to act")
        return await agree(provider, sent, name, asking)
    await provider.store.write(
        lambda tx: records.add_request(
            tx, name, asked, browser=records.hashed(browser), expires=now + OPENID_ASKING_S, now=now
        )
    )
    cookies = () if sent.browser else (("Set-Cookie", cookie(sent, browser)),)
    return Answer(status=303, location=ASK_PATH + name, headers=cookies)


async def look(provider: Provider, sent: Sent, name: str) -> Asking:
    """The request of this name in this browser, and what it still needs. Raises Fault when it is not this browser's."""
    now = provider.clock()
    found = await provider.store.read(lambda tx: records.request_of(tx, name, now))
    if found is None or not sent.browser or found[1] != records.hashed(sent.browser):
        why = "this request has ended, or was begun in another browser"
        raise Fault("invalid_request", why, alarm="other_browser")
    client = await provider.store.read(lambda tx: records.client_by_id(tx, found[0].client))
    if client is None or client.is_closed:
        raise Fault("invalid_request", "no such client")
    return await _looked(provider, sent, client, found[0])


async def _looked(provider: Provider, sent: Sent, client: Client, asked: Asked) -> Asking:
    now = provider.clock()

    def job(tx: Tx) -> Asking:
        session = records.session_of(tx, sent.browser, now)
        account = records.account_by_id(tx, session.account) if session is not None else None
        if session is None or account is None or account.is_closed or not is_enough(session, asked, now):
            return Asking(asked, client, session, account, "sign-in")
        had = _reusable(records.granted_to(tx, account.id, client.id, now), asked)
        return Asking(asked, client, session, account, "" if had is not None else "agreement")

    return await provider.store.read(job)


def is_enough(session: Session, asked: Asked, now: float) -> bool:
    """Whether this sign-in serves the request: no enrolment code, no counter, fresh and sure enough (step-up)."""
    if session.is_enrolment or session.visit or ("login" in asked.prompt and session.at < asked.asked_at):
        return False
    if asked.max_age is not None and now - session.at > asked.max_age and session.at < asked.asked_at:
        return False
    return not asked.acr or level(session.acr) >= min(level(name) for name in asked.acr)


def level(acr: str) -> int:
    return [str(name) for name in LEVELS].index(acr)


def _reusable(had: list[Granted], asked: Asked) -> Granted | None:
    """A grant under which the same was agreed before. Personal data and managed grants are agreed each time."""
    if asked.details or asked.grant_action or "consent" in asked.prompt:
        return None
    return next((one for one in had if not one.details and set(asked.scope) <= set(one.scope)), None)


async def agree(provider: Provider, sent: Sent, name: str, asking: Asking) -> Answer:
    """The person agreed (or did before): the code, to the app's address. One transaction ends the request."""
    asked, session, account = asking.asked, asking.session, asking.account
    assert session is not None, "only who signed in agrees"
    assert account is not None, "a session has its account"
    assert asking.need != "sign-in", "a sign-in that is not enough agrees to nothing"
    now, value, family, new_id = provider.clock(), provider.secret(), provider.secret(), provider.secret()
    ends_at = now + (OPENID_FAMILY_S if "refresh_token" in asking.client.grants else OPENID_ACCESS_S)

    def job(tx: Tx) -> bool:
        granted = _granted(tx, asked, account.id, new_id, now)
        if granted is None:
            return False
        records.put_granted(tx, granted, now)
        records.tie_consents(tx, granted, consents_in(granted.details))
        if asked.grant_action == "replace":
            records.end_tokens_of_grant(tx, granted.id)
        authority = Authority(
            client=asked.client,
            family=family,
            granted=granted.id,
            account=account.id,
            scope=granted.scope if asked.grant_action == "merge" else asked.scope,
            details=granted.details if asked.grant_action == "merge" else asked.details,
            audience=asked.resource,
            jkt=asked.jkt,
            auth_at=session.at,
            acr=session.acr,
            amr=session.amr,
            ends_at=ends_at,
        )
        code = Code(
            authority=authority,
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
            nonce=asked.nonce,
            expires=now + OPENID_CODE_S,
        )
        records.add_code(tx, value, code, now)
        records.end_request(tx, name)
        return True

    if not await provider.store.write(job):
        return refused(sent, asked, "invalid_grant_id", "no such grant of this client")
    return redirected(sent, asked.redirect_uri, asked.state, code=value)


def _granted(tx: Tx, asked: Asked, account: str, new_id: str, now: float) -> Granted | None:
    """The grant this agreement makes, widens or replaces; None when it names one that is not theirs."""
    until = now + OPENID_GRANT_S
    if not asked.grant_id:
        again = _reusable(records.granted_to(tx, account, asked.client, now), asked)
        if again is not None:
            return msgspec.structs.replace(again, until=until)
        made = {"id": new_id, "client": asked.client, "account": account, "scope": asked.scope}
        return msgspec.convert({**made, "details": asked.details, "at": now, "until": until}, Granted)
    had = records.granted_by_id(tx, asked.grant_id, now)
    if had is None or not had.is_active or (had.client, had.account) != (asked.client, account):
        return None
    if asked.grant_action == "replace":
        return msgspec.structs.replace(had, scope=asked.scope, details=asked.details)
    scope = tuple(dict.fromkeys((*had.scope, *asked.scope)))
    more = tuple(one for one in asked.details if not within((one,), had.details))
    return msgspec.structs.replace(had, scope=scope, details=(*had.details, *more))


async def note_consents(provider: Provider, name: str, asking: Asking, consents: tuple[str, ...]) -> None:
    """Keep with the request which consents the person is asked for, so that coming back asks for no others."""
    asked = msgspec.structs.replace(asking.asked, consents=consents)
    await provider.store.write(lambda tx: records.change_request(tx, name, asked))


async def origin_of(provider: Provider, name: str) -> str:
    """The origin that the request of this name leads back to; empty when there is none."""
    found = await provider.store.read(lambda tx: records.request_of(tx, name, provider.clock()))
    if found is None:
        return ""
    parts = urlsplit(found[0].redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


async def decline(provider: Provider, sent: Sent, name: str, asking: Asking) -> Answer:
    """The person said no."""
    await provider.store.write(lambda tx: records.end_request(tx, name))
    return refused(sent, asking.asked, "access_denied", "the person declined")


def refused(sent: Sent, asked: Asked, error: str, why: str) -> Answer:
    return redirected(sent, asked.redirect_uri, asked.state, error=error, error_description=why)


def redirected(sent: Sent, redirect_uri: str, state: str, **values: str) -> Answer:
    """To a registered address only; `iss` lets the app notice a mix-up (RFC 9207)."""
    said = {**values, **({"state": state} if state else {}), "iss": sent.issuer}
    joined = "&" if urlsplit(redirect_uri).query else "?"
    return Answer(status=303, location=f"{redirect_uri}{joined}{urlencode(said)}")


def cookie_name(issuer: str) -> str:
    """`__Host-` over https: no neighbouring host can set it (RFC 6265bis s4.1.3.2)."""
    return "__Host-openid" if issuer.startswith("https:") else "openid"


def cookie(sent: Sent, value: str, *, age_s: int | None = None) -> str:
    """The Set-Cookie value. Lax: an app's redirect to us carries it, a form of another site does not."""
    secure = "; Secure" if sent.issuer.startswith("https:") else ""
    age = "" if age_s is None else f"; Max-Age={age_s}"
    return f"{cookie_name(sent.issuer)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"
