"""The pages `/casualties`, where anybody asks, `/casualties/press` with the counts, and `/casualties/report`, where
hospitals say; without script. What needs a sign-in is in `inside.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from banyan.errors import FieldError, Invalid, Limit, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.limits_casualties import CASUALTY_DAYS
from banyan.service.casualties.asking import Masked
from banyan.service.casualties.counting import Nothing
from banyan.service.casualties.filing import Filed
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.sheet import FIVE
from banyan.service.casualties.shelf import MESSAGES

TITLE: Final = {"zh-Hant": "傷病患查詢", "en": "Casualty look-up"}
PRESS: Final = {"zh-Hant": "傷病患統計", "en": "Counts of casualties"}
REPORT: Final = {"zh-Hant": "醫院通報", "en": "Hospitals report"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
BOXES: Final = (*FIVE, "ward", "phone", "towards")


@SERVICE.page("GET", path="/casualties", title=TITLE)
async def page(request: FaceRequest) -> View:
    """The question, and the counts for the press."""
    return await _look_up_view(request)


@SERVICE.page("POST", path="/casualties", rate="login")
async def ask(request: FaceRequest) -> View:
    """The answer stands on the page and in no address."""
    form = await request.form()
    given = {"name": form.get("name").strip(), "secret": form.get("secret").strip()}
    wrong = tuple(FieldError(name, _said(request, f"missing_{name}")) for name, text in given.items() if not text)
    if wrong:
        return await _look_up_view(request, given=given["name"], wrong=wrong, status=422)
    try:
        found = await request.call("casualties.look_up", given)
    except Invalid:
        long = (FieldError("name", _said(request, "long")),)
        return await _look_up_view(request, given="", wrong=long, status=422)
    except (NotFound, Limit) as problem:
        why = "often" if isinstance(problem, Limit) else "unknown"
        return await _look_up_view(request, given=given["name"], why=why, status=problem.status)
    return await _look_up_view(request, found=found)


@SERVICE.page("GET", path="/casualties/press", title=PRESS)
async def press(request: FaceRequest) -> View:
    """The counts, small groups left out, and how many records ended."""
    title = PRESS[request.lang]
    values = {
        "table": await request.call("casualties.counts", Nothing()),
        "days": CASUALTY_DAYS,
        **await incident(request),
        "crumbs": ({"title": TITLE[request.lang], "path": "/casualties"}, {"title": title, "path": ""}),
    }
    return View("casualties/press.html", values, title=title)


@SERVICE.page("GET", path="/casualties/report", title=REPORT)
async def form(request: FaceRequest) -> View:
    """The five fields, and a box to paste a sheet into."""
    return await _report_view(request)


@SERVICE.page("POST", path="/casualties/report", rate="write")
async def file(request: FaceRequest) -> View:
    """One person, or a sheet. Raises Denied for who is no hospital's officer."""
    form = await request.form()
    text = form.get("text")
    given = {name: form.get(name).strip() for name in BOXES}
    try:
        if form.get("do") == "paste":
            if not text.strip():
                raise Invalid.at("text", _said(request, "missing_text"))
            filed = await request.call("casualties.paste", {"text": text})
        else:
            if not given["name"]:
                raise Invalid.at("name", _said(request, "fix_name"))
            filed = await request.call("casualties.report", {"persons": [given]})
    except (Invalid, Limit) as problem:
        return await _report_view(request, given=given, text=text, wrong=_words(request, problem), status=422)
    return await _report_view(request, filed=filed)


async def _look_up_view(
    request: FaceRequest,
    *,
    found: Masked | None = None,
    given: str = "",
    why: str = "",
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    title = TITLE[request.lang]
    values = {
        "found": found,
        "given": given,
        "why": why,
        "errors": wrong,
        **await incident(request),
        "is_staff": request.caller.kind == "officer",
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("casualties/look_up.html", values, title=title, status=status, headers=PRIVATE)


async def _report_view(
    request: FaceRequest,
    *,
    filed: Filed | None = None,
    given: dict[str, str] | None = None,
    text: str = "",
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    title = REPORT[request.lang]
    caller = request.caller
    values = {
        "may_report": "hospital" in caller.roles,
        "hospital": caller.agency,
        "filed": filed,
        "given": given or {},
        "text": text,
        "errors": wrong,
        **await incident(request),
        "crumbs": ({"title": TITLE[request.lang], "path": "/casualties"}, {"title": title, "path": ""}),
    }
    return View("casualties/report.html", values, title=title, status=status, headers=PRIVATE)


async def incident(request: FaceRequest) -> dict[str, Any]:
    """What every page of the register says: which incident, and whether it is a drill; and how it reads a moment."""
    return {"incident": await request.call("casualties.incident", Nothing()), "seconds": seconds}


def seconds(moment: str) -> float:
    """Of RFC 3339."""
    return datetime.fromisoformat(moment).timestamp()


def _words(request: FaceRequest, problem: Problem) -> tuple[FieldError, ...]:
    """What did not stand, in the reader's language."""
    return tuple(
        FieldError(one.field, _said(request, f"fix_{one.field}") if one.field in BOXES else one.fix)
        for one in problem.fields
    ) or (FieldError("text", _said(request, "long_text")),)


def _said(request: FaceRequest, key: str) -> str:
    return MESSAGES.text(f"casualties.{key}", request.lang)
