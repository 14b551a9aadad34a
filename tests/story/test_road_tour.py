"""Show 1 of issue 5, in headless Chromium and with clients that nobody here wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.portal import browser
from tests.story.road_nation import live_federation
from tests.story.road_walk import PEERS, walk

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not PEERS.exists(), reason="./banyan test makes .venv-peers first"),
]


def test_the_tour_of_the_road_between_agencies(tmp_path: Path) -> None:
    seen: list[str] = []
    folder = tmp_path / "receipts"
    folder.mkdir()

    def take(name: str, page: Any) -> None:
        seen.append(name)
        assert page.locator("h1").count() == 1, name

    with live_federation(tmp_path / "data") as nation, browser() as chromium:
        walk(chromium, nation, take, folder)
    assert len(seen) == len(set(seen)) == 6
