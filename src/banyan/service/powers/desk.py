"""The officers' side: declare an order, approve, extend or end one, and write the reviews that uses under orders open.

Plain forms of our own pages (the door checks that); each act is the operation of the same name, which judges who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

from banyan.errors import Conflict, FieldError, Invalid, Problem
from banyan.kernel.catalogue import FaceRequest, FormData, View
from banyan.limits import REASON_CHARS
from banyan.service.powers.board import BasesQuery
from banyan.service.powers.pages import PRIVATE, TITLE, is_officer, order_view, who
from banyan.service.powers.registering import ID
from banyan.service.powers.reviewing import Nothing
from banyan.service.powers.service import SERVICE
from banyan.service.powers.wording import MESSAGES, denied

DECLARE: Final = {"zh-Hant": "宣告命令", "en": "Declare an order"}
REVIEWS: Final = {"zh-Hant": "待審查的緊急使用", "en": "Emergency uses to review"}
TAIPEI: Final = timezone(timedelta(hours=8))
TEXTS: Final = {"id": 80, "title_zh": 200, "title_en": 200, "incident": 200, "reason": REASON_CHARS}
"""The boxes of the form and how long their text may be, as the operation bounds it."""
MOST_BASES: Final = 100
"""Bases offered on the form: those that need an order are few."""


@SERVICE.page("GET", path="/powers/declare")
async def ask(request: FaceRequest) -> View:
    """The form. Raises Denied for who is no officer."""
    return await _declare_view(request, {}, ())


@SERVICE.page("POST", path="/powers/declare", rate="write")
async def declare(request: FaceRequest) -> View:
    """Declare; nothing is in force yet. What does not stand comes back with the form and its words."""
    form = await request.form()
    _admit(request)
    chosen = tuple(value for name, value in form.fields if name == "basis")
    given = {name: form.get(name).strip() for name in (*TEXTS, "start", "until")}
    wrong = [FieldError(name, fix) for name, text in given.items() if (fix := _unfit(request, name, text))]
    wrong += [] if chosen else [FieldError("basis", said(request, "missing"))]
    if wrong:
        return await _declare_view(request, {**given, "basis": chosen}, tuple(wrong))
    try:
        moments = {name: _moment(request, given[name], name) for name in ("start", "until")}
        asked = {**{name: given[name] for name in TEXTS}, **moments, "bases": chosen}
        stands = await request.call("powers.declare_order", asked)
    except (Invalid, Conflict) as problem:
        return await _declare_view(request, {**given, "basis": chosen}, _words(problem), status=problem.status)
    return View("", {}, redirect=f"/powers/orders/{stands.id}", headers=PRIVATE)


@SERVICE.page("POST", path="/powers/orders/{id}", rate="write")
async def act(request: FaceRequest) -> View:
    """Approve, extend or end. Ending asks for a tick: it cannot be taken back."""
    form, id = await request.form(), request.params["id"]
    _admit(request)
    until = form.get("until").strip()
    try:
        await _act(request, form, id, until)
    except (Invalid, Conflict) as problem:
        found = await request.call("powers.order", {"id": id})
        wrong = tuple({"field": one.field, "fix": one.fix} for one in _words(problem))
        return await order_view(request, found, wrong=wrong, given=until, status=problem.status)
    return View("", {}, redirect=f"/powers/orders/{id}", headers=PRIVATE)


@SERVICE.page("GET", path="/powers/reviews")
async def reviews(request: FaceRequest) -> View:
    """The agency's worklist, the first due first. Raises Denied for who is no officer."""
    return await _reviews_view(request, ())


@SERVICE.page("POST", path="/powers/reviews", rate="write")
async def review(request: FaceRequest) -> View:
    """Write one review."""
    form = await request.form()
    _admit(request)
    use, said = form.get("use"), form.get("do")
    if not (use.isascii() and use.isdigit() and len(use) < 16):
        raise Invalid.at("use", "the number that stands beside the use")
    if said not in ("justified", "unjustified"):
        raise Invalid.at("do", "justified or unjustified")
    try:
        await request.call("powers.review_use", {"use": int(use), "is_justified": said == "justified"})
    except Conflict as problem:
        return await _reviews_view(request, _words(problem), status=problem.status)
    return View("", {}, redirect="/powers/reviews", headers=PRIVATE)


async def _act(request: FaceRequest, form: FormData, id: str, until: str) -> None:
    match form.get("do"):
        case "approve":
            await request.call("powers.approve_order", {"id": id})
        case "extend":
            await request.call("powers.extend_order", {"id": id, "until": _moment(request, until, "until")})
        case "end":
            if form.get("sure") != "yes":
                raise Invalid.at("sure", said(request, "sure"))
            await request.call("powers.end_order", {"id": id})
        case _:
            raise Invalid.at("do", "approve, extend or end")


async def _declare_view(
    request: FaceRequest, given: Mapping[str, object], wrong: tuple[FieldError, ...], *, status: int = 0
) -> View:
    _admit(request)
    title = DECLARE[request.lang]
    found = await request.call("powers.bases", BasesQuery(limit=MOST_BASES, needs="order"))
    values = {
        "offered": [one for one in found.bases if one.is_current],
        "given": given,
        "errors": wrong,
        **who(request),
        "crumbs": ({"title": TITLE[request.lang], "path": "/powers"}, {"title": title, "path": ""}),
    }
    return View("powers/declare.html", values, title=title, status=status or (422 if wrong else 200), headers=PRIVATE)


async def _reviews_view(request: FaceRequest, wrong: tuple[FieldError, ...], *, status: int = 200) -> View:
    _admit(request)
    title = REVIEWS[request.lang]
    waiting = await request.call("powers.open_reviews", Nothing())
    values = {
        "waiting": waiting,
        "is_suspended": any(one.is_overdue for one in waiting),
        "errors": wrong,
        **who(request),
        "crumbs": ({"title": TITLE[request.lang], "path": "/powers"}, {"title": title, "path": ""}),
    }
    return View("powers/reviews.html", values, title=title, status=status, headers=PRIVATE)


def _admit(request: FaceRequest) -> None:
    """Raises Denied before anything is shown; the operations judge again. Who sends a form is known once it is read,
    with its token."""
    if not is_officer(request.caller):
        raise denied("officer")


def _unfit(request: FaceRequest, name: str, text: str) -> str:
    """What is wrong with a box; empty when nothing is."""
    if not text:
        return said(request, "missing")
    if len(text) > TEXTS.get(name, len(text)):
        return said(request, "long", most=TEXTS[name])
    return said(request, "id") if name == "id" and not ID.fullmatch(text) else ""


def _words(problem: Problem) -> tuple[FieldError, ...]:
    """What did not stand, field by field; a rule's refusal belongs to no field."""
    return problem.fields or (FieldError("", f"{problem.title} {problem.remedy}"),)


def said(request: FaceRequest, key: str, **values: object) -> str:
    """A sentence of the desk in the reader's language."""
    return MESSAGES.text(f"powers_desk.{key}", request.lang, **values)


def _moment(request: FaceRequest, text: str, field: str) -> str:
    """A `datetime-local` box is Taiwan's time; RFC 3339 is taken too. Raises Invalid naming the field."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid.at(field, said(request, "moment")) from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=TAIPEI)).isoformat()
