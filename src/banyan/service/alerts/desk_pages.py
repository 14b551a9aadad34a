"""The officers' pages: the worklist, the author's form, and one alert with previews, results and what may be done.

Plain forms of our own pages; each act is the operation of the same name, which judges who may. The idempotency key
stands in the form, so that a second press is the first.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Any, Final

from banyan.errors import Denied, FieldError, Invalid, Problem
from banyan.kernel.catalogue import FaceRequest, FormData, View
from banyan.service.alerts import forms
from banyan.service.alerts.acting import AUTHOR, RELEASER, officer
from banyan.service.alerts.asking import Everything
from banyan.service.alerts.desk import Sheet
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.model import LANGUAGES
from banyan.service.alerts.pages import TITLE, map_assets
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import MESSAGES

DESK: Final = {"zh-Hant": "告警工作台", "en": "Alerts desk"}
NEW: Final = {"zh-Hant": "擬告警", "en": "Write an alert"}
EDIT: Final = {"zh-Hant": "修改或更新", "en": "Edit or update"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
BOXES: Final = (
    "event", *forms.CHOICES, "areas", "polygon", "circle", "radius", "onset", "expires", "contact",
    *(f"{name}_{lang}" for lang in LANGUAGES for name in forms.TEXTS),
)  # fmt: skip
ACTS: Final = ("propose", "hand_back", "release", "withdraw", "cancel", "retry")


@SERVICE.page("GET", path="/alerts/desk")
async def desk(request: FaceRequest) -> View:
    """The worklist. Raises Denied for who has no part in it."""
    rows = await request.call("alerts.desk", Everything())
    title = DESK[request.lang]
    may_write = AUTHOR in request.caller.roles
    values = {"rows": rows, "kind_pairs": _kinds(request), "may_write": may_write, "crumbs": _crumbs(request)}
    return View("alerts/desk.html", values, title=title, headers=PRIVATE)


@SERVICE.page("GET", path="/alerts/desk/new")
async def new(request: FaceRequest) -> View:
    """The form, begun with a kind's template."""
    officer(request.caller, AUTHOR)
    query = dict(request.query)
    kind = kinds().get(query.get("event", ""), next(iter(kinds().values())))
    given = forms.begun(kind, query.get("areas", "")[:500], request.now)
    given["polygon"] = query.get("polygon", "")[:6_000]  # an area that another desk hands over: 200 corners
    return _form(request, given, (), id="")


@SERVICE.page("POST", path="/alerts/desk/new", rate="write")
async def write(request: FaceRequest) -> View:
    return await _write(request, id="")


@SERVICE.page("GET", path="/alerts/desk/{id}/edit")
async def edit(request: FaceRequest) -> View:
    """The pending words, or those in force as the next message's."""
    officer(request.caller, AUTHOR)
    found: Sheet = await request.call("alerts.sheet", {"id": request.params["id"]})
    said = found.pending or found.out
    assert said is not None, "an alert says something"
    return _form(request, forms.filled(said.content), (), id=request.params["id"])


@SERVICE.page("POST", path="/alerts/desk/{id}/edit", rate="write")
async def rewrite(request: FaceRequest) -> View:
    return await _write(request, id=request.params["id"])


@SERVICE.page("GET", path="/alerts/desk/{id}")
async def sheet(request: FaceRequest) -> View:
    """One alert: what goes out on each channel, how many it reaches, what came of it."""
    return await _sheet(request, ())


@SERVICE.page("POST", path="/alerts/desk/{id}", rate="write")
async def act(request: FaceRequest) -> View:
    form, id = await request.form(), request.params["id"]
    do = form.get("do")
    try:
        if do not in ACTS:
            raise Invalid.at("do", ", ".join(ACTS))
        await request.call(f"alerts.{do}", _asked(request, form, do, id))
    except Denied:
        raise
    except Problem as problem:
        return await _sheet(request, _words(problem), status=problem.status)
    return View("", {}, redirect=f"/alerts/desk/{id}", headers=PRIVATE)


