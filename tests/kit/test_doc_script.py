"""The page's JavaScript runs as it stands, in a browser and from another site's page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.kit.live import Live
from tests.kit.test_live import an_app
from tests.portal import browser, until
from tests.service.supplies.make import AT, a_tick

PAGE = Path(__file__).parents[2] / "docs/stock-map.md"


def script(base: str) -> str:
    (found,) = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "http://localhost:8000" in found
    return found.replace("http://localhost:8000", base) + "\nwindow.held = held; window.at = () => seq;\n"


@pytest.mark.browser
def test_the_stream_keeps_a_page_of_another_site_up_to_date() -> None:
    with Live() as node, an_app(b"<!doctype html><title>map</title>") as site, browser() as chromium:
        page = chromium.new_page()
        page.goto(site)
        page.add_script_tag(content=script(node.url), type="module")
        page.wait_for_function("window.at !== undefined")
        assert page.evaluate("held['mask-adult'].get('0145080011')") == 200
        assert page.evaluate("held['mask-adult'].get('5945010008')") is None, "not listed is not 0"
        node.commit(a_tick([("0145080011", 7, 1)], at=AT + 120))
        until(lambda: page.evaluate("held['mask-adult'].get('0145080011')") == 7)
        assert page.evaluate("at()") == node.seq
