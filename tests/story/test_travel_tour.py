"""A visit with travel history on `./banyan up` as it is: every stop, and axe at each of our own pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.portal import browser
from tests.story.travel_walk import live_visits, walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_visit_with_travel_history(tmp_path: Path) -> None:
    seen: list[str] = []

    def take(name: str, page: Any) -> None:
        seen.append(name)
        assert page.locator("h1").count() == 1, name

    with live_visits(tmp_path / "data") as nation, browser() as chromium:
        walk(chromium, nation, take)
    assert len(seen) == len(set(seen)) == 8
