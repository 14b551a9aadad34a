"""The officer's page `/rationing/rounds/desk`: make a round, watch its figures, publish, close, or call it off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, get_args

from banyan.errors import FieldError, Invalid, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.planners import is_planner
from banyan.service.rationing.preorder.officers import FROM, Act, RoundsQuery
from banyan.service.rationing.preorder.pages import PRIVATE, ROUNDS, said
from banyan.service.rationing.preorder.words import TAIPEI
from banyan.service.rationing.service import SERVICE

DESK: Final = {"zh-Hant": "預購梯次管理", "en": "Make and run rounds"}
PATH: Final = "/rationing/rounds/desk"
MOMENTS: Final = ("opens", "closes", "pay_until", "reserve_until", "pickup_from", "pickup_until")
NUMBERS: Final = ("quantity", "capacity", "price", "fee")
TEXTS: Final = ("id", "title_zh", "title_en", "item", "mode", "forfeit", "renews")
HOUR_S: Final = 3_600
PHASES: Final[dict[Act, tuple[str, ...]]] = {
    "publish": ("draft",),
    "close": ("announced", "registering"),
    "cancel": ("announced", "registering", "drawing", "paying", "waiting", "pickup"),
}
"""Where a button makes sense; the operation decides again."""


@SERVICE.page("GET", path=PATH, title=DESK)
async def desk(request: FaceRequest) -> View:
    """The form, filled for a round that opens tomorrow; who plans nothing sees why there is none."""
    return await _desk(request, given=_usual(request.now))


@SERVICE.page("POST", path=PATH, rate="write")
async def work(request: FaceRequest) -> View:
    """Make a round, or take a step with one."""
    form = await request.form()
    do = form.get("do")
    given = {name: form.get(name).strip() for name in (*TEXTS, *NUMBERS, *MOMENTS, "reserve_hours", "outlets")}
    given["by_household"] = form.get("by_household")
    try:
        if do in FROM:
            await request.call("rationing.act_on_round", {"round": form.get("round"), "do": do})
        else:
            await request.call("rationing.make_round", _asked(request, given))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        wrong = tuple(_fix(request, one) for one in problem.fields) or (
            FieldError("", f"{problem.title} {problem.remedy}".strip()),
        )
        return await _desk(
            request, given=given if do not in FROM else _usual(request.now), wrong=wrong, status=problem.status
        )
    return View("", {}, redirect=PATH, headers=PRIVATE)


async def _desk(
    request: FaceRequest, *, given: dict[str, str], wrong: tuple[FieldError, ...] = (), status: int = 200
) -> View:
    title = DESK[request.lang]
    is_ours = is_planner(request.caller)
    values: dict[str, Any] = {
        "is_officer": is_ours,
        "agency": request.caller.agency,
        "given": given,
        "errors": wrong,
        "acts": {
            phase: [act for act in get_args(Act) if phase in PHASES[act]] for phase in PHASES["cancel"] + ("draft",)
        },
        "crumbs": ({"title": ROUNDS[request.lang], "path": "/rationing/rounds"}, {"title": title, "path": ""}),
    }
    if is_ours:
        values["drafts"] = await request.call("rationing.drafts", RoundsQuery())
        values["rounds"] = await request.call("rationing.rounds", RoundsQuery())
    return View("rationing/preorder_desk.html", values, title=title, status=status, headers=PRIVATE)


def _asked(request: FaceRequest, given: dict[str, str]) -> dict[str, Any]:
    """The form as the operation takes it. Raises Invalid naming each field that cannot be read."""
    wrong: list[FieldError] = []
    asked: dict[str, Any] = {name: given[name] for name in TEXTS if given[name]}
    for name in (*NUMBERS, "reserve_hours"):
        text = given[name]
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            wrong.append(FieldError(name, said(request, "fix_whole")))
        else:
            asked[name] = int(text)
    for name in MOMENTS:
        try:
            asked[name] = datetime.fromisoformat(given[name]).replace(tzinfo=TAIPEI).timestamp()
        except ValueError:
            wrong.append(FieldError(name, said(request, "fix_moment")))
    wrong += [
        FieldError(name, said(request, "fix_text"))
        for name in ("id", "title_zh", "title_en", "item", "outlets")
        if not given[name]
    ]
    if wrong:
        raise Invalid(said(request, "faults"), fields=wrong)
    asked["reserve_pay_s"] = asked.pop("reserve_hours") * HOUR_S
    asked["outlets"] = given["outlets"].split()
    asked["by_household"] = given["by_household"] == "true"
    return asked


def _fix(request: FaceRequest, error: FieldError) -> FieldError:
    """The field as the form calls it."""
    return FieldError("reserve_hours" if error.field == "reserve_pay_s" else error.field, error.fix)


def _usual(now: float) -> dict[str, str]:
    """What a round usually looks like: 2020's third, of a week."""
    first = datetime.fromtimestamp(now, TAIPEI).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    days = {"opens": 0, "closes": 3, "pay_until": 5, "reserve_until": 8, "pickup_from": 7, "pickup_until": 14}
    moments = {name: (first + timedelta(days=at)).strftime("%Y-%m-%dT%H:%M") for name, at in days.items()}
    usual = {
        "item": "mask-adult",
        "quantity": "9",
        "price": "45",
        "fee": "7",
        "reserve_hours": "24",
        "mode": "draw",
        "forfeit": "stock",
    }
    return dict.fromkeys((*TEXTS, *NUMBERS, "outlets", "by_household"), "") | usual | moments
