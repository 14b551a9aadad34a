"""The page `/tracing/crowd`: where crowds stood in a quarter hour, and each handed over as the area of an alert."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from banyan.craft.tracing.gathering import Gathering
from banyan.errors import Denied, FieldError, Invalid
from banyan.kernel.catalogue import FaceRequest, View
from banyan.limits_tracing import TRACE_LEAST
from banyan.service.tracing.looking import Nothing
from banyan.service.tracing.map import HIGH, WIDE, frame_of, ground_of, marks, middle, shapes, where
from banyan.service.tracing.pages import DESK, PRIVATE, TITLE, seconds, words_of
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import MESSAGES

CROWD: Final = {"zh-Hant": "人潮與定向廣播", "en": "Crowds, and a broadcast to them"}


@SERVICE.page("GET", path="/tracing/crowd")
async def crowd_page(request: FaceRequest) -> View:
    """Officers of the order; the moment and the least number of phones stand in the address, nobody's do."""
    query = dict(request.query)
    given = {"at": query.get("at", "")[:16], "phones": query.get("phones", "100")[:7]}
    is_officer, found, closed = request.caller.kind == "officer", None, ""
    wrong: tuple[FieldError, ...] = ()
    if is_officer and given["at"]:
        try:
            found = await request.call("tracing.gatherings", _asked(given))
        except Denied as problem:
            closed = words_of(request, problem)
        except Invalid as problem:
            wrong = tuple(
                FieldError(one.field, MESSAGES.text(f"tracing.fix_{one.field}", request.lang)) for one in problem.fields
            )
    values: dict[str, Any] = {
        "is_officer": is_officer,
        "given": given,
        "closed": closed,
        "errors": wrong,
        "found": found,
        "standing": await request.call("tracing.standing", Nothing()),
        "wide": WIDE,
        "high": HIGH,
        "seconds": seconds,
        "crumbs": (
            {"title": TITLE[request.lang], "path": "/tracing"},
            {"title": DESK[request.lang], "path": "/tracing/desk"},
            {"title": CROWD[request.lang], "path": ""},
        ),
    }
    if found is not None and found.shapes:
        frame = frame_of(corner for one in found.shapes for corner in one.outline)
        values |= {"ground": ground_of(frame), "paths": shapes(found.shapes, frame)}
        values |= {"marks": marks(found.shapes, frame), "places": where([*map(middle, found.shapes)], request.lang)}
        values["handed"] = [_handed(one) for one in found.shapes]
    return View("tracing/crowd.html", values, title=CROWD[request.lang], status=422 if wrong else 200, headers=PRIVATE)


def _asked(given: dict[str, str]) -> dict[str, Any]:
    """Times are Taiwan's. Raises Invalid naming the box."""
    try:
        at = datetime.fromisoformat(f"{given['at']}:00+08:00")
    except ValueError:
        raise Invalid.at("at", "a moment such as 2020-01-31T09:00") from None
    if not given["phones"].isascii() or not given["phones"].isdigit() or int(given["phones"]) < TRACE_LEAST:
        raise Invalid.at("phones", f"{TRACE_LEAST} or more")
    return {"at": at, "phones": int(given["phones"])}


def _handed(one: Gathering) -> str:
    """The query with which the page of alerts takes this shape as a draft's area: latitude first, as its box has it."""
    return urlencode({"polygon": " ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in one.outline)})
