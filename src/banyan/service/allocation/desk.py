"""The officers' side: compare the methods, propose, adjust with a reason, approve or withdraw. Plain forms."""

from __future__ import annotations

from typing import Any, Final

from banyan.errors import Conflict, Denied, FieldError, Invalid, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, FormData, View
from banyan.service.allocation.model import METHODS
from banyan.service.allocation.pages import ASKED, CHANGED, PRIVATE, home_view, plan_view
from banyan.service.allocation.picture import methods_chart
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.wording import MESSAGES, both, is_officer

STANDS: Final = (Conflict, Invalid, NotFound)
"""What comes back with the form, in words."""


@SERVICE.page("POST", path="/allocation", rate="write", time_s=240.0)
async def ask(request: FaceRequest) -> View:
    """Compare, which keeps nothing, or propose."""
    form = await request.form()
    _admit(request)
    given = {name: form.get(name).strip() for name in ASKED}
    unfit = [name for name in ("day", "supply") if _is_unfit(given, name)]
    wrong = tuple(FieldError(name, _said(request, f"fix_{name}")) for name in unfit)
    if wrong:
        return await home_view(request, given=given, wrong=wrong, status=422)
    asked = {"item": given["item"], "day": given["day"], "supply": int(given["supply"])}
    try:
        if form.get("do") == "compare":
            methods = [one for one in METHODS if one != "solved" or given["method"] == "solved"]
            found = await request.call("allocation.compare", asked | {"methods": methods})
            return await home_view(request, given=given, compared=_compared(request, found))
        made = await request.call("allocation.propose", asked | {"method": given["method"] or METHODS[0]})
    except STANDS as problem:
        return await home_view(request, given=given, wrong=_words(problem), status=problem.status)
    return View("", {}, redirect=f"/allocation/plans/{made.id}", headers=PRIVATE)


@SERVICE.page("POST", path="/allocation/plans/{id}", rate="write")
async def act(request: FaceRequest) -> View:
    """Adjust, approve or withdraw. Approving asks for a tick: boxes go out by it."""
    form, id = await request.form(), request.params["id"]
    _admit(request)
    given = {name: form.get(name).strip() for name in CHANGED}
    try:
        await _act(request, form, id, given)
    except (*STANDS, Denied) as problem:
        return await plan_view(request, id, given=given, wrong=_words(problem), status=problem.status)
    return View("", {}, redirect=f"/allocation/plans/{id}", headers=PRIVATE)


async def _act(request: FaceRequest, form: FormData, id: str, given: dict[str, str]) -> None:
    match form.get("do"):
        case "adjust":
            missing = [FieldError(name, _said(request, f"fix_{name}")) for name in ("code", "words") if not given[name]]
            if not _is_number(given["boxes"]):
                missing.append(FieldError("boxes", _said(request, "fix_boxes")))
            if missing:
                raise Invalid(missing[0].fix, fields=missing)
            await request.call("allocation.adjust", {"id": id, **given, "boxes": int(given["boxes"])})
        case "approve":
            if form.get("sure") != "yes":
                raise Invalid.at("sure", _said(request, "fix_sure"))
            await request.call("allocation.approve", {"id": id})
        case "withdraw":
            await request.call("allocation.withdraw", {"id": id})
        case _:
            raise Invalid.at("do", "adjust, approve or withdraw")


def _compared(request: FaceRequest, found: tuple[Any, ...]) -> dict[str, Any]:
    """The methods' figures, with the bars."""
    labels = [MESSAGES.text(f"allocation.method.{one.method}", request.lang) for one in found]
    return {"rows": found, "chart": methods_chart(labels, [one.sold for one in found], request.lang)}


def _admit(request: FaceRequest) -> None:
    """Raises Denied before anything is shown; the operations judge again."""
    if not is_officer(request.caller):
        raise Denied(both("officers_only"), remedy=both("officers_only_remedy"))


def _is_unfit(given: dict[str, str], name: str) -> bool:
    return not given[name] or (name == "supply" and not (_is_number(given[name]) and int(given[name])))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9


def _words(problem: Problem) -> tuple[FieldError, ...]:
    """What did not stand, field by field; a rule's refusal belongs to no field."""
    return problem.fields or (FieldError("", f"{problem.title} {problem.remedy}"),)


def _said(request: FaceRequest, key: str) -> str:
    return MESSAGES.text(f"allocation.{key}", request.lang)
