"""Show 1 of issue 7 on `./banyan up` as it is: every stop of the tour of powers under orders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.portal import browser
from tests.story.guard_walk import walk
from tests.story.travel_walk import live_visits

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_tour_of_powers_under_orders(tmp_path: Path) -> None:
    seen: list[str] = []

    def take(name: str, page: Any) -> None:
        seen.append(name)
        assert page.locator("h1").count() == 1, name

    with live_visits(tmp_path / "data") as nation, browser() as chromium:
        walk(chromium, nation, take, tmp_path)
    assert len(seen) == len(set(seen)) == 14
