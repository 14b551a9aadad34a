"""Signing in with the administrator token, until identity arrives: one form, one cookie."""

from __future__ import annotations

from banyan.channel.web.links import safe_return
from banyan.errors import FieldError
from banyan.kernel.catalogue import FaceRequest, Service, View

TITLE = {"zh-Hant": "登入", "en": "Sign in"}


def add_session_page(own: Service) -> None:
    """`/session`: the form, the sign-in, and the sign-out."""
    own.page("GET", path="/session", title=TITLE)(show_session)
    own.page("POST", path="/session")(change_session)


async def show_session(request: FaceRequest) -> View:
    """The form; or, when signed in, the way out."""
    after = next((value for name, value in request.query if name == "next"), "")
    return _view(request, after, ())


async def change_session(request: FaceRequest) -> View:
    """Sign in with `token`, or sign out with `leave`. A wrong token is told at its field, with status 422."""
    form = await request.form()
    if form.get("leave"):
        return View("", {}, redirect="/session", status=303, headers=(("Set-Cookie", request.sign_out()),))
    after = safe_return(form.get("next"))
    cookie = request.sign_in(form.get("token").strip())
    if not cookie:
        return _view(request, after, (FieldError("token", "wrong_token"),))
    return View("", {}, redirect=after, status=303, headers=(("Set-Cookie", cookie),))


def _view(request: FaceRequest, after: str, errors: tuple[FieldError, ...]) -> View:
    return View(
        "session.html",
        {"next": safe_return(after), "errors": errors},
        title=TITLE[request.lang],
        status=422 if errors else 200,
    )
