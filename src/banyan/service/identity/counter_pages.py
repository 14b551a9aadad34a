"""The counter's page for officers, the kiosk's for people, and the page of for whom one acts: plain forms."""

from __future__ import annotations

from banyan.kernel.catalogue import FaceAnswer, FaceRequest, View
from banyan.service.identity.counter import Hall
from banyan.service.identity.hearing import submitted
from banyan.service.identity.pages import NO_STORE, WORDS, page_of
from banyan.service.identity.protocol import Message
from banyan.service.identity.service import SERVICE

CLEARED = ("Clear-Site-Data", '"cache", "storage"')
"""A public screen keeps nothing of a person; its own cookie stays."""


@SERVICE.page("GET", path="/openid/acting")
async def acting(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.acting", "")


@SERVICE.page("POST", path="/openid/acting", rate="write")
async def act_for(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.acting", "")


@SERVICE.page("GET", path="/counter", title={"zh-Hant": "臨櫃服務", "en": "Counter"})
async def counter(request: FaceRequest) -> View | FaceAnswer:
    """Who is in a visit sees only its end: the officer's own powers are put away meanwhile."""
    if request.caller.kind != "officer":
        return _view(request, Hall())
    hall = await request.call("openid.counter_look", Message(await submitted(request)))
    assert isinstance(hall, Hall), "the counter shows a hall"
    return _view(request, hall)


@SERVICE.page("POST", path="/counter", rate="write")
async def at_counter(request: FaceRequest) -> View | FaceAnswer:
    message = Message(await submitted(request))
    operation = "openid.counter_end" if message.sent.get("do") == "end" else "openid.counter_act"
    hall = await request.call(operation, message)
    assert isinstance(hall, Hall), "the counter shows a hall"
    if hall.location:
        cookies = (("Set-Cookie", hall.cookie),) if hall.cookie else ()
        return View("", {}, redirect=hall.location, headers=(NO_STORE, *cookies))
    return _view(request, hall)


@SERVICE.page("GET", path="/kiosk")
async def kiosk(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.kiosk_enter", "")


@SERVICE.page("POST", path="/kiosk", rate="login")
async def enter_kiosk(request: FaceRequest) -> View | FaceAnswer:
    return await page_of(request, "openid.kiosk_enter", "")


@SERVICE.page("GET", path="/kiosk/end")
async def leave_kiosk(request: FaceRequest) -> View | FaceAnswer:
    answer = await page_of(request, "openid.kiosk_end", "")
    assert isinstance(answer, FaceAnswer), "leaving leads on"
    return FaceAnswer(answer.body, status=answer.status, headers=(*answer.headers, CLEARED))


def _view(request: FaceRequest, hall: Hall) -> View:
    title = WORDS.text("openid.counter", request.lang)
    values = {"hall": hall, "is_beside": request.caller.assisted is not None}
    return View("openid/counter.html", values, title=title, headers=(NO_STORE,))
