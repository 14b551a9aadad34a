"""The duty console `/fence/duty`: worklist, calls, phones to prove, appeals, the map; one's timeline for a reason.

It works without script; with it, `fence-live.js` follows the feed and says that the list changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from banyan.craft.place.outline import HEIGHT, WIDTH
from banyan.errors import Conflict, Denied, FieldError, Invalid, Limit, NotFound
from banyan.kernel.catalogue import FaceRequest, View
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event
from banyan.service.fence import law, records
from banyan.service.fence.alarming import CHANGED
from banyan.service.fence.ladder import CAUSES
from banyan.service.fence.pages import NOTHING, PRIVATE, TITLE, common, county_map, said, words_of
from banyan.service.fence.service import SERVICE

DUTY: Final = {"zh-Hant": "圍籬值勤臺", "en": "Duty console"}
FORMS: Final[dict[str, tuple[str, ...]]] = {
    "claim": ("alarm",),
    "hand_over": ("alarm", "note"),
    "close": ("alarm", "cause", "note"),
    "hand_over_all": ("note",),
    "open_case": ("case", "reason"),
    "look_up": ("person", "reason"),
    "note_call": ("case", "result", "note"),
    "send_code": ("case",),
    "verify": ("case", "code"),
    "note_trouble": ("case", "trouble"),
    "handled": ("entry",),
    "decide": ("id", "outcome", "reason"),
    "register": ("person", "name", "phone", "address", "village", "start", "ground", "reason"),
    "import_list": ("text", "reason"),
    "carry": ("desk", "phone"),
    "transfer": ("person", "to", "reason"),
}
"""The console's forms and what each sends."""
TROUBLES: Final = ("wrong-number", "no-phone", "no-sim")
LISTS: Final = ("worklist", "call_list", "enrolments", "appeals", "counties", "on_call")
FIRST: Final = 5
"""Cards of a list shown at once: who did the first sees the next."""
RESULTS: Final = ("home", "missed", "away", "unwell")


@SERVICE.page("GET", path="/fence/duty", title=DUTY)
async def console(request: FaceRequest) -> View:
    """The lists of the caller's areas, under an order in force."""
    return await _console(request)


@SERVICE.page("POST", path="/fence/duty", rate="query")
async def act(request: FaceRequest) -> View:
    """One of the forms; its answer stands above the lists."""
    form = await request.form()
    do = form.get("do")
    if do not in FORMS:
        return await _console(request, status=422)
    given: dict[str, Any] = {name: form.get(name).strip() for name in FORMS[do]}
    try:
        answer = await request.call(f"fence.{do}", given)
    except Invalid as problem:
        names = {one.field for one in problem.fields} & set(given) or {FORMS[do][-1]}
        wrong = tuple(FieldError(f"{do}-{name}", said(request, f"field_{name}")) for name in sorted(names))
        return await _console(request, do=do, given=given, wrong=wrong, status=422)
    except (Denied, NotFound, Conflict, Limit) as problem:
        return await _console(request, words=words_of(request, problem), status=problem.status)
    return await _console(request, do=do, answer=answer)


@SERVICE.shows
async def shown(ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
    """To officers, moves of the alarms of their own areas: an alarm's id names nobody."""
    if ctx.caller.kind != "officer" or not await law.standing_order(ctx):
        return ()
    agency = ctx.caller.agency
    duties = await ctx.db.sql.read(lambda tx: law.duties_of(tx, agency))
    moved = [one for one in events if one.topic == CHANGED]
    villages = await ctx.db.sql.read(
        lambda tx: {one.subject: alarm.village for one in moved if (alarm := records.alarm_by_id(tx, one.subject))}
    )
    return [one for one in moved if any(duty.covers(villages.get(one.subject, "")) for duty in duties)]


async def _console(
    request: FaceRequest,
    *,
    do: str = "",
    given: dict[str, Any] | None = None,
    answer: Any = None,
    words: str = "",
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    is_officer, closed, lists = request.caller.kind == "officer", "", dict[str, Any]()
    if is_officer:
        try:
            for name in LISTS:
                lists[name] = await request.call(f"fence.{name}", NOTHING)
        except Denied as problem:
            closed = words_of(request, problem)
    title, is_ready = DUTY[request.lang], len(lists) == len(LISTS)
    values = {
        **common(request), **lists, **(_shift(lists, request.lang) if is_ready else {}), "is_ready": is_ready,
        "closed": closed, "words": words, "errors": wrong, "acted": do, "do": do if answer is not None else "",
        "answer": answer, "given": given or {}, "causes": CAUSES, "now": request.now, "first": FIRST,
        "width": WIDTH, "height": HEIGHT, "scripts": ("fence-live.js",), "troubles": TROUBLES, "results": RESULTS,
        "standing": await request.call("fence.standing", NOTHING),
        "statistics": await request.call("fence.statistics", NOTHING),
        "crumbs": ({"title": TITLE[request.lang], "path": "/fence"}, {"title": title, "path": ""}),
    }  # fmt: skip
    return View("fence/duty.html", values, title=title, status=status, headers=PRIVATE)


def _shift(lists: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """How much waits in each list, the map, and which lists lie open."""
    enrolments, calls, appeals = lists["enrolments"], lists["call_list"], lists["appeals"]
    unproven = sum(count for name, count in enrolments.counts.items() if name != "verified")
    urgent, late = sum(one.is_urgent for one in calls.calls), any(one.is_late for one in appeals)
    waits = sum(lists["worklist"].waiting.values())
    shift = [
        ("work", "work", waits, "warn" if waits else ""),
        ("calls", "calls", calls.waiting, "warn" if urgent else ""),
        ("enrolments", "enrolments", unproven, ""),
        ("appeals", "appeals_wait", len(appeals), "warn" if late else ""),
    ]
    if enrolments.not_admitted:
        shift.insert(2, ("missing", "not_admitted", len(enrolments.not_admitted), "warn"))
    own = sum(one.is_yours for one in lists["worklist"].work)
    return {"shift": shift, "own": own, "unproven": unproven, "urgent": urgent, "late": late,
            "map": county_map(lists["counties"], lang)}  # fmt: skip
