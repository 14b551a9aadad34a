"""A day of the casualty look-up in headless Chromium; axe finds nothing at any stop, and nothing is too wide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.access.axe import AXE, wide, wrong
from tests.portal import browser
from tests.story.casualty_walk import drilled, walk
from tests.story.nation import live

pytestmark = pytest.mark.browser


def test_the_day_of_an_incident(tmp_path: Path) -> None:
    seen: list[str] = []
    faults: list[str] = []

    def take(name: str, page: Any) -> None:
        seen.append(name)
        assert page.locator("h1").count() == 1, name
        faults.extend(wide(page, name))
        if AXE.exists():
            faults.extend(wrong(page, name))

    with live(tmp_path / "data", drilled) as nation, browser() as chromium:
        walk(chromium, nation, take)
    assert faults == []
    assert len(seen) == len(set(seen)) == 13
