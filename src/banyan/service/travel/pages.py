"""The pages: `/travel` with the order, counts of use and the look-up for clinics without a record system of their own;
the rules; TOCC; a person's own; immigration's contests. All work without script, by keyboard alone.

A number is posted and stands in no address; a card reader that types it and presses Enter asks at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from banyan.errors import Conflict, Denied, FieldError, Invalid, Limit, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.travel.border import measures
from banyan.service.travel.citing import sources
from banyan.service.travel.contesting import Nothing
from banyan.service.travel.erring import curve_of
from banyan.service.travel.rules import day_of
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import MESSAGES
from banyan.service.travel.tocc import PARTS, TITLES

TITLE: Final = {"zh-Hant": "旅遊史註記", "en": "Travel flags"}
RULES: Final = {"zh-Hant": "旅遊史規則", "en": "Travel rules"}
TOCC: Final = {"zh-Hant": "TOCC 詢問", "en": "Asking for TOCC"}
MINE: Final = {"zh-Hant": "我的旅遊史註記", "en": "My travel flag"}
CONTESTS: Final = {"zh-Hant": "旅遊史申訴", "en": "Contested travel flags"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
WHOM: Final = ("kind", "state", "person")
ANSWERS: Final = (*PARTS, *(f"{one}_words" for one in PARTS))
BLANK: Final = dict.fromkeys((*WHOM, "reason", "visit", "fever", *ANSWERS, "rule", "words", "id", "do"), "")
"""Every box of these pages, empty."""


@SERVICE.page("GET", path="/travel", title=TITLE)
async def page(request: FaceRequest) -> View:
    return await _front(request)


@SERVICE.page("POST", path="/travel", rate="query")
async def look_up(request: FaceRequest) -> View:
    """The answer stands on the page; the reason stays in its box for the next patient."""
    form = await request.form()
    given = {name: form.get(name).strip() for name in (*WHOM, "reason")}
    wrong = [*_whom_wrong(request, given), *([] if given["reason"] else [_field(request, "reason")])]
    if wrong:
        return await _front(request, _amiss(given, *wrong))
    try:
        found = await request.call("travel.flag", {"person": document(given), "reason": given["reason"]})
    except Invalid:
        return await _front(request, _amiss(given, _field(request, "person")))
    except (Denied, Limit) as problem:
        return await _front(request, _refused(request, problem, given))
    marks = found.marks if found.marks is not UNSET else ()
    return await _front(request, Tried({**given, "person": ""}), found=found, marks=marks)


@SERVICE.page("GET", path="/travel/rules", title=RULES)
async def rules(request: FaceRequest) -> View:
    """Every rule, those that speak today first."""
    known = await request.call("travel.rules", {})
    today = day_of(request.now)
    alive = [one for one in known if one.rule.speaks(today)]
    values = {
        "alive": alive,
        "others": [one for one in reversed(known) if one not in alive],
        "border": measures(),
        "sources": sources,
        "crumbs": _crumbs(request, RULES),
    }
    return View("travel/rules.html", values, title=RULES[request.lang])


@SERVICE.page("GET", path="/travel/tocc", title=TOCC)
async def tocc(request: FaceRequest) -> View:
    return _tocc_view(request)


@SERVICE.page("POST", path="/travel/tocc", rate="write")
async def keep_tocc(request: FaceRequest) -> View:
    form = await request.form()
    given = {name: form.get(name).strip() for name in (*WHOM, "visit", "fever", *ANSWERS)}
    wrong = _whom_wrong(request, given)
    wrong += [_field(request, part, "answer") for part in PARTS if given[part] not in ("yes", "no")]
    if not given["visit"]:
        wrong.append(_field(request, "visit"))
    if wrong:
        return _tocc_view(request, _amiss(given, *wrong))
    said: dict[str, Any] = {
        part: {"is_yes": given[part] == "yes", "words": given[f"{part}_words"] if given[part] == "yes" else ""}
        for part in PARTS
    }
    asked = {"person": document(given), "visit": given["visit"], "has_fever": given["fever"] == "true", **said}
    try:
        kept = await request.call("travel.tocc", asked)
    except Invalid as problem:
        named = [one.field.partition(".")[0] for one in problem.fields] or [_blamed(problem)]
        wrong = [_field(request, one, "long" if one in PARTS else "") for one in named]
        return _tocc_view(request, _amiss(given, *wrong))
    except (Denied, Conflict) as problem:
        return _tocc_view(request, _refused(request, problem, given))
    return _tocc_view(request, kept=kept)


@SERVICE.page("GET", path="/travel/mine", title=MINE)
async def mine(request: FaceRequest) -> View:
    return await _mine_view(request)


@SERVICE.page("POST", path="/travel/mine", rate="write")
async def contest(request: FaceRequest) -> View:
    form = await request.form()
    given = {name: form.get(name).strip() for name in ("rule", "words")}
    if not 2 <= len(given["words"]) <= 500:
        return await _mine_view(request, _amiss(given, _field(request, "words")))
    try:
        await request.call("travel.contest", given)
    except (NotFound, Conflict, Limit) as problem:
        return await _mine_view(request, _refused(request, problem, given))
    return await _mine_view(request, Tried(is_done=True))


@SERVICE.page("GET", path="/travel/contests", title=CONTESTS)
async def contests(request: FaceRequest) -> View:
    return await _contests_view(request)


@SERVICE.page("POST", path="/travel/contests", rate="write")
async def decide(request: FaceRequest) -> View:
    form = await request.form()
    given = {name: form.get(name).strip() for name in ("id", "reason", "do")}
    if not 2 <= len(given["reason"]) <= 500 or given["do"] not in ("withdraw", "uphold"):
        return await _contests_view(request, _amiss(given, _field(request, "words")))
    asked = {"id": given["id"], "is_wrong": given["do"] == "withdraw", "reason": given["reason"]}
    try:
        await request.call("travel.decide", asked)
    except (NotFound, Invalid) as problem:
        return await _contests_view(request, _refused(request, problem))
    return await _contests_view(request, Tried(is_done=True))


def document(given: dict[str, str]) -> str:
    """As the register names it, of what was typed."""
    number = given["person"].replace(" ", "").upper()
    return f"P:{given['state'].upper()}:{number}" if given["kind"] == "passport" else number


class Tried(msgspec.Struct, frozen=True):
    """What became of a form: what was typed, what is wrong with it or why it was refused, or that it is done."""

    given: dict[str, str] = {}
    wrong: tuple[FieldError, ...] = ()
    why: str = ""
    is_done: bool = False
    status: int = 200


UNTRIED: Final = Tried()


def _amiss(given: dict[str, str], *wrong: FieldError) -> Tried:
    return Tried(given, wrong, status=422)


def _refused(request: FaceRequest, problem: Problem, given: dict[str, str] | None = None) -> Tried:
    return Tried(given or {}, why=_said_of(request, problem), status=problem.status)


async def _front(request: FaceRequest, tried: Tried = UNTRIED, *, found: Any = None, marks: Any = ()) -> View:
    caller = request.caller
    lengths = sorted({one.rule.days for one in await request.call("travel.rules", {})})
    values = {
        "curve": curve_of(request.lang, tuple(lengths)),
        "standing": await request.call("travel.standing", Nothing()),
        "stops": await request.call("travel.stops", Nothing()) if caller.kind == "officer" else (),
        "may_ask": "hospital" in caller.roles,
        "is_officer": caller.kind == "officer",
        "found": found,
        "marks": marks,
    }
    return _view(request, "front", TITLE, tried, values)


def _tocc_view(request: FaceRequest, tried: Tried = UNTRIED, *, kept: Any = None) -> View:
    values = {"may_ask": "hospital" in request.caller.roles, "parts": PARTS, "kept": kept}
    return _view(request, "tocc", TOCC, tried, values)


async def _mine_view(request: FaceRequest, tried: Tried = UNTRIED) -> View:
    is_person = request.caller.kind in ("citizen", "representative") and bool(request.caller.subject)
    own = await request.call("travel.mine", Nothing()) if is_person else None
    return _view(request, "mine", MINE, tried, {"own": own})


async def _contests_view(request: FaceRequest, tried: Tried = UNTRIED) -> View:
    found: Any = ()
    is_theirs = request.caller.kind == "officer"
    if is_theirs:
        try:
            found = await request.call("travel.contests", Nothing())
        except Denied as problem:
            is_theirs = False
            tried = msgspec.structs.replace(tried, why=_said_of(request, problem), status=problem.status)
    return _view(request, "contests", CONTESTS, tried, {"is_theirs": is_theirs, "contests": found})


def _view(request: FaceRequest, name: str, title: dict[str, str], tried: Tried, values: dict[str, Any]) -> View:
    shown = {
        "seconds": seconds,
        "given": {**BLANK, **tried.given},
        "errors": tried.wrong,
        "why": tried.why,
        "is_done": tried.is_done,
        "crumbs": _crumbs(request, None if title is TITLE else title),
        **values,
    }
    return View(f"travel/{name}.html", shown, title=title[request.lang], status=tried.status, headers=PRIVATE)


def seconds(moment: str) -> float:
    """Of RFC 3339."""
    return datetime.fromisoformat(moment).timestamp()


def _whom_wrong(request: FaceRequest, given: dict[str, str]) -> list[FieldError]:
    wrong = [] if given["person"] else [_field(request, "person")]
    if given["kind"] == "passport" and (len(given["state"]) != 3 or not given["state"].isalpha()):
        wrong.append(_field(request, "state"))
    return wrong


def _field(request: FaceRequest, name: str, why: str = "") -> FieldError:
    known = name if name in ("person", "reason", "state", "visit", "words") else why or "answer"
    said = MESSAGES.text(f"travel.fix_{known}", request.lang)
    title = TITLES[name] if name in PARTS else ""  # four links of one name would lead to four places
    return FieldError(name, f"{title}: {said}" if title else said)


def _blamed(problem: Problem) -> str:
    """Which field a refused request speaks of: the path that the decoder names, else the number."""
    named = [one for one in ("visit", *PARTS) if f"$.{one}" in problem.title]
    return named[0] if named else "person"


def _said_of(request: FaceRequest, problem: Problem) -> str:
    """What was refused and what to do; a decision of the policy in the reader's language."""
    decision = getattr(problem, "decision", None)
    if decision is not None:
        return f"{decision.explanation[request.lang]} {decision.remedy[request.lang]}"
    return f"{problem.title} {problem.remedy}"


def _crumbs(request: FaceRequest, last: dict[str, str] | None = None) -> tuple[dict[str, str], ...]:
    if last is None:
        return ({"title": TITLE[request.lang], "path": ""},)
    return ({"title": TITLE[request.lang], "path": "/travel"}, {"title": last[request.lang], "path": ""})
