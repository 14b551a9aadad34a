"""The day's sheet (日報表), on the screen and on paper."""

from __future__ import annotations

from typing import Final

from banyan.errors import Invalid
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.counter.pages.around import PATH, in_words, page, seat_of
from banyan.service.rationing.counter.sheet import DayQuery, Sheet
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "日報表", "en": "Day sheet"}


@SERVICE.page("GET", path=f"{PATH}/sheet")
async def sheet(request: FaceRequest) -> View:
    """Of today, or of the day asked for."""
    seat = await seat_of(request)
    if seat is None or seat.outlet is None:
        return page(request, "rationing/counter_sheet.html", TITLE, seat, {})
    code, day = seat.outlet.code, dict(request.query).get("day", "")
    errors: object = ()
    try:
        found: Sheet = await request.call("rationing.day_sheet", {"outlet": code, "day": day})
    except Invalid as problem:
        errors = in_words(problem)
        found = await request.call("rationing.day_sheet", DayQuery(code))
    values = {
        "sheet": found,
        "items": [row.item for row in found.rows],
        "errors": errors,
        "scripts": ("supplies-print.js",),
        "styles": ("counter.css",),
        "status": 422 if errors else 200,
    }
    return page(request, "rationing/counter_sheet.html", TITLE, seat, values)
