"""Reading a page: elements marked with data-outlet and its companions, schema.org Offers in JSON-LD or microdata.

    <li data-outlet="5901010004" data-item="mask-adult" data-available="0" data-reserved="120" data-status="reserved"
        data-as-of="2020-02-14T01:05:34Z"> … </li>

An empty attribute is "not known", which is not 0. The element's text tells whether age and doubt are said.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any, Final

import msgspec

from banyan.kit.claims import App, Claim
from banyan.kit.json_apps import number, whole
from banyan.kit.microdata import VOID, Things
from banyan.kit.schemaorg import offers

STALE_WORDS: Final = re.compile(
    r"\d+\s*個?\s*(小時|天|日|月|年)\s*多?前|昨天|超過\s*\d+\s*個?\s*(小時|分)|過時|過舊|太舊|舊資料|不是最新|逾時|"
    r"\d+\s*(hours?|days?|months?|years?|h|d)\s+(ago|old)|over (an|\d+) hours?|over \d+ min|"
    r"\bstale\b|out[ -]of[ -]date|outdated",
    re.IGNORECASE,
)
DOUBT_WORDS: Final = re.compile(
    r"位置可能|位置不準|地點可能|position may|location may|may be wrong|uncertain", re.IGNORECASE
)
LICENCE_WORDS: Final = re.compile(
    r"政府資料開放授權|OGDL|data\.gov\.tw/license|creativecommons\.org|CC[ -]BY|健康保險署|資料來源|Open Government",
    re.IGNORECASE,
)
_INTERVAL: Final = re.compile(r"setInterval\(\s*[^;]{0,200}?,\s*(\d{1,9})\s*\)")
_DEEPEST: Final = 256


class _Element:
    """An open element that is a claim, and its text so far."""

    def __init__(self, depth: int, line: int, values: dict[str, str]) -> None:
        self.depth, self.line, self.values = depth, line, values
        self.text: list[str] = []


class _Page(HTMLParser):
    """One pass over the page: marked elements, scripts of data, microdata, licence and refresh."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.claims: list[Claim] = []
        self.documents: list[str] = []
        self.things = Things()
        self.text: list[str] = []
        self.outside: list[str] = []
        """Text that stands in no outlet's element: what it says of age holds for all of them."""
        self.has_licence = False
        self.refresh_s: float | None = None
        self._depth = 0
        self._open: list[_Element] = []
        self._script = ""
        self._default: dict[str, str] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self._look(tag, values)
        self.things.start(tag, values)
        if "data-outlet" in values:
            self._open.append(_Element(self._depth, self.getpos()[0], values))
            if tag in VOID:
                self._close()
        if tag not in VOID:
            self._depth = min(self._depth + 1, _DEEPEST)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        self._script = ""
        self._depth = max(self._depth - 1, 0)
        self.things.end()
        while self._open and self._open[-1].depth >= self._depth:
            self._close()

    def handle_data(self, data: str) -> None:
        if self._script == "data":
            self.documents.append(data)
        elif self._script == "code":
            self._seen(min((int(found) / 1_000 for found in _INTERVAL.findall(data)), default=None))
        else:
            self.things.text(data)
            self.text.append(data)
            if not self._open:
                self.outside.append(data)
            for element in self._open:
                element.text.append(data)

    def close(self) -> None:
        super().close()
        while self._open:
            self._close()
        self.has_licence = self.has_licence or bool(LICENCE_WORDS.search(" ".join(self.text)))

    def _look(self, tag: str, values: dict[str, str]) -> None:
        """What the page says of itself: licence, refresh, and what holds for elements that do not say."""
        if "license" in values.get("rel", "").split():
            self.has_licence = True
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            seconds = values.get("content", "").partition(";")[0].strip()
            self._seen(number(seconds))
        self._seen(number(values.get("data-refresh", "")))
        if tag == "script":
            self._script = "data" if values.get("type", "").strip() == "application/ld+json" else "code"
        if "data-outlet" not in values:
            self._default |= {name: values[name] for name in ("data-as-of",) if values.get(name)}

    def _seen(self, seconds: float | None) -> None:
        if seconds is not None:
            self.refresh_s = seconds if self.refresh_s is None else min(self.refresh_s, seconds)

    def _close(self) -> None:
        element = self._open.pop()
        values, text = element.values, " ".join(element.text)
        self.claims.append(
            Claim(
                where=f"line {element.line}",
                code=values["data-outlet"],
                item=values.get("data-item", ""),
                available=whole(values.get("data-available")),
                reserved=whole(values.get("data-reserved")),
                count=whole(values.get("data-count")),
                status=values.get("data-status", ""),
                as_of=values.get("data-as-of") or self._default.get("data-as-of", ""),
                lon=number(values.get("data-lon", "")),
                lat=number(values.get("data-lat", "")),
                is_marked_stale="data-stale" in values
                or values.get("data-confidence", "") in ("low", "medium")
                or bool(STALE_WORDS.search(text)),
                is_marked_doubtful=values.get("data-confidence") == "low" or bool(DOUBT_WORDS.search(text)),
            )
        )


def read_html(text: str) -> App | None:
    """The app, or None when the page marks no outlet."""
    page = _Page()
    page.feed(text)
    page.close()
    is_stale = bool(STALE_WORDS.search(" ".join(page.outside)))
    claims = [msgspec.structs.replace(one, is_marked_stale=one.is_marked_stale or is_stale) for one in page.claims]
    for place, document in enumerate(page.documents):
        claims += offers(_decoded(document), f"JSON-LD #{place + 1}", is_stale=is_stale)
    claims += offers(page.things.found, "microdata", is_stale=is_stale)
    if not claims:
        return None
    return App(kind="html", claims=tuple(claims), has_licence=page.has_licence, refresh_s=page.refresh_s)


def _decoded(document: str) -> Any:
    try:
        return json.loads(document)
    except ValueError:
        return None
