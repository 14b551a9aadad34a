"""The page of one outlet: everything known of it, and when it will be sold out as far as one can say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from banyan.errors import NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.supplies.model import Item
from banyan.service.supplies.operations import OutletAnswer, OutletQuery
from banyan.service.supplies.pages.asked import Asked
from banyan.service.supplies.pages.card import Card, Stands, card_of, seconds_of
from banyan.service.supplies.pages.listing import view_of
from banyan.service.supplies.pages.map import PATH, TITLE
from banyan.service.supplies.pages.picture import picture_of
from banyan.service.supplies.pages.speaking import spoken
from banyan.service.supplies.service import SERVICE

FORECAST = "sold_out_when"


@SERVICE.page("GET", path="/supplies/outlet/{code}")
async def outlet_page(request: FaceRequest) -> View:
    """The outlet with the asked item first. Raises NotFound for a code no register has."""
    items, asked = await view_of(request)
    code = request.params["code"]
    answer: OutletAnswer = await request.call("supplies.outlet", OutletQuery(code=code))
    cards = cards_of(answer, items, asked, request)
    forecasts = await asyncio.gather(*(forecast_of(request, code, card.item.id) for card in cards))
    outlet = answer.outlet
    area = Asked(item=asked.item, area=outlet.town_code)
    values = spoken(request.lang) | {
        "outlet": outlet,
        "cards": cards,
        "first": cards[0] if cards else None,
        "forecasts": dict(zip((card.item.id for card in cards), forecasts, strict=True)),
        "at": seconds_of,
        "picture": picture_of((), cards[:1], "", is_near=True),
        "area_path": area.address(PATH) if outlet.town_code else PATH,
        "styles": ("map.css", "supplies.css"),
        "scripts": ("supplies-ages.js",),
        "crumbs": ({"title": TITLE[request.lang], "path": PATH}, {"title": outlet.name, "path": ""}),
    }
    return View("supplies/outlet.html", values, title=outlet.name)


def cards_of(answer: OutletAnswer, items: Sequence[Item], asked: Asked, request: FaceRequest) -> list[Card]:
    """A card for each item the outlet was ever listed with, the asked one first."""
    by_id = {item.id: item for item in items}
    cards = [
        card_of(
            answer.outlet,
            by_id[stock.item],
            Stands(answer.open, answer.as_of[stock.item], answer.confidence[stock.item]),
            request.now,
        )
        for stock in answer.outlet.stocks
    ]
    return sorted(cards, key=lambda card: card.item.id != asked.item)


async def forecast_of(request: FaceRequest, code: str, item: str) -> Mapping[str, Any]:
    """When it will be sold out, as the forecast's operation says it; empty where the node has none."""
    if FORECAST not in SERVICE.operations:
        return {}
    try:
        answer = await request.call(f"supplies.{FORECAST}", {"code": code, "item": item})
    except NotFound:
        return {}
    except Problem as problem:
        return {"problem": problem.title}
    told: Mapping[str, Any] = msgspec.to_builtins(answer)
    return told
