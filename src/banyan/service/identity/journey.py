"""A person's way through the provider: what a page needs to show, and what becomes of what they did.

Operations without routes, called by `pages.py`; their answers hold no personal data, only what the person's own browser
is to see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypedDict
from urllib.parse import urlencode, urlsplit

import msgspec

from banyan.kernel.catalogue import Context, Text
from banyan.kernel.identity.openid import authorizing, passkeys, records, signing_in
from banyan.kernel.identity.openid.model import Detail
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Answer, Sent
from banyan.service.identity import consenting
from banyan.service.identity.desk import Desk, desk_of, placed
from banyan.service.identity.protocol import Message
from banyan.service.identity.service import SERVICE

LOGIN = "login"
"""The name under which somebody signs in without an app's request."""
State = Literal["sign-in", "agreement", "account", "enrol", "leave", "gone", "elsewhere", "acting", "kiosk"]


class Titles(TypedDict):
    title: Text
    summary: Text


class Persona(msgspec.Struct, frozen=True):
    name: str
    shown: Mapping[str, str]
    kind: str
    agency: str


class Elsewhere(msgspec.Struct, frozen=True):
    """An outside sign-in that is offered: its name, and the link's query."""

    title: Mapping[str, str]
    query: str


class Given(msgspec.Struct, frozen=True):
    """What an app was let do."""

    id: str
    app: Mapping[str, str]
    agency: str
    scope: tuple[str, ...]
    details: tuple[Detail, ...]
    at: float


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows. `location` set: it only leads on."""

    state: State = "gone"
    location: str = ""
    cookie: str = ""
    form_token: str = ""
    options: str = ""
    """WebAuthn options as JSON, for the page's script."""
    app: Mapping[str, str] = {}
    agency: str = ""
    back_to: str = ""
    """The app's origin: the one place outside that the page's form may lead to."""
    scope: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    personas: tuple[Persona, ...] = ()
    name: str = ""
    kind: str = ""
    is_demo: bool = False
    may_register: bool = False
    may_say: bool = False
    """May choose what they say at a counter."""
    is_enrolment: bool = False
    given: tuple[Given, ...] = ()
    outsides: tuple[Elsewhere, ...] = ()
    choices: tuple[Any, ...] = ()
    """For whom one may act, and who may act for one (`representing.Choice`)."""
    acts_for: str = ""
    failure: str = ""
    alarm: str = ""
    """What the record of alarms says beside `failure`, or without one."""
    client: str = ""
    """The app that asks."""
    hidden: tuple[tuple[str, str], ...] = ()
    """What a form of signing out passes on."""


def titled(zh: str, en: str) -> Titles:
    """Title and summary of an operation that no page lists."""
    return {
        "title": {"zh-Hant": zh, "en": en},
        "summary": {"zh-Hant": f"OpenID Provider：{zh}", "en": f"OpenID Provider: {en.lower()}"},
    }


def at(ctx: Context, request: Message) -> tuple[Desk, Sent, str]:
    desk = desk_of(ctx)
    return desk, placed(desk, request.sent), request.name


Enter = Callable[[Provider, Sent, str, str], Awaitable[str]]
"""Of what was typed, a name or number and a code: the new session's cookie, or `wrong` or `later`."""


async def entered(desk: Desk, sent: Sent, shown: Shown, *, fields: tuple[str, str], by: Enter, to: str) -> Shown:
    """A form that opens a session: `shown` as it is or with what failed, else on `to`. Its name is `shown.state`."""
    if sent.method != "POST":
        return shown
    if not signing_in.is_own_form(desk.provider, sent, shown.state):
        return msgspec.structs.replace(shown, failure="form")
    came = await by(desk.provider, sent, *(sent.get(field) for field in fields))
    if came in ("wrong", "later"):
        return msgspec.structs.replace(shown, failure=came)
    return Shown(cookie=authorizing.cookie(sent, came), location=to)


