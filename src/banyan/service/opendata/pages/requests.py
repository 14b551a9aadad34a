"""Requests for data: anybody asks, everybody sees the status, who may answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import msgspec

from banyan.craft.form import Field, fields_of, read_form
from banyan.errors import FieldError, Invalid
from banyan.kernel.catalogue import FaceRequest, Messages, Text, View, load_messages
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.service.opendata.pages.saying import Crumb, one, page_links, whole
from banyan.service.opendata.requests import AnswerRequest, AskForData, RequestId, RequestsQuery, Status
from banyan.service.opendata.service import SERVICE

TITLE = {"zh-Hant": "資料需求", "en": "Data requests"}
ASK = {"zh-Hant": "我要申請資料", "en": "Ask for data"}
PAGE = 30
WORDS: Messages = load_messages("banyan.service.opendata", "templates/fields.toml")


def said(key: str) -> Text | None:
    """A field's word in both languages."""
    return {lang: WORDS.text(key, lang) for lang in LANGUAGES} if key in WORDS else None


@SERVICE.page("GET", path="/request", title=TITLE, menu=5)
async def list_requests(request: FaceRequest) -> View:
    """All requests, the newest first, by status."""
    status = one(request, "status")
    known = status if status in get_args(Status) else ""
    number = whole(one(request, "page"), 1, most=5_000)
    query = msgspec.convert({"status": known, "limit": PAGE, "offset": (number - 1) * PAGE}, RequestsQuery)
    found = await request.call("opendata.requests", query)
    values = {
        "found": found,
        "status": known,
        "statuses": get_args(Status),
        "pages": page_links(number, max(1, -(-found.total // PAGE)), [("status", known)], "/request"),
        "crumbs": (Crumb(TITLE[request.lang]),),
    }
    return View("opendata/requests.html", values, title=TITLE[request.lang])


@SERVICE.page("GET", path="/request/new", title=ASK)
async def ask(request: FaceRequest) -> View:
    """The form. `about` names a dataset the request is about."""
    about = one(request, "about")[:200]
    return _form(request, {"title": f"{about}：" if about else ""}, ())


@SERVICE.page("POST", path="/request/new")
async def send(request: FaceRequest) -> View:
    """Receive a request; the page of its status is where the asker lands."""
    form = await request.form()
    fields = fields_of(AskForData, said)
    try:
        asked = read_form(AskForData, fields, form.fields, lang=request.lang)
    except Invalid as invalid:
        return _form(request, dict(form.fields), invalid.fields)
    made = await request.call("opendata.ask_for_data", asked)
    return View("", {}, redirect=f"/request/{made.id}?new=1", status=303)


@SERVICE.page("GET", path="/request/{id}")
async def show(request: FaceRequest) -> View:
    """One request and its public answer; who may answer finds the form here."""
    return await _shown(request, ())


@SERVICE.page("POST", path="/request/{id}")
async def answer(request: FaceRequest) -> View:
    """Give a status and an answer."""
    form = await request.form()
    fields = _answer_fields()
    try:
        given = read_form(AnswerRequest, fields, [*form.fields, ("id", request.params["id"])], lang=request.lang)
    except Invalid as invalid:
        return await _shown(request, invalid.fields)
    await request.call("opendata.answer_request", given)
    return View("", {}, redirect=f"/request/{request.params['id']}", status=303)


def _form(request: FaceRequest, given: dict[str, str], errors: Sequence[FieldError]) -> View:
    values = {
        "fields": fields_of(AskForData, said),
        "given": given,
        "errors": errors,
        "crumbs": (Crumb(TITLE[request.lang], "/request"), Crumb(ASK[request.lang])),
    }
    return View("opendata/request_new.html", values, title=ASK[request.lang], status=422 if errors else 200)


async def _shown(request: FaceRequest, errors: Sequence[FieldError]) -> View:
    found = await request.call("opendata.request", RequestId(request.params["id"]))
    values = {
        "one": found,
        "is_new": one(request, "new") == "1",
        "fields": [field for field in _answer_fields() if field.name != "id"],
        "errors": errors,
        "crumbs": (Crumb(TITLE[request.lang], "/request"), Crumb(found.title or found.id)),
    }
    return View("opendata/request.html", values, title=found.title or found.id, status=422 if errors else 200)


def _answer_fields() -> tuple[Field, ...]:
    return fields_of(AnswerRequest, said)
