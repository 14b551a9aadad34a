"""From an HTTP request to a protocol message."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceRequest
from banyan.kernel.identity.openid.authorizing import cookie_name
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.sent import Pairs, Sent
from banyan.limits_identity import OPENID_BODY_BYTES

FORM = "application/x-www-form-urlencoded"
COOKIE_CHARACTERS = 64


def screen_name(issuer: str) -> str:
    """The cookie of a public screen that an officer set up."""
    return "__Host-screen" if issuer.startswith("https:") else "screen"


async def heard(request: FaceRequest) -> Sent:
    """A machine's message: parameters from the body of a POST, else from the address."""
    form: Pairs = tuple(request.query)
    if request.method == "POST":
        if request.header("content-type").partition(";")[0].strip().lower() != FORM and await _body(request):
            raise Fault("invalid_request", f"send {FORM}")
        await _body(request)
        form = tuple((await request.form()).fields)
    return _sent(request, form)


async def submitted(request: FaceRequest) -> Sent:
    """A page's message: its form, or its address. Where to go on to (`next`) stands in the form's address."""
    if request.method != "POST":
        return _sent(request, tuple(request.query))
    await _body(request)
    form = tuple((await request.form()).fields)
    after = (
        () if any(name == "next" for name, _ in form) else tuple(pair for pair in request.query if pair[0] == "next")
    )
    return _sent(request, (*form, *after))


async def _body(request: FaceRequest) -> bytes:
    return await request.body(OPENID_BODY_BYTES)


def _sent(request: FaceRequest, form: Pairs) -> Sent:
    browser = request.cookie(cookie_name(request.base_url))
    device = request.cookie(screen_name(request.base_url))
    return Sent(
        issuer=request.base_url,
        method=request.method,
        path=request.path,
        form=form,
        authorization=request.header("authorization"),
        dpop=request.header("dpop"),
        network=request.client,
        browser=browser if len(browser) <= COOKIE_CHARACTERS else "",
        lang=request.lang,
        device=device if len(device) <= COOKIE_CHARACTERS else "",
        trace=request.trace.id,
    )