def _asked(request: FaceRequest, form: FormData, do: str, id: str) -> dict[str, Any]:
    if do == "retry":
        return {"id": id, "channel": form.get("channel")}
    asked: dict[str, Any] = {"id": id, "key": form.get("key")}
    if do == "release":
        if form.get("sure") != "yes":
            raise Invalid.at("sure", MESSAGES.text("alerts.form.sure", request.lang))
        asked["digest"] = form.get("digest")
    if do == "cancel":
        words = {lang: {"headline": form.get(f"headline_{lang}").strip()} for lang in LANGUAGES}
        asked["words"] = {lang: said for lang, said in words.items() if said["headline"]}
    return asked


async def _write(request: FaceRequest, *, id: str) -> View:
    form = await request.form()
    officer(request.caller, AUTHOR)
    given: dict[str, Any] = {name: form.get(name).strip() for name in BOXES}
    given["channels"] = [value for name, value in form.fields if name == "channels"]
    if form.get("do") == "template":
        kind = kinds().get(given["event"], next(iter(kinds().values())))
        begun = forms.begun(kind, given["areas"], request.now)
        return _form(request, {**given, **begun}, (), id=id)
    try:
        content = forms.content_of(given, request.lang)
        asked: dict[str, Any] = {"key": form.get("key"), "content": content}
        done = await request.call("alerts.edit" if id else "alerts.draft", asked | ({"id": id} if id else {}))
    except Problem as problem:
        return _form(request, given, _words(problem), id=id, status=problem.status, key=form.get("key"))
    return View("", {}, redirect=f"/alerts/desk/{done.id}", headers=PRIVATE)


def _form(
    request: FaceRequest,
    given: dict[str, Any],
    wrong: tuple[FieldError, ...],
    *,
    id: str,
    status: int = 200,
    key: str = "",
) -> View:
    title = (EDIT if id else NEW)[request.lang]
    values = {
        "given": dict.fromkeys(BOXES, "") | {"channels": []} | given,
        "errors": wrong,
        "id": id,
        "key": key or token_hex(16),
        "kind_pairs": _kinds(request),
        "choices": forms.CHOICES,
        **map_assets(),
        "crumbs": _crumbs(request, title),
    }
    return View("alerts/form.html", values, title=title, status=status, headers=PRIVATE)


async def _sheet(request: FaceRequest, wrong: tuple[FieldError, ...], *, status: int = 200) -> View:
    found: Sheet = await request.call("alerts.sheet", {"id": request.params["id"]})
    said = found.pending or found.out
    title = said.web.headline["zh-Hant"] if said else DESK[request.lang]
    roles = request.caller.roles
    values = {
        "found": found,
        "errors": wrong,
        "key": token_hex(16),
        "may_write": AUTHOR in roles,
        "may_release": RELEASER in roles,
        "is_author": request.caller.agency == (found.pending.web.agency if found.pending else ""),
        "styles": ("alerts.css",),
        "crumbs": _crumbs(request, title),
    }
    return View("alerts/sheet.html", values, title=title, status=status, headers=PRIVATE)


def _kinds(request: FaceRequest) -> list[tuple[str, str]]:
    return [(one.id, one.title[request.lang]) for one in kinds().values()]


def _words(problem: Problem) -> tuple[FieldError, ...]:
    """What did not stand; a rule's refusal belongs to no box."""
    return problem.fields or (FieldError("", f"{problem.title} {problem.remedy}"),)


def _crumbs(request: FaceRequest, title: str = "") -> tuple[dict[str, str], ...]:
    first = {"title": TITLE[request.lang], "path": "/alerts"}
    if not title:
        return (first, {"title": DESK[request.lang], "path": ""})
    return (first, {"title": DESK[request.lang], "path": "/alerts/desk"}, {"title": title, "path": ""})
