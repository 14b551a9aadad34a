"""Queue numbers for everybody: which number is served now, and a number of one's own, without an account."""

from __future__ import annotations

from typing import Final

from banyan.errors import Conflict, Limit, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.counter.announcing import Announcement, OutletQuery
from banyan.service.rationing.counter.outlets import WORDS
from banyan.service.rationing.counter.pages.around import PRIVATE, STYLES, in_words
from banyan.service.rationing.counter.queueing import QueueView, Ticket
from banyan.service.rationing.counter.saying import called
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "線上號碼牌", "en": "Queue numbers"}
PATH: Final = "/rationing/queue/{outlet}"


@SERVICE.page("GET", path=PATH)
async def look(request: FaceRequest) -> View:
    """Now serving; with `number` in the query how many are before it. Raises NotFound."""
    text = dict(request.query).get("number", "").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    return await _view(request, number=number)


@SERVICE.page("POST", path=PATH, rate="login")
async def take(request: FaceRequest) -> View:
    """A number; its code is shown once, on the page."""
    form = await request.form()
    try:
        asked = {"outlet": request.params["outlet"], "item": form.get("item")}
        ticket: Ticket = await request.call("rationing.take_number", asked)
    except (Conflict, Limit) as problem:
        return await _view(request, problem=problem)
    return await _view(request, number=ticket.number, ticket=ticket)


async def _view(
    request: FaceRequest, *, number: int = 0, ticket: Ticket | None = None, problem: Problem | None = None
) -> View:
    outlet, lang = request.params["outlet"], request.lang
    seen = await request.call("rationing.queue_page", {"outlet": outlet, "number": number})
    notice: Announcement = await request.call("rationing.announced", OutletQuery(outlet))
    title = WORDS.text("ration_counter.queue_title", lang, name=seen.name[lang])
    view: QueueView = seen.queue
    values = {
        "code": outlet,
        "name": seen.name[lang],
        "queue": view,
        "number": number,
        "notice": notice,
        "ticket": ticket,
        "ticket_item": called(ticket.item, lang) if ticket else "",
        "items": [(item, called(item, lang)) for item in seen.items],
        "errors": in_words(problem) if problem else (),
        "styles": STYLES,
        "scripts": ("ration-queue.js",),
        "crumbs": ({"title": title, "path": ""},),
    }
    status = problem.status if problem else 200
    return View("rationing/queue.html", values, title=title, status=status, headers=PRIVATE)
