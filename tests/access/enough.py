"""Of many pages those that are worth a full look, and what is asked of each page by reading it.

Most pages are made of the same template with other data in it. What axe and the ministry's scanner judge hangs on the
elements, their attributes and classes, and those that hold them: a *shape* is an element with its attributes' names,
its class, and its parent. `enough` takes the fewest pages, by and large, that show every template and every shape. A
page of a new template, or in another state (empty, full, an error), brings shapes of its own, so it is taken; one with
another row in its table is not. What may go wrong by data alone is asked of every page by `faults`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Final

EMPTY: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
TELLING: Final = frozenset(
    {"aria-current", "aria-hidden", "aria-live", "class", "method", "rel", "role", "scope", "type"}
)
"""Attributes whose value is part of the shape; of all others the name is."""
NAMED: Final = frozenset(
    {"a", "button", "h1", "h2", "h3", "h4", "h5", "h6", "label", "legend", "option", "summary", "th", "title"}
)
"""Elements that say nothing to anybody when they are empty."""
FILLED: Final = frozenset({"input", "select", "textarea"})
REFERRING: Final = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "headers", "list", "form")


class Element:
    """One element: its attributes, its parent, and whether anything in it can be read out."""

    __slots__ = ("attributes", "is_told", "parent", "tag")

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.is_told = bool(attributes.get("aria-label") or attributes.get("aria-labelledby"))

    @property
    def shape(self) -> str:
        if self.tag == "html":
            return "html"
        if self.tag == "script":
            return f"script {self.attributes.get('src', '').partition('?')[0]}"
        told = (f"{key}={value}" if key in TELLING else key for key, value in sorted(self.attributes.items()))
        above = self.parent
        return f"{above.tag}.{above.attributes.get('class', '')}>{self.tag} {' '.join(told)}" if above else self.tag


class Page(HTMLParser):
    """A page as it was sent, read once; `template` is what it was made of."""

    def __init__(self, html: str, template: str = "") -> None:
        super().__init__()
        self.template = template
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        made = Element(tag, attributes, self._open[-1] if self._open else None)
        self.elements.append(made)
        if tag == "img" and attributes.get("alt"):
            self._tell()
        if tag not in EMPTY:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        for place in reversed(range(len(self._open))):
            if self._open[place].tag == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._tell()

    def _tell(self) -> None:
        for one in self._open:
            one.is_told = True

    @property
    def shapes(self) -> set[str]:
        return {self.template, *(one.shape for one in self.elements)}

    def all(self, *tags: str) -> list[Element]:
        return [one for one in self.elements if one.tag in tags]


def enough(pages: Mapping[str, Page]) -> list[str]:
    """The addresses of pages that together show every template and shape: the one with most new ones first."""
    left = {address: page.shapes for address, page in pages.items()}
    chosen: list[str] = []
    while left:
        best = max(left, key=lambda address: len(left[address]))
        if not left[best]:
            break
        chosen.append(best)
        new = left.pop(best)
        for shapes in left.values():
            shapes.difference_update(new)
    return chosen


def faults(page: Page) -> list[str]:
    """What is wrong with a page on its face."""
    silent = [one for one in page.all(*NAMED) if not one.is_told and _is_read(one)]
    found = [f"<{one.tag}> {one.attributes} is empty" for one in silent if one.attributes.get("value") != ""]
    found += [f"<img> {one.attributes} has no alt" for one in page.all("img") if "alt" not in one.attributes]
    found += [
        f"<{one.tag}> is none of ours" for one in page.all("audio", "video", "iframe", "style", "font", "marquee")
    ]
    found += [f"{one.tag} has a style of its own" for one in page.elements if "style" in one.attributes]
    found += [f"{one.tag} has {key}" for one in page.elements for key in one.attributes if key.startswith("on")]
    found += [f"tabindex {one.attributes['tabindex']}" for one in page.elements if "tabindex" in one.attributes
              if one.attributes["tabindex"] not in ("0", "-1")]  # fmt: skip
    return found + _headings(page) + _ids(page) + _fields(page) + _once(page) + _undressed(page)


def _is_read(one: Element) -> bool:
    above: Element | None = one
    while above is not None:
        if "hidden" in above.attributes or above.attributes.get("aria-hidden") == "true" or above.tag == "template":
            return False
        above = above.parent
    return True


def _headings(page: Page) -> list[str]:
    levels = [int(one.tag[1]) for one in page.elements if re.fullmatch("h[1-6]", one.tag)]
    found = [] if levels.count(1) == 1 else [f"{levels.count(1)} <h1>"]
    return found + [f"<h{after}> after <h{before}>" for before, after in pairwise(levels)
                    if after > before + 1]  # fmt: skip


def _ids(page: Page) -> list[str]:
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    found = [f"id {one} stands twice" for one in set(ids) if ids.count(one) > 1]
    read = [one for one in page.elements if _is_read(one)]
    asked = [(key, name) for one in read for key in REFERRING for name in one.attributes.get(key, "").split()]
    links = [one.attributes.get("href", "") for one in page.all("a")]
    asked += [("href", link[1:]) for link in links if len(link) > 1 and link.startswith("#")]
    return found + [f"{key}={name} is nowhere" for key, name in asked if name not in ids]


def _fields(page: Page) -> list[str]:
    labelled = {one.attributes.get("for", "") for one in page.all("label")}
    found = []
    for one in page.all(*FILLED):
        is_asked = one.attributes.get("type") not in ("hidden", "submit")
        if is_asked and not one.is_told and one.attributes.get("id") not in labelled and not _is_in_label(one):
            found.append(f"<{one.tag}> {one.attributes} has no label")
    return found


def _is_in_label(one: Element) -> bool:
    above = one.parent
    while above is not None and above.tag != "label":
        above = above.parent
    return above is not None


def _once(page: Page) -> list[str]:
    counted = {tag: len(page.all(tag)) for tag in ("html", "head", "main", "body")}
    counted["title"] = sum(one.parent is not None and one.parent.tag == "head" for one in page.all("title"))
    return [f"{count} <{tag}>" for tag, count in counted.items() if count != 1]


@cache
def _sheets() -> dict[str, frozenset[str]]:
    """The classes that each of our stylesheets says something of."""
    folder = Path(__file__).parents[2] / "web" / "portal"
    bare = {
        one.name: re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", one.read_text(), flags=re.DOTALL) for one in folder.glob("*.css")
    }
    return {name: frozenset(re.findall(r"\.([a-zA-Z][\w-]*)", text)) for name, text in bare.items()}


def _undressed(page: Page) -> list[str]:
    """Classes that a stylesheet of ours tells about, where the page does not link that one: a map would be black."""
    linked = {one.attributes.get("href", "").rpartition("/")[2] for one in page.all("link")}
    dressed = {each for name in linked for each in _sheets().get(name, ())}
    asked = {each for one in page.elements for each in one.attributes.get("class", "").split()} - dressed
    return [f".{each} is told of in {name} only" for each in sorted(asked)
            for name, told in sorted(_sheets().items()) if each in told]  # fmt: skip
