"""Signing in at an outside issuer, from the pages: going there, and coming back."""

from __future__ import annotations

from banyan.kernel.catalogue import Context, FaceAnswer, FaceRequest, View
from banyan.kernel.identity.openid import authorizing, outside, signing_in
from banyan.kernel.identity.openid.fault import Fault
from banyan.service.identity.journey import LOGIN, Shown, at, browser_of, titled
from banyan.service.identity.pages import page_of
from banyan.service.identity.protocol import Message
from banyan.service.identity.service import SERVICE

GO = "outside"
"""What a link's token is made out to; only our own pages lead to an issuer."""


@SERVICE.operation(
    "outside_go",
    **titled("到外部登入", "Go to an outside sign-in"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def go(ctx: Context, request: Message) -> Shown:
    """Raises Fault for a link that is not of this browser's own page, Unavailable when the issuer is down."""
    desk, sent, _ = at(ctx, request)
    chosen = next((one for one in desk.outsides if one.id == sent.get("to")), None)
    if chosen is None or not signing_in.is_own_form(desk.provider, sent, GO):
        raise Fault("invalid_request", "this link is not of this browser's own page")
    location = await outside.depart(desk.provider, chosen, desk.fetch, sent, request=sent.get("request")[:64])
    return Shown(location=location)


@SERVICE.operation(
    "outside_back",
    **titled("從外部登入回來", "Come back from an outside sign-in"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def back(ctx: Context, request: Message) -> Shown:
    """On with what the person was at; a failure is told on the sign-in page."""
    desk, sent, _ = at(ctx, request)
    arrival = await outside.arrive(desk.provider, desk.outsides, desk.fetch, sent)
    if arrival.failure:
        fresh, cookie = browser_of(desk, sent)
        token = signing_in.form_token(desk.provider, fresh, LOGIN)
        return Shown(state="elsewhere", cookie=cookie, form_token=token, failure=arrival.failure, alarm=arrival.alarm)
    if arrival.request == outside.LINK:
        return Shown(location="/openid/account?done=link")
    place = "/openid/account" if arrival.request in ("", LOGIN) else authorizing.ASK_PATH + arrival.request
    return Shown(cookie=authorizing.cookie(sent, arrival.cookie), location=place)


@SERVICE.page("GET", path="/openid/outside/go")
async def going(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.outside_go", "")


@SERVICE.page("GET", path="/openid/outside/back", rate="login")
async def coming(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.outside_back", "")
