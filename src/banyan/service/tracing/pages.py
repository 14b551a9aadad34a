"""The pages `/tracing`, where anybody sees how this power is used, and `/tracing/desk`, where officers of two agencies
ask and release; without script."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from banyan.errors import Conflict, Denied, FieldError, Invalid, Limit, NotFound, Problem, Unavailable
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.tracing.curve import curve_of
from banyan.service.tracing.looking import MineQuery, Nothing
from banyan.service.tracing.map import HIGH, WIDE, dots, spots_ground, where
from banyan.service.tracing.presets import presets
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import MESSAGES

TITLE: Final = {"zh-Hant": "足跡比對的使用情形", "en": "How tracing is used"}
DESK: Final = {"zh-Hant": "足跡比對作業", "en": "Trace desk"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
BOXES: Final = ("cases", "preset", "start", "end", "lon", "lat", "radius", "reason")
KINDS: Final = ("no-order", "no-staff", "suspended", "same-agency", "too-few", "dropped")


@SERVICE.page("GET", path="/tracing", title=TITLE)
async def public(request: FaceRequest) -> View:
    """The order, its end, and counts of use; and to who has signed in, why she was told."""
    title = TITLE[request.lang]
    own: Any = None
    if request.caller.kind == "citizen" and request.caller.subject:
        own = await request.call("tracing.mine", MineQuery())
    values = {
        "standing": await request.call("tracing.standing", Nothing()),
        "presets": presets(),
        "curve": curve_of(request.lang),
        "own": own.meetings if own is not None else None,
        "seconds": seconds,
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("tracing/public.html", values, title=title, headers=PRIVATE if own is not None else ())


@SERVICE.page("GET", path="/tracing/desk", title=DESK)
async def desk(request: FaceRequest) -> View:
    """The order with its end, the question, and what was asked before."""
    return await _desk_view(request)


@SERVICE.page("POST", path="/tracing/desk", rate="query", time_s=120.0)
async def act(request: FaceRequest) -> View:
    """Ask, or release what another agency asked; the answer stands above the forms."""
    form = await request.form()
    given = {name: form.get(name).strip() for name in BOXES}
    try:
        if form.get("do") == "release":
            answer = await request.call("tracing.release", {"id": form.get("id")})
            return await _desk_view(request, released=answer)
        wrong = _wrong(request, given)
        if wrong:
            return await _desk_view(request, given=given, wrong=wrong, status=422)
        answer = await request.call("tracing.ask", _asked(given))
    except Invalid as problem:
        names = [one.field for one in problem.fields if one.field in BOXES] or ["cases"]
        wrong = tuple(FieldError(name, _said(request, f"fix_{name}")) for name in names)
        return await _desk_view(request, given=given, wrong=wrong, status=422)
    except (Denied, NotFound, Conflict, Limit, Unavailable) as problem:
        return await _desk_view(request, given=given, words=words_of(request, problem), status=problem.status)
    return await _desk_view(request, counted=answer)


def _wrong(request: FaceRequest, given: dict[str, str]) -> tuple[FieldError, ...]:
    found = []
    for name in ("start", "end"):
        try:
            datetime.fromisoformat(given[name])
        except ValueError:
            found.append(name)
    if bool(given["cases"]) == bool(given["lon"] or given["lat"]):
        found.append("cases")
    if given["lon"] or given["lat"]:
        for name in ("lon", "lat", "radius"):
            try:
                float(given[name])
            except ValueError:
                found.append(name)
    if len(given["reason"]) < 2:
        found.append("reason")
    return tuple(FieldError(name, _said(request, f"fix_{name}")) for name in found)


def _asked(given: dict[str, str]) -> dict[str, Any]:
    """The form as the operation takes it; times are Taiwan's."""
    start, end = (f"{given[name]}:00+08:00" for name in ("start", "end"))
    asked: dict[str, Any] = {"start": start, "end": end, "reason": given["reason"], "preset": given["preset"] or "jmir"}
    if given["cases"]:
        return {**asked, "cases": tuple(given["cases"].replace(",", " ").replace("、", " ").split())}
    place = {"lon": float(given["lon"]), "lat": float(given["lat"]), "radius_m": float(given["radius"])}
    return {**asked, "dock": {**place, "start": start, "end": end}}


async def _desk_view(
    request: FaceRequest,
    *,
    counted: Any = None,
    released: Any = None,
    given: dict[str, str] | None = None,
    words: str = "",
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    title = DESK[request.lang]
    is_officer = request.caller.kind == "officer"
    listed: Any = ()
    closed = ""
    if is_officer:
        try:
            listed = await request.call("tracing.requests", Nothing())
        except Denied as problem:
            closed = words_of(request, problem)
    shown = counted or (released.request if released is not None else None) or (listed[0].request if listed else None)
    values = {
        "is_officer": is_officer,
        "closed": closed,
        "standing": await request.call("tracing.standing", Nothing()),
        "presets": presets(),
        "counted": counted,
        "released": released,
        "shown": shown,
        "dots": dots(shown.spots) if shown is not None else (),
        "ground": spots_ground(shown.spots) if shown is not None else None,
        "places": where([(one.lon, one.lat) for one in shown.spots], request.lang) if shown is not None else (),
        "wide": WIDE,
        "high": HIGH,
        "listed": listed,
        "agency": request.caller.agency,
        "given": given or {},
        "words": words,
        "errors": wrong,
        "seconds": seconds,
        "crumbs": ({"title": TITLE[request.lang], "path": "/tracing"}, {"title": title, "path": ""}),
    }
    return View("tracing/desk.html", values, title=title, status=status, headers=PRIVATE)


def seconds(moment: str) -> float:
    """Of RFC 3339."""
    return datetime.fromisoformat(moment).timestamp()


def words_of(request: FaceRequest, problem: Problem) -> str:
    """What stands in the way, in the reader's language: a kind of ours, else the problem's own words."""
    if problem.kind in KINDS:
        key = f"tracing.{problem.kind.replace('-', '_')}"
        return f"{MESSAGES.text(key, request.lang)} {MESSAGES.text(f'{key}_remedy', request.lang)}"
    decision = getattr(problem, "decision", None)
    if decision is not None:
        return f"{decision.explanation[request.lang]} {decision.remedy[request.lang]}"
    return f"{problem.title} {problem.remedy}"


def _said(request: FaceRequest, key: str) -> str:
    return MESSAGES.text(f"tracing.{key}", request.lang)
