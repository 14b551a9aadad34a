"""axe-core in Chromium: a page that holds it, and what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from tests.access import shown
from tests.make import missing

AXE: Final = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN: Final = """
tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations'], preload: false})
"""
"""`preload` fetches each style sheet and film again for rules that we do not ask and have no films for."""
MADE_OF: Final = "header => fetch(location.href).then(answer => answer.headers.get(header))"
WIDE: Final = {"width": 1280, "height": 900}
NARROW: Final = {"width": 320, "height": 640}

_made_of: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def opened(chromium: Any, scheme: str, **options: Any) -> Any:
    """A page that holds axe from its start."""
    if not AXE.exists():
        missing("npm ci was not run in web/")
    page = chromium.new_context(color_scheme=scheme, bypass_csp=True, **options).new_page()
    page.add_init_script(path=AXE)
    watch(page)
    return page


def watch(page: Any) -> None:
    """Remember what templates stand on the page."""
    made_of = _made_of[page] = set()

    def remember(response: Any) -> None:
        template = response.headers.get(shown.HEADER.lower(), "")
        if response.request.resource_type == "document":
            made_of.clear()
        if template:
            made_of.add(template)

    page.on("response", remember)


def wrong(page: Any, where: str) -> list[str]:
    """What axe finds on an open page, one line each."""
    if page not in _made_of:  # a tour's own page
        page.evaluate(AXE.read_text(encoding="utf-8"))
        shown.seen.update(filter(None, [page.evaluate(MADE_OF, shown.HEADER)]))
    found = page.evaluate(RUN, TAGS)["violations"]
    shown.seen.update(_made_of.get(page, ()))
    return [f"{where}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def wide(page: Any, where: str) -> list[str]:
    """Whether it is wider than a small screen; the screen is a desk's again afterwards."""
    page.set_viewport_size(NARROW)
    found = [f"{where} is wide"] if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"] else []
    page.set_viewport_size(WIDE)
    return found


def looked(page: Any, url: str, path: str) -> list[str]:
    """Go there: what axe finds, and whether it is wide."""
    page.goto(url + path, wait_until="domcontentloaded")
    return wrong(page, path) + wide(page, path)