@SERVICE.operation(
    "begin",
    **titled("開始授權", "Begin a request"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def begin(ctx: Context, request: Message) -> Answer:
    """`GET /openid/authorize`."""
    desk, sent, _ = at(ctx, request)
    return await authorizing.begin(desk.provider, sent)


@SERVICE.operation(
    "visit",
    **titled("登入與同意", "Sign in and agree"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def visit(ctx: Context, request: Message) -> Shown:
    """What the page of a request (or of signing in without one) shows now; a request that needs nothing leads on."""
    desk, sent, name = at(ctx, request)
    if name == LOGIN:
        return await _again(desk, sent, name, None, "")
    asking = await authorizing.look(desk.provider, sent, name)
    if asking.need == "":
        return Shown(location=(await authorizing.agree(desk.provider, sent, name, asking)).location)
    location = await consenting.led(desk, sent, name, asking)
    return await _asking(desk, sent, name, asking) if location is None else Shown(location=location)


@SERVICE.operation(
    "act",
    **titled("送出登入或同意", "Sign in, agree or decline"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def act(ctx: Context, request: Message) -> Shown:
    """What the person did on that page. A form that is not this browser's own is shown again, unheard."""
    desk, sent, name = at(ctx, request)
    asking = None if name == LOGIN else await authorizing.look(desk.provider, sent, name)
    if not signing_in.is_own_form(desk.provider, sent, name):
        return await _again(desk, sent, name, asking, "form")
    what = sent.get("do")
    if what in ("passkey", "persona"):
        came = await _came(desk, sent, what, "" if asking is None else name)
        if came in ("wrong", "later"):
            return await _again(desk, sent, name, asking, came)
        place, alarm = _after(sent, name)
        return Shown(cookie=authorizing.cookie(sent, came), location=place, alarm=alarm)
    if asking is not None and asking.need != "sign-in" and what in ("agree", "decline"):
        location = await consenting.led(desk, sent, name, asking) if what == "agree" else None
        if location is not None:  # consent is given at MyData, where the values are shown, and nowhere else
            return Shown(location=location)
        move = authorizing.agree if what == "agree" else authorizing.decline
        return Shown(location=(await move(desk.provider, sent, name, asking)).location)
    return await _again(desk, sent, name, asking, "form")


async def _came(desk: Desk, sent: Sent, what: str, request: str) -> str:
    if what == "persona":
        if not desk.has_personas:
            return "wrong"
        return await signing_in.as_persona(desk.provider, sent, sent.get("persona"), request=request)
    return await signing_in.with_passkey(desk.provider, sent, sent.get("credential"), request=request)


def _after(sent: Sent, name: str) -> tuple[str, str]:
    """Where a sign-in leads: on with the request, or to a place of this site (never elsewhere, which is an alarm)."""
    if name != LOGIN:
        return authorizing.ASK_PATH + name, ""
    wanted = sent.get("next")
    is_ours = wanted.startswith("/") and wanted[1:2] not in ("/", "\\") and wanted.isascii() and wanted.isprintable()
    if is_ours and len(wanted) <= 1_000:
        return wanted, ""
    return "/openid/account", "open_redirect" if wanted else ""


async def _again(desk: Desk, sent: Sent, name: str, asking: authorizing.Asking | None, failure: str) -> Shown:
    fresh, cookie = browser_of(desk, sent)
    shown = _sign_in(desk, fresh, name, cookie=cookie) if asking is None else await _asking(desk, fresh, name, asking)
    personas = await _personas(desk) if shown.state == "sign-in" else ()
    return msgspec.structs.replace(shown, failure=failure, personas=personas)


async def _asking(desk: Desk, sent: Sent, name: str, asking: authorizing.Asking) -> Shown:
    app = Shown(
        state="sign-in" if asking.need == "sign-in" else "agreement",
        form_token=signing_in.form_token(desk.provider, sent, name),
        app=asking.client.name,
        client=asking.client.id,
        agency=asking.client.agency,
        back_to=origin_of(asking.asked.redirect_uri),
        scope=asking.asked.scope,
        details=asking.asked.details,
        name=asking.account.name if asking.account is not None else "",
        is_demo=asking.account is not None and asking.account.is_demo,
    )
    if app.state == "agreement":
        return app
    options = passkeys.sign_in_options(desk.provider, sent)
    outsides = elsewhere(desk, sent, name)
    return msgspec.structs.replace(app, options=options, personas=await _personas(desk), outsides=outsides)


def _sign_in(desk: Desk, sent: Sent, name: str, *, cookie: str) -> Shown:
    return Shown(
        state="sign-in",
        cookie=cookie,
        form_token=signing_in.form_token(desk.provider, sent, name),
        options=passkeys.sign_in_options(desk.provider, sent),
        outsides=elsewhere(desk, sent, name),
    )


def elsewhere(desk: Desk, sent: Sent, name: str) -> tuple[Elsewhere, ...]:
    """Links to the outside sign-ins, each with this browser's token."""
    token = signing_in.form_token(desk.provider, sent, "outside")
    return tuple(
        Elsewhere(one.title, urlencode({"to": one.id, "request": name, "form_token": token})) for one in desk.outsides
    )


async def _personas(desk: Desk) -> tuple[Persona, ...]:
    if not desk.has_personas:
        return ()
    found = await desk.provider.store.read(records.all_accounts)
    return tuple(
        Persona(one.name, one.shown or {"zh-Hant": one.name, "en": one.name}, one.kind, one.agency)
        for one in found
        if one.is_demo and not one.is_closed
    )


def browser_of(desk: Desk, sent: Sent) -> tuple[Sent, str]:
    """The message with this browser's cookie value, and the Set-Cookie that gives it one when it had none."""
    if sent.browser:
        return sent, ""
    value = desk.provider.secret()
    return msgspec.structs.replace(sent, browser=value), authorizing.cookie(sent, value)


def origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
