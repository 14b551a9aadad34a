"""What an address of the map asks: item, area, position, amount. One form of it is canonical, so a link is the view."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec

from banyan.craft.place import parse_address
from banyan.kernel.catalogue import FaceRequest
from banyan.limits_supplies import SUPPLIES_FOUND_DEEPEST, SUPPLIES_RADIUS_M
from banyan.service.supplies.pages.finding import FindOutlets

PAGE = 50
"""Outlets of one page of the list."""
RADII_M = (500, 1_000, 2_000, 5_000, 10_000, 20_000)
LEAST = (1, 0, 10, 20, 50, 100)
"""What the form offers: some at all, everything, and amounts worth a way."""
PLACES = 5
"""Decimals of a position in an address: about a metre."""


class Asked(msgspec.Struct, frozen=True):
    """A view of the map. `area` is a county (5 digits) or a town (8); `q` a word in name or address."""

    item: str = ""
    area: str = ""
    q: str = ""
    lat: float | None = None
    lon: float | None = None
    radius: int = 0
    least: int = 1
    open: bool = False
    page: int = 1

    @property
    def has_position(self) -> bool:
        return self.lat is not None and self.lon is not None

    def finding(self, *, limit: int = PAGE, points: bool = False) -> FindOutlets:
        """The operation's request for this view."""
        return FindOutlets(
            item=self.item,
            town=self.area,
            q=self.q,
            lon=self.lon,
            lat=self.lat,
            radius=self.radius if self.has_position else 0,
            least=self.least,
            open=self.open,
            limit=limit,
            offset=(self.page - 1) * PAGE,
            points=points,
        )

    def pairs(self, **changes: object) -> list[tuple[str, str]]:
        """The parameters that say something, in a fixed order; `changes` replaces fields."""
        now = msgspec.structs.replace(self, **changes) if changes else self
        every = (
            ("item", now.item),
            ("area", now.area),
            ("q", now.q),
            ("lat", _degrees(now.lat)),
            ("lon", _degrees(now.lon)),
            ("radius", str(now.radius) if now.radius and now.has_position else ""),
            ("least", str(now.least) if now.least != 1 else ""),
            ("open", "1" if now.open else ""),
            ("page", str(now.page) if now.page > 1 else ""),
        )
        return [(name, value) for name, value in every if value]

    def address(self, path: str = "/supplies", **changes: object) -> str:
        """The canonical address of the view, and of one that differs by `changes`."""
        return with_query(path, self.pairs(**changes))


def with_query(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    query = urlencode(list(pairs))
    return f"{path}?{query}" if query else path


def asked_of(request: FaceRequest, items: Iterable[str]) -> Asked:
    """The view an address asks for. What cannot be meant is left out rather than refused: addresses are typed by
    people and cut by mail programs. A word that opens with a county or a town chooses it, and
    its road is looked for there."""
    given = {name: value.strip() for name, value in reversed(request.query)}
    known = list(items)
    item = given.get("item", "")
    area = _area(given)
    word = given.get("q", "")[:60]
    written = parse_address(word) if word else None
    if written is not None and written.county:
        area, word = written.town or written.county, written.road
    lat, lon = _number(given.get("lat", ""), 90), _number(given.get("lon", ""), 180)
    has_position = lat is not None and lon is not None
    return Asked(
        item=item if item in known else (known[0] if known else ""),
        area=area,
        q=word,
        lat=lat if has_position else None,
        lon=lon if has_position else None,
        radius=_whole(given.get("radius", ""), 0, most=SUPPLIES_RADIUS_M) if has_position else 0,
        least=_whole(given.get("least", ""), 1, most=1_000_000),
        open=given.get("open", "") in ("1", "true", "on"),
        page=max(1, _whole(given.get("page", ""), 1, most=SUPPLIES_FOUND_DEEPEST // PAGE)),
    )


def _area(given: dict[str, str]) -> str:
    """`area`; or from the form's two choosers a town, when it is of the county, else the county."""
    area, county, town = (given.get(name, "") for name in ("area", "county", "town"))
    if not (area or county):
        area = town
    if not area:
        area = town if town.startswith(county) and len(town) == 8 else county
    return area if area.isascii() and area.isdigit() and len(area) in (5, 8) else ""


def _whole(text: str, default: int, *, most: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 12 else default


def _number(text: str, most: float) -> float | None:
    """Degrees within ±`most`, rounded to about a metre; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return round(value, PLACES) if -most <= value <= most else None


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.{PLACES}f}".rstrip("0").rstrip(".")
