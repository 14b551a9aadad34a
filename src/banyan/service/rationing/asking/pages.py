"""`/rationing`: what may I buy, and when? One page for a browser and for a public screen: nothing has to be typed."""

from __future__ import annotations

from typing import Any, Final

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.rationing.asking.in_force import ItemInForce, Nothing
from banyan.service.rationing.asking.operation import ADULT
from banyan.service.rationing.engine.operations import Question, Told
from banyan.service.rationing.engine.rulebook import KINDS, Kind
from banyan.service.rationing.service import SERVICE

TITLE: Final = {"zh-Hant": "實名制", "en": "Rationing"}
STYLES: Final = ("counter.css", "asking.css")


@SERVICE.page("GET", path="/rationing", title=TITLE, menu=2)
async def page(request: FaceRequest) -> View:
    """The question for the item asked (the first in force without one), and its answer once all is told. Raises
    NotFound for an item that no rule in force names."""
    asked = {"age": "", "digit": "", "kind": "", **dict(request.query)}
    items: tuple[ItemInForce, ...] = await request.call("rationing.in_force", Nothing())
    wanted = asked.get("item", "")
    item = next((one for one in items if one.item == wanted), None)
    if item is None and wanted:
        raise NotFound("No rule in force names this item.", remedy="Choose one of the items at /rationing.")
    item = item or (items[0] if items else None)
    values: dict[str, Any] = {
        "items": items,
        "item": item,
        "asked": asked,
        "kinds": KINDS,
        "is_person": request.caller.kind == "citizen",
        "told": await _told(request, item, asked) if item is not None else None,
        "crumbs": ({"title": TITLE[request.lang], "path": ""},),
        "styles": STYLES,
    }
    headers = (("Cache-Control", "no-store"),)
    return View("rationing/asking.html", values, title=TITLE[request.lang], headers=headers)


async def _told(request: FaceRequest, item: ItemInForce, asked: dict[str, str]) -> Told | None:
    """The answer; None while something is missing, or no choice of the page."""
    age, digit = asked["age"], asked["digit"]
    kind: Kind | None = next((one for one in KINDS if one == (asked["kind"] or KINDS[0])), None)
    is_whole = not item.ages or age in {str(one.least) for one in item.ages}
    is_whole = is_whole and (not item.asks_digit or digit in (*"0123456789", "none"))
    if not is_whole or kind is None:
        return None
    question = Question(
        int(age) if item.ages else ADULT, digit if digit.isdecimal() and item.asks_digit else "", item.item, kind
    )
    told: Told = await request.call("rationing.entitlement", question)
    return told
