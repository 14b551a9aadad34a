"""Shipments, returns and corrections of an outlet: three plain forms."""

from __future__ import annotations

from typing import Any, Final

from banyan.errors import Conflict, Invalid, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, FormData, View
from banyan.service.rationing.counter.outlets import both
from banyan.service.rationing.counter.pages.around import PATH, Seat, in_words, page, seat_of, word
from banyan.service.rationing.counter.queueing import OutletOnly
from banyan.service.rationing.counter.saying import called
from banyan.service.rationing.counter.stocking import Standing
from banyan.service.rationing.counter.viewing import CounterView
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "進貨、退回與更正", "en": "Shipments, returns, corrections"}
ACTS: Final = {"deliver": "qty", "give_back": "qty", "correct": "delta"}
"""Operations of the forms, and the field of each that is a number."""
REASONS: Final = ("counted", "damaged", "sent_back", "found", "other")


@SERVICE.page("GET", path=f"{PATH}/goods")
async def ask(request: FaceRequest) -> View:
    return await _view(request, await seat_of(request))


@SERVICE.page("POST", path=f"{PATH}/goods", rate="write")
async def act(request: FaceRequest) -> View:
    """Note it; what stands now is said on the page."""
    form = await request.form()
    seat, do = await seat_of(request, form.get("outlet")), form.get("do")
    if seat is None or seat.outlet is None:
        return await _view(request, seat)
    if do not in ACTS:
        raise Invalid.at("do", "deliver, give_back or correct")
    try:
        done: Standing = await request.call(f"rationing.{do}", _asked(form, do, seat.outlet.code))
    except (Invalid, NotFound, Conflict) as problem:
        return await _view(request, seat, do=do, problem=problem, given=dict(form.fields))
    return await _view(request, seat, do=do, done=done)


def _asked(form: FormData, do: str, outlet: str) -> dict[str, Any]:
    number = ACTS[do]
    asked: dict[str, Any] = {
        "outlet": outlet,
        "item": form.get("item"),
        number: _whole(form, number),
        "terminal": form.get("terminal"),
        "counter": _whole(form, "counter"),
    }
    return asked | ({"reason": form.get("reason")} if do == "correct" else {})


def _whole(form: FormData, name: str) -> int:
    """Raises Invalid for what is no whole number."""
    text = form.get(name).strip()
    if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 16):
        raise Invalid.at(name, both("no_whole"))
    return int(text)


async def _view(
    request: FaceRequest,
    seat: Seat | None,
    *,
    do: str = "",
    done: Standing | None = None,
    problem: Problem | None = None,
    given: dict[str, str] | None = None,
) -> View:
    if seat is None or seat.outlet is None:
        return page(request, "rationing/counter_goods.html", TITLE, seat, {})
    found: CounterView = await request.call("rationing.counter", OutletOnly(seat.outlet.code))
    names = [one.item for one in found.items]
    values = {
        "view": found,
        "items": names,
        "choices": [(name, called(name, request.lang)) for name in names],
        "reasons": [(one, word(request, f"reason.{one}")) for one in REASONS],
        "do": do,
        "done": done,
        "given": given or {},
        "errors": in_words(problem) if problem else (),
        "status": problem.status if problem else 200,
    }
    return page(request, "rationing/counter_goods.html", TITLE, seat, values)
