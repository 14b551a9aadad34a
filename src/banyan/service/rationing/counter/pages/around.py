"""What the counter's pages have in common: which outlet, who is let in, the words, and a key for each form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from banyan.errors import Denied, FieldError, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.counter.outlets import WORDS, Nothing, Outlet
from banyan.service.rationing.counter.saying import called

PATH: Final = "/rationing/counter"
PRIVATE: Final = (("Cache-Control", "no-store"),)
STYLES: Final = ("counter.css",)


class Seat(msgspec.Struct, frozen=True):
    """Where a pharmacist sits; `outlet` is None when her agency has none."""

    outlets: tuple[Outlet, ...]
    outlet: Outlet | None


def word(request: FaceRequest, key: str, **values: object) -> str:
    return WORDS.text(f"ration_counter.{key}", request.lang, **values)


async def seat_of(request: FaceRequest, code: str = "") -> Seat | None:
    """Her seat; None for who is no pharmacist. The outlet asked for, else the first: the operations judge again."""
    try:
        outlets: tuple[Outlet, ...] = await request.call("rationing.my_outlets", Nothing())
    except Denied:
        return None
    wanted = code or dict(request.query).get("outlet", "")
    chosen = next((one for one in outlets if one.code == wanted), None)
    return Seat(outlets, chosen or (outlets[0] if outlets and not wanted else None))


def page(
    request: FaceRequest, template: str, title: Mapping[str, str], seat: Seat | None, values: Mapping[str, Any]
) -> View:
    """A page of the counter, or the one that asks to sign in."""
    lang = request.lang
    if seat is None or seat.outlet is None:
        shown: dict[str, Any] = {"is_in": seat is not None, "styles": STYLES}
        status = 200 if request.caller.kind == "anonymous" else 403  # whoever may yet sign in is not refused
        return View("rationing/counter_closed.html", shown, title=title[lang], status=status, headers=PRIVATE)
    crumbs: tuple[dict[str, str], ...] = ({"title": title[lang], "path": ""},)
    if template != "rationing/counter.html":
        crumbs = (_way_back(request, seat, seat.outlet), *crumbs)
    whole = {
        "outlet": seat.outlet,
        "outlets": [(one.code, f"{one.name[lang]} ({one.code})") for one in seat.outlets],
        "called": {item: called(item, lang) for item in values.get("items", ())},
        "crumbs": crumbs,
        "styles": STYLES,
        "errors": (),
        **values,
    }
    status = int(whole.pop("status", 200))
    return View(template, whole, title=title[lang], status=status, headers=PRIVATE)


def _way_back(request: FaceRequest, seat: Seat, outlet: Outlet) -> dict[str, str]:
    """To the counter; of several outlets to this one's, called so: two links of one name lead to one place."""
    title = word(request, "title")
    if len(seat.outlets) == 1:
        return {"title": title, "path": PATH}
    return {"title": f"{title} {outlet.name[request.lang]}", "path": f"{PATH}?outlet={outlet.code}"}


def in_words(problem: Problem) -> Sequence[FieldError]:
    """What did not stand, field by field; what belongs to no field stands alone."""
    return problem.fields or (FieldError("", f"{problem.title} {problem.remedy}"),)
