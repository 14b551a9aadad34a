"""What an outlet announces, as a form: hours, numbers a day, its own words."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.errors import Conflict, Invalid, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.counter.announcing import Announcement, OutletQuery
from banyan.service.rationing.counter.outlets import both
from banyan.service.rationing.counter.pages.around import PATH, Seat, in_words, page, seat_of
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "公告與時段", "en": "Notice and hours"}
CLOCKS: Final = ("sale_from", "sale_until", "plate_from", "plate_until")


@SERVICE.page("GET", path=f"{PATH}/notice")
async def ask(request: FaceRequest) -> View:
    return await _view(request, await seat_of(request))


@SERVICE.page("POST", path=f"{PATH}/notice", rate="write")
async def announce(request: FaceRequest) -> View:
    form = await request.form()
    seat = await seat_of(request, form.get("outlet"))
    if seat is None or seat.outlet is None:
        return await _view(request, seat)
    given = {name: form.get(name).strip() for name in (*CLOCKS, "text")}
    plates = form.get("plates").strip() or "0"
    try:
        if not (plates.isascii() and plates.isdigit() and len(plates) < 7):
            raise Invalid.at("plates", both("no_whole"))
        asked = {"outlet": seat.outlet.code, "plates": int(plates), **given}
        await request.call("rationing.announce", asked)
    except (Invalid, Conflict) as problem:
        return await _view(request, seat, given={**given, "plates": plates}, problem=problem)
    return await _view(request, seat, is_done=True)


async def _view(
    request: FaceRequest,
    seat: Seat | None,
    *,
    given: dict[str, str] | None = None,
    is_done: bool = False,
    problem: Problem | None = None,
) -> View:
    if seat is None or seat.outlet is None:
        return page(request, "rationing/counter_notice.html", TITLE, seat, {})
    known: Announcement = await request.call("rationing.announced", OutletQuery(seat.outlet.code))
    values = {
        "given": given or {name: str(value) for name, value in msgspec.structs.asdict(known).items()},
        "is_done": is_done,
        "errors": in_words(problem) if problem else (),
        "status": problem.status if problem else 200,
    }
    return page(request, "rationing/counter_notice.html", TITLE, seat, values)
