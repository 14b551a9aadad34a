"""What every page with a list needs: the items, the list of a view, its cards, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.craft.place import town_names
from banyan.kernel.catalogue import FaceRequest
from banyan.service.supplies.model import Item
from banyan.service.supplies.operations import Everything, ItemView
from banyan.service.supplies.pages.areas import Areas, AreasQuery, Town, area_name, short_name
from banyan.service.supplies.pages.asked import Asked, asked_of
from banyan.service.supplies.pages.card import Card, Stands, card_of, seconds_of
from banyan.service.supplies.pages.finding import Found


class Choice(msgspec.Struct, frozen=True):
    """One item one may choose: its address keeps the rest of the view."""

    item: Item
    path: str
    is_chosen: bool


class Family(msgspec.Struct, frozen=True):
    """Sizes of one good side by side (成人口罩, 兒童口罩), or a single item."""

    choices: tuple[Choice, ...]


class Option(msgspec.Struct, frozen=True):
    """An entry of a chooser."""

    value: str
    title: str
    is_chosen: bool
    area: Town


class Listing(msgspec.Struct, frozen=True):
    """A view and its answer. `as_of_s` is 0 when nobody looked yet."""

    asked: Asked
    item: Item
    found: Found
    cards: tuple[Card, ...]
    as_of_s: float


async def items_of(request: FaceRequest) -> tuple[Item, ...]:
    """The items there are, in the order they are offered; empty before a register is followed."""
    views: tuple[ItemView, ...] = await request.call("supplies.items", Everything())
    return tuple(view.item for view in views)


async def listing_of(
    request: FaceRequest, items: Sequence[Item], asked: Asked, *, limit: int, points: bool = False
) -> Listing:
    """The list of a view. `items` is not empty, and `asked.item` is one of them."""
    found: Found = await request.call("supplies.find_outlets", asked.finding(limit=limit, points=points))
    item = next(one for one in items if one.id == found.item)
    first = 1 + asked.finding().offset
    cards = tuple(
        card_of(
            row.outlet,
            item,
            Stands(row.open, row.as_of, row.confidence, row.metres),
            request.now,
            number=first + place,
        )
        for place, row in enumerate(found.places)
    )
    return Listing(asked, item, found, cards, seconds_of(found.as_of))


async def view_of(request: FaceRequest) -> tuple[tuple[Item, ...], Asked]:
    """The items, and what the address asks."""
    items = await items_of(request)
    return items, asked_of(request, [item.id for item in items])


def families(items: Sequence[Item], asked: Asked, path: str) -> tuple[Family, ...]:
    """The items grouped by family, in their order."""
    groups: dict[str, list[Choice]] = {}
    for item in items:
        choice = Choice(item, asked.address(path, item=item.id, page=1), item.id == asked.item)
        groups.setdefault(item.family or item.id, []).append(choice)
    return tuple(Family(tuple(choices)) for choices in groups.values())


async def areas_of(request: FaceRequest, item: str) -> Areas:
    found: Areas = await request.call("supplies.areas", AreasQuery(item=item))
    return found


def county_options(areas: Areas, asked: Asked, lang: str) -> list[Option]:
    return [
        Option(area.code, area_name(area.code, lang) or area.county, area.code == asked.area[:5], area)
        for area in areas.counties
    ]


def town_options(areas: Areas, county: str, asked: Asked, lang: str) -> list[Option]:
    """The towns of a county; the chosen one too when no outlet is there, so that the form says what was asked."""
    towns = [area for area in areas.towns if area.code[:5] == county]
    is_missing = len(asked.area) > len(county) and all(area.code != asked.area for area in towns)
    if is_missing and area_name(asked.area, lang):
        towns.append(Town(asked.area, area_name(county, "zh-Hant"), town_names().get(asked.area, ""), 0, 0, 0))
    return [Option(area.code, short_name(area, lang), area.code == asked.area, area) for area in towns]
