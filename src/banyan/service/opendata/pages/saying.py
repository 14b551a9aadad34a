"""Small words that every page of open data uses: titles by language, breadcrumbs, one value of the query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from banyan.kernel.catalogue import FaceRequest
from banyan.service.opendata.pages.addresses import with_pairs


class Titled(Protocol):
    """An agency, a theme, a dataset: a title, and one in English when somebody wrote it."""

    @property
    def title(self) -> str: ...
    @property
    def title_en(self) -> str: ...


class Crumb(msgspec.Struct, frozen=True):
    title: str
    path: str = ""


class PageLink(msgspec.Struct, frozen=True):
    """One number of a pagination."""

    number: int
    path: str
    here: bool


def titled(thing: Titled, lang: str) -> str:
    """Its title in the reader's language; the Chinese one where there is no other."""
    return thing.title_en or thing.title if lang == "en" else thing.title


def one(request: FaceRequest, name: str, default: str = "") -> str:
    """The first value of a query parameter."""
    return next((value for key, value in request.query if key == name), default)


def whole(text: str, default: int, *, most: int) -> int:
    """A number from an address, within 1 and `most`; anything else is the default."""
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 12 else default


def page_links(here: int, last: int, address: Sequence[tuple[str, str]], path: str) -> list[PageLink | None]:
    """Numbers around this page, the first and the last; None where some are left out."""
    shown = sorted({1, last, *(number for number in range(here - 2, here + 3) if 1 <= number <= last)})
    links: list[PageLink | None] = []
    for place, number in enumerate(shown):
        if place and number - shown[place - 1] > 1:
            links.append(None)
        kept = [pair for pair in address if pair[0] != "page"]
        links.append(PageLink(number, with_pairs(path, [*kept, ("page", str(number))]), number == here))
    return links
