"""A person's own page at the provider: enrolling, passkeys, what they let apps do, and signing out."""

from __future__ import annotations

from banyan.errors import Invalid
from banyan.kernel.catalogue import Context
from banyan.kernel.identity.openid import authorizing, counter, passkeys, records, signing_in, watching
from banyan.kernel.identity.openid.model import Account, Session
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_LIST
from banyan.service.identity.desk import Desk
from banyan.service.identity.journey import Given, Shown, at, browser_of, elsewhere, entered, titled
from banyan.service.identity.protocol import Message
from banyan.service.identity.service import SERVICE

ENROL, ACCOUNT, LEAVE = "enrol", "account", "leave"


@SERVICE.operation(
    "enrol",
    **titled("以註冊碼登記", "Enrol with a code"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def enrol(ctx: Context, request: Message) -> Shown:
    """The form of an enrolment code, and what was typed into it."""
    desk, sent, _ = at(ctx, request)
    fresh, cookie = browser_of(desk, sent)
    shown = Shown(state="enrol", cookie=cookie, form_token=signing_in.form_token(desk.provider, fresh, ENROL))
    return await entered(desk, sent, shown, fields=("name", "code"), by=signing_in.with_code, to="/openid/account")


@SERVICE.operation(
    "account",
    **titled("我的登入", "My sign-in"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def account(ctx: Context, request: Message) -> Shown:
    """Who is signed in here and what they let apps do; adding a passkey and taking back what was let."""
    desk, sent, _ = at(ctx, request)
    known = await signing_in.signed_in(desk.provider, sent)
    if known is None:
        return Shown(location="/openid/login")
    if known[0].visit:
        return Shown(location="/counter" if known[1].kind == "officer" else "/mydata")
    if sent.method != "POST":
        return await _account(desk, sent, known)
    if not signing_in.is_own_form(desk.provider, sent, ACCOUNT):
        return await _account(desk, sent, known, failure="form")
    session, who = known
    if sent.get("do") == "register" and signing_in.may_register(session, who):
        if not await passkeys.register(desk.provider, sent, who, sent.get("credential")):
            return await _account(desk, sent, known, failure="wrong")
        if session.is_enrolment:  # the code did its work; the passkey signs in
            await signing_in.sign_out(desk.provider, sent)
            return Shown(location="/openid/login")
        return Shown(location="/openid/account?done=register")
    if sent.get("do") == "word" and _may_say(session, who):
        try:
            await counter.set_word(desk.provider, who.id, sent.get("word"))
        except Invalid:
            return await _account(desk, sent, known, failure="word")
        return Shown(location="/openid/account?done=word")
    if sent.get("do") == "withdraw" and not session.is_enrolment:
        await watching.withdraw(desk.provider, sent.get("grant") or "-", account=who.id)
        return Shown(location="/openid/account?done=withdraw")
    return await _account(desk, sent, known, failure="form")


@SERVICE.operation(
    "leave",
    **titled("登出", "Sign out"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def leave(ctx: Context, request: Message) -> Shown:
    """RP-initiated logout: at once with an ID token of who is signed in, else after a question."""
    desk, sent, _ = at(ctx, request)
    leaving = await signing_in.leaving(desk.provider, sent)
    is_meant = leaving.is_proven or (sent.method == "POST" and signing_in.is_own_form(desk.provider, sent, LEAVE))
    if is_meant:
        await signing_in.sign_out(desk.provider, sent)
        gone = authorizing.cookie(sent, "", age_s=0)
        return Shown(state="gone", cookie=gone, location=leaving.location, alarm=leaving.alarm, client=leaving.client)
    fresh, cookie = browser_of(desk, sent)
    return Shown(
        state="leave",
        failure="form" if sent.method == "POST" else "",
        alarm=leaving.alarm,
        client=leaving.client,
        cookie=cookie,
        form_token=signing_in.form_token(desk.provider, fresh, LEAVE),
        hidden=tuple(pair for pair in sent.form if pair[0] in _LEAVING and pair[1]),
        back_to=leaving.location,
    )


def _may_say(session: Session, who: Account) -> bool:
    """Who may choose a counter word: a citizen, signed in as surely as a passkey makes them."""
    return who.kind == "citizen" and not session.is_enrolment and signing_in.may_register(session, who)


_LEAVING = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


async def _account(desk: Desk, sent: Sent, known: tuple[Session, Account], *, failure: str = "") -> Shown:
    session, who = known
    may_register = signing_in.may_register(session, who) and bool(passkeys.rp_id(sent.issuer))
    options = ""
    if may_register:
        options = await passkeys.registration_options(desk.provider, sent, who, rp_name="Banyan")
    given: tuple[Given, ...] = ()
    if not session.is_enrolment:
        given = await desk.provider.store.read(lambda tx: _given(tx, who.id, desk.provider.clock()))
    return Shown(
        state="account",
        form_token=signing_in.form_token(desk.provider, sent, ACCOUNT),
        options=options,
        name=who.name,
        kind=who.kind,
        agency=who.agency,
        is_demo=who.is_demo,
        is_enrolment=session.is_enrolment,
        may_register=may_register,
        may_say=_may_say(session, who),
        outsides=elsewhere(desk, sent, "link") if signing_in.may_register(session, who) else (),
        given=given,
        failure=failure,
    )


def _given(tx: Tx, account: str, now: float) -> tuple[Given, ...]:
    found = []
    for granted in records.granted_by(tx, account, now)[:OPENID_LIST]:
        client = records.client_by_id(tx, granted.client)
        if client is not None:
            found.append(Given(granted.id, client.name, client.agency, granted.scope, granted.details, granted.at))
    return tuple(found)
