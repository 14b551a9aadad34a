"""The counter's and the kiosk's operations: inside of their pages only, because each is bound to a browser.

The gate lets officers in (two factors); the role `counter` and the officer's own sign-in in this very browser are the
second lock.
"""

from __future__ import annotations

import msgspec

from banyan.errors import Denied, Invalid
from banyan.kernel.catalogue import Context
from banyan.kernel.identity import acting
from banyan.kernel.identity.openid import authorizing, counter, signing_in
from banyan.kernel.identity.openid.callers import caller_id
from banyan.kernel.identity.openid.counter import Asking
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.identity.openid.sent import Sent
from banyan.limits_identity import KIOSK_SCREEN_S
from banyan.service.identity.desk import Desk
from banyan.service.identity.hearing import screen_name
from banyan.service.identity.journey import Shown, at, browser_of, entered, titled
from banyan.service.identity.protocol import Message
from banyan.service.identity.service import SERVICE

KIOSK = "kiosk"


class Waiting(msgspec.Struct, frozen=True):
    """Somebody at this agency's counter. The id's first letters are what two officers tell each other."""

    id: str
    what: str
    state: str
    is_mine: bool


class Hall(msgspec.Struct, frozen=True, kw_only=True):
    """What the counter's page shows; `code` is handed over and never shown again."""

    waiting: tuple[Waiting, ...] = ()
    agency: str = ""
    what: str = ""
    name: str = ""
    code: str = ""
    cookie: str = ""
    """Set-Cookie of a screen that was set up."""
    location: str = ""


@SERVICE.operation(
    "counter_look",
    **titled("櫃檯", "The counter"),
    data=("open",),
    audience="officer",
    effect="write",
    purpose="administration",
    channels=(),
)
async def counter_look(ctx: Context, request: Message) -> Hall:
    desk, sent, _ = at(ctx, request)
    return await _hall(desk, await _officer(ctx, desk, sent))


@SERVICE.operation(
    "counter_act",
    **titled("櫃檯辦理", "At the counter"),
    data=("open",),
    audience="officer",
    effect="write",
    purpose="administration",
    channels=(),
)
async def counter_act(ctx: Context, request: Message) -> Hall:
    """Raises what the counter's rules raise, Invalid for a form that is none of ours."""
    desk, sent, _ = at(ctx, request)
    provider, what = desk.provider, sent.get("do")
    officer = await _officer(ctx, desk, sent)
    if what == "ask":
        await counter.ask(provider, sent, officer, _asking(sent))
    elif what == "confirm":
        await counter.confirm(provider, sent, officer, sent.get("id"), sent.get("number"))
    elif what == "begin":
        begun = await counter.begin(provider, sent, officer, sent.get("id"), word=sent.get("word"))
        if begun.what == "visit":
            return Hall(location="/counter")
        hall = await _hall(desk, officer)
        return msgspec.structs.replace(hall, what=begun.what, name=begun.name, code=begun.code)
    elif what == "screen":
        value = await counter.set_up_kiosk(provider, sent, officer)
        return Hall(location="/kiosk?kiosk=1", cookie=screen_cookie(sent, value))
    else:
        raise Invalid.at("do", "ask, confirm, begin or screen")
    return Hall(location="/counter")


@SERVICE.operation(
    "counter_end",
    **titled("結束臨櫃服務", "End a visit"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def counter_end(ctx: Context, request: Message) -> Hall:
    """The visit in this browser is over, by whoever sits at it."""
    desk, sent, _ = at(ctx, request)
    await counter.end(desk.provider, sent)
    return Hall(location="/counter")


@SERVICE.operation(
    "kiosk_enter",
    **titled("公用螢幕登入", "At a public screen"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def kiosk_enter(ctx: Context, request: Message) -> Shown:
    """The form of card number and printed code, and what was typed into it."""
    desk, sent, _ = at(ctx, request)
    fresh, cookie = browser_of(desk, sent)
    agency = await desk.provider.store.read(lambda tx: acting.kiosk_of(tx, sent.device, desk.provider.clock()))
    token = signing_in.form_token(desk.provider, fresh, KIOSK)
    shown = Shown(state="kiosk", cookie=cookie, form_token=token, agency=agency)
    return await entered(desk, sent, shown, fields=("number", "code"), by=counter.enter_kiosk, to="/mydata")


@SERVICE.operation(
    "kiosk_end",
    **titled("結束公用螢幕", "Leave a public screen"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def kiosk_end(ctx: Context, request: Message) -> Shown:
    """Only a kiosk's session ends here; anybody's other sign-in stays."""
    desk, sent, _ = at(ctx, request)
    known = await signing_in.signed_in(desk.provider, sent)
    if known is None or not known[0].visit or known[1].kind == "officer":
        return Shown(location="/kiosk")
    await counter.end(desk.provider, sent)
    return Shown(location="/kiosk", cookie=authorizing.cookie(sent, "", age_s=0))


def screen_cookie(sent: Sent, value: str) -> str:
    """Strict: no link from elsewhere brings it along."""
    secure = "; Secure" if sent.issuer.startswith("https:") else ""
    return (
        f"{screen_name(sent.issuer)}={value}; Path=/; HttpOnly; SameSite=Strict{secure}; Max-Age={KIOSK_SCREEN_S:.0f}"
    )


def _asking(sent: Sent) -> Asking:
    """Raises Invalid naming what does not fit."""
    values = {name: sent.get(name).strip() for name in ("what", "number", "shown", "word", "name")}
    try:
        return msgspec.convert(values, Asking)
    except msgspec.ValidationError as error:
        raise Invalid.at("what", "open, renew, visit or kiosk; shown: id-card, resident-card or passport") from error


async def _officer(ctx: Context, desk: Desk, sent: Sent) -> Account:
    """Who sits at this browser: the caller the gate let in, with the role. Raises Denied."""
    known = await signing_in.signed_in(desk.provider, sent)
    is_here = known is not None and caller_id(desk.provider, known[1].id) == ctx.caller.id
    if known is None or not is_here or known[1].kind != "officer" or counter.ROLE not in known[1].roles:
        raise Denied("this needs the role counter, signed in in this browser", remedy="sign in as an officer")
    return known[1]


async def _hall(desk: Desk, officer: Account) -> Hall:
    now = desk.provider.clock()
    found = await desk.provider.store.read(lambda tx: acting.waiting_of(tx, officer.agency, now))
    ordered = sorted(found, key=lambda one: one.at)
    waiting = tuple(Waiting(one.id, one.what, one.state, one.officer == officer.id) for one in ordered)
    return Hall(waiting=waiting, agency=officer.agency)
