"""The provider's pages: signing in, agreeing, one's own account. Every form works by plain posting; a passkey needs
the browser's own script interface, so its button comes with `passkey.js` and is hidden without.
"""

from __future__ import annotations

from urllib.parse import urlencode

from banyan.errors import Problem
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Messages, View, load_messages
from banyan.kernel.exchange.security import PAGE_HEADERS
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.sent import Answer
from banyan.service.identity.alarms import Telling
from banyan.service.identity.hearing import submitted
from banyan.service.identity.journey import LOGIN, Shown
from banyan.service.identity.protocol import Message
from banyan.service.identity.service import SERVICE

WORDS: Messages = load_messages("banyan.service.identity", "templates/messages.toml")
NO_STORE = ("Cache-Control", "no-store")
_POLICY = dict(PAGE_HEADERS)[b"content-security-policy"].decode("latin-1")
ALARMS = {"form": "csrf", "wrong": "sign_in_failed", "later": "sign_in_throttled"}
"""What a page's failure is called in the record of alarms."""
TEMPLATES = {
    "sign-in": "openid/sign_in.html",
    "agreement": "openid/agreement.html",
    "account": "openid/account.html",
    "enrol": "openid/enrol.html",
    "leave": "openid/leave.html",
    "gone": "openid/gone.html",
    "elsewhere": "openid/elsewhere.html",
    "acting": "openid/acting.html",
    "kiosk": "openid/kiosk.html",
}


@SERVICE.page("GET", path="/openid/authorize")
async def authorize(request: FaceRequest) -> View | FaceAnswer:
    """Where an app sends a person's browser."""
    try:
        answer = await request.call("openid.begin", Message(await submitted(request)))
    except Fault as fault:
        await tell(request, fault.alarm, "begin", client=_asked_by(request))
        return _refused(request, fault)
    assert isinstance(answer, Answer), "begin answers with a redirect"
    is_english = request.header("accept-language").lower().startswith("en") or request.lang == "en"
    location = f"/en{answer.location}" if is_english and answer.location.startswith("/") else answer.location
    return FaceAnswer(b"", status=303, headers=(("Location", location), NO_STORE, *answer.headers))


@SERVICE.page("GET", path="/openid/ask/{name}")
async def ask(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.visit", request.params["name"])


@SERVICE.page("POST", path="/openid/ask/{name}", rate="login")
async def answer(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.act", request.params["name"])


@SERVICE.page("GET", path="/openid/login", title={"zh-Hant": "以通行金鑰登入", "en": "Sign in with a passkey"})
async def login(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.visit", LOGIN)


@SERVICE.page("POST", path="/openid/login", rate="login")
async def log_in(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.act", LOGIN)


@SERVICE.page("GET", path="/openid/enrol")
async def enrol(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.enrol", "")


@SERVICE.page("POST", path="/openid/enrol", rate="login")
async def enrolled(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.enrol", "")


@SERVICE.page("GET", "POST", path="/openid/account")
async def account(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.account", "")


@SERVICE.page("GET", "POST", path="/openid/logout")
async def logout(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.leave", "")


async def page_of(request: FaceRequest, operation: str, name: str) -> View | FaceAnswer:
    """Run a page's operation and show what it says, or lead on."""
    endpoint = operation.partition(".")[2]
    try:
        shown = await request.call(operation, Message(await submitted(request), name))
    except Fault as fault:
        await tell(request, fault.alarm, endpoint)
        return _refused(request, fault)
    assert isinstance(shown, Shown), "a page's operation says what it shows"
    if shown.alarm or shown.failure:
        await tell(request, shown.alarm or ALARMS.get(shown.failure, shown.failure), endpoint, client=shown.client)
    headers = [NO_STORE, *([("Set-Cookie", shown.cookie)] if shown.cookie else [])]
    if shown.location:
        return FaceAnswer(b"", status=303, headers=(("Location", _in_language(request, shown.location)), *headers))
    if shown.back_to and shown.state in ("sign-in", "agreement", "leave"):
        headers.append(("Content-Security-Policy", leading_to(shown.back_to)))
    values = {"shown": shown, "path": _path(request), "scripts": ("passkey.js",), "errors": _errors(request, shown)}
    values["is_signed_in"] = shown.state in (
        "account",
        "acting",
    )  # by the provider's own cookie, which no caller is made of
    title = WORDS.text(f"openid.{shown.state.replace('-', '_')}", request.lang)
    status = {"": 200, "later": 429}.get(shown.failure, 422)
    return View(TEMPLATES[shown.state], values, title=title, status=status, headers=tuple(headers))


async def tell(request: FaceRequest, kind: str, endpoint: str, *, client: str = "") -> None:
    """Into the record of alarms."""
    await request.call("openid.tell", Telling(await submitted(request), kind, endpoint, client))


def _asked_by(request: FaceRequest) -> str:
    """The app that the address names."""
    return next((value for name, value in request.query if name == "client_id"), "")


def leading_to(address: str) -> str:
    """The pages' policy, with the one place outside that this form's answer may redirect to (CSP3 `form-action`)."""
    from banyan.service.identity.journey import origin_of

    return _POLICY.replace("form-action 'self'", f"form-action 'self' {origin_of(address)}")


def _path(request: FaceRequest) -> str:
    """The form's own address, with where to go after it."""
    kept = [(name, value) for name, value in request.query if name == "next"]
    return request.path + (f"?{urlencode(kept)}" if kept else "")


def _in_language(request: FaceRequest, location: str) -> str:
    """A place of this site stays in the page's language; one that names a language keeps it."""
    is_plain = location.startswith("/") and not f"{location}/".startswith("/en/")
    return f"/en{location}" if is_plain and request.lang == "en" else location


def _errors(request: FaceRequest, shown: Shown) -> list[dict[str, str]]:
    if not shown.failure:
        return []
    return [{"field": "", "fix": WORDS.text(f"openid.failure_{shown.failure}", request.lang)}]


def _refused(request: FaceRequest, fault: Problem) -> View:
    """A page for what may not be told to the app's address: nobody is redirected to where a request says."""
    key = f"openid.fault_{fault.kind}"
    said = WORDS.text(key if key in WORDS else "openid.fault_other", request.lang)
    values = {"said": said, "error": fault.kind, "why": fault.title}
    title = WORDS.text("openid.refused", request.lang)
    status = fault.status if fault.status != 401 else 400
    return View("openid/refused.html", values, title=title, status=status, headers=(NO_STORE,))
