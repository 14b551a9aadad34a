"""The pages for everybody: `/fence` with the order, its end, the counts and every figure; and a person's own
`/fence/mine`. Without script; no address holds a name or a number."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from banyan.craft.place import outlines
from banyan.craft.place.outline import HEIGHT, WIDTH
from banyan.errors import Conflict, Denied, FieldError, Invalid, Limit, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.fence.curve import curve_of
from banyan.service.fence.looking import Nothing
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import MESSAGES
from banyan.service.fence.standing import County

TITLE: Final = {"zh-Hant": "電子圍籬", "en": "Electronic fence"}
MINE: Final = {"zh-Hant": "我的居家檢疫", "en": "My quarantine"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
NOTHING: Final = Nothing()
KINDS: Final = frozenset({"no-order", "no-staff", "suspended", "no-area", "out-of-area", "closed", "claimed",
                          "not-yours", "answered", "code-often", "no-phone", "appeals",
                          "no-office", "decided", "no-chat", "own-chat"})  # fmt: skip
WORDS: Final = {
    "closed": "act_closed",
    "claimed": "act_claimed",
    "not-yours": "act_not-yours",
    "answered": "act_answered",
}
SHADES: Final = 5
OWN: Final = ("home", "away", "verify", "link", "unlink", "appeal")


class Shape(msgspec.Struct, frozen=True):
    """A county of the map: its value is None where it is hidden or nothing."""

    name: str
    path: str
    people: int | None
    alarms: int | None
    shade: int


@SERVICE.page("GET", path="/fence", title=TITLE)
async def front(request: FaceRequest) -> View:
    """What everybody may know, whether the fence runs or not."""
    standing = await request.call("fence.standing", NOTHING)
    counties: tuple[County, ...] = ()
    venues: object = ()
    if standing.order:
        counties = await request.call("fence.counties", NOTHING)
        venues = await request.call("fence.venues", NOTHING)
    terms = await request.call("fence.terms", NOTHING)
    values = {
        **common(request),
        "standing": standing,
        "counties": counties,
        "map": county_map(counties, request.lang),
        "width": WIDTH,
        "height": HEIGHT,
        "venues": venues,
        "statistics": await request.call("fence.statistics", NOTHING),
        "terms": terms,
        "figures": figures_of(terms.now),
        "rule": figures_of(terms.rule),
        "curve": curve_of(request.lang),
        "duties": (await request.call("fence.duties", NOTHING)).duties,
        "crumbs": ({"title": TITLE[request.lang], "path": ""},),
    }
    return View("fence/front.html", values, title=TITLE[request.lang])


@SERVICE.page("GET", path="/fence/mine", title=MINE)
async def mine(request: FaceRequest) -> View:
    """Days left, the button, what was done with the phone, who looked, and when it ends."""
    return await _mine(request)


@SERVICE.page("POST", path="/fence/mine", rate="login")
async def act(request: FaceRequest) -> View:
    """One of her forms."""
    form = await request.form()
    do = form.get("do")
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "home": ("answer", {"is_home": True}),
        "away": ("answer", {"is_home": False}),
        "verify": ("verify_mine", {"code": form.get("code").strip()}),
        "link": ("link_chat", {}),
        "unlink": ("unlink_chat", {}),
        "appeal": ("appeal", {"words": form.get("words").strip(), "alarm": form.get("alarm")}),
    }
    if do not in OWN:
        return await _mine(request, status=422)
    operation, given = asked[do]
    try:
        answer = await request.call(f"fence.{operation}", given)
    except Invalid:
        field = "code" if do == "verify" else "words"
        return await _mine(request, wrong=(FieldError(field, said(request, f"fix_{field}")),), status=422)
    except (Denied, NotFound, Conflict, Limit) as problem:
        return await _mine(request, words=words_of(request, problem), status=problem.status)
    if do == "link":
        return await _mine(request, code=answer)
    return await _mine(request, done=do)


async def _mine(
    request: FaceRequest,
    *,
    done: str = "",
    words: str = "",
    code: Any = None,
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    caller, own, closed = request.caller, None, ""
    is_known = caller.kind in ("citizen", "representative")
    if is_known:
        try:
            own = await request.call("fence.mine", NOTHING)
        except Denied as problem:
            closed = words_of(request, problem)
        except NotFound:
            own = None
    title = MINE[request.lang]
    values = {
        **common(request), "appeal_days": (await request.call("fence.terms", NOTHING)).now.appeal_days,
        "is_known": is_known, "own": own, "closed": closed, "done": done, "words": words, "code": code,
        "errors": wrong, "crumbs": ({"title": TITLE[request.lang], "path": "/fence"}, {"title": title, "path": ""}),
    }  # fmt: skip
    return View("fence/mine.html", values, title=title, status=status, headers=PRIVATE)


def common(request: FaceRequest) -> dict[str, Any]:
    """How every page reads a moment, and what it calls what happened."""

    def happened(kind: str) -> str:
        return said(request, f"step_{kind}")

    return {"seconds": seconds, "happened": happened, "is_officer": request.caller.kind == "officer",
            "names": place_names(request.lang)}  # fmt: skip


def seconds(moment: str) -> float:
    """Of RFC 3339."""
    return datetime.fromisoformat(moment).timestamp()


def said(request: FaceRequest, key: str) -> str:
    return MESSAGES.text(f"fence.{key}", request.lang)


def words_of(request: FaceRequest, problem: Problem) -> str:
    """What stands in the way, in the reader's language."""
    if problem.kind in KINDS:
        key = WORDS.get(problem.kind, problem.kind.replace("-", "_"))
        return f"{said(request, key)} {said(request, f'{key}_remedy')}"
    decision = getattr(problem, "decision", None)
    if decision is not None:
        return f"{decision.explanation[request.lang]} {decision.remedy[request.lang]}"
    return said(request, "unknown") if isinstance(problem, NotFound) else f"{problem.title} {problem.remedy}"


def figures_of(values: msgspec.Struct) -> list[tuple[str, str]]:
    """The named figures of a set, as they are published."""
    found = []
    for name, value in msgspec.structs.asdict(values).items():
        shown = "、".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, int | float) else ""
        if shown:
            found.append((name, shown))
    return found


@lru_cache(maxsize=2)
def place_names(lang: str) -> dict[str, str]:
    """What counties and towns are called, by their code; empty when the outlines are not installed."""
    areas = (*outlines("counties"), *outlines("towns"))
    return {one.code: one.name if lang == "zh-Hant" else one.english for one in areas}


def county_map(counties: tuple[County, ...], lang: str) -> list[Shape]:
    """Counties with their numbers; empty when the outlines are not installed."""
    by_code = {one.code: one for one in counties}
    most = max((one.people or 0 for one in counties), default=0)
    found = []
    for shape in outlines("counties"):
        one = by_code.get(shape.code)
        people = one.people if one is not None else None
        shade = 1 + min(SHADES - 1, SHADES * people // (most + 1)) if people else 0
        name = shape.name if lang == "zh-Hant" else shape.english
        found.append(Shape(name, shape.path, people, one.alarms if one is not None else None, shade))
    return found
