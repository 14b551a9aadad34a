"""The pages for who has signed in: `/casualties/family`, and `/casualties/staff` for officers; without script.

A name, a number and a record's id are posted and stand on the page that answers; no address holds one.
"""

from __future__ import annotations

from typing import Any, Final

from banyan.errors import Conflict, Denied, FieldError, Invalid, Limit, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.casualties.asking import RELATIONS
from banyan.service.casualties.counting import Nothing
from banyan.service.casualties.deciding import Proposal
from banyan.service.casualties.pages import PRIVATE, TITLE, incident
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.shelf import MESSAGES

FAMILY: Final = {"zh-Hant": "家屬查詢", "en": "Ask as family"}
STAFF: Final = {"zh-Hant": "承辦人員", "en": "For officers"}
ASKED: Final = ("person", "name", "relation")
SHOWN: Final = 5
"""Proposals on the page at once; each decision makes room for the next."""
FORMS: Final[dict[str, tuple[str, ...]]] = {
    "find": ("name",),
    "chain": ("id", "reason"),
    "record": ("person", "reason"),
    "merge": ("one", "other", "reason"),
    "apart": ("one", "other", "reason"),
    "split": ("one", "hospital", "reason"),
    "protect": ("person", "id", "reason"),
    "show": ("person", "id", "reason"),
}
"""The staff's forms and what each sends; `protect` and `show` are one operation."""


@SERVICE.page("GET", path="/casualties/family", title=FAMILY)
async def family(request: FaceRequest) -> View:
    """Oneself and whom one acts for, and the question about somebody else of the family."""
    return await _family_view(request)


@SERVICE.page("POST", path="/casualties/family", rate="login")
async def ask_family(request: FaceRequest) -> View:
    """The gate weighs the question and writes it into the patient's list. Raises Denied for who has not signed in."""
    form = await request.form()
    given = {name: form.get(name).strip() for name in ASKED}
    wrong = tuple(FieldError(name, _said(request, f"family_{name}")) for name in ASKED if not given[name])
    if wrong:
        return await _family_view(request, given=given, wrong=wrong, status=422)
    try:
        found = await request.call("casualties.for_family", given)
    except Invalid as problem:
        fields = problem.fields or (FieldError("person", ""),)
        wrong = tuple(FieldError(one.field, _said(request, f"family_{one.field}")) for one in fields)
        return await _family_view(request, given=given, wrong=wrong, status=422)
    except NotFound:
        return await _family_view(request, given=given, why="unknown", status=404)
    except Denied as problem:
        return await _family_view(request, given=given, why="denied", words=_words(request, problem), status=403)
    return await _family_view(request, found=found)


@SERVICE.page("GET", path="/casualties/staff", title=STAFF)
async def staff(request: FaceRequest) -> View:
    """The search, the doubles that are proposed, and what was decided: under an order in force."""
    return await _staff_view(request)


@SERVICE.page("POST", path="/casualties/staff", rate="query")
async def act(request: FaceRequest) -> View:
    """One of the staff's forms; its answer stands above them."""
    form = await request.form()
    do = form.get("do")
    if do not in FORMS:
        return await _staff_view(request, status=422)
    operation = "protect" if do in ("protect", "show") else do
    given: dict[str, Any] = {name: (form.get(f"{operation}-{name}") or form.get(name)).strip() for name in FORMS[do]}
    asked = {**given, "is_protected": do == "protect"} if operation == "protect" else given
    try:
        answer = await request.call(f"casualties.{operation}", asked)
    except Invalid as problem:
        names = [one.field for one in problem.fields] or ["reason"]
        wrong = tuple(FieldError(f"{operation}-{name}", _said(request, f"staff_{name}")) for name in names)
        return await _staff_view(request, do=do, given=given, wrong=wrong, status=422)
    except (Denied, NotFound, Conflict, Limit) as problem:
        return await _staff_view(request, do=do, given=given, words=_words(request, problem), status=problem.status)
    return await _staff_view(request, do=do, given=given, answer=answer)


async def _family_view(
    request: FaceRequest,
    *,
    found: object = None,
    given: dict[str, str] | None = None,
    why: str = "",
    words: str = "",
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    title = FAMILY[request.lang]
    caller = request.caller
    own = None
    if caller.kind in ("citizen", "representative") and caller.subject:
        try:
            own = await request.call("casualties.mine", Nothing())
        except NotFound:
            own = None
    values = {
        "is_known": caller.kind in ("citizen", "representative"),
        "is_acting": caller.kind == "representative",
        "may_ask": caller.kind == "citizen",
        "own": own,
        "found": found,
        "given": given or {},
        "why": why,
        "words": words,
        "errors": wrong,
        "relations": [(one, MESSAGES.text(f"casualties.relation_{one}", request.lang)) for one in RELATIONS],
        **await incident(request),
        "crumbs": ({"title": TITLE[request.lang], "path": "/casualties"}, {"title": title, "path": ""}),
    }
    return View("casualties/family.html", values, title=title, status=status, headers=PRIVATE)


async def _staff_view(
    request: FaceRequest,
    *,
    do: str = "",
    given: dict[str, Any] | None = None,
    answer: object = None,
    words: str = "",
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    title = STAFF[request.lang]
    is_officer = request.caller.kind == "officer"
    proposals: tuple[Proposal, ...] = ()
    decided: object = ()
    closed = ""
    if is_officer:
        try:
            proposals = await request.call("casualties.proposals", Nothing())
            decided = await request.call("casualties.decisions", Nothing())
        except Denied as problem:
            closed = _words(request, problem)
    values = {
        "is_officer": is_officer,
        "closed": closed,
        "do": do if answer is not None else "",
        "answer": answer,
        "given": given or {},
        "words": words,
        "errors": wrong,
        "proposals": proposals[:SHOWN],
        "waiting": len(proposals) - SHOWN,
        "decided": decided,
        **await incident(request),
        "crumbs": ({"title": TITLE[request.lang], "path": "/casualties"}, {"title": title, "path": ""}),
    }
    return View("casualties/staff.html", values, title=title, status=status, headers=PRIVATE)


def _words(request: FaceRequest, problem: Problem) -> str:
    """What stands in the way, in the reader's language: a kind of ours, else the problem's own words."""
    key = f"casualties.{_KINDS.get(problem.kind, '')}"
    if problem.kind in _KINDS:
        return f"{MESSAGES.text(key, request.lang)} {MESSAGES.text(f'{key}_remedy', request.lang)}"
    return document(problem, request.lang)


_KINDS: Final = {"no-staff": "no_staff", "no-order": "no_order", "two-numbers": "two_numbers", "not-found": "no_record",
                 "one-number": "one_number", "one-hospital": "one_hospital"}  # fmt: skip


def document(problem: Problem, lang: str) -> str:
    """A refusal of the gate, as the gate says it."""
    decision = getattr(problem, "decision", None)
    if decision is not None:
        return f"{decision.explanation[lang]} {decision.remedy[lang]}"
    return f"{problem.title} {problem.remedy}"


def _said(request: FaceRequest, key: str) -> str:
    return MESSAGES.text(f"casualties.{key}", request.lang)
