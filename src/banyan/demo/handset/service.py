"""The page `/handset`: one's own simulated chat, while the demonstration has no LINE. A real node has none."""

from __future__ import annotations

from typing import Final

from banyan.demo.handset.talking import Handset, Lang
from banyan.kernel.catalogue import FaceRequest, Service, View

PACKAGE: Final = "banyan.demo.handset"
TITLE: Final = {"zh-Hant": "手機上的聊天（模擬）", "en": "Chat on a phone (simulated)"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
WORDS: Final = 300
"""Characters of one message: UTTERANCE_CHARACTERS of the channels."""
DATA: Final = 200


def simulated(*, is_needed: bool) -> tuple[Handset | None, list[Service]]:
    """A phone's chat and its page, where there is no real one."""
    handset = Handset() if is_needed else None
    return handset, [build_handset(handset)] if handset is not None else []


def build_handset(handset: Handset) -> Service:
    """Its routes. Who is signed in sees the chat of that account alone; its id is the account's name at this node."""
    service = Service("handset", title=TITLE, package=PACKAGE)

    @service.page("GET", path="/handset", title=TITLE)
    async def page(request: FaceRequest) -> View:
        return _view(request, handset)

    @service.page("POST", path="/handset", rate="write")
    async def say(request: FaceRequest) -> View:
        form, user = await request.form(), _user(request)
        text, data = form.get("text").strip()[:WORDS], form.get("data")[:DATA]
        if not user or not text:
            return _view(request, handset, status=403 if not user else 422)
        if not await handset.say(user, text, data, _lang(request)):
            return _view(request, handset, is_unknown=True)
        return View("", {}, redirect="/handset", headers=PRIVATE)

    return service


def _view(request: FaceRequest, handset: Handset, *, is_unknown: bool = False, status: int = 200) -> View:
    user = _user(request)
    values = {"user": bool(user), "bubbles": handset.shown(user) if user else (), "is_unknown": is_unknown}
    return View("handset/handset.html", values, title=TITLE[_lang(request)], status=status, headers=PRIVATE)


def _user(request: FaceRequest) -> str:
    """A person's own; officers and apps have none."""
    return f"demo:{request.caller.subject}" if request.caller.kind == "citizen" and request.caller.subject else ""


def _lang(request: FaceRequest) -> Lang:
    return "en" if request.lang == "en" else "zh-Hant"
