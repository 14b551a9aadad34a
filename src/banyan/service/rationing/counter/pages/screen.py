"""The one screen at which a pharmacist sells: a plain form that a script makes faster, never one that needs it.

The form's hidden terminal and counter are new on each page, so a page that is sent twice sells once.
"""

from __future__ import annotations

from typing import Any, Final

from banyan.errors import Conflict, Invalid, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, FormData, View
from banyan.service.rationing.counter.outlets import both
from banyan.service.rationing.counter.pages.around import PATH, Seat, in_words, page, seat_of, word
from banyan.service.rationing.counter.queueing import OutletOnly
from banyan.service.rationing.counter.saying import called, unit
from banyan.service.rationing.counter.selling import Outcome
from banyan.service.rationing.counter.viewing import CounterView
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "實名制櫃檯", "en": "Rationing counter"}
TYPED: Final = ("item", "card", "proxy", "paper", "born", "plate_code")
SCRIPTS: Final = ("ration-counter.js",)


@SERVICE.page("GET", path=PATH, title=TITLE)
async def screen(request: FaceRequest) -> View:
    return await _view(request, await seat_of(request))


@SERVICE.page("POST", path=PATH, rate="bulk")
async def act(request: FaceRequest) -> View:
    """Sell, or call the next number; the answer stands on the page, and no number in any address."""
    form = await request.form()
    seat = await seat_of(request, form.get("outlet"))
    if seat is None or seat.outlet is None:
        return await _view(request, seat)
    try:
        if form.get("do") == "call":
            await request.call("rationing.call_number", OutletOnly(seat.outlet.code))
            return await _view(request, seat, item=form.get("item"))
        outcome: Outcome = await request.call("rationing.sell", _sale(form, seat.outlet.code))
    except (Invalid, NotFound, Conflict) as problem:
        return await _view(request, seat, item=form.get("item"), problem=problem)
    return await _view(request, seat, item=form.get("item"), outcome=outcome)


def _sale(form: FormData, outlet: str) -> dict[str, Any]:
    """Raises Invalid for numbers that are none."""
    asked: dict[str, Any] = {name: form.get(name).strip() for name in TYPED if form.get(name).strip()}
    asked |= {"outlet": outlet, "terminal": form.get("terminal"), "counter": _whole(form, "counter")}
    if not asked.get("card"):
        raise Invalid.at("card", both("no_card_number"))
    return asked | {"plate": _whole(form, "plate")}


def _whole(form: FormData, name: str) -> int:
    text = form.get(name).strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Invalid.at(name, both("no_number", number=text[:16]))
    return int(text)


async def _view(
    request: FaceRequest,
    seat: Seat | None,
    *,
    item: str = "",
    outcome: Outcome | None = None,
    problem: Problem | None = None,
) -> View:
    if seat is None or seat.outlet is None:
        return page(request, "rationing/counter.html", TITLE, seat, {})
    found: CounterView = await request.call("rationing.counter", OutletOnly(seat.outlet.code))
    lang, names = request.lang, [one.item for one in found.items]
    values = {
        "view": found,
        "items": names,
        "units": {name: unit(name, lang) for name in names},
        "chosen": item if item in names else (names[0] if names else ""),
        "outcome": outcome,
        "said": outcome.says[lang] if outcome else "",
        "sold_item": called(outcome.item, lang) if outcome else "",
        "errors": in_words(problem) if problem else (),
        "status": problem.status if problem else 200,
        "scripts": SCRIPTS,
        "page_lead": word(request, "lead"),
    }
    return page(request, "rationing/counter.html", TITLE, seat, values)
