"""Show 1 of issue 6 on `./banyan up` as it is: every stop of the ration's tour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.portal import browser
from tests.story.ration_nation import live_up
from tests.story.ration_walk import walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_tour_of_the_ration(tmp_path: Path) -> None:
    seen: list[str] = []

    def take(name: str, page: Any) -> None:
        seen.append(name)
        assert page.locator("h1").count() == 1, name

    with live_up(tmp_path / "data") as nation, browser() as chromium:
        walk(chromium, nation, take, tmp_path)
    assert len(seen) == len(set(seen)) >= 12
